//! The program `jotrack` as a user runs it: help, settings, exit codes, and what goes to which
//! stream.

mod analyze;
mod keys;
mod postgres;

use std::{fs, path::Path};

use jotrack_core::{Config, Engine, JobFilter, JobQuery, NewJob, PageRequest};
use jotrack_graphql::cli::demo::documents::{Document, Format};
use jotrack_tests::{
    c::repository,
    files, options,
    program::{Home, Running},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A word of the documents that no message may repeat.
const PRIVATE: &str = "Quillhaven";

const RESUME: &str = "\
# Mira Solberg

Bergen · mira@example.com

## Summary

Backend engineer at Quillhaven with six years of **Rust** and PostgreSQL.

## Work

- Ran 40 services on Kubernetes and cut the p99 latency by 40 percent.
- Wrote the billing engine in Rust with PostgreSQL and Docker.
";

const JD: &str = "\
# Backend Engineer

Lindenhof Robotics

## Required

- Rust and PostgreSQL, five years
- Kubernetes in production
- Terraform
";

#[tokio::test]
async fn every_command_explains_itself_with_examples() {
    let home = Home::new();
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["demo"],
        &["match"],
        &["analyze"],
        &["analyses"],
        &["cache"],
        &["cache", "stats"],
        &["cache", "purge"],
        &["schema"],
        &["doctor"],
        &["token"],
        &["token", "rotate"],
        &["keys"],
        &["keys", "set"],
        &["keys", "list"],
        &["keys", "delete"],
        &["keys", "status"],
        &["keys", "rotate"],
    ];

    for &command in commands {
        let help = home.run(&[command, &["--help"]].concat()).await.succeeded();
        assert!(help.contains("Usage: jotrack"), "{command:?}: {help}");
        assert!(
            help.contains("Examples:") || command == ["token"] || command == ["cache"],
            "{command:?}: {help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{command:?}: {help}");
    }
    let help = home.run(&["--help"]).await.succeeded();
    for told in [
        "serve",
        "demo",
        "match",
        "analyze",
        "analyses",
        "cache",
        "schema",
        "doctor",
        "token",
        "Exit codes:",
        "JOTRACK_",
        "--database",
        "--replica",
        "JOTRACK_DATABASE_URL_FILE",
    ] {
        assert!(help.contains(told), "{told}: {help}");
    }
    assert!(!help.contains("extract"), "the child's command is nobody's business: {help}");
    let version = home.run(&["--version"]).await.succeeded();
    assert_eq!(version.trim_end(), format!("jotrack {}", env!("CARGO_PKG_VERSION")));
    for wrong in [&["sing"][..], &["serve", "--loud"], &["match", "--resume", "a"], &["extract"]] {
        home.run(wrong).await.failed(2);
    }
    assert_eq!(files(&home.path("")), Vec::<std::path::PathBuf>::new(), "nothing is left behind");
}

#[tokio::test]
async fn schema_is_the_committed_one() {
    let printed = Home::new().run(&["schema"]).await.succeeded();

    assert_eq!(printed, fs::read_to_string(repository("graphql/schema.graphql")).unwrap());
}

#[tokio::test]
async fn match_tells_the_same_about_every_format() {
    let home = Home::new();
    let jd = home.write("job.txt", Document::parse(JD).write(Format::Txt).unwrap());
    let mut reports = Vec::new();
    for format in Format::ALL {
        let name = format!("cv.{}", format.extension());
        let resume = home.write(&name, Document::parse(RESUME).write(*format).unwrap());
        let args = ["match", "--resume", text(&resume), "--jd", text(&jd), "--json"];
        let ended = home.run(&args).await;
        assert_eq!(ended.stderr, "", "{format:?}");
        reports.push(serde_json::from_str::<Value>(&ended.succeeded()).unwrap());
    }

    for report in &reports {
        let overall = report["overall"].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&overall), "{report}");
        assert_eq!(report["overall"], reports[0]["overall"]);
        assert_eq!(report["skillPercentage"], 75, "{report}");
        assert!(["POOR", "GOOD", "EXCELLENT"].contains(&report["band"].as_str().unwrap()));
        assert!(report["resume"]["words"].as_u64().unwrap() > 20);
        let skill = |name: &str| {
            let skills = report["skills"].as_array().unwrap();
            skills.iter().find(|skill| skill["skill"] == name).unwrap()
        };
        assert!(skill("Rust")["resumeEvidence"].as_str().unwrap().contains("Rust"), "{report}");
        assert!(skill("Rust")["jdEvidence"].as_str().unwrap().contains("Rust"), "{report}");
        assert_eq!(skill("Terraform")["resumeEvidence"], Value::Null, "{report}");
        assert_eq!(skill("Terraform")["strength"], "NONE", "{report}");
    }
}

