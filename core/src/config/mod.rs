//! One configuration. Every limit of the engine has its name, unit and default here.

mod ai;
mod keys;
mod limits;
mod postgres;

pub use ai::{AiConfig, Caps, Protocol};
pub use keys::KeySource;
pub use limits::RequestLimits;
pub use postgres::{DatabaseUrl, PostgresConfig};

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::time::Clock;

/// Name of the SQLite file in a data folder.
pub(crate) const DATABASE: &str = "jotrack.db";

/// Settings of an engine. Unknown keys are refused where it is read from a file or from JSON.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the database, the blobs and run files. `None` keeps everything in a private
    /// temporary folder that is removed at close.
    pub data_dir: Option<PathBuf>,
    /// The database file; `jotrack.db` in the data folder when absent.
    pub database: Option<PathBuf>,
    /// PostgreSQL instead of the SQLite file. The data folder then holds the blobs alone; servers
    /// on the same database share it.
    pub postgres: Option<PostgresConfig>,
    /// Program that extracts text in a child process, called as `PROGRAM extract KIND`. Without it
    /// DOCX, RTF, Markdown and plain text are read in this process and PDF has no text.
    pub extractor: Option<PathBuf>,
    /// Whether the engine does its background work by itself. When false the host calls
    /// [`crate::Engine::run_due_tasks`].
    pub background: bool,
    /// Days between trash and purge.
    pub trash_days: u32,
    /// Days after which an open job counts as stale.
    pub stale_after_days: u32,
    /// Skill names added to the dictionary, at most 200.
    pub extra_skills: Vec<String>,
    /// How AI calls are made.
    pub ai: AiConfig,
    /// Where the master key comes from that seals provider keys and personal answers.
    #[serde(skip)]
    pub master_key: KeySource,
    /// How many requests a user may send.
    pub requests: RequestLimits,
    /// How data is kept.
    pub storage: StorageConfig,
    /// Every limit.
    pub limits: Limits,
    /// Where the time comes from.
    #[serde(skip)]
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            database: None,
            postgres: None,
            extractor: None,
            background: true,
            trash_days: 5,
            stale_after_days: 10,
            extra_skills: Vec::new(),
            ai: AiConfig::default(),
            master_key: KeySource::default(),
            requests: RequestLimits::default(),
            storage: StorageConfig::default(),
            limits: Limits::default(),
            clock: Clock::System,
        }
    }
}

impl Config {
    /// Returns the defaults with everything kept in `dir`.
    pub fn in_dir(dir: impl AsRef<Path>) -> Self {
        Self { data_dir: Some(dir.as_ref().to_path_buf()), ..Self::default() }
    }

    /// Returns the SQLite file, which need not be there yet: `database`, else `jotrack.db` in the
    /// data folder. `None` on PostgreSQL, and where everything is in a temporary folder.
    pub fn database_file(&self) -> Option<PathBuf> {
        if self.postgres.is_some() {
            return None;
        }
        let in_folder = || self.data_dir.as_ref().map(|dir| dir.join(DATABASE));
        self.database.clone().or_else(in_folder)
    }
}

