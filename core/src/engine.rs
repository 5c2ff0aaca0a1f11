//! The engine: one open data folder, handles that act as a user, and the one way to write.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinHandle,
};

use crate::{
    analyses::Registry,
    attachments::{blob::BlobStore, extract::Sandbox},
    config::Config,
    db::{At, Batch, Params, ReplicaHealth, Row, Span, Stmt, StmtStats, Store, View},
    error::{Error, Result, UnavailableKind},
    hub::Hub,
    id::{LOCAL_USER, UserId},
    limits, meta,
    position::Position,
    secret::Vault,
    time::{Clock, Timestamp},
};

/// A handle on an open engine that acts as one user. Clones are cheap and act as the same user.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    user: UserId,
    /// What the snapshots of this handle must see at least.
    at: At,
}

/// What all handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) blobs: BlobStore,
    pub(crate) hub: Arc<Hub>,
    /// The windows of requests that are not kept in the database.
    pub(crate) requests: limits::Memory,
    /// Rung when background work was enqueued.
    pub(crate) wake: Notify,
    /// The program that reads texts in a child process.
    pub(crate) sandbox: Option<Sandbox>,
    /// Texts read in this process at a time.
    pub(crate) extractions: Semaphore,
    /// Where secrets are opened.
    pub(crate) vault: Vault,
    /// Keys the digests of idempotent arguments.
    pub(crate) secret: [u8; 32],
    /// Everything under way for analyses.
    pub(crate) ai: Arc<Registry>,
    closing: AtomicBool,
    closed: AtomicBool,
    worker: Mutex<Option<JoinHandle<()>>>,
    /// Removed at close when the engine keeps everything "in memory".
    scratch: Option<PathBuf>,
}

/// One consistent state of one user's data. It holds one of few reading connections: use it for
/// at most a second, and never across a wait for the network or a file.
#[derive(Debug)]
pub struct Snapshot {
    engine: Engine,
    view: View,
}

/// How the engine is doing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether it can read its database.
    pub ok: bool,
    /// `sqlite` or `postgresql`.
    pub database: &'static str,
    /// Version of the database library.
    pub database_version: String,
    /// Version of the engine.
    pub version: &'static str,
    /// The read replicas, in the order of the configuration.
    pub replicas: Vec<ReplicaHealth>,
}

