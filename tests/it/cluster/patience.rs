//! Statements that take too long, and callers that leave.

use std::time::Duration;

use jotrack_core::{Engine, Error, JobQuery, NewJob, PostgresConfig};
use jotrack_tests::{
    options,
    program::PATIENCE,
    services::{self, Database},
};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::{Pooled, open};

const LOCK: &str = "BEGIN; LOCK TABLE job_list IN ACCESS EXCLUSIVE MODE";
/// Backends of the engine that wait for the lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'jotrack'
                           AND wait_event_type = 'Lock'";

async fn waiting(client: &Client, wanted: i64) {
    let asking = async {
        while client.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("waiting backends in time");
}

fn reading(engine: &Engine) -> JoinHandle<()> {
    let engine = engine.clone();
    tokio::spawn(async move { drop(engine.list_jobs(&JobQuery::default()).await) })
}

/// Lets a caller leave while its read waits for a lock; returns who holds it, and a watcher.
async fn leave_a_blocked_read(engine: &Engine, database: &Database) -> (Client, Client) {
    let (blocker, watcher) = (database.connect().await, database.connect().await);
    blocker.batch_execute(LOCK).await.unwrap();
    let caller = reading(engine);
    waiting(&watcher, 1).await;
    caller.abort();
    (blocker, watcher)
}

#[tokio::test]
async fn a_read_and_a_write_that_take_too_long_end_and_nothing_waits_on_the_server() {
    let Some(postgres) = services::shared() else { return };
    let (dir, database) = (tempfile::tempdir().unwrap(), postgres.database().await);
    let config =
        PostgresConfig { read_deadline_ms: 100, write_deadline_ms: 100, ..database.config() };
    let engine = open(dir.path(), config).await;
    let (blocker, watcher) = (database.connect().await, database.connect().await);
    blocker.batch_execute(LOCK).await.unwrap();

    let read = engine.list_jobs(&JobQuery::default()).await;
    let write = engine.create_job(NewJob::new("Acme", "A"), &options()).await;

    assert!(matches!(read, Err(Error::Timeout { .. })), "{read:?}");
    assert!(matches!(write, Err(Error::Timeout { .. } | Error::Unavailable { .. })), "{write:?}");
    waiting(&watcher, 0).await;
    blocker.batch_execute("COMMIT").await.unwrap();
    assert!(engine.list_jobs(&JobQuery::default()).await.unwrap().items.is_empty());
    engine.create_job(NewJob::new("Acme", "A"), &options()).await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_statement_is_cancelled_when_its_caller_leaves() {
    let Some(postgres) = services::shared() else { return };
    let (dir, database) = (tempfile::tempdir().unwrap(), postgres.database().await);
    let engine = open(dir.path(), database.config()).await;
    let (blocker, watcher) = leave_a_blocked_read(&engine, &database).await;

    // Far sooner than the deadline of reads, which would end it too.
    tokio::time::timeout(Duration::from_secs(4), waiting(&watcher, 0)).await.unwrap();
    blocker.batch_execute("COMMIT").await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_write_happens_although_its_caller_left() {
    let Some(postgres) = services::shared() else { return };
    let (dir, database) = (tempfile::tempdir().unwrap(), postgres.database().await);
    let engine = open(dir.path(), database.config()).await;
    let (blocker, watcher) = (database.connect().await, database.connect().await);
    blocker.batch_execute(LOCK).await.unwrap();
    let caller = {
        let engine = engine.clone();
        tokio::spawn(async move {
            engine.create_job(NewJob::new("Acme", "A"), &options()).await.map(|_| ())
        })
    };
    waiting(&watcher, 1).await;

    caller.abort();
    blocker.batch_execute("COMMIT").await.unwrap();

    while engine.list_jobs(&JobQuery::default()).await.unwrap().items.is_empty() {
        tokio::task::yield_now().await;
    }
    engine.close().await.unwrap();
}

#[tokio::test]
async fn more_callers_than_connections_wait_and_too_many_are_told_that_it_is_busy() {
    let Some(postgres) = services::shared() else { return };
    let (dir, database) = (tempfile::tempdir().unwrap(), postgres.database().await);
    let config = jotrack_core::Config {
        postgres: Some(PostgresConfig { pool: 2, ..database.config() }),
        background: false,
        storage: jotrack_core::StorageConfig { busy_ms: 2_000, ..Default::default() },
        ..jotrack_core::Config::in_dir(dir.path())
    };
    let engine = jotrack_core::Engine::open(config).await.unwrap();
    let all = JobQuery::default();
    let many = (0..50).map(|_| engine.list_jobs(&all));
    for answer in futures_util::future::join_all(many).await {
        answer.unwrap();
    }
    let key = |n: i32| jotrack_tests::key(&n.to_string());
    let keyed = (0..20).map(|n| {
        let (engine, key) = (engine.clone(), key(n));
        async move { engine.create_job(NewJob::new("Acme", n.to_string()), &key).await }
    });
    for answer in futures_util::future::join_all(keyed).await {
        answer.unwrap();
    }

    let held = [engine.snapshot().await.unwrap(), engine.snapshot().await.unwrap()];
    for snapshot in &held {
        snapshot.list_jobs(&JobQuery::default()).await.unwrap();
    }
    let refused = engine.list_jobs(&JobQuery::default()).await;
    assert_eq!(refused.unwrap_err().code(), jotrack_core::ErrorCode::Busy);

    drop(held);
    engine.list_jobs(&JobQuery::default()).await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_pooler_a_statement_ends_with_its_caller_and_the_pooler_lives() {
    let Some(postgres) = services::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    // Kept to the end: the pooler ends with it.
    let pooled = Pooled::start(&postgres).await;
    let (database, config) = (&pooled.database, pooled.config.clone());
    let engine = open(dir.path(), config).await;
    let (blocker, watcher) = leave_a_blocked_read(&engine, database).await;

    // The server looks for its client once a second.
    tokio::time::timeout(Duration::from_secs(4), waiting(&watcher, 0)).await.unwrap();
    blocker.batch_execute("COMMIT").await.unwrap();
    // PgBouncer 1.18 dies of a cancel request that comes too late: none may be sent.
    for _ in 0..200 {
        let caller = reading(&engine);
        tokio::task::yield_now().await;
        caller.abort();
    }
    assert!(engine.list_jobs(&JobQuery::default()).await.unwrap().items.is_empty());
    engine.close().await.unwrap();
}
