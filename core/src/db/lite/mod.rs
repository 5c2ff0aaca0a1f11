//! SQLite in this process: one writer thread, a stack of readers, one file.
//!
//! Settings and their reasons: WAL so that readers never wait for the writer; `synchronous = FULL`
//! so that "saved" means on the disk; QPSG because after ANALYZE the bundled build (STAT4) would
//! otherwise plan a cached list statement anew at every run; `secure_delete` so that erased text
//! does not stay in free pages; `mmap_size = 0` since an I/O error would be a signal in the host.

mod exec;
mod migrate;
mod presence;
mod readers;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, functions::FunctionFlags, limits::Limit};

pub(crate) use readers::View;

use crate::{
    config::{Config, DATABASE, Synchronous},
    db::{Batch, Commit, Params, Rejected, Row, Span, Stmt, StmtStats, Value},
    error::{Error, Result, UnavailableKind},
    hub::Hub,
};
use exec::{Stats, storage};
use presence::Presence;
use readers::Readers;
use writer::Writer;

/// Files with another id are not ours: "JTRK".
const APPLICATION_ID: i64 = 0x4A54_524B;
/// Older versions can damage a WAL file that two connections write or checkpoint.
const OLDEST_SQLITE: i32 = 3_051_003;
/// At least as many as the catalogue has statements.
const STATEMENT_CACHE: usize = 256;
/// Above this size the check after an unclean end is left to `jotrack doctor`.
const QUICK_CHECK_BYTES: u64 = 256 * 1024 * 1024;

/// An open SQLite database.
#[derive(Debug)]
pub(crate) struct Lite {
    path: PathBuf,
    readers: Arc<Readers>,
    writer: Writer,
    stats: Arc<Mutex<Stats>>,
    presence: Mutex<Option<Presence>>,
}

/// Returns the version of the SQLite library in use.
pub(crate) fn version() -> &'static str {
    rusqlite::version()
}

impl Lite {
    /// Opens or creates the file, brings the schema up to date and starts the writer.
    pub(crate) fn open(config: &Config, dir: &Path, hub: Arc<Hub>) -> Result<Self> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::bug("open the database", "this SQLite library is too old"));
        }
        if !config.storage.allow_network_fs {
            presence::refuse_network_file_system(dir)?;
        }
        let path = config.database_file().unwrap_or_else(|| dir.join(DATABASE));
        let (presence, unclean) = Presence::announce(&dir.join("run"))?;
        presence::create_private(&path)?;
        let mut conn = connect(&path, config, Role::Writer)?;
        if unclean && path.metadata().map_or(0, |m| m.len()) <= QUICK_CHECK_BYTES {
            let report = pragma_rows(&conn, "PRAGMA quick_check(10)")?;
            if report.iter().any(|line| line != "ok") {
                return Err(Error::unavailable(UnavailableKind::Corrupt, "open the database"));
            }
        }
        migrate::run(&mut conn, config.clock.now(), |e| storage("migrate the database", e))?;

        let stats = Arc::new(Mutex::new(Stats::new()));
        let counting = config.storage.statement_stats.then(|| Arc::clone(&stats));
        let count = match config.storage.readers {
            0 => std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
            given => given.clamp(1, 64),
        };
        let readers =
            (0..count).map(|_| connect(&path, config, Role::Reader)).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            readers: Arc::new(Readers::new(readers, config, counting.clone())),
            writer: Writer::start(conn, config, hub, counting)?,
            path,
            stats,
            presence: Mutex::new(Some(presence)),
        })
    }

    /// Takes a reader out of the stack.
    pub(crate) async fn view(&self, span: Span) -> Result<View> {
        self.readers.view(span).await
    }

    /// Runs one statement on its own, without a transaction around it.
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: &Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.readers.query(stmt, params, map).await
    }

    /// Runs a long statement on a connection of its own; called on the blocking pool.
    pub(crate) fn scan<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value],
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let conn = connect(&self.path, &Config::default(), Role::Reader)?;
        exec::mapped(map, |each| exec::each_row(&conn, stmt, params, None, each))
    }

    /// Hands a batch to the writer and waits for its commit.
    pub(crate) async fn commit(&self, batch: Batch) -> std::result::Result<Commit, Rejected> {
        self.writer.commit(batch).await
    }

    /// Ends the writer after the queued batches, then lets go of every descriptor.
    pub(crate) fn close(&self) -> Result<()> {
        let closed = self.writer.close();
        self.readers.close();
        self.presence.lock().unwrap_or_else(PoisonError::into_inner).take();
        closed
    }

    /// Runs SQLite's own checks; returns their complaints.
    pub(crate) fn integrity(&self) -> Result<Vec<String>> {
        let conn = connect(&self.path, &Config::default(), Role::Reader)?;
        let mut complaints = pragma_rows(&conn, "PRAGMA integrity_check(100)")?;
        complaints.retain(|line| line != "ok");
        let mut keys = conn
            .prepare("PRAGMA foreign_key_check")
            .map_err(|e| storage("check foreign keys", e))?;
        let broken = keys
            .query_map([], |row| row.get::<_, String>(0))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(|e| storage("check foreign keys", e))?;
        complaints.extend(broken.into_iter().map(|table| format!("orphaned row in {table}")));
        Ok(complaints)
    }

    /// Returns the counters gathered so far, by statement name.
    pub(crate) fn stats(&self) -> Vec<(&'static str, StmtStats)> {
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = stats.iter().map(|(name, stats)| (*name, *stats)).collect();
        list.sort_unstable_by_key(|(name, _)| *name);
        list
    }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
}