impl Engine {
    /// Opens the data folder, creating what is missing, and starts the background work.
    ///
    /// Must be called inside a tokio runtime with timers enabled; the worker runs there.
    ///
    /// # Errors
    /// `Unavailable` when the folder or the file cannot be used (kind CORRUPT or SCHEMA_TOO_NEW
    /// leave it untouched), `Misuse` when it is not ours or lies on a network file system.
    pub async fn open(config: Config) -> Result<Self> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| Error::argument("Engine::open must be called inside a tokio runtime"))?;
        config.check()?;
        let (dir, scratch) = data_dir(&config)?;
        let hub = Arc::new(Hub::default());
        let store = Store::open(&config, &dir, Arc::clone(&hub)).await?;
        let blob_dir = dir.join("blobs");
        let blobs = runtime
            .spawn_blocking(move || BlobStore::open(&blob_dir))
            .await
            .map_err(|e| Error::internal("open the engine", e))??;
        let secret = meta::prepare(&store, config.clock.now()).await?;
        let ai = Arc::new(Registry::new(&config.ai)?);
        let shared = Arc::new(Shared {
            sandbox: config.extractor.clone().map(Sandbox::new),
            extractions: Semaphore::new(config.limits.extractions.max(1)),
            vault: Vault::new(&config)?,
            config,
            store,
            blobs,
            hub,
            requests: limits::Memory::default(),
            wake: Notify::new(),
            secret,
            ai,
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            worker: Mutex::new(None),
            scratch,
        });
        let engine = Self { shared, user: LOCAL_USER, at: At::Any };
        if engine.shared.config.background {
            let worker = runtime.spawn(crate::tasks::work(Arc::downgrade(&engine.shared)));
            *engine.shared.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
        }
        Ok(engine)
    }

    /// Ends the background work, finishes queued writes and lets go of every file. A second call
    /// does nothing; any other call afterwards answers CLOSED.
    ///
    /// # Errors
    /// `Internal` when the writer ended badly.
    pub async fn close(&self) -> Result<()> {
        self.close_within(Duration::from_millis(self.shared.config.ai.drain_ms)).await
    }

    /// The same without waiting for analyses under way: they return to the queue, and whoever
    /// opens the data next goes on with them.
    ///
    /// # Errors
    /// As for [`Self::close`].
    pub async fn close_at_once(&self) -> Result<()> {
        self.close_within(Duration::ZERO).await
    }

    async fn close_within(&self, drain: Duration) -> Result<()> {
        if self.shared.closing.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.close_analyses(drain).await;
        self.shared.closed.store(true, Ordering::SeqCst);
        let worker = self.shared.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(worker) = worker {
            worker.abort();
            // An aborted worker ends with a "cancelled" that says nothing new.
            drop(worker.await);
        }
        self.shared.hub.close();
        let closed = self.shared.store.close().await;
        if let Some(scratch) = &self.shared.scratch {
            remove_scratch(scratch).await?;
        }
        closed
    }

    /// Returns the user this handle acts as.
    pub fn user_id(&self) -> UserId {
        self.user
    }

    /// Returns a handle that acts as another user of the same data.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    pub async fn as_user(&self, user: UserId) -> Result<Self> {
        if meta::user_exists(&self.shared.store, user).await? {
            return Ok(Self { user, ..self.clone() });
        }
        Err(Error::not_found("user", user))
    }

    /// Adds a user and returns its id. The local owner exists from the start.
    ///
    /// # Errors
    /// `Invalid` for an empty or over-long name.
    pub async fn create_user(&self, display_name: &str) -> Result<UserId> {
        meta::create_user(&self.shared.store, display_name, self.now()).await
    }

    /// Returns the settings in force.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Returns where the engine takes the time from.
    pub fn clock(&self) -> &Clock {
        &self.shared.config.clock
    }

    /// Takes a consistent view of this user's data.
    ///
    /// # Errors
    /// `Unavailable` of kind BUSY when no reader came free in time, CLOSED after close.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        self.view(Span::Many, self.reading()).await
    }

    /// Takes a view that answers one statement only.
    pub(crate) async fn snapshot_of_one(&self) -> Result<Snapshot> {
        self.view(Span::One, self.reading()).await
    }

    /// Takes a view of the newest state, never of a replica: for plans of writes and for followers
    /// of changes.
    pub(crate) async fn newest(&self) -> Result<Snapshot> {
        self.view(Span::Many, At::Primary).await
    }

    async fn view(&self, span: Span, at: At) -> Result<Snapshot> {
        self.refuse_closed()?;
        Ok(Snapshot { engine: self.clone(), view: self.shared.store.view(span, at).await? })
    }

    /// A user's own writes are seen by all their later reads.
    fn reading(&self) -> At {
        match self.at {
            At::Primary => At::Primary,
            At::Any | At::Position(_) => self.position().map_or(At::Any, At::Position),
        }
    }

    /// Returns a handle whose snapshots see at least `position`, which a write returned, perhaps
    /// in another process on the same PostgreSQL.
    #[must_use]
    pub fn after(&self, position: Position) -> Self {
        let at = match self.at {
            At::Any => At::Position(position),
            At::Position(earlier) => At::Position(earlier.max(position)),
            At::Primary => At::Primary,
        };
        Self { at, ..self.clone() }
    }

    /// Returns a handle whose snapshots see the newest state and are never a replica's.
    #[must_use]
    pub fn at_primary(&self) -> Self {
        Self { at: At::Primary, ..self.clone() }
    }

    /// Returns what the snapshots of this handle see at least: the newest of what [`Self::after`]
    /// was given and this user's writes through this engine. `None` where every read sees all.
    pub fn position(&self) -> Option<Position> {
        let given = match self.at {
            At::Position(position) if self.shared.store.has_positions() => Some(position),
            At::Any | At::Position(_) | At::Primary => None,
        };
        given.max(self.shared.store.written(self.user))
    }

    /// Returns how the engine is doing. Never fails; one statement.
    pub async fn health(&self) -> Health {
        let store = self.shared.store.health();
        let ok = self.refuse_closed().is_ok() && self.revision().await.is_ok();
        Health {
            ok,
            database: store.engine,
            database_version: store.version,
            version: env!("CARGO_PKG_VERSION"),
            replicas: store.replicas,
        }
    }

    /// Returns what the database counted for each statement; empty unless
    /// [`crate::StorageConfig::statement_stats`] is on.
    pub fn statement_stats(&self) -> Vec<(&'static str, StmtStats)> {
        self.shared.store.statement_stats()
    }

    /// Returns how often callers waited for the database since the engine was opened; statements
    /// that were under way together count once. 0 on SQLite, which is in the process.
    pub fn round_trips(&self) -> u64 {
        self.shared.store.round_trips()
    }

    /// Returns this handle's engine acting as a user that is known to exist.
    pub(crate) fn acting_as(shared: &Arc<Shared>, user: UserId) -> Self {
        Self { shared: Arc::clone(shared), user, at: At::Any }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.config.clock.now()
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::user(self.user, self.now())
    }

    /// Runs one statement on its own.
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.refuse_closed()?;
        self.shared.store.query(stmt, params, map).await
    }

    pub(crate) fn refuse_closed(&self) -> Result<()> {
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(Error::unavailable(UnavailableKind::Closed, "use the engine"));
        }
        Ok(())
    }
}

