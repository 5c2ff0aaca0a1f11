//! A kill does not empty the system's caches, so it does not prove a flush: the system calls do.

use std::{fs, path::Path};

use jotrack_core::{Config, Engine, NewJob, StorageConfig, Synchronous};
use jotrack_tests::{
    options,
    program::{Running, skip},
};
use tokio::process::Command;

use super::child;

/// Writes that are acknowledged one by one.
const WRITES: usize = 5;

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_acknowledged_write_was_flushed_unless_the_host_wanted_less() {
    let Some(full) = flushes_before_acks("write fully").await else {
        skip("flushes", "strace is missing or may not look at processes here");
        return;
    };
    let relaxed = flushes_before_acks("write relaxed").await.unwrap();

    assert_eq!((full.len(), relaxed.len()), (WRITES, WRITES));
    assert!(full.iter().all(|flushes| *flushes > 0), "{full:?}");
    // The same look finds none where there must be none.
    assert!(relaxed.iter().all(|flushes| *flushes == 0), "{relaxed:?}");
}

/// How often a child flushed a file before each of its reports and after the one before it.
async fn flushes_before_acks(role: &str) -> Option<Vec<usize>> {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let child = child::command(role, &dir.path().join("data"));
    let child = child.as_std();
    let mut strace = Command::new("sh");
    strace.args(["-c", "exec strace -f -e trace=write,fsync,fdatasync -o \"$0\" \"$@\""]);
    strace.arg(&trace).arg(child.get_program()).args(child.get_args());
    for (name, value) in child.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    let ended = Running::start(&mut strace).end().await;
    if ended.code == Some(127) || ended.stderr.contains("ptrace") {
        return None;
    }
    assert!(ended.succeeded().contains("ack opened"));

    let mut flushes = None;
    let mut counts = Vec::new();
    for line in fs::read_to_string(trace).unwrap().lines() {
        if line.contains("write(1, \"ack opened") {
            flushes = Some(0);
        } else if line.contains("write(1, \"ack saved") {
            counts.extend(flushes.replace(0));
        } else if line.contains("sync") && line.ends_with("= 0") {
            flushes = flushes.map(|count| count + 1);
        }
    }
    Some(counts)
}

/// Writes one by one and reports each.
pub(super) async fn write(stage: &Path, synchronous: Synchronous) {
    let storage = StorageConfig { synchronous, ..StorageConfig::default() };
    let config = Config { background: false, storage, ..Config::in_dir(stage) };
    let engine = Engine::open(config).await.unwrap();
    child::ack(format_args!("opened"));
    for n in 0..WRITES {
        let job = NewJob::new("Nightjar", format!("Engineer {n}"));
        engine.create_job(job, &options()).await.unwrap();
        child::ack(format_args!("saved"));
    }
    engine.close().await.unwrap();
}
