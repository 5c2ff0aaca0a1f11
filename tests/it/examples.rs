//! Examples that do more than the C tests compile: the Rust program, the terminal program in C, and
//! the GraphQL documents that are also the playground's tabs.

use std::{collections::BTreeMap, fs, path::PathBuf};

use futures_util::StreamExt;
use jotrack_core::{Config, Engine, JobQuery, NewJob, PageRequest, Protocol};
use jotrack_graphql::{
    cli::demo,
    schema::{Caller, Executor, GraphqlRequest, OperationKind},
};
use jotrack_tests::{
    c::{Workbench, repository, tool},
    options,
    program::{self, Running},
    provider::{COMPANIES, FaultServer, Reply, Script},
};
use serde_json::{Map, Value, json};

#[test]
fn embedding_program_does_what_it_says() {
    let printed = tool(&mut std::process::Command::new(program::example("embed")));

    for told in [
        " of 100  Backend Engineer at Lindenhof Robotics, APPLIED",
        " of 100  Data Engineer at Fjordline, ON_RADAR",
        "found    Rust",
        "missing  GraphQL",
        ": JOB CREATED",
        ": STATUS_CHANGE CREATED",
    ] {
        assert!(printed.contains(told), "{told}: {printed}");
    }
}

#[tokio::test]
async fn terminal_program_lists_adds_attaches_and_analyses() {
    let bench = Workbench::new();
    let shell = bench.compile_c("c99", &[repository("examples/c/jotrack_shell.c")]);
    let data = bench.path("data").into_os_string().into_string().unwrap();
    let (resume, posting) = (bench.path("cv.txt"), bench.path("posting.txt"));
    fs::write(&resume, "Mara Lindqvist\nEight years of Rust, PostgreSQL and Docker.\n").unwrap();
    fs::write(&posting, "Requirements: Rust and PostgreSQL are required. Nice: Python.\n").unwrap();
    let (resume, posting) = (resume.to_str().unwrap(), posting.to_str().unwrap());
    let run = |args: &[&str]| bench.run(&shell, &[&[&*data][..], args].concat());

    let job = run(&["add", "Fjordline", "Engineer"]);
    let job = job.trim_end();
    run(&["attach", job, "resume", resume]);
    run(&["attach", job, "jd", posting]);
    let analysis: Value = serde_json::from_str(&run(&["analyse", job, "MATCH_SCORE"])).unwrap();
    let list = run(&["list", "Engineer"]);

    assert_eq!(analysis["state"], "SUCCEEDED", "{analysis}");
    let score = analysis["result"]["matchScore"]["overallScore"].as_f64().unwrap();
    assert_eq!(list, format!("{job}  on radar   Engineer, Fjordline  [2 files]  {score:.0} %\n"));
    let refused = bench.output(&shell, &[&*data, "add", "", "Engineer"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("add: VALIDATION: "));
    assert_eq!(bench.output(&shell, &[&*data, "attach", job, "x", resume]).status.code(), Some(2));

    // Ctrl-C, while the provider answers and does not come to an end.
    let reply = Reply::answer(Protocol::Chat, COMPANIES).hang(300);
    let server = FaultServer::start(Script::always(reply)).await;
    let ai = json!({"provider": "OPENAI_COMPATIBLE", "model": "m", "base_url": server.url()});
    let settings = json!({ "ai": ai }).to_string();
    let mut command = tokio::process::Command::new(&shell);
    command.args(["-c", &*settings, &*data, "analyse", job, "COMPANY_ECOSYSTEM"]);
    let running = Running::start(&mut command);
    server.until_sent(0, 1).await;
    running.interrupt();
    let ended = running.end().await;

    server.until_ended(0).await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(ended.stdout, "");
    let (_, last) = ended.stderr.trim_end().rsplit_once('\n').unwrap();
    assert!(last.starts_with("CANCELLED: "), "{ended:?}");
    assert!(!ended.stderr.contains('\x1b'), "the line lives in a terminal only: {ended:?}");
}

#[tokio::test]
async fn every_document_runs_on_the_sample() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        background: false,
        extractor: Some(program::jotrack().to_owned()),
        ..Config::in_dir(dir.path())
    };
    demo::fill(&config, |_, _| {}).await.unwrap();
    let engine = Engine::open(config).await.unwrap();
    let documents = documents();
    assert!(documents.len() >= 8, "{:?}", documents.keys());

    let executor = Executor::new(engine.config().limits.clone());
    for (name, (document, variables)) in documents {
        let request = GraphqlRequest {
            query: document,
            variables: filled_in(&engine, variables).await,
            ..GraphqlRequest::default()
        };
        let prepared = executor.prepare(&request).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let caller = Caller { engine: engine.clone(), downloads: None };
        let data = if prepared.kind() == OperationKind::Subscription {
            let mut events = executor.subscribe(caller, prepared, request);
            let change = async {
                let job = NewJob::new("Nightjar", "Archivist");
                engine.create_job(job, &options()).await.unwrap();
            };
            let (event, ()) = tokio::join!(events.next(), change);
            serde_json::to_value(event.unwrap()).unwrap()
        } else {
            serde_json::to_value(executor.execute(&caller, prepared, request).await).unwrap()
        };
        assert_eq!(data["errors"], Value::Null, "{name}: {data}");
        assert_shows_something(&name, &data["data"]);
    }
    assert!(engine.check().await.unwrap().is_healthy());
}

/// Every example must show what it is about: an object for each of its root fields, with rows where
/// it asks for rows, and user errors only where it provokes one.
fn assert_shows_something(name: &str, data: &Value) {
    for (field, answer) in data.as_object().unwrap() {
        for rows in ["nodes", "edges", "jobs", "changes"] {
            let empty =
                answer.get(rows).is_some_and(|rows| rows.as_array().is_none_or(Vec::is_empty));
            assert!(!empty, "{name}: {field} has no {rows}: {answer}");
        }
        let refused = answer["userErrors"].as_array().is_some_and(|errors| !errors.is_empty());
        assert_eq!(refused, field == "tooEarly", "{name}: {field}: {answer}");
    }
}

/// The documents with their variables, by name.
fn documents() -> BTreeMap<String, (String, String)> {
    let paths = fs::read_dir(repository("examples/graphql")).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|end| end == "graphql"));
    documents
        .map(|path: PathBuf| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let variables = fs::read_to_string(path.with_extension("variables.json")).unwrap();
            (name, (fs::read_to_string(path).unwrap(), variables))
        })
        .collect()
}

/// Puts the newest jobs where the variables say `JOB_1`, `JOB_2`, …, as the playground does.
async fn filled_in(engine: &Engine, variables: String) -> Map<String, Value> {
    let query = JobQuery { page: PageRequest::first(3), ..JobQuery::default() };
    let jobs = engine.list_jobs(&query).await.unwrap().items;
    let filled = jobs.iter().enumerate().fold(variables, |text, (n, job)| {
        text.replace(&format!("JOB_{}", n + 1), &job.id.node_id())
    });
    assert!(!filled.contains("JOB_"), "{filled}");
    serde_json::from_str(&filled).unwrap()
}