impl Snapshot {
    /// Returns how many statements ran on this snapshot.
    pub fn statements(&self) -> u32 {
        self.view.statements()
    }

    /// Returns how often this snapshot waited for the database: statements that were under way
    /// together count once. 0 on SQLite, which is in the process.
    pub fn round_trips(&self) -> u32 {
        self.view.round_trips()
    }

    /// Returns the handle this snapshot was taken from.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn user(&self) -> UserId {
        self.engine.user
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }
}

/// Returns the data folder, made private; a scratch folder when none is configured.
fn data_dir(config: &Config) -> Result<(PathBuf, Option<PathBuf>)> {
    let op = "create the data folder";
    let (dir, scratch) = match &config.data_dir {
        Some(dir) => (dir.clone(), None),
        None => {
            let name = format!("jotrack-{}", uuid::Uuid::now_v7().simple());
            let dir = std::env::temp_dir().join(name);
            (dir.clone(), Some(dir))
        }
    };
    crate::private::create_dir(&dir).map_err(|e| Error::io(op, e))?;
    make_private(&dir, scratch.is_some()).map_err(|e| Error::io(op, e))?;
    Ok((dir, scratch))
}

/// Removes a scratch folder. What still reads when the database closes ends a moment later, and
/// until then SQLite may make a file anew, so it is tried for about a second.
async fn remove_scratch(dir: &Path) -> Result<()> {
    let mut tries = 0;
    while let Err(error) = std::fs::remove_dir_all(dir) {
        if !dir.exists() {
            break;
        }
        if tries == 100 {
            return Err(Error::io("remove scratch data", error));
        }
        tries += 1;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Nobody else may read job seekers' data: a new or empty folder becomes 0700.
#[cfg(unix)]
fn make_private(dir: &Path, fresh: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let empty = fresh || std::fs::read_dir(dir)?.next().is_none();
    if empty {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_dir: &Path, _fresh: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn scratch_goes_although_files_come_while_it_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("scratch");
        std::fs::create_dir(&dir).unwrap();
        let late = dir.join("late");
        let writer = std::thread::spawn(move || {
            let end = Instant::now() + Duration::from_millis(50);
            while Instant::now() < end {
                // The folder may be gone already.
                drop(std::fs::write(&late, b"x"));
            }
        });

        remove_scratch(&dir).await.unwrap();

        writer.join().unwrap();
        assert!(!dir.exists());
    }
}
