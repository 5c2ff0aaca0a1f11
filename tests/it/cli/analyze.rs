//! `jotrack analyze`, `analyses` and `cache`: what goes to which stream, and how they end.

use std::time::Duration;

use jotrack_core::{AttachmentKind, Config, Engine, JobId, NewJob, Protocol};
use jotrack_tests::{
    files, options,
    program::{Home, Running},
    provider::{FaultServer, Reply, Script},
    upload,
};
use serde_json::{Value, json};

use super::{JD, RESUME, text};

/// The company of the job, and a word that no message may repeat.
const COMPANY: &str = "Lindenhof Robotics";

#[tokio::test]
async fn a_match_score_comes_in_plain_lines_and_costs_nothing_the_second_time() {
    let home = Home::new();
    let job = with_documents(&home).await.node_id();
    let ask = ["analyze", "--data", "data", "--job", &job, "--kind", "match-score"];

    let first = home.run(&[&ask[..], &["--watch"]].concat()).await;
    let lines: Vec<&str> = first.stderr.lines().collect();
    assert!(
        matches!(lines.as_slice(), [started, progress, done]
            if started.starts_with("started local jotrack-")
                && progress.starts_with("progress ") && progress.ends_with(" characters")
                && done.starts_with("done fresh 0 tokens 0 USD ") && done.ends_with('s')),
        "{first:?}"
    );
    let printed = first.succeeded();
    for told in [
        "Match score: Backend Engineer at Lindenhof Robotics\n",
        "of 100   ",
        "  Technical   ",
        "Matched   ",
        "Missing   Terraform\n",
        "Advice\n",
    ] {
        assert!(printed.contains(told), "{told:?}: {printed}");
    }
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(!printed.contains('\x1b'), "no colour in a pipe");

    let again = home.run(&[&ask[..], &["--watch"]].concat()).await;
    assert!(again.stderr.starts_with("done cache 0 tokens 0 USD "), "{again:?}");
    assert_eq!(again.stderr.lines().count(), 1, "{again:?}");
    let silent = home.run(&ask).await;
    assert_eq!(silent.stderr, "");
    assert_eq!(silent.succeeded(), again.succeeded());
}

#[tokio::test]
async fn json_is_one_object_and_the_list_and_the_cache_know_of_it() {
    let home = Home::new();
    let job = with_documents(&home).await;
    let (id, bare) = (job.node_id(), job.to_string());
    let ask = ["analyze", "--data", "data", "--job", &bare, "--kind", "match-score", "--json"];

    let none = home.run(&["analyses", "--data", "data", "--job", &id]).await.succeeded();
    let ended = home.run(&ask).await;
    assert_eq!(ended.stderr, "");
    let analysis: Value = serde_json::from_str(&ended.succeeded()).unwrap();
    let list = home.run(&["analyses", "--data", "data", "--job", &id]).await.succeeded();
    let json = home.run(&["analyses", "--data", "data", "--job", &id, "--json"]).await.succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    let stats = home.run(&["cache", "stats", "--data", "data", "--json"]).await.succeeded();
    let stats: Value = serde_json::from_str(&stats).unwrap();

    assert!(none.contains("jotrack analyze"), "{none}");
    assert_eq!(analysis["state"], "SUCCEEDED");
    assert_eq!(analysis["source"], "FRESH");
    assert_eq!(analysis["jobId"], id.as_str());
    assert!(analysis["result"]["matchScore"]["overallScore"].is_number(), "{analysis}");
    assert!(list.contains("match-score") && list.contains("0 tokens  0 USD"), "{list}");
    assert!(list.contains(analysis["id"].as_str().unwrap()), "{list}");
    assert_eq!(json, json!([analysis]));
    assert_eq!(stats[0]["kind"], "MATCH_SCORE");
    assert_eq!(stats[0]["entries"], 1);

    let purge = ["cache", "purge", "--data", "data", "--kind", "match-score"];
    let refused = home.run(&purge).await.failed(2);
    assert!(refused.contains("--yes"), "{refused}");
    let yes = home.run(&[&purge[..], &["--yes"]].concat()).await.succeeded();
    assert_eq!(yes, "Removed 1 kept answer\n");
    let empty = home.run(&["cache", "stats", "--data", "data"]).await.succeeded();
    assert_eq!(empty, "No answer is kept.\n");
}