fn connect(path: &Path, config: &Config, role: Role) -> Result<Connection> {
    let op = "open the database";
    let flags = match role {
        Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| storage(op, e))?;
    settings(&conn, config, role).map_err(|e| storage(op, e))?;
    if role == Role::Writer {
        claim_file(&conn)?;
    }
    Ok(conn)
}

fn settings(conn: &Connection, config: &Config, role: Role) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_millis(5_000))?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        conn.set_db_config(option, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 256),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
    ] {
        conn.set_limit(limit, most)?;
    }
    rusqlite::vtab::array::load_module(conn)?;
    let clock = config.clock.clone();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    conn.create_scalar_function(c"jotrack_clock_ms", 0, flags, move |_| Ok(clock.now().as_ms()))?;
    conn.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;")?;
    match role {
        Role::Reader => conn.execute_batch("PRAGMA cache_size = -8192; PRAGMA query_only = ON;"),
        Role::Writer => {
            let is_scratch = config.data_dir.is_none() && config.database.is_none();
            let synchronous = match config.storage.synchronous {
                // The folder is gone at close, and nobody looks for it after a power loss.
                _ if is_scratch => "OFF",
                Synchronous::Full => "FULL",
                Synchronous::Relaxed => "NORMAL",
            };
            conn.execute_batch(&format!(
                "PRAGMA page_size = 4096; PRAGMA synchronous = {synchronous};
                 PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;
                 PRAGMA recursive_triggers = ON; PRAGMA secure_delete = ON;
                 PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 1000;
                 PRAGMA journal_size_limit = 67108864;"
            ))
        }
    }
}

/// Marks a new file as ours and refuses somebody else's.
fn claim_file(conn: &Connection) -> Result<()> {
    let op = "open the database";
    let pragma =
        |name| conn.query_row(name, [], |row| row.get::<_, i64>(0)).map_err(|e| storage(op, e));
    let id = pragma("PRAGMA application_id")?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    let tables = conn
        .query_row("SELECT count(name) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(|e| storage(op, e))?;
    if id != 0 || tables != 0 {
        return Err(Error::argument("the file is a database of another program"));
    }
    conn.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))
        .map_err(|e| storage(op, e))
}

fn pragma_rows(conn: &Connection, pragma: &str) -> Result<Vec<String>> {
    let op = "check the database";
    let mut stmt = conn.prepare(pragma).map_err(|e| storage(op, e))?;
    stmt.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(|e| storage(op, e))
}
