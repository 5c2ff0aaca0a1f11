//! Support for the integration tests: an engine in a temporary folder with a clock that is turned
//! by hand, and the few steps that most tests begin with.
//!
//! The environment says which database the engines are opened on: `JOTRACK_TEST_DATABASE` is
//! `sqlite` (or absent), `postgres` or `pgbouncer`; the latter two take the address of a running
//! server from `JOTRACK_TEST_PG` and of its PgBouncer from `JOTRACK_TEST_PGBOUNCER`. Each test has
//! a database of its own there.
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
pub mod provider;
pub mod services;
pub mod siblings;

use std::{path::Path, sync::Arc};

use jotrack_core::{
    AttachmentContent, AttachmentId, AttachmentKind, Clock, Config, Engine, Error, ErrorCode,
    JobId, ManualClock, NewAttachment, NewJob, StorageConfig, Timestamp, UploadInput, WriteOptions,
    Written,
};
use services::{Cluster, Database};

/// 2026-09-21T14:13:20Z, where every test begins.
pub const START: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// A folder for engines, and a database of its own where the tests are about PostgreSQL: whoever
/// opens an engine with its settings sees the same data.
pub struct Data {
    pub dir: tempfile::TempDir,
    /// `None` on SQLite, which keeps everything in the folder.
    pub database: Option<Database>,
}

impl Data {
    pub async fn new() -> Self {
        Self::on(Cluster::of_environment()).await
    }

    /// Data on a server, whatever the environment says; on SQLite when there is none.
    pub async fn on(cluster: Option<&Arc<Cluster>>) -> Self {
        let database = match cluster {
            Some(cluster) => Some(cluster.database().await),
            None => None,
        };
        Self { dir: tempfile::tempdir().unwrap(), database }
    }

    /// The default settings of an engine on this data.
    pub fn config(&self) -> Config {
        placed(Config::default(), self.dir.path(), self.database.as_ref())
    }

    /// Opens an engine with the default settings.
    pub async fn open(&self) -> Engine {
        Engine::open(self.config()).await.unwrap()
    }
}

/// Puts settings on the data of a test.
fn placed(config: Config, dir: &Path, database: Option<&Database>) -> Config {
    let postgres = database.map(Database::config);
    Config { data_dir: Some(dir.to_owned()), postgres, ..config }
}

/// An engine of its own for one test.
pub struct Lab {
    pub engine: Engine,
    pub clock: ManualClock,
    pub dir: tempfile::TempDir,
    /// `None` on SQLite, which keeps everything in the folder.
    pub database: Option<Database>,
}

impl Lab {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An engine with changed settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Cluster::of_environment(), change).await
    }

    /// An engine on a server, whatever the environment says; on SQLite when there is none.
    pub async fn on(cluster: Option<&Arc<Cluster>>, change: impl FnOnce(&mut Config)) -> Self {
        let Data { dir, database } = Data::on(cluster).await;
        let clock = ManualClock::new(START);
        let mut config = placed(config(dir.path(), &clock), dir.path(), database.as_ref());
        change(&mut config);
        Self { engine: Engine::open(config).await.unwrap(), clock, dir, database }
    }

    /// Returns the settings of another engine on the same data.
    pub fn config(&self) -> Config {
        let config = config(self.dir.path(), &self.clock);
        placed(config, self.dir.path(), self.database.as_ref())
    }

    /// Runs statements past the engine.
    pub async fn execute(&self, sql: &str) {
        match &self.database {
            Some(database) => database.execute(sql).await,
            None => {
                let db = rusqlite::Connection::open(self.dir.path().join("jotrack.db")).unwrap();
                db.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
            }
        }
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

    /// Holds up every batch of jobs and attachments, as another writer does.
    pub async fn hold_writes(&self) -> HeldWrites {
        match &self.database {
            Some(database) => {
                let db = database.connect().await;
                // Each such batch counts the user's revision up; reads go on.
                db.batch_execute("BEGIN; LOCK TABLE user_rev IN EXCLUSIVE MODE").await.unwrap();
                HeldWrites::Postgres(db)
            }
            None => {
                let db = rusqlite::Connection::open(self.dir.path().join("jotrack.db")).unwrap();
                db.execute_batch("BEGIN IMMEDIATE").unwrap();
                HeldWrites::Sqlite(db)
            }
        }
    }

    /// Asserts that the database, the read model and the files agree.
    pub async fn assert_healthy(&self) {
        let report = self.engine.check().await.unwrap();
        assert!(report.is_healthy(), "{report:?}");
    }
}

/// Another writer in the way of the engine's.
pub enum HeldWrites {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl HeldWrites {
    /// Waits until a batch whose files are in place is held up.
    pub async fn up_a_batch(&self) {
        match self {
            // One more turn sends it.
            Self::Sqlite(_) => tokio::task::yield_now().await,
            Self::Postgres(db) => {
                let waits = "SELECT count(*) > 0 FROM pg_locks JOIN pg_class ON oid = relation
                    WHERE relname = 'user_rev' AND NOT granted";
                services::until(db, waits).await;
            }
        }
    }

    pub async fn release(self) {
        match self {
            Self::Sqlite(db) => db.execute_batch("COMMIT").unwrap(),
            Self::Postgres(db) => db.batch_execute("COMMIT").await.unwrap(),
        }
    }
}

/// Settings of an engine under test, on SQLite: no worker, a clock turned by hand, counted
/// statements.
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

/// Gives a connection past the engine what the engine's statements call.
pub fn add_functions(db: &rusqlite::Connection) {
    rusqlite::vtab::array::load_module(db).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
    db.create_scalar_function("jotrack_clock_ms", 0, flags, |_| Ok(START.as_ms())).unwrap();
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
