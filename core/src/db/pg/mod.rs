//! PostgreSQL: a pool of connections to the primary, perhaps through PgBouncer, read replicas, and
//! one direct connection that hears of other processes' writes.
//!
//! Nothing is left on a connection: statements are unnamed, settings are LOCAL, the only lock is the
//! transaction's.

mod address;
mod batch;
mod exec;
mod lease;
mod migrate;
mod notice;
mod replicas;
mod servers;
mod start;
mod texts;
mod tls;
mod view;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinHandle};

pub(crate) use view::View;

use crate::{
    config::{Config, PostgresConfig},
    db::{Row, StmtStats, StoreHealth},
    error::{Error, Result},
    hub::Hub,
    id::UserId,
    position::Position,
};
use address::Address;
use batch::Brackets;
use lease::Source;
use notice::Notice;
use replicas::{Replica, Replicas, parse_lsn};
use servers::Servers;
use start::About;
use texts::Texts;

/// How often the primary is asked how far it has got, for the lag of the replicas.
const PLACE: Duration = Duration::from_secs(1);

/// An open PostgreSQL database.
#[derive(Debug)]
pub(crate) struct Pg {
    primary: Source,
    replicas: Arc<Replicas>,
    texts: Texts,
    hub: Arc<Hub>,
    notice: Arc<Notice>,
    /// Batches under way or waiting for a connection.
    queue: Arc<Semaphore>,
    queue_size: u32,
    brackets: Brackets,
    read_deadline: Duration,
    long_deadline: Duration,
    write_deadline: Duration,
    version: String,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Waits for an answer of a server on behalf of callers.
    trips: AtomicU64,
}

impl Pg {
    /// Waits for the server, brings the schema up to date, checks the settings and begins to
    /// listen.
    pub(crate) async fn open(
        settings: &PostgresConfig,
        config: &Config,
        hub: Arc<Hub>,
    ) -> Result<Arc<Self>> {
        let servers = Servers::open(settings, config).await?;
        let Servers { primary, direct, replicas, identity, about } = servers;
        let About { version, unsynchronized, .. } = about;
        let ms = Duration::from_millis;
        let read_deadline = ms(settings.read_deadline_ms);
        let replicas: Vec<_> = replicas.into_iter().map(Replica::new).map(Arc::new).collect();
        // What was written before this start, by whomever, is seen from the first read on.
        let floor = match replicas.is_empty() {
            true => None,
            false => Some(Position::from_lsn(place(&primary, read_deadline).await?)),
        };
        let (wait, lag) = (ms(settings.replica_wait_ms), settings.replica_lag_max_mib);
        let write_deadline = ms(settings.write_deadline_ms);
        let queue_size = u32::try_from(config.storage.queue.max(1)).unwrap_or(u32::MAX);
        let pg = Arc::new(Self {
            primary,
            replicas: Arc::new(Replicas::new(replicas, wait, lag, floor)),
            texts: Texts::new(config.storage.statement_stats),
            notice: Arc::new(Notice::default()),
            queue: Arc::new(Semaphore::new(config.storage.queue.max(1))),
            queue_size,
            brackets: Brackets::new(config.storage.synchronous, unsynchronized, write_deadline),
            read_deadline,
            long_deadline: read_deadline.saturating_mul(60),
            write_deadline,
            version,
            hub,
            tasks: Mutex::default(),
            trips: AtomicU64::new(0),
        });
        pg.begin_tasks(direct, identity, ms(settings.poll_ms)).await;
        Ok(pg)
    }

