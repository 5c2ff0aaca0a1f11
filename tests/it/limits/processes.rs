//! Many callers in several processes at once.

use std::{fs::File, io::Write as _, path::Path};

use jotrack_core::{Config, DatabaseUrl, Engine, PostgresConfig, RequestKind, Window};
use jotrack_tests::{
    Data,
    program::{self, Running},
};
use tokio::{process::Command, task::JoinSet};

use super::{HOUR_MS, id};

/// The test below, as the harness names it.
const NAME: &str = "limits::processes::a_child_asks_when_it_is_told_to";
const URL: &str = "JOTRACK_TEST_CHILD_URL";
const DIRECT: &str = "JOTRACK_TEST_CHILD_DIRECT_URL";
/// Stands before what a child reports: the harness writes to the same pipe.
const ACK: &str = "ack ";
const PROCESSES: usize = 4;
const CALLERS: usize = 8;
/// Calls of each caller.
const CALLS: usize = 10;
const LIMIT: u32 = 100;

fn report(words: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("{ACK}{words}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

fn command(data: &Data, role: &str) -> Command {
    let mut command = program::player(NAME, role, data.dir.path());
    if let Some(database) = &data.database {
        command.env(URL, database.url()).env(DIRECT, database.direct_url());
    }
    command.arg("--test-threads=1");
    command
}

async fn open(stage: &Path) -> Engine {
    let mut config = Config { background: false, ..Config::in_dir(stage) };
    config.storage.shared = true;
    config.requests.local = true;
    config.requests.in_database = true;
    config.requests.writes = Some(LIMIT);
    config.requests.window_ms = HOUR_MS;
    if let Ok(url) = std::env::var(URL) {
        let direct_url = std::env::var(DIRECT).ok().map(DatabaseUrl::new);
        config.postgres = Some(PostgresConfig { direct_url, ..PostgresConfig::at(url) });
    }
    Engine::open(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_asks_when_it_is_told_to() {
    let Some((role, stage)) = program::role() else {
        assert!(std::env::var_os(URL).is_none());
        return;
    };
    println!();
    let engine = open(&stage).await;
    report("ready");
    // The parent holds the lock until all of them are ready.
    File::open(stage.join("go")).unwrap().lock_shared().unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (engine, role) = (engine.clone(), role.clone());
        callers.spawn(async move {
            let window = Window { limit: Some(LIMIT), span_ms: HOUR_MS };
            let quota = engine.quota("shared", window).unwrap();
            let mut admitted = 0;
            for _ in 0..CALLS {
                let is_admitted = if role == "calls" {
                    quota.take(id(), Some(60_000)).await.unwrap().is_admitted()
                } else {
                    engine.take_request(RequestKind::Write).await.is_ok()
                };
                admitted += u32::from(is_admitted);
            }
            admitted
        });
    }
    let admitted: u32 = callers.join_all().await.iter().sum();
    report(&admitted.to_string());
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_together_never_go_over_a_limit() {
    for role in ["calls", "requests"] {
        let data = Data::new().await;
        // The first one makes the tables.
        data.open().await.close().await.unwrap();
        let go = File::create(data.dir.path().join("go")).unwrap();
        go.lock().unwrap();
        let mut children: Vec<_> =
            (0..PROCESSES).map(|_| Running::start(&mut command(&data, role))).collect();
        for child in &mut children {
            assert_eq!(child.line_after(ACK).await.as_deref(), Some("ready"));
        }
        drop(go);

        let mut admitted = Vec::new();
        for mut child in children {
            let line = child.line_after(ACK).await.expect("a count");
            admitted.push(line.parse::<u32>().unwrap());
            child.end().await.succeeded();
        }

        println!("{role}: {admitted:?} of {} were let in", PROCESSES * CALLERS * CALLS);
        assert_eq!(admitted.iter().sum::<u32>(), LIMIT, "{role}: {admitted:?}");
    }
}