impl Config {
    /// Refuses settings that no engine can keep, all at once and by name.
    ///
    /// # Errors
    /// `Invalid` with one violation per setting.
    pub fn check(&self) -> crate::Result<()> {
        let mut checks = crate::validate::Checks::default();
        let Limits {
            page,
            page_local,
            page_default,
            scan_rows,
            changes_page,
            subscription_events,
            ids,
            variant_jobs,
            search_terms,
            in_flight,
            extractions,
            conflict_retries,
            ..
        } = self.limits;
        let counts = [
            ("page", u64::from(page), 10_000),
            ("page_local", u64::from(page_local), 10_000),
            ("page_default", u64::from(page_default), u64::from(page.min(page_local))),
            ("scan_rows", u64::from(scan_rows), 1_000_000),
            ("changes_page", u64::from(changes_page), 10_000),
            ("subscription_events", u64::from(subscription_events), u64::from(changes_page)),
            ("ids", whole(ids), 1_000),
            ("variant_jobs", whole(variant_jobs), 1_000),
            ("search_terms", whole(search_terms), 1_000),
            ("extractions", whole(extractions), 64),
            ("conflict_retries", u64::from(conflict_retries), 10_000),
        ];
        for (name, value, most) in counts {
            between(&mut checks, &["limits", name], value, 1, most);
        }
        // 0 answers every request with "busy": a server that only drains.
        between(&mut checks, &["limits", "in_flight"], whole(in_flight), 0, 100_000);
        let spans = [
            ("idempotency_hours", self.limits.idempotency_hours, 24 * 366),
            ("change_log_days", self.limits.change_log_days, 3_660),
            ("change_log_rows", self.limits.change_log_rows, 1_000_000_000),
            ("upload_ttl_ms", self.limits.upload_ttl_ms, 366 * crate::DAY_MS),
            ("download_ttl_ms", self.limits.download_ttl_ms, crate::DAY_MS),
            ("task_attempts", self.limits.task_attempts, 1_000),
        ];
        for (name, value, most) in spans {
            let (value, most) = (u64::try_from(value).unwrap_or(0), most.unsigned_abs());
            between(&mut checks, &["limits", name], value, 1, most);
        }
        between(&mut checks, &["storage", "queue"], whole(self.storage.queue), 1, 1_000_000);
        between(&mut checks, &["storage", "group_max"], whole(self.storage.group_max), 1, 10_000);
        between(&mut checks, &["storage", "readers"], whole(self.storage.readers), 0, 64);
        if let Some(postgres) = &self.postgres {
            between(&mut checks, &["postgres", "pool"], whole(postgres.pool), 2, 1_000);
            let spans = [
                ("startup_wait_ms", postgres.startup_wait_ms, 0),
                ("connect_ms", postgres.connect_ms, 1),
                ("read_deadline_ms", postgres.read_deadline_ms, 1),
                ("write_deadline_ms", postgres.write_deadline_ms, 1),
                ("replica_wait_ms", postgres.replica_wait_ms, 0),
                ("poll_ms", postgres.poll_ms, 1),
            ];
            for (name, value, least) in spans {
                between(&mut checks, &["postgres", name], value, least, 3_600_000);
            }
        }
        let window = u64::try_from(self.requests.window_ms).unwrap_or(0);
        let most = crate::DAY_MS.unsigned_abs();
        between(&mut checks, &["requests", "window_ms"], window, 1, most);
        let calls = [
            (["requests", "writes"], self.requests.writes),
            (["requests", "reads"], self.requests.reads),
        ];
        for (path, calls) in calls {
            // The log of a window has a row for each.
            between(&mut checks, &path, u64::from(calls.unwrap_or(0)), 0, 10_000);
        }
        between(&mut checks, &["trash_days"], u64::from(self.trash_days), 1, 90);
        between(&mut checks, &["stale_after_days"], u64::from(self.stale_after_days), 1, 365);
        between(&mut checks, &["extra_skills"], whole(self.extra_skills.len()), 0, 200);
        self.ai.check(&mut checks);
        self.master_key.check(&mut checks);
        checks.finish()
    }
}

fn whole(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn between(checks: &mut crate::validate::Checks, path: &[&str], value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        let limit = i64::try_from(most).ok();
        checks.add(path, "range", format!("must lie between {least} and {most}"), limit);
    }
}

/// How safe "saved" is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// An acknowledged write is on the disk.
    #[default]
    Full,
    /// Power loss may take the last commits; nothing is ever damaged.
    Relaxed,
}

/// How the SQLite file is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// When a commit counts as saved.
    pub synchronous: Synchronous,
    /// Reading connections; 0 takes one per core, at least 2 and at most 8.
    pub readers: usize,
    /// Whether other processes may write to the same file; their changes are then noticed.
    pub shared: bool,
    /// How often another process's changes are looked for while somebody subscribes.
    pub watch_ms: u64,
    /// Longest time one bounded read may run.
    pub read_deadline_ms: u64,
    /// Longest wait for a free reader or for another process's write.
    pub busy_ms: u64,
    /// Batches that may wait for the writer; more are answered with BUSY.
    pub queue: usize,
    /// Batches that share one commit.
    pub group_max: usize,
    /// Whether SQLite's own counters of each statement are kept (tests, benchmarks, `doctor`).
    pub statement_stats: bool,
    /// Accept a network file system, where locks cannot be trusted.
    pub allow_network_fs: bool,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 0,
            shared: true,
            watch_ms: 250,
            read_deadline_ms: 250,
            busy_ms: 15_000,
            queue: 4096,
            group_max: 256,
            statement_stats: false,
            allow_network_fs: false,
        }
    }
}

