//! Reading connections: a stack, so that the warmest page cache is used first. Bounded statements
//! run on the calling thread: handing them to another one costs more than they do.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::exec::{self, Each, Stats, storage};
use crate::{
    config::Config,
    db::{Row, Span, Stmt, Value},
    error::{Error, Result, UnavailableKind},
};

/// Virtual machine steps between two looks at the deadline.
const PROGRESS_STEPS: i32 = 1_000;

/// The pool of readers.
#[derive(Debug)]
pub(super) struct Readers {
    stack: parking_lot::Mutex<Vec<Reader>>,
    free: Arc<Semaphore>,
    wait: Duration,
    deadline: Duration,
    stats: Option<Arc<Mutex<Stats>>>,
}

/// One reading connection with its deadline.
#[derive(Debug)]
struct Reader {
    conn: Connection,
    deadline: Arc<Deadline>,
    in_transaction: bool,
}

/// The instant at which a running statement is interrupted; 0 for none.
#[derive(Debug)]
struct Deadline {
    base: Instant,
    nanos: AtomicU64,
}

impl Deadline {
    fn set(&self, after: Duration) {
        let nanos = (self.base.elapsed() + after).as_nanos();
        self.nanos.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        let nanos = self.nanos.load(Ordering::Relaxed);
        nanos != 0 && self.base.elapsed().as_nanos() > u128::from(nanos)
    }
}

impl Readers {
    pub(super) fn new(
        conns: Vec<Connection>,
        config: &Config,
        stats: Option<Arc<Mutex<Stats>>>,
    ) -> Self {
        let free = Arc::new(Semaphore::new(conns.len()));
        let stack = conns.into_iter().map(Reader::new).collect();
        Self {
            stack: parking_lot::Mutex::new(stack),
            free,
            wait: Duration::from_millis(config.storage.busy_ms),
            deadline: Duration::from_millis(config.storage.read_deadline_ms),
            stats,
        }
    }

    /// Takes a reader for a view of one snapshot.
    pub(super) async fn view(self: &Arc<Self>, span: Span) -> Result<View> {
        let (reader, permit) = self.take().await?;
        Ok(View {
            reader: Mutex::new(Some(reader)),
            readers: Arc::clone(self),
            span,
            statements: AtomicU32::new(0),
            permit: Some(permit),
        })
    }

    /// Runs one statement outside a transaction: it sees one state by itself.
    pub(super) async fn query<T>(
        self: &Arc<Self>,
        stmt: &'static Stmt,
        params: &[Value],
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (reader, _permit) = self.take().await?;
        let result = exec::mapped(map, |each| self.run(&reader, stmt, params, each));
        self.put_back(reader);
        result
    }

    /// Refuses new work and closes the idle connections; those in use close when they return.
    pub(super) fn close(&self) {
        self.free.close();
        self.stack.lock().clear();
    }

    async fn take(&self) -> Result<(Reader, OwnedSemaphorePermit)> {
        let closed = || Error::unavailable(UnavailableKind::Closed, "read the database");
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(closed()),
            Err(TryAcquireError::NoPermits) => {
                tokio::time::timeout(self.wait, Arc::clone(&self.free).acquire_owned())
                    .await
                    .map_err(|_| Error::unavailable(UnavailableKind::Busy, "read the database"))?
                    .map_err(|_| closed())?
            }
        };
        let reader = self.stack.lock().pop();
        reader.map(|reader| (reader, permit)).ok_or_else(closed)
    }

    fn put_back(&self, reader: Reader) {
        if !self.free.is_closed() {
            self.stack.lock().push(reader);
        }
    }

    fn run(
        &self,
        reader: &Reader,
        stmt: &'static Stmt,
        params: &[Value],
        each: Each<'_>,
    ) -> Result<()> {
        reader.deadline.set(self.deadline);
        let mut counters = self.stats.as_ref().map(|_| Stats::new());
        let ran = exec::each_row(&reader.conn, stmt, params, counters.as_mut(), each);
        if let (Some(stats), Some(counters)) = (&self.stats, counters) {
            let mut stats = stats.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, counted) in counters {
                stats.entry(name).or_default().add(counted);
            }
        }
        ran
    }
}

impl Reader {
    fn new(mut conn: Connection) -> Self {
        let deadline = Arc::new(Deadline { base: Instant::now(), nanos: AtomicU64::new(0) });
        let watched = Arc::clone(&deadline);
        if let Err(error) = conn.progress_handler(PROGRESS_STEPS, Some(move || watched.passed())) {
            tracing::warn!(%error, "reads have no deadline");
        }
        Self { conn, deadline, in_transaction: false }
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.conn
            .prepare_cached(sql)
            .and_then(|mut stmt| stmt.raw_execute())
            .map(|_| ())
            .map_err(|e| storage("take a snapshot", e))
    }
}

/// One snapshot: a reader with an open read transaction, begun by the first statement.
#[derive(Debug)]
pub(crate) struct View {
    reader: Mutex<Option<Reader>>,
    readers: Arc<Readers>,
    span: Span,
    statements: AtomicU32,
    permit: Option<OwnedSemaphorePermit>,
}

impl View {
    /// Runs a statement on the snapshot.
    pub(crate) fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value],
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        exec::mapped(map, |each| self.visit(stmt, params, each))
    }

    fn visit(&self, stmt: &'static Stmt, params: &[Value], each: Each<'_>) -> Result<()> {
        let mut guard = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = guard
            .as_mut()
            .ok_or_else(|| Error::bug("read the database", "the view was used after its end"))?;
        let earlier = self.statements.fetch_add(1, Ordering::Relaxed);
        match self.span {
            Span::One if earlier > 0 => {
                return Err(Error::bug("read the database", "a view of one statement ran another"));
            }
            Span::Many if !reader.in_transaction => {
                reader.run("BEGIN")?;
                reader.in_transaction = true;
            }
            Span::One | Span::Many => {}
        }
        self.readers.run(reader, stmt, params, each)
    }

    /// Returns how many statements ran so far.
    pub(crate) fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let reader = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut reader) = mem::take(reader) else { return };
        if reader.in_transaction {
            if let Err(error) = reader.run("COMMIT") {
                // A reader in an unknown state would pin an old snapshot: let it go for good.
                tracing::warn!(error = %error.chain(), "a reader was dropped");
                if !reader.conn.is_autocommit() {
                    if let Some(permit) = self.permit.take() {
                        permit.forget();
                    }
                    return;
                }
            }
            reader.in_transaction = false;
        }
        self.readers.put_back(reader);
    }
}
