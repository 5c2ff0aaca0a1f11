//! One consistent state: a REPEATABLE READ transaction on one connection, begun by the first
//! statement in the same round trip. Statements that are asked for together travel together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::Shared};
use tokio::sync::Mutex;
use tokio_postgres::{Row as PgRow, SimpleQueryMessage};

use super::{
    Pg,
    exec::{self, Trouble, storage, trouble},
    lease::{Lease, RECONNECT, Sent},
    replicas::{Replica, parse_lsn},
};
use crate::{
    db::{At, Kind, Params, Row, Span, Stmt, Value},
    error::{Error, Result},
};

/// On a replica its place in the log is read first, by a transaction of its own: the snapshot that
/// follows is at least as new.
const PLACE: &str = "BEGIN READ ONLY; SELECT pg_last_wal_replay_lsn(); COMMIT; ";
/// Every statement sees one state.
const MANY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// One statement sees one state by itself.
const ONE: &str = "BEGIN READ ONLY";

/// A view of the data.
#[derive(Debug)]
pub(crate) struct View {
    pg: Arc<Pg>,
    span: Span,
    at: At,
    open: Mutex<Option<Arc<Open>>>,
    /// A replica was behind or failed: the primary is asked from now on.
    on_primary: AtomicBool,
    statements: AtomicU32,
    trips: AtomicU32,
    under_way: AtomicU32,
}

/// What BEGIN said: how far the server has got, on a replica.
type Begun = Shared<Sent<'static, std::result::Result<u64, Arc<tokio_postgres::Error>>>>;

/// The connection of a view.
struct Open {
    lease: Arc<Lease>,
    replica: Option<Arc<Replica>>,
    begun: Option<Begun>,
    /// A statement succeeded here: another connection would show another state.
    used: AtomicBool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.begun.is_some() && !self.lease.is_torn() {
            self.lease.send("COMMIT");
        }
    }
}

impl View {
    pub(super) fn new(pg: Arc<Pg>, span: Span, at: At) -> Self {
        Self {
            pg,
            span,
            at,
            open: Mutex::new(None),
            on_primary: AtomicBool::new(false),
            statements: AtomicU32::new(0),
            trips: AtomicU32::new(0),
            under_way: AtomicU32::new(0),
        }
    }

    /// Runs a statement on the snapshot.
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let earlier = self.statements.fetch_add(1, Ordering::Relaxed);
        if self.span == Span::One && earlier > 0 {
            return Err(Error::bug("read the database", "a view of one statement ran another"));
        }
        if stmt.kind != Kind::Long {
            self.pg.texts.count(std::iter::once(stmt));
        }
        let rows = self.rows(stmt, &params).await?;
        rows.iter().map(|row| row as &dyn Row).map(map).collect()
    }

    /// Returns how many statements ran so far.
    pub(crate) fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Returns how often the view waited: statements under way together count once.
    pub(crate) fn round_trips(&self) -> u32 {
        self.trips.load(Ordering::Relaxed)
    }

    async fn rows(&self, stmt: &'static Stmt, params: &[Value]) -> Result<Vec<PgRow>> {
        let _trip = Trip::begin(self);
        let (sql, started) = (self.pg.texts.plain(stmt), Instant::now());
        loop {
            let open = self.open(stmt.name).await?;
            let statement = exec::run(open.lease.client()?, &sql, params);
            let both = async {
                match &open.begun {
                    Some(begun) => futures_util::future::join(begun.clone(), statement).await,
                    None => (Ok(u64::MAX), statement.await),
                }
            };
            let both = open.lease.within(stmt.name, self.pg.read_deadline, both).await;
            if let (Err(Error::Timeout { .. }), Some(replica)) = (&both, &open.replica) {
                // It may be frozen; the primary is not.
                replica.gone("a statement took too long");
                self.leave(&open).await;
                continue;
            }
            let (begun, answer) = both?;
            let outcome = match (begun, answer) {
                (Err(error), _) => Err(error),
                (Ok(_), Err(error)) => Err(Arc::new(error)),
                (Ok(place), Ok(rows)) => Ok((place, rows)),
            };
            match (outcome, &open.replica) {
                (Ok((_, rows)), None) => {
                    open.used.store(true, Ordering::Relaxed);
                    return Ok(rows);
                }
                (Ok((place, rows)), Some(replica)) => {
                    replica.saw(place);
                    let wanted = match self.at {
                        At::Position(wanted) => wanted.lsn(),
                        At::Any | At::Primary => 0,
                    };
                    if place >= wanted {
                        if !open.used.swap(true, Ordering::Relaxed) {
                            replica.served();
                        }
                        return Ok(rows);
                    }
                }
                // The primary's state is never older than what the replica showed.
                (Err(error), Some(replica)) if is_the_servers(&error) => replica.failed(&error),
                // Nothing was read yet: a connection that died in the pool is not worth an error.
                (Err(error), None)
                    if matches!(trouble(&error), Trouble::Lost | Trouble::Refused)
                        && !open.used.load(Ordering::Relaxed)
                        && started.elapsed() < self.pg.read_deadline =>
                {
                    open.lease.tear();
                    tokio::time::sleep(RECONNECT).await;
                }
                (Err(error), _) => return Err(storage(stmt.name, &error)),
            }
            self.leave(&open).await;
        }
    }

    /// Gives a connection up, unless somebody else has done so.
    async fn leave(&self, left: &Arc<Open>) {
        if left.replica.is_some() {
            self.on_primary.store(true, Ordering::Relaxed);
        }
        let mut open = self.open.lock().await;
        if open.as_ref().is_some_and(|open| Arc::ptr_eq(open, left)) {
            *open = None;
        }
    }

    /// Returns the connection of the view; the first caller chooses a server and sends BEGIN, which
    /// nobody waits for alone.
    async fn open(&self, op: &'static str) -> Result<Arc<Open>> {
        let mut open = self.open.lock().await;
        if let Some(open) = &*open {
            return Ok(Arc::clone(open));
        }
        let mut on_replica = None;
        if !self.on_primary.load(Ordering::Relaxed)
            && let Some(replica) = self.pg.replicas.choose(self.at).await
        {
            // A replica that does not answer is not waited for: there is the primary.
            match replica.source.lease(op, Duration::ZERO).await {
                Ok(lease) => on_replica = Some((lease, replica)),
                Err(error) => replica.left(&error),
            }
        }
        let (lease, replica) = match on_replica {
            Some((lease, replica)) => (lease, Some(replica)),
            None => (self.pg.primary.lease(op, self.pg.read_deadline).await?, None),
        };
        let lease = Arc::new(lease);
        let guards = lease.guards();
        let begin = match (self.span, &replica) {
            (Span::Many, None) => Some(format!("{MANY}{guards}")),
            (Span::Many, Some(_)) => Some(format!("{PLACE}{MANY}{guards}")),
            (Span::One, None) if guards.is_empty() => None,
            (Span::One, None) => Some(format!("{ONE}{guards}")),
            (Span::One, Some(_)) => Some(format!("{PLACE}{ONE}{guards}")),
        };
        let begun = begin.map(|begin| begun(&lease, begin));
        let used = AtomicBool::new(false);
        Ok(Arc::clone(open.insert(Arc::new(Open { lease, replica, begun, used }))))
    }
}

