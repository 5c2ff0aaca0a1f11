//! Read replicas: one's own writes are always seen, whatever the replica does.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use jotrack_core::{
    DatabaseUrl, Engine, JobId, JobPatch, NewJob, Patch, PostgresConfig, random_bytes,
};
use jotrack_tests::{
    options,
    program::PATIENCE,
    services::{self, Database, Postgres, Replica},
};
use tokio::task::{JoinSet, spawn_blocking};

use super::open;

/// Pairs of a write and a read.
const PAIRS: u32 = 10_000;
/// Users that write and read at the same time.
const USERS: u32 = 8;

/// A primary with a replica of its own, because the test stops them.
async fn pair() -> Option<(Arc<Postgres>, Arc<Replica>, Database)> {
    if !services::require() {
        return None;
    }
    let (postgres, replica) = spawn_blocking(|| {
        let postgres = Arc::new(Postgres::start());
        let replica = Arc::new(Replica::start(&postgres));
        (postgres, replica)
    })
    .await
    .unwrap();
    let database = postgres.database().await;
    Some((postgres, replica, database))
}

fn with(database: &Database, replica: &Replica) -> PostgresConfig {
    PostgresConfig {
        replica_urls: vec![DatabaseUrl::new(replica.url(database.name()))],
        ..database.config()
    }
}

/// An engine with one job, which the replica shows too.
async fn with_a_job(
    dir: &Path,
    postgres: &Postgres,
    replica: &Replica,
    database: &Database,
) -> (Engine, JobId) {
    let engine = open(dir, with(database, replica)).await;
    let job = engine.create_job(NewJob::new("Acme", "A"), &options()).await.unwrap().value;
    replica.catch_up(postgres).await;
    in_rotation(&engine, true).await;
    (engine, job)
}

async fn in_rotation(engine: &Engine, wanted: bool) {
    let waiting = async {
        while engine.health().await.replicas[0].in_rotation != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the rotation in time");
}

/// Writes a title and reads it again, through this engine and through another process's, which
/// knows the position only.
async fn write_then_read(writer: Engine, reader: Engine, pairs: Arc<AtomicU32>) {
    let job = writer.create_job(NewJob::new("Acme", "0"), &options()).await.unwrap().value;
    let reader = reader.as_user(writer.user_id()).await.unwrap();
    while pairs.fetch_add(1, Ordering::Relaxed) < PAIRS {
        let title = format!("{:x?}", random_bytes::<8>().unwrap());
        let patch = JobPatch { title: Patch::Set(title.clone()), ..JobPatch::default() };
        let written = writer.update_job(job, patch, &options()).await.unwrap();

        let own = writer.snapshot().await.unwrap().get_job(job).await.unwrap();
        let position = written.position.expect("PostgreSQL has positions");
        let told = reader.after(position).snapshot().await.unwrap().get_job(job).await.unwrap();

        assert_eq!((own.title, told.title), (title.clone(), title));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_of_ones_own_write_is_stale_while_replay_is_delayed_paused_and_killed() {
    let Some((_postgres, replica, database)) = pair().await else { return };
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = open(dir.path(), with(&database, &replica)).await;
    let reader = open(other.path(), with(&database, &replica)).await;
    in_rotation(&writer, true).await;
    in_rotation(&reader, true).await;
    let (pairs, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let mut running = JoinSet::new();
    for user in 0..USERS {
        let user = writer.create_user(&format!("User {user}")).await.unwrap();
        let writer = writer.as_user(user).await.unwrap();
        running.spawn(write_then_read(writer, reader.clone(), Arc::clone(&pairs)));
    }
    let trouble = {
        let (replica, stop, pairs) = (Arc::clone(&replica), Arc::clone(&stop), Arc::clone(&pairs));
        tokio::spawn(async move {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                let until = pairs.load(Ordering::Relaxed) + PAIRS / 20;
                match round % 5 {
                    0 => replica.delay_replay(20).await,
                    1 => replica.delay_replay(0).await,
                    2 => replica.pause_replay().await,
                    3 => replica.resume_replay().await,
                    _ => {
                        let replica = Arc::clone(&replica);
                        let restarted = spawn_blocking(move || {
                            replica.kill();
                            replica.restart();
                        });
                        restarted.await.unwrap();
                    }
                }
                round += 1;
                while pairs.load(Ordering::Relaxed) < until && !stop.load(Ordering::Relaxed) {
                    tokio::task::yield_now().await;
                }
            }
        })
    };

    running.join_all().await;
    stop.store(true, Ordering::Relaxed);
    trouble.await.unwrap();

    let on_replica: u64 = [writer.health().await, reader.health().await]
        .iter()
        .map(|health| health.replicas[0].snapshots)
        .sum();
    assert!(on_replica > 100, "the replica was asked {on_replica} times only");
    println!(
        "{PAIRS} pairs, 0 stale, 0 errors; {on_replica} of {} reads on the replica",
        PAIRS * 2
    );
    writer.close().await.unwrap();
    reader.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_serves_reads_leaves_when_it_dies_and_comes_back() {
    let Some((postgres, replica, database)) = pair().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let (engine, job) = with_a_job(dir.path(), &postgres, &replica, &database).await;
    let served = |health: jotrack_core::Health| health.replicas[0].snapshots;
    let before = served(engine.health().await);

    engine.snapshot().await.unwrap().get_job(job).await.unwrap();
    assert_eq!(served(engine.health().await), before + 1);

    let dying = Arc::clone(&replica);
    spawn_blocking(move || dying.kill()).await.unwrap();
    engine.snapshot().await.unwrap().get_job(job).await.unwrap();
    in_rotation(&engine, false).await;
    assert_eq!(engine.health().await.replicas[0].lag_bytes, None);

    let back = Arc::clone(&replica);
    spawn_blocking(move || back.restart()).await.unwrap();
    in_rotation(&engine, true).await;
    engine.snapshot().await.unwrap().get_job(job).await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_starts_without_its_replica_and_takes_it_when_it_answers() {
    let Some((_postgres, replica, database)) = pair().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let dead = Arc::clone(&replica);
    spawn_blocking(move || dead.kill()).await.unwrap();

    let engine = open(dir.path(), with(&database, &replica)).await;
    assert!(!engine.health().await.replicas[0].in_rotation);
    let late = Arc::clone(&replica);
    spawn_blocking(move || late.restart()).await.unwrap();

    in_rotation(&engine, true).await;
    engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_its_replica_leaves_goes_on_with_the_primary() {
    let Some((postgres, replica, database)) = pair().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let (engine, job) = with_a_job(dir.path(), &postgres, &replica, &database).await;
    let snapshot = engine.snapshot().await.unwrap();
    snapshot.get_job(job).await.unwrap();

    let dying = Arc::clone(&replica);
    spawn_blocking(move || dying.kill()).await.unwrap();

    let again = tokio::time::timeout(Duration::from_secs(30), snapshot.get_job(job)).await;
    assert_eq!(again.unwrap().unwrap().title, "A");
    engine.close().await.unwrap();
}
