//! What the child does that the other tests of this module kill.

use std::{fmt::Arguments, io::Write, path::Path};

use jotrack_core::{
    AttachmentContent, AttachmentId, AttachmentKind, Config, Engine, JobId, JobPatch, JobStatus,
    NewAttachment, NewJob, Patch, StatusChangeInput, Synchronous, UploadInput,
};
use jotrack_tests::{
    options,
    program::{self, Running},
    upload,
};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::{analysis, disk_full, flushed};

/// The test below, as the harness names it.
const NAME: &str = "crash::child::a_child_plays_the_role_it_is_given";
/// Stands before what a child reports: the harness writes to the same pipe.
const ACK: &str = "ack ";

/// Starts a child in a role.
pub(super) fn start(role: &str, stage: &Path) -> Running {
    Running::start(&mut program::player(NAME, role, stage))
}

/// Returns the arguments of a child that another program is to start.
pub(super) fn command(role: &str, stage: &Path) -> tokio::process::Command {
    program::player(NAME, role, stage)
}

/// Waits for the next report of a child; `None` after the last one.
pub(super) async fn next(child: &mut Running) -> Option<String> {
    child.line_after(ACK).await
}

/// Reports to the parent. One write of one line: it arrives whole or not at all.
pub(super) fn ack(report: Arguments<'_>) {
    let line = format!("{ACK}{report}\n");
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).unwrap();
    stdout.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_plays_the_role_it_is_given() {
    let Some((role, stage)) = program::role() else {
        let mut child = start("echo", Path::new("/a/stage"));

        assert_eq!(next(&mut child).await.as_deref(), Some("/a/stage"));
        assert_eq!(next(&mut child).await, None);
        child.end().await.succeeded();
        return;
    };
    // The harness may have begun a line.
    println!();
    match role.as_str() {
        "echo" => ack(format_args!("{}", stage.display())),
        "write" => write(&stage).await,
        "upload" => leave_uploads(&stage).await,
        "extract" => extract(&stage).await,
        "write fully" => flushed::write(&stage, Synchronous::Full).await,
        "write relaxed" => flushed::write(&stage, Synchronous::Relaxed).await,
        "fill the disk" => disk_full::fill_a_disk(&stage).await,
        "analyse" => analysis::ask(&stage).await,
        "fill a file" => disk_full::fill_a_file(&stage).await,
        other => panic!("nobody plays {other}"),
    }
}

/// Writes from several tasks at once, without end.
async fn write(stage: &Path) {
    let engine = Engine::open(Config::in_dir(stage)).await.unwrap();
    let mut writers = JoinSet::new();
    writers.spawn(apply(engine.clone()));
    writers.spawn(apply(engine.clone()));
    writers.spawn(attach(engine.clone()));
    writers.spawn(attach(engine.clone()));
    writers.spawn(discard(engine));
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

/// Enters jobs, takes notes three times and applies.
async fn apply(engine: Engine) {
    for n in 0.. {
        let job = enter(&engine, &format!("Engineer {n}")).await;
        for round in 1..=3 {
            let patch = JobPatch { notes: Patch::Set(format!("{round}")), ..JobPatch::default() };
            engine.update_job(job, patch, &options()).await.unwrap();
            ack(format_args!("noted {job} {round}"));
        }
        let applied = StatusChangeInput { status: JobStatus::Applied, at: None, note: None };
        engine.set_jobs_status(&[job], applied, &options()).await.unwrap();
        ack(format_args!("applied {job}"));
    }
}

/// Attaches pasted texts and uploaded files in turn.
async fn attach(engine: Engine) {
    let job = enter(&engine, "Archivist").await;
    for n in 0.. {
        let text = format!("{job}: page {n} of a résumé in Rust. ").repeat(1 + n % 50 * 10);
        let id = if n % 2 == 0 {
            paste(&engine, job, &text).await
        } else {
            let kind = AttachmentKind::Resume;
            upload(&engine, job, kind, "cv.txt", text.as_bytes()).await.unwrap().value.id
        };
        ack(format_args!("attached {id} {}", digest(text.as_bytes())));
    }
}

/// Enters jobs and throws them away.
async fn discard(engine: Engine) {
    for n in 0.. {
        let job = enter(&engine, &format!("Clerk {n}")).await;
        engine.trash_jobs(&[job], &options()).await.unwrap();
        ack(format_args!("trashed {job}"));
    }
}

async fn enter(engine: &Engine, title: &str) -> JobId {
    let job = engine.create_job(NewJob::new("Nightjar", title), &options()).await.unwrap().value;
    ack(format_args!("entered {job}"));
    job
}

async fn paste(engine: &Engine, job_id: JobId, text: &str) -> AttachmentId {
    let new = NewAttachment {
        job_id,
        kind: AttachmentKind::Resume,
        filename: String::from("cv.txt"),
        content: AttachmentContent::Text(text.to_owned()),
    };
    engine.create_attachment(new, &options()).await.unwrap().value.id
}

/// Receives two whole files and half a third one, attaches none, and waits to be killed.
async fn leave_uploads(stage: &Path) {
    let engine = Engine::open(Config::in_dir(stage)).await.unwrap();
    let start = async || {
        let input = UploadInput { filename: String::from("cv.txt"), declared_bytes: None };
        engine.start_upload(input).await.unwrap()
    };
    for text in super::UPLOADS {
        let mut writer = start().await;
        writer.write(text.as_bytes()).unwrap();
        ack(format_args!("{}", writer.finish().await.unwrap().id));
    }
    let mut half = start().await;
    half.write(b"The first half of a third file").unwrap();
    ack(format_args!("half"));
    std::future::pending::<()>().await;
}

/// Attaches a file whose extractor kills this process.
async fn extract(stage: &Path) {
    let extractor = Some(stage.join("extractor"));
    let config = Config { extractor, ..Config::in_dir(stage.join("data")) };
    let engine = Engine::open(config).await.unwrap();
    let job = enter(&engine, "Archivist").await;
    let text = super::UPLOADS[0].as_bytes();
    upload(&engine, job, AttachmentKind::Resume, "cv.txt", text).await.unwrap();
    std::future::pending::<()>().await;
}

pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