/// Sends BEGIN; whoever needs its answer waits for it.
fn begun(lease: &Arc<Lease>, begin: String) -> Begun {
    let lease = Arc::clone(lease);
    let begun: Sent<'static, _> = Box::pin(async move {
        let Ok(client) = lease.client() else { return Ok(0) };
        let answer = client.simple_query(&begin).await.map_err(Arc::new)?;
        let place = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(parse_lsn),
            _ => None,
        });
        Ok(place.unwrap_or(0))
    });
    let begun = begun.shared();
    // The first poll sends it.
    drop(begun.clone().now_or_never());
    begun
}

/// Reports whether another server may do better.
fn is_the_servers(error: &tokio_postgres::Error) -> bool {
    matches!(
        trouble(error),
        Trouble::Lost | Trouble::Refused | Trouble::Serialization | Trouble::Aborted
    )
}

/// Counts a wait while a statement is under way.
struct Trip<'a>(&'a View);

impl<'a> Trip<'a> {
    fn begin(view: &'a View) -> Self {
        if view.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            view.trips.fetch_add(1, Ordering::Relaxed);
            view.pg.count_trip();
        }
        Self(view)
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pg {
    /// Takes a view; a connection is borrowed by its first statement.
    pub(crate) fn view(self: &Arc<Self>, span: Span, at: At) -> View {
        View::new(Arc::clone(self), span, at)
    }

    /// Runs a long statement on a connection of its own. Rows are mapped as they come.
    pub(crate) async fn scan<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value],
        mut map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        use futures_util::TryStreamExt as _;

        self.count_trip();
        let lease = self.primary.lease(stmt.name, self.read_deadline).await?;
        let sql = self.texts.plain(stmt);
        let client = lease.client()?;
        let params = params.iter().map(|value| (exec::Param(value), exec::type_of(value)));
        let work = async {
            let failed = |e: tokio_postgres::Error| storage(stmt.name, &e);
            let rows = client.query_typed_raw(&sql, params).await.map_err(failed)?;
            let mut rows = std::pin::pin!(rows);
            let mut out = Vec::new();
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                out.push(map(&row)?);
            }
            Ok(out)
        };
        let outcome = lease.within(stmt.name, self.long_deadline, work).await?;
        if outcome.is_err() {
            // Rows may still be under way.
            lease.tear();
        }
        outcome
    }
}
