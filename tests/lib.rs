//! Support for the integration tests: an engine in a temporary folder with a clock that is turned
//! by hand, and the few steps that most tests begin with.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "support code of tests fails by panicking and says where"
)]

pub mod c;
pub mod client;
pub mod golden;
pub mod program;

use std::path::Path;

use jotrack_core::{
    AttachmentContent, AttachmentId, AttachmentKind, Clock, Config, Engine, Error, ErrorCode,
    JobId, ManualClock, NewAttachment, NewJob, StorageConfig, Timestamp, UploadInput, WriteOptions,
    Written,
};

/// 2026-09-21T14:13:20Z, where every test begins.
pub const START: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// An engine of its own for one test.
pub struct Lab {
    pub engine: Engine,
    pub clock: ManualClock,
    pub dir: tempfile::TempDir,
}

impl Lab {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An engine with changed settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(START);
        let mut config = config(dir.path(), &clock);
        change(&mut config);
        Self { engine: Engine::open(config).await.unwrap(), clock, dir }
    }

    /// Enters a job with a name of its own.
    pub async fn job(&self, company: &str, title: &str) -> JobId {
        self.clock.advance_ms(1_000);
        self.engine.create_job(NewJob::new(company, title), &options()).await.unwrap().value
    }

    /// Receives and attaches a file.
    pub async fn attach(
        &self,
        job: JobId,
        kind: AttachmentKind,
        name: &str,
        bytes: &[u8],
    ) -> AttachmentId {
        upload(&self.engine, job, kind, name, bytes).await.unwrap().value.id
    }

    /// Attaches a text, which is read at once.
    pub async fn paste(&self, job: JobId, kind: AttachmentKind, text: &str) -> AttachmentId {
        let content = AttachmentContent::Text(text.to_owned());
        let new =
            NewAttachment { job_id: job, kind, filename: String::from("pasted.txt"), content };
        self.engine.create_attachment(new, &options()).await.unwrap().value.id
    }

    /// Asserts that the database, the read model and the files agree.
    pub async fn assert_healthy(&self) {
        let report = self.engine.check().await.unwrap();
        assert!(report.is_healthy(), "{report:?}");
    }
}

/// Settings of an engine under test: no worker, a clock turned by hand, counted statements.
pub fn config(dir: &Path, clock: &ManualClock) -> Config {
    Config {
        background: false,
        clock: Clock::Manual(clock.clone()),
        storage: StorageConfig { statement_stats: true, ..StorageConfig::default() },
        ..Config::in_dir(dir)
    }
}

/// No expectation and no key.
pub fn options() -> WriteOptions {
    WriteOptions::default()
}

/// A key for a mutation.
pub fn key(key: &str) -> WriteOptions {
    WriteOptions { idempotency_key: Some(key.to_owned()), ..WriteOptions::default() }
}

/// An expected version.
pub fn version(version: i64) -> WriteOptions {
    WriteOptions { expected_version: Some(version), ..WriteOptions::default() }
}

/// Receives and attaches a file.
pub async fn upload(
    engine: &Engine,
    job: JobId,
    kind: AttachmentKind,
    name: &str,
    bytes: &[u8],
) -> Result<Written<jotrack_core::AttachmentCreated>, Error> {
    let input = UploadInput { filename: name.to_owned(), declared_bytes: None };
    let mut writer = engine.start_upload(input).await?;
    for piece in bytes.chunks(4_096) {
        writer.write(piece)?;
    }
    let staged = writer.finish().await?;
    let content = AttachmentContent::Upload(staged.id);
    let new = NewAttachment { job_id: job, kind, filename: name.to_owned(), content };
    engine.create_attachment(new, &options()).await
}

/// Returns the code of a call that must fail.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

/// Returns the paths of the fields that a call was refused for.
pub fn paths<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result.unwrap_err() {
        Error::Invalid(violations) => {
            violations.0.into_iter().map(|violation| violation.path.join(".")).collect()
        }
        other => panic!("not a violation: {other:?}"),
    }
}

/// Returns all files below a folder.
pub fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .flatten()
        .flat_map(
            |entry| {
                if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] }
            },
        )
        .collect()
}