/// Every limit, with its unit in its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files of one job, trash included.
    pub job_bytes: u64,
    /// Bytes of all files of one user; `None` for no limit.
    pub user_bytes: Option<u64>,
    /// Files of one user; `None` for no limit.
    pub user_files: Option<u64>,
    /// Bytes of received files of one user that are not attached yet.
    pub staged_bytes: u64,
    /// Received files of one user that are not attached yet.
    pub staged_files: u64,
    /// Files of one job, trash included.
    pub job_files: u64,
    /// Jobs of one user.
    pub jobs: u64,
    /// Entries in the status history of one job.
    pub history: u64,
    /// Bytes of one extracted or typed text.
    pub text_bytes: usize,
    /// Ids in one bulk call.
    pub ids: usize,
    /// Jobs in one call for variants.
    pub variant_jobs: usize,
    /// Rows of a page asked for over GraphQL.
    pub page: u32,
    /// Rows of a page asked for in-process.
    pub page_local: u32,
    /// Rows of a page when no size is given.
    pub page_default: u32,
    /// Rows looked at for one page under a filter that has no index.
    pub scan_rows: u32,
    /// Characters of a search query.
    pub search_chars: usize,
    /// Terms of a search query.
    pub search_terms: usize,
    /// Words of one job kept in the search index.
    pub search_tokens: usize,
    /// Changes returned by one pull.
    pub changes_page: u32,
    /// Change log entries kept per user.
    pub change_log_rows: i64,
    /// Days the change log is kept.
    pub change_log_days: i64,
    /// Hours an idempotency key is remembered.
    pub idempotency_hours: i64,
    /// Milliseconds an unused upload is kept.
    pub upload_ttl_ms: i64,
    /// Milliseconds a download path is valid.
    pub download_ttl_ms: i64,
    /// Text extractions at a time.
    pub extractions: usize,
    /// Milliseconds one text extraction may take.
    pub extraction_ms: u64,
    /// Tries of a background task before it is given up.
    pub task_attempts: i64,
    /// Retries of a batch that met another writer.
    pub conflict_retries: u32,
    /// Subscriptions of one user.
    pub subscriptions: usize,
    /// WebSockets of one user.
    pub sockets: usize,
    /// Changes not yet delivered to one subscription; more become one resync.
    pub subscription_events: u32,
    /// Milliseconds between two deliveries to one subscription.
    pub subscription_pace_ms: u64,
    /// Bytes of a JSON body.
    pub body_bytes: usize,
    /// Bytes of an answer.
    pub response_bytes: usize,
    /// Bytes of a WebSocket message.
    pub socket_message_bytes: usize,
    /// Requests worked on at the same time.
    pub in_flight: usize,
    /// Milliseconds one operation may take.
    pub execution_ms: u64,
    /// Tokens of a document.
    pub document_tokens: usize,
    /// Operations and fragments of a document.
    pub definitions: usize,
    /// Depth of ordinary fields.
    pub depth: usize,
    /// Depth below `__schema` and `__type`.
    pub introspection_depth: usize,
    /// How often an introspection list may nest on one path.
    pub introspection_nesting: usize,
    /// Nesting of braces, brackets and parentheses.
    pub nesting: usize,
    /// Aliases, expanded.
    pub aliases: usize,
    /// Root fields, expanded.
    pub root_fields: usize,
    /// Selections of one selection set.
    pub selection_set: usize,
    /// Selections, expanded.
    pub selections: usize,
    /// Directives at one place.
    pub directives_per_location: usize,
    /// Directives of a document.
    pub directives: usize,
    /// Variables of an operation.
    pub variables: usize,
    /// Nesting of the JSON of the variables.
    pub variables_depth: usize,
    /// Cost of an operation.
    pub complexity: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            file_bytes: 25 * MIB,
            job_bytes: 200 * MIB,
            user_bytes: None,
            user_files: None,
            staged_bytes: 500 * MIB,
            staged_files: 200,
            job_files: 500,
            jobs: 50_000,
            history: 500,
            text_bytes: 2 * 1024 * 1024,
            ids: 100,
            variant_jobs: 200,
            page: 100,
            page_local: 200,
            page_default: 20,
            scan_rows: 2_000,
            search_chars: 200,
            search_terms: 20,
            search_tokens: 20_000,
            changes_page: 500,
            change_log_rows: 50_000,
            change_log_days: 30,
            idempotency_hours: 24,
            upload_ttl_ms: 86_400_000,
            download_ttl_ms: 300_000,
            extractions: 2,
            extraction_ms: 15_000,
            task_attempts: 5,
            conflict_retries: 64,
            subscriptions: 10,
            sockets: 5,
            subscription_events: 256,
            subscription_pace_ms: 50,
            body_bytes: 1024 * 1024,
            response_bytes: 16 * 1024 * 1024,
            socket_message_bytes: 1024 * 1024,
            in_flight: 64,
            execution_ms: 10_000,
            document_tokens: 5_000,
            definitions: 50,
            depth: 12,
            introspection_depth: 20,
            introspection_nesting: 2,
            nesting: 64,
            aliases: 30,
            root_fields: 10,
            selection_set: 200,
            selections: 5_000,
            directives_per_location: 4,
            directives: 20,
            variables: 100,
            variables_depth: 32,
            complexity: 20_000,
        }
    }
}
