//! A full disk under the database: a typed error, reads live on, and writing goes on once there is
//! space again.

use std::{fs, path::Path};

use jotrack_core::{Engine, Error, ErrorCode, JobId, NewJob, PostgresConfig};
use jotrack_tests::{
    options,
    program::{Running, skip},
    services::{self, Postgres},
};
use tokio::{process::Command, task::spawn_blocking};

use super::{child, open};

/// Bytes of the file that is removed to make space again.
const BALLAST: usize = 4 * 1024 * 1024;
/// Fits a database that an engine has set up, the ballast and some writes.
const DISK: &str = "24m";

#[tokio::test]
async fn a_full_disk_is_a_typed_error_until_there_is_space_again() {
    if !services::require() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = format!(
        "exec unshare --mount sh -c \
         'mount -t tmpfs -o size={DISK} tmpfs \"$0\" || exit 77; exec \"$@\"' \"$0\" \"$@\""
    );
    let command = child::command(child::FILL, "", dir.path());
    let command = command.as_std();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(mount).arg(dir.path()).arg(command.get_program());
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }

    let ended = Running::start(&mut shell).end().await;

    if ended.code == Some(77) || ended.stderr.contains("unshare") {
        skip("a full disk under PostgreSQL", "no file system of its own can be mounted here");
        return;
    }
    assert!(ended.succeeded().contains("survived"));
}

/// Plays on the small disk: the database is on it, the server's log of writes is not, because a
/// server that cannot write its log ends.
pub(super) async fn fill(stage: &Path) {
    let (space, ballast) = (stage.join("space"), stage.join("ballast"));
    fs::create_dir(&space).unwrap();
    fs::write(&ballast, vec![0; BALLAST]).unwrap();
    let postgres = spawn_blocking(Postgres::start).await.unwrap();
    services::give_to_server(stage, &space);
    let place = format!("CREATE TABLESPACE small LOCATION '{}'", space.display());
    let client = services::connect(&postgres.url("postgres")).await;
    client.batch_execute(&place).await.unwrap();
    client.batch_execute("CREATE DATABASE full_disk TABLESPACE small").await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let engine = open(data.path(), PostgresConfig::at(postgres.url("full_disk"))).await;
    let first = job(&engine, 0).await.unwrap();

    let mut saved = vec![first];
    let refused = loop {
        match job(&engine, saved.len()).await {
            Ok(id) => saved.push(id),
            Err(error) => break error,
        }
        assert!(saved.len() < 10_000);
    };

    assert_eq!(refused.code(), ErrorCode::StorageFull, "{}", refused.chain());
    assert!(engine.health().await.ok);
    assert_eq!(engine.get_job(first).await.unwrap().0.title, "Job 0");
    fs::remove_file(ballast).unwrap();
    saved.push(job(&engine, saved.len()).await.unwrap());
    for id in saved {
        engine.get_job(id).await.unwrap();
    }
    let report = engine.check().await.unwrap();
    assert!(report.is_healthy(), "{report:?}");
    engine.close().await.unwrap();
    println!("survived");
}

/// Notes of letters that do not compress.
async fn job(engine: &Engine, n: usize) -> Result<JobId, Error> {
    let random = jotrack_core::random_bytes::<8192>().unwrap();
    let notes: String = random.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let new = NewJob { notes: Some(notes), ..NewJob::new("Acme", format!("Job {n}")) };
    Ok(engine.create_job(new, &options()).await?.value)
}