#[tokio::test]
async fn match_prints_score_and_skills_for_a_person() {
    let home = Home::new();
    let resume = home.write("cv.pdf", Document::parse(RESUME).write(Format::Pdf).unwrap());
    let jd = home.write("job.docx", Document::parse(JD).write(Format::Docx).unwrap());

    let ended = home.run(&["match", "--resume", text(&resume), "--jd", text(&jd)]).await;

    assert_eq!(ended.stderr, "");
    let printed = ended.succeeded();
    for told in ["cv.pdf", "job.docx", "of 100", "Technical", "3 of 4 asked for", "Matched"] {
        assert!(printed.contains(told), "{told}: {printed}");
    }
    let (matched, missing) = printed.split_once("Missing").unwrap();
    assert!(matched.contains("Rust") && matched.contains("PostgreSQL"), "{printed}");
    assert!(missing.contains("Terraform"), "{printed}");
    assert!(!printed.contains('\x1b'), "no colour in a pipe");
}

#[tokio::test]
async fn match_refuses_what_it_cannot_read_and_repeats_none_of_it() {
    let home = Home::new();
    let good = home.write("good.md", RESUME);
    let pdf = Document::parse(RESUME).write(Format::Pdf).unwrap();
    let cases = [
        ("missing.pdf", None, "there is no such file"),
        ("empty.txt", Some(Vec::new()), "the file is empty"),
        ("program.txt", Some([b"\x7fELF\0", PRIVATE.as_bytes()].concat()), "use PDF, DOCX"),
        ("page.html", Some(format!("<html>{PRIVATE}</html>").into_bytes()), "use PDF, DOCX"),
        ("secret.pdf", Some(encrypted(&pdf)), "the file is encrypted"),
        ("cut.docx", Some(cut_docx()), "the file is damaged"),
        ("blank.txt", Some(b" \n".repeat(50)), "holds no text"),
        ("utf16.txt", Some(b"\xff\xfe\0\xd8".to_vec()), ""),
    ];

    for (name, bytes, told) in cases {
        let path = match bytes {
            Some(bytes) => home.write(name, bytes),
            None => home.path(name),
        };
        for (option, resume, jd) in [("--resume", &path, &good), ("--jd", &good, &path)] {
            let ended = home.run(&["match", "--resume", text(resume), "--jd", text(jd)]).await;
            assert_eq!(ended.stdout, "", "{name}");
            let complaint = ended.failed(2);
            assert!(complaint.contains(told), "{name}: {complaint}");
            assert!(complaint.contains(option) && complaint.contains(name), "{name}: {complaint}");
            assert_eq!(complaint.lines().count(), 1, "{complaint}");
            assert!(!complaint.contains(PRIVATE), "{complaint}");
        }
    }
    let folder = text(&home.path("")).to_owned();
    home.run(&["match", "--resume", &folder, "--jd", text(&good)]).await.failed(2);
}

#[tokio::test]
async fn doctor_finds_and_repairs_a_damaged_read_model() {
    let home = Home::new();
    let dir = home.path("data");
    fill(&dir).await;
    let doctor =
        async |more: &[&str]| home.run(&[&["doctor", "--data", text(&dir)], more].concat()).await;

    let printed = doctor(&[]).await.succeeded();
    assert!(printed.contains("jobs checked: 1"), "{printed}");
    rusqlite::Connection::open(dir.join("jotrack.db"))
        .and_then(|db| {
            db.execute("UPDATE job_list SET title = 'Another', attachment_count = 9", ())
        })
        .unwrap();

    let found = doctor(&["--json"]).await;
    assert_eq!(found.code, Some(3), "{found:?}");
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((&report["healthy"], &report["repaired"]), (&false.into(), &false.into()));
    assert_eq!(report["readModel"]["differing"].as_array().unwrap().len(), 1);
    let printed = doctor(&[]).await;
    assert!(printed.stdout.contains("--repair"), "{printed:?}");
    let printed = doctor(&["--repair"]).await.succeeded();
    assert!(printed.contains("rebuilt"), "{printed}");
    doctor(&[]).await.succeeded();
}

#[tokio::test]
async fn doctor_tells_of_lost_files_and_damaged_databases_and_changes_neither() {
    let home = Home::new();
    let dir = home.path("data");
    fill(&dir).await;
    fs::remove_file(&files(&dir.join("blobs/sha256"))[0]).unwrap();

    let lost = home.run(&["doctor", "--repair", "--data", text(&dir)]).await;
    assert_eq!(lost.code, Some(3), "{lost:?}");
    assert!(lost.stdout.contains("is missing"), "{lost:?}");

    let database = dir.join("jotrack.db");
    let mut bytes = fs::read(&database).unwrap();
    let half = bytes.len() / 2;
    bytes[100..half].fill(0x5a);
    fs::write(&database, &bytes).unwrap();
    let damaged = home.run(&["doctor", "--repair", "--data", text(&dir)]).await;
    assert_eq!(damaged.code, Some(3), "{damaged:?}");
    assert!(damaged.stdout.contains("restore a backup"), "{damaged:?}");
    assert!(fs::read(&database).unwrap() == bytes, "a damaged database is left as it is");
}

