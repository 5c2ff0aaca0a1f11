//! A disk that is full, and a file that may not grow: a typed error, everything that was saved
//! stays readable, and writing goes on once there is space again.

use std::{fs, path::Path};

use jotrack_core::{
    AttachmentContent, AttachmentKind, Config, Engine, ErrorCode, JobId, NewAttachment, NewJob,
    UploadInput,
};
use jotrack_tests::{
    options,
    program::{Running, skip},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::Command;

use super::{assert_healthy, bytes_of, child};

/// Bytes of the file that is removed to make space again.
const BALLAST: u64 = 1024 * 1024;

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_full_disk_is_a_typed_error_until_there_is_space_again() {
    let dir = tempfile::tempdir().unwrap();
    let user = if rustix::process::geteuid().is_root() { "" } else { "--user --map-root-user" };
    let mount = format!(
        "exec unshare --mount {user} sh -c \
         'mount -t tmpfs -o size=4m tmpfs \"$0\" || exit 77; exec \"$@\"' \"$0\" \"$@\""
    );

    let mut shell = around(&mount, "fill the disk", dir.path());
    shell.arg("--test-threads=1");
    let ended = Running::start(&mut shell).end().await;

    if ended.code == Some(77) || ended.stderr.contains("unshare") {
        skip("a full disk", "no file system of its own can be mounted here");
        return;
    }
    assert!(ended.succeeded().contains("ack survived"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the disk was its own");
}

#[tokio::test]
#[cfg(unix)]
async fn a_file_that_may_not_grow_is_a_typed_error_until_it_may() {
    let dir = tempfile::tempdir().unwrap();

    // 512 bytes a block: 2 MiB. The signal would end the process before the error.
    let limit = "ulimit -S -f 4096; trap '' XFSZ; exec \"$@\"";
    let ended = Running::start(&mut around(limit, "fill a file", dir.path())).end().await;

    assert!(ended.succeeded().contains("ack survived"));
}

/// A shell that prepares something, with the stage as `$0`, and becomes the child, which is `$@`.
fn around(script: &str, role: &str, stage: &Path) -> Command {
    let child = child::command(role, stage);
    let child = child.as_std();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(stage).arg(child.get_program()).args(child.get_args());
    for (name, value) in child.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// Plays on a disk of 4 MiB.
pub(super) async fn fill_a_disk(stage: &Path) {
    let ballast = stage.join("ballast");
    fs::write(&ballast, vec![0; usize::try_from(BALLAST).unwrap()]).unwrap();

    endure(stage, ErrorCode::StorageFull, || fs::remove_file(ballast).unwrap()).await;
}

/// Plays under a limit for the size of any file.
pub(super) async fn fill_a_file(stage: &Path) {
    endure(stage, ErrorCode::Io, || {
        let limit = getrlimit(Resource::Fsize);
        let raised = Rlimit { current: limit.maximum, ..limit };
        setrlimit(Resource::Fsize, raised).unwrap();
    })
    .await;
}

/// Writes until it fails with `code`, sees that everything else lives on, gets space by `relieve`
/// and writes again.
async fn endure(stage: &Path, code: ErrorCode, relieve: impl FnOnce()) {
    let config = Config { background: false, ..Config::in_dir(stage.join("data")) };
    let engine = Engine::open(config.clone()).await.unwrap();
    let first = job(&engine, "First").await.unwrap();
    let paper = paste(&engine, first, "What was saved while there was space.").await.unwrap();

    let mut saved = vec![first];
    let refused = loop {
        match job(&engine, &"full ".repeat(10_000)).await {
            Ok(id) => saved.push(id),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), code, "{}", refused.chain());
    // Smaller writes may still fit into what the refused one left, but not for long.
    let refused = loop {
        match paste(&engine, first, &format!("{} {}", saved.len(), "x".repeat(40_000))).await {
            Ok(_) => saved.push(first),
            Err(error) => break error,
        }
        assert!(saved.len() < 1_000);
    };
    assert_eq!(refused.code(), code, "{}", refused.chain());
    assert_eq!(receive(&engine, 8 * BALLAST).await.unwrap_err().code(), code);
    assert!(engine.health().await.ok);
    assert_eq!(engine.get_job(first).await.unwrap().1, "First");
    assert!(bytes_of(&engine, paper).await.starts_with(b"What was saved"));

    relieve();
    job(&engine, "After").await.unwrap();
    paste(&engine, first, "What was saved after it.").await.unwrap();
    for id in saved {
        engine.get_job(id).await.unwrap();
    }
    assert_healthy(&engine).await;
    engine.close().await.unwrap();
    let engine = Engine::open(config).await.unwrap();
    assert_healthy(&engine).await;
    child::ack(format_args!("survived"));
}

async fn job(engine: &Engine, notes: &str) -> Result<JobId, jotrack_core::Error> {
    let new = NewJob { notes: Some(notes.to_owned()), ..NewJob::new("Nightjar", "Engineer") };
    Ok(engine.create_job(new, &options()).await?.value)
}

async fn paste(
    engine: &Engine,
    job_id: JobId,
    text: &str,
) -> Result<jotrack_core::AttachmentId, jotrack_core::Error> {
    let new = NewAttachment {
        job_id,
        kind: AttachmentKind::Other,
        filename: String::from("a.txt"),
        content: AttachmentContent::Text(text.to_owned()),
    };
    Ok(engine.create_attachment(new, &options()).await?.value.id)
}

/// Receives a file of that size.
async fn receive(engine: &Engine, n_bytes: u64) -> Result<(), jotrack_core::Error> {
    let input = UploadInput { filename: String::from("big.txt"), declared_bytes: None };
    let mut writer = engine.start_upload(input).await?;
    for _ in 0..n_bytes / 4_096 {
        writer.write(&[b'x'; 4_096])?;
    }
    writer.finish().await?;
    Ok(())
}