#[tokio::test]
async fn wrong_requests_end_with_what_to_do_next() {
    let home = Home::new();
    let job = with_documents(&home).await.node_id();
    let bare = bare_job(&home).await.node_id();
    let unknown = "job_01980000000070008000000000000001";
    let company = ["--company", COMPANY, "--kind", "company-ecosystem"];
    for (args, code, told) in [
        (&["--job", "job_1", "--kind", "match-score"][..], 2, "--job takes an id"),
        (&["--job", unknown, "--kind", "match-score"], 2, "there is no job"),
        (&["--job", &bare, "--kind", "match-score"], 1, "an active résumé"),
        (&["--company", COMPANY, "--kind", "match-score"], 2, "match-score is about a job"),
        (&["--attachment", "att_1", "--kind", "document-normalize"], 2, "--attachment takes an id"),
        (&company, 2, "needs a model"),
        (&[&company[..], &["--provider", "openai"]].concat(), 2, "--model"),
        (
            &[&company[..], &["--provider", "openai", "--model", "m"]].concat(),
            2,
            "keys set openai --use",
        ),
        (&[&company[..], &["--model", "m"]].concat(), 2, "--model"),
        (&[&company[..], &["--param", "=x"]].concat(), 2, "NAME=VALUE"),
        (&["--job", &job, "--kind", "match-scores"], 2, "tip: a similar value exists"),
        (&["--job", &job, "--company", COMPANY, "--kind", "match-score"], 2, "cannot be used with"),
        (&["--kind", "match-score"], 2, "--job <ID>|--company <NAME>|--attachment <ID>"),
    ] {
        let ended = home.run(&[&["analyze", "--data", "data"], args].concat()).await;
        assert_eq!(ended.stdout, "", "{args:?}");
        let complaint = ended.failed(code);
        assert!(complaint.contains(told), "{args:?}: {complaint}");
    }
    for command in [
        &["analyze", "--data", "none", "--job", unknown, "--kind", "match-score"][..],
        &["analyses", "--data", "none", "--job", unknown],
        &["cache", "stats", "--data", "none"],
        &["cache", "purge", "--yes", "--data", "none"],
    ] {
        let complaint = home.run(command).await.failed(2);
        assert!(complaint.contains("there is no database at"), "{complaint}");
    }
    assert!(files(&home.path("none")).is_empty(), "looking makes nothing");
}