    async fn begin_tasks(&self, direct: Option<Address>, identity: String, poll: Duration) {
        let primary = || self.primary.clone();
        let (notice, hub) = (|| Arc::clone(&self.notice), || Arc::clone(&self.hub));
        let mut tasks = vec![
            tokio::spawn(notice::send(primary(), notice(), self.write_deadline)),
            tokio::spawn(notice::watch(primary(), notice(), hub(), poll)),
        ];
        if let Some(direct) = direct {
            tasks.push(tokio::spawn(notice::listen(direct, primary(), notice(), hub())));
        }
        for replica in self.replicas.list() {
            self.replicas.look_after(replica, &identity).await;
            let (all, replica) = (Arc::clone(&self.replicas), Arc::clone(replica));
            let identity = identity.clone();
            tasks.push(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(replicas::POLL).await;
                    all.look_after(&replica, &identity).await;
                }
            }));
        }
        if !self.replicas.list().is_empty() {
            let (all, source) = (Arc::clone(&self.replicas), primary());
            tasks.push(tokio::spawn(async move {
                loop {
                    if let Ok(lsn) = place(&source, PLACE).await {
                        all.primary_is_at(lsn);
                    }
                    tokio::time::sleep(PLACE).await;
                }
            }));
        }
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks);
    }

    /// Lets running batches end, then closes every connection.
    pub(crate) async fn close(&self) {
        // Only a closed queue refuses, and then nothing runs.
        drop(self.queue.acquire_many(self.queue_size).await);
        self.queue.close();
        self.end_tasks();
        notice::send_rest(&self.primary, &self.notice, self.read_deadline).await;
        self.primary.pool.close();
        for replica in self.replicas.list() {
            replica.source.pool.close();
        }
    }

    fn end_tasks(&self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// Returns what the database tells about itself.
    pub(crate) fn health(&self) -> StoreHealth {
        StoreHealth {
            engine: "postgresql",
            version: self.version.clone(),
            replicas: self.replicas.health(),
        }
    }

    /// Returns the position of a user's newest write through this engine.
    pub(crate) fn written(&self, user: UserId) -> Option<Position> {
        self.replicas.written(user)
    }

    /// Reports whether there are replicas to read from.
    pub(crate) fn has_replicas(&self) -> bool {
        !self.replicas.list().is_empty()
    }

    /// Notes that a user knows of a write that is somewhere before the primary's present place.
    pub(crate) async fn saw(&self, user: UserId) -> Result<()> {
        let lsn = place(&self.primary, self.read_deadline).await?;
        self.replicas.wrote(user, Position::from_lsn(lsn));
        Ok(())
    }

    /// Returns how often each statement ran, where counting is on.
    pub(crate) fn stats(&self) -> Vec<(&'static str, StmtStats)> {
        self.texts.stats()
    }

    /// Returns how often callers waited for a server.
    pub(crate) fn round_trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    fn count_trip(&self) {
        self.trips.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what the catalogue of the server knows of damages: indexes and constraints that are
    /// not valid. Checks of pages are the server's own (pg_amcheck, checksums).
    pub(crate) async fn integrity(&self) -> Result<Vec<String>> {
        let op = "check the database";
        let lease = self.primary.lease(op, self.read_deadline).await?;
        let sql = "
            SELECT 'the index ' || CAST(indexrelid AS regclass) || ' is not valid: REINDEX it'
            FROM pg_index
            JOIN pg_class ON pg_class.oid = indexrelid
            WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))
                AND NOT (indisvalid AND indisready)
            UNION ALL
            SELECT 'the constraint ' || conname || ' of ' || CAST(conrelid AS regclass)
                || ' was never validated'
            FROM pg_constraint
            WHERE connamespace = to_regnamespace(quote_ident(current_schema()))
                AND NOT convalidated";
        let rows = lease.run(op, sql, &[], self.long_deadline).await?;
        let rows = rows.map_err(|e| exec::storage(op, &e))?;
        rows.iter().map(|row| (row as &dyn Row).text(0).map(str::to_owned)).collect()
    }
}

impl Drop for Pg {
    fn drop(&mut self) {
        self.end_tasks();
    }
}

/// Asks the primary how far it has got, flushed or not.
async fn place(source: &Source, patience: Duration) -> Result<u64> {
    let op = "ask the primary";
    let lease = source.lease(op, patience).await?;
    let sql = "SELECT CAST(pg_current_wal_insert_lsn() AS TEXT)";
    let rows = lease.run(op, sql, &[], patience).await?.map_err(|e| exec::storage(op, &e))?;
    let text = rows.first().map(|row| (row as &dyn Row).text(0)).transpose()?;
    text.and_then(parse_lsn).ok_or_else(|| Error::bug(op, "it has no place in a log"))
}
