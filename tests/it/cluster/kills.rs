//! Kill -9 of everything a write goes through: nothing that was acknowledged is lost, nothing is
//! there twice.

use std::{sync::Arc, time::Instant};

use jotrack_core::random_bytes;
use jotrack_tests::services::{self, Postgres};
use tokio::task::spawn_blocking;

use super::{Pooled, Writers, assert_nothing_is_lost, child, open, titles};

/// Kills in this module, in all: of backends, servers, poolers and processes.
const BACKENDS: u32 = 20;
const SERVERS: u32 = 5;
const POOLERS: u32 = 5;
const PROCESSES: u32 = 20;
/// Writes between two kills, at most.
const BETWEEN: u64 = 40;

fn up_to(most: u64) -> usize {
    let random = u64::from_be_bytes(random_bytes::<8>().unwrap());
    usize::try_from(1 + random % most).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_backends_and_servers_are_killed() {
    if !services::require() {
        return;
    }
    let (dir, started) = (tempfile::tempdir().unwrap(), Instant::now());
    let postgres = Arc::new(spawn_blocking(Postgres::start).await.unwrap());
    let database = postgres.database().await;
    let engine = open(dir.path(), database.config()).await;
    let writers = Writers::default();
    let running = writers.begin(&engine);

    for kill in 0..BACKENDS + SERVERS {
        writers.more(up_to(BETWEEN)).await;
        let victim = if kill % 5 == 4 { None } else { Some(backend(&database).await) };
        let postgres = Arc::clone(&postgres);
        spawn_blocking(move || match victim {
            Some(pid) => postgres.kill_backend(pid),
            None => {
                postgres.kill();
                postgres.restart();
            }
        })
        .await
        .unwrap();
    }

    writers.end(&engine, running).await;
    println!(
        "{BACKENDS} backends and {SERVERS} servers killed, {} writes acknowledged, {:.1} s; met: {:?}",
        writers.count(),
        started.elapsed().as_secs_f64(),
        writers.errors.lock().unwrap()
    );
    engine.close().await.unwrap();
}

/// Returns a backend that serves the engine.
async fn backend(database: &services::Database) -> u32 {
    let client = database.connect().await;
    let sql = "SELECT pid FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND application_name = 'jotrack'
               ORDER BY random() LIMIT 1";
    loop {
        if let Some(row) = client.query(sql, &[]).await.unwrap().first() {
            return u32::try_from(row.get::<_, i32>(0)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_poolers_are_killed() {
    let Some(postgres) = services::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let pooled = Pooled::start(&postgres).await;
    let engine = open(dir.path(), pooled.config.clone()).await;
    let writers = Writers::default();
    let running = writers.begin(&engine);

    for _ in 0..POOLERS {
        writers.more(up_to(BETWEEN)).await;
        let pooler = Arc::clone(&pooled.pooler);
        spawn_blocking(move || {
            pooler.kill();
            pooler.restart();
        })
        .await
        .unwrap();
    }

    writers.end(&engine, running).await;
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_processes_are_killed_in_the_middle() {
    let Some(postgres) = services::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let database = postgres.database().await;
    let mut told = Vec::new();

    for kill in 0..PROCESSES {
        let stage = dir.path().join(format!("p{kill}"));
        std::fs::create_dir(&stage).unwrap();
        let mut process = child::start(&database.url(), &stage);
        for _ in 0..up_to(BETWEEN) {
            told.push(child::next(&mut process).await.expect("a child that runs"));
        }
        process.kill();
        while let Some(report) = child::next(&mut process).await {
            told.push(report);
        }
    }

    let engine = open(&dir.path().join("data"), database.config()).await;
    let found = titles(&engine).await;
    for (title, id) in &told {
        assert_eq!(found.get(title).map(ToString::to_string).as_ref(), Some(id), "{title}");
    }
    assert!(told.len() >= PROCESSES as usize, "{}", told.len());
    assert_nothing_is_lost(&engine, &Writers::default()).await;
    engine.close().await.unwrap();
}