#[tokio::test]
async fn a_wrong_company_is_told_by_its_field_and_makes_no_call() {
    let home = Home::new();
    let server =
        FaultServer::start(Script::always(Reply::answer(Protocol::Chat, &answer().to_string())))
            .await;
    let settings = settings(&home, &server);
    let ask = ["analyze", "--config", &settings, "--data", "data", "--kind", "company-ecosystem"];
    bare_job(&home).await;
    let long = "x".repeat(10_000);
    for company in ["", "   ", "a\nb", &long] {
        let ended = home.run(&[&ask[..], &["--company", company]].concat()).await;
        assert_eq!(ended.stdout, "", "{company:.20}");
        let complaint = ended.failed(2);
        assert!(complaint.contains("company"), "{company:.20}: {complaint}");
        assert!(!complaint.contains("xxxxxxxxxxxxxxxx"));
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_answer_of_a_model_is_followed_as_it_comes() {
    let home = Home::new();
    let job = bare_job(&home).await.node_id();
    let reply = Reply::answer(Protocol::Chat, &answer().to_string()).pieces(64);
    let server = FaultServer::start(Script::always(reply.paced(Duration::from_millis(1)))).await;
    let settings = settings(&home, &server);
    let ask = ["analyze", "--config", &settings, "--data", "data", "--job", &job];

    let ended = home.run(&[&ask[..], &["--kind", "company-ecosystem", "--watch"]].concat()).await;

    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[0], "started openai-compatible tiny", "{ended:?}");
    let written = format!("progress {} characters", answer().to_string().chars().count());
    assert_eq!(lines[lines.len() - 2], written, "{ended:?}");
    assert!(lines[lines.len() - 1].starts_with("done fresh "), "{ended:?}");
    let printed = ended.succeeded();
    assert!(printed.contains("  - Ostwind Works\n    Category: COMPETITOR\n"), "{printed}");
    assert!(!printed.contains('\x1b') && printed.contains("a[2Jb"), "{printed}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn ctrl_c_cancels_the_analysis_and_its_call() {
    let home = Home::new();
    let job = bare_job(&home).await.node_id();
    let reply = Reply::answer(Protocol::Chat, &answer().to_string()).hang(600);
    let server = FaultServer::start(Script::always(reply)).await;
    let settings = settings(&home, &server);
    let ask = ["analyze", "--config", &settings, "--data", "data", "--job", &job];
    let ask = [&ask[..], &["--kind", "company-ecosystem", "--watch"]].concat();

    let running = Running::start(&mut home.command(&ask));
    server.until_sent(0, 1).await;
    running.interrupt();
    let ended = running.end().await;

    server.until_ended(0).await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.lines().last(), Some("cancelled"), "{ended:?}");
    let list = home.run(&["analyses", "--data", "data", "--job", &job]).await.succeeded();
    assert!(list.contains("company-ecosystem    cancelled"), "{list}");
    let stats = home.run(&["cache", "stats", "--data", "data"]).await.succeeded();
    assert_eq!(stats, "No answer is kept.\n");
}

#[tokio::test]
async fn a_failed_call_names_its_cause_and_keeps_nothing() {
    let home = Home::new();
    let job = bare_job(&home).await.node_id();
    let script = Script::always(Reply::error(Protocol::Chat, 401, "invalid_api_key"));
    let server = FaultServer::start(script).await;
    let settings = settings(&home, &server);
    let ask = ["analyze", "--config", &settings, "--data", "data", "--job", &job];
    let ask = [&ask[..], &["--kind", "company-ecosystem", "--watch"]].concat();

    let ended = home.run(&ask).await;

    assert_eq!(ended.stdout, "");
    let complaint = ended.failed(1);
    let lines: Vec<&str> = complaint.lines().collect();
    assert!(lines.contains(&"failed auth"), "{complaint}");
    assert!(lines.last().unwrap().starts_with("jotrack: "), "{complaint}");
    let list = home.run(&["analyses", "--data", "data", "--job", &job]).await.succeeded();
    assert!(list.contains("company-ecosystem    failed"), "{list}");
}

/// One job with both documents, in the folder `data`.
async fn with_documents(home: &Home) -> JobId {
    let engine = open(home).await;
    let new = NewJob::new(COMPANY, "Backend Engineer");
    let job = engine.create_job(new, &options()).await.unwrap().value;
    for (kind, name, bytes) in
        [(AttachmentKind::Resume, "cv.md", RESUME), (AttachmentKind::Jd, "job.md", JD)]
    {
        upload(&engine, job, kind, name, bytes.as_bytes()).await.unwrap();
    }
    engine.run_due_tasks().await.unwrap();
    engine.close().await.unwrap();
    job
}

async fn bare_job(home: &Home) -> JobId {
    let engine = open(home).await;
    let new = NewJob::new(COMPANY, "Intern");
    let job = engine.create_job(new, &options()).await.unwrap().value;
    engine.close().await.unwrap();
    job
}

async fn open(home: &Home) -> Engine {
    let config = Config { background: false, ..Config::in_dir(home.path("data")) };
    Engine::open(config).await.unwrap()
}

/// Settings that name a model server of this machine.
fn settings(home: &Home, server: &FaultServer) -> String {
    let file = format!(
        "[ai]\nprovider = 'OPENAI_COMPATIBLE'\nbase_url = '{}'\nmodel = 'tiny'\nretries = 0\n",
        server.url()
    );
    text(&home.write("settings.toml", file)).to_owned()
}

/// What a model says about a company; one field tries to clear the screen.
fn answer() -> Value {
    json!({ "companies": [{
        "name": "Ostwind Works", "category": "COMPETITOR", "relevanceScore": 0.9,
        "reason": "a\u{1b}[2Jb", "confidence": 0.8,
    }] })
}