#[tokio::test]
async fn doctor_makes_no_database_where_there_is_none() {
    let home = Home::new();

    let complaint = home.run(&["doctor", "--data", "nowhere"]).await.failed(2);

    assert!(complaint.contains("there is no database"), "{complaint}");
    assert!(!home.path("nowhere").exists());
}

#[tokio::test]
async fn server_answers_this_machine_only() {
    let home = Home::new();

    for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:0", "somewhere:80", "4000"] {
        let ended = home.run(&["serve", "--listen", address, "--data", "data"]).await;
        assert_eq!(ended.stdout, "", "{address}");
        let complaint = ended.failed(2);
        assert!(complaint.contains("--listen"), "{complaint}");
    }
    let complaint = home.run(&["serve", "--listen", "0.0.0.0:1"]).await.failed(2);
    assert!(complaint.contains("can be reached from other machines"), "{complaint}");
    assert!(!home.path("data").exists());
}

#[tokio::test]
async fn server_prints_a_link_serves_and_ends_when_it_is_told_to() {
    let home = Home::new();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    let mut server = Running::start(&mut command);

    let link = server.line().await.unwrap();
    let (address, token) = link.strip_prefix("http://").unwrap().split_once("/#token=").unwrap();
    let file = home.path("data/token");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), token);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(home.path("data")).unwrap().mode() & 0o777, 0o700);
    }
    let query = r#"{"query": "{ jobStats { total } }"}"#;
    let bearer = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    assert_eq!(http(address, "GET /health/ready", "", "").await.0, 200);
    assert_eq!(
        http(address, "POST /graphql", "Content-Type: application/json\r\n", query).await.0,
        401
    );
    let (status, answer) = http(address, "POST /graphql", &bearer, query).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#"{"data":{"jobStats":{"total":0}}"#), "{answer}");
    // A second one may not have the port.
    let complaint = home.run(&["serve", "--listen", address, "--data", "other"]).await.failed(1);
    assert!(complaint.contains("is in use"), "{complaint}");
    assert!(!home.path("other").exists(), "a server that cannot listen opens no data");

    server.terminate();
    let ended = server.end().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains(token), "the token is printed once: {ended:?}");
    home.run(&["doctor", "--data", "data"]).await.succeeded();
}

#[tokio::test]
async fn token_is_replaced_on_demand() {
    let home = Home::new();
    home.run(&["token", "rotate", "--data", "data"]).await.failed(2);
    let start = async || {
        let mut command = home.command(&["--listen", "127.0.0.1:0", "--data", "data"]);
        let mut server = Running::start(&mut command);
        let link = server.line().await.unwrap();
        server.terminate();
        server.end().await.succeeded();
        link.split_once("#token=").unwrap().1.to_owned()
    };

    let (first, same) = (start().await, start().await);
    let told = home.run(&["token", "rotate", "--data", "data"]).await.succeeded();
    let fresh = start().await;

    assert_eq!(first, same);
    assert_ne!(first, fresh);
    assert!(!told.contains(&fresh));
}

#[tokio::test]
async fn options_win_over_variables_and_variables_over_the_file() {
    let home = Home::new();
    let config = home.write("settings.toml", "data_dir = 'of-file'\n[limits]\nids = 3\n");
    let mut sources = [(false, false), (true, false), (true, true)].into_iter();

    for expected in ["of-file", "of-variable", "of-option"] {
        let (variable, option) = sources.next().unwrap();
        let mut command = home.command(&["doctor", "--config", text(&config)]);
        if variable {
            command.env("JOTRACK_DATA", "of-variable");
        }
        if option {
            command.args(["--data", "of-option"]);
        }
        // The complaint names the folder that was looked into.
        let complaint = Running::start(&mut command).end().await.failed(2);
        assert!(complaint.contains(&format!("{expected}/jotrack.db")), "{complaint}");
    }
}

#[tokio::test]
async fn settings_of_the_user_are_found_without_being_named() {
    let home = Home::new();
    let folder = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    fs::create_dir_all(home.path(folder).join("jotrack")).unwrap();
    home.write(&format!("{folder}/jotrack/config.toml"), "data_dir = '/nowhere/of-user'\n");

    let complaint = home.run(&["doctor"]).await.failed(2);

    assert!(complaint.contains("/nowhere/of-user/jotrack.db"), "{complaint}");
}

#[tokio::test]
async fn settings_that_mean_nothing_are_refused_by_name() {
    let home = Home::new();
    for (file, told) in [
        ("trahs_days = 1\n", "trahs_days"),
        ("[limits]\nfile_byte = 1\n", "limits.file_byte"),
        ("trash_days = 'ten'\n", "trash_days"),
        ("trash_days = = 1\n", "line 1"),
    ] {
        let config = home.write("settings.toml", file);
        let complaint = home.run(&["doctor", "--config", text(&config)]).await.failed(2);
        assert!(complaint.contains(told) && complaint.contains("settings.toml"), "{complaint}");
    }
    for (name, value) in [("JOTRACK_TRAHS_DAYS", "1"), ("JOTRACK_LIMITS_IDS", "many")] {
        let mut command = home.command(&["doctor"]);
        command.env(name, value);
        let complaint = Running::start(&mut command).end().await.failed(2);
        assert!(complaint.contains(name), "{complaint}");
    }
    let complaint = home.run(&["doctor", "--config", "none.toml"]).await.failed(2);
    assert!(complaint.contains("none.toml"), "{complaint}");
}

#[tokio::test]
async fn doctor_names_the_database_it_looked_at() {
    let home = Home::new();
    let dir = home.path("data");
    fill(&dir).await;

    let printed = home.run(&["doctor", "--data", text(&dir)]).await.succeeded();
    let other = ["doctor", "--database", "data/jotrack.db", "--data", text(&dir), "--json"];
    let report: Value = serde_json::from_str(&home.run(&other).await.succeeded()).unwrap();

    let first = printed.lines().next().unwrap();
    assert!(first.starts_with("SQLite 3.") && first.ends_with("data/jotrack.db"), "{printed}");
    assert_eq!(report["database"]["engine"], "sqlite");
    assert_eq!(report["database"]["name"], "data/jotrack.db");
    assert_eq!(report["database"]["replicas"], Value::Array(Vec::new()));
    assert_eq!(report["readModel"]["rows"], 1);
}

#[tokio::test]
async fn sample_is_filled_once() {
    let home = Home::new();
    let dir = home.path("sample");
    let fill = ["demo", "--fill-only", "--data", text(&dir)];
    let count = async || {
        let engine =
            Engine::open(Config { background: false, ..Config::in_dir(&dir) }).await.unwrap();
        let filter = JobFilter { archived: None, trashed: None, ..JobFilter::default() };
        let query = JobQuery { filter, page: PageRequest::first(200), ..JobQuery::default() };
        let jobs = engine.list_jobs(&query).await.unwrap().items;
        let documents: u32 = jobs.iter().map(|job| job.attachment_count).sum();
        assert!(engine.check().await.unwrap().is_healthy());
        engine.close().await.unwrap();
        (jobs.len(), documents)
    };

    home.run(&fill).await.succeeded();
    let once = count().await;
    let again = home.run(&fill).await;
    assert!(again.stderr.contains("already"), "{again:?}");
    assert_eq!(count().await, once);
    // Without its mark the folder is looked at job by job.
    fs::remove_file(dir.join("sample-data")).unwrap();
    home.run(&fill).await.succeeded();

    assert_eq!(count().await, once);
    assert!(once.0 > 20 && once.1 > 20, "{once:?}");
}

/// One job with one file.
async fn fill(dir: &Path) {
    let engine = Engine::open(Config { background: false, ..Config::in_dir(dir) }).await.unwrap();
    let job = engine.create_job(NewJob::new("Nightjar", "Engineer"), &options()).await.unwrap();
    let kind = jotrack_core::AttachmentKind::Resume;
    jotrack_tests::upload(&engine, job.value, kind, "cv.txt", RESUME.as_bytes()).await.unwrap();
    engine.close().await.unwrap();
}

/// Asks a server once and returns the status and everything else it said.
async fn http(address: &str, what: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The same file with keys in its trailer that the empty password does not open.
fn encrypted(pdf: &[u8]) -> Vec<u8> {
    let start = b"trailer\n<<";
    let at = pdf.windows(start.len()).rposition(|bytes| bytes == start).unwrap() + start.len();
    let key = "5a".repeat(32);
    let keys = format!(
        " /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{key}> /U <{key}> >> \
         /ID [ <0011> <0011> ]"
    );
    [&pdf[..at], keys.as_bytes(), &pdf[at..]].concat()
}

fn cut_docx() -> Vec<u8> {
    let docx = Document::parse(RESUME).write(Format::Docx).unwrap();
    docx[..docx.len() / 2].to_vec()
}
