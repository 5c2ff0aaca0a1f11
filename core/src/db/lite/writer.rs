//! The one writing connection, on a thread of its own. Batches that wait share one commit, so that
//! a disk flush is paid once for all of them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::exec::{self, Stats, storage};
use crate::{
    config::Config,
    db::{Batch, Commit, Expect, Miss, OwnedRow, Rejected, Scope, batch::Step, frame::Framed},
    error::{Error, Result, UnavailableKind},
    hub::Hub,
};

/// Longest time a group keeps taking in batches that arrive while it is put together.
const GROUP_WAIT: Duration = Duration::from_millis(2);

type Outcome = std::result::Result<Commit, Rejected>;

struct Request {
    batch: Framed,
    reply: oneshot::Sender<Outcome>,
}

/// The handle to the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        conn: Connection,
        config: &Config,
        hub: Arc<Hub>,
        stats: Option<Arc<Mutex<Stats>>>,
    ) -> Result<Self> {
        let (queue, requests) = sync_channel(config.storage.queue.max(1));
        let worker = Worker {
            conn,
            hub,
            stats,
            group_max: config.storage.group_max.max(1),
            busy: Duration::from_millis(config.storage.busy_ms),
        };
        let thread = std::thread::Builder::new()
            .name(String::from("jotrack-writer"))
            .spawn(move || worker.run(&requests))
            .map_err(|e| Error::io("start the writer", e))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn commit(&self, batch: Batch) -> Outcome {
        let closed = || Rejected::Failed(Error::unavailable(UnavailableKind::Closed, "write"));
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, answer) = oneshot::channel();
        match queue.ok_or_else(closed)?.try_send(Request { batch: batch.framed(), reply }) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(closed())),
            Err(TrySendError::Full(_)) => {
                Err(Rejected::Failed(Error::unavailable(UnavailableKind::Busy, "write")))
            }
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }

    pub(super) fn close(&self) -> Result<()> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        match self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(thread) => {
                thread.join().map_err(|_| Error::bug("close the writer", "the writer panicked"))
            }
            None => Ok(()),
        }
    }
}

struct Worker {
    conn: Connection,
    hub: Arc<Hub>,
    stats: Option<Arc<Mutex<Stats>>>,
    group_max: usize,
    busy: Duration,
}

/// Why a whole group was rolled back: the batch at fault, and its error.
struct GroupLost {
    at: Option<usize>,
    error: Error,
}

impl Worker {
    fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let group = self.gather(first, requests);
            self.serve(group);
        }
        if let Err(error) =
            self.conn.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::debug!(%error, "the last checkpoint is left to the next start");
        }
    }

    fn gather(&self, first: Request, requests: &Receiver<Request>) -> Vec<Request> {
        let started = Instant::now();
        let mut group = vec![first];
        while group.len() < self.group_max && started.elapsed() < GROUP_WAIT {
            match requests.try_recv() {
                Ok(request) => group.push(request),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        group
    }

    /// Runs a group in one transaction. When SQLite rolls all of it back for the sake of one
    /// batch, that batch gets the error and every other one is run again on its own.
    fn serve(&mut self, group: Vec<Request>) {
        match self.transact(&group) {
            Ok(outcomes) => self.answer(group, outcomes),
            Err(GroupLost { at: None, error }) => {
                let outcomes = group.iter().map(|_| Err(Rejected::Failed(error.clone()))).collect();
                self.answer(group, outcomes);
            }
            Err(GroupLost { at: Some(at), error }) => {
                for (i, request) in group.into_iter().enumerate() {
                    let single = [request];
                    let outcome = if i == at {
                        Err(Rejected::Failed(error.clone()))
                    } else {
                        self.transact(&single)
                            .map_err(|lost| Rejected::Failed(lost.error))
                            .and_then(|mut outcomes| {
                                outcomes.pop().unwrap_or_else(|| Err(bug("a batch had no outcome")))
                            })
                    };
                    self.answer(Vec::from(single), vec![outcome]);
                }
            }
        }
    }

    fn answer(&self, group: Vec<Request>, outcomes: Vec<Outcome>) {
        for (request, outcome) in group.iter().zip(&outcomes) {
            if let (Scope::User(user), Ok(Commit { rev: Some(rev), .. })) =
                (request.batch.scope, outcome)
            {
                self.hub.publish(user, *rev);
            }
        }
        for (request, outcome) in group.into_iter().zip(outcomes) {
            // The caller may have stopped waiting; the batch stands all the same.
            drop(request.reply.send(outcome));
        }
    }

    fn transact(&mut self, group: &[Request]) -> std::result::Result<Vec<Outcome>, GroupLost> {
        let lost = |op, e| GroupLost { at: None, error: storage(op, e) };
        self.begin().map_err(|error| GroupLost { at: None, error })?;
        let mut outcomes = Vec::with_capacity(group.len());
        for (at, request) in group.iter().enumerate() {
            let outcome = match self.in_savepoint(&request.batch) {
                Ok(outcome) => outcome,
                Err(error) => {
                    // What the batch wrote could not be taken back: nothing of the group may stay.
                    self.roll_back();
                    return Err(GroupLost { at: Some(at), error });
                }
            };
            if self.conn.is_autocommit() {
                let error = match outcome {
                    Err(Rejected::Failed(error)) => error,
                    _ => Error::bug("write", "the transaction ended by itself"),
                };
                return Err(GroupLost { at: Some(at), error });
            }
            outcomes.push(outcome);
        }
        if let Err(error) = self.run_sql("COMMIT") {
            self.roll_back();
            return Err(lost("commit", error));
        }
        Ok(outcomes)
    }

    /// Starts the write transaction. SQLite's lock is unfair between processes, so after its own
    /// timeout it is tried again until the deadline.
    fn begin(&self) -> Result<()> {
        let started = Instant::now();
        self.roll_back();
        loop {
            match self.run_sql("BEGIN IMMEDIATE") {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = storage("begin to write", error);
                    let busy =
                        matches!(error, Error::Unavailable { kind: UnavailableKind::Busy, .. });
                    if !busy || started.elapsed() > self.busy {
                        return Err(error);
                    }
                    std::thread::yield_now();
                }
            }
        }
    }

    /// Ends a transaction that is still open; one that cannot end now is ended before the next.
    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.run_sql("ROLLBACK")
        {
            tracing::warn!(%error, "a rollback failed; it is tried again");
        }
    }

    /// Applies a batch so that it can be taken back alone. The outer error says that it could not
    /// be ended either way.
    fn in_savepoint(&mut self, batch: &Framed) -> Result<Outcome> {
        self.run_sql("SAVEPOINT batch").map_err(|e| storage("write", e))?;
        let mut counters = self.stats.as_ref().map(|_| Stats::new());
        let outcome = apply(&self.conn, batch, &mut counters);
        if let (Some(stats), Some(counters)) = (&self.stats, counters) {
            let mut stats = stats.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, counted) in counters {
                stats.entry(name).or_default().add(counted);
            }
        }
        if self.conn.is_autocommit() {
            return Ok(outcome);
        }
        if outcome.is_err() {
            self.run_sql("ROLLBACK TO batch").map_err(|e| storage("write", e))?;
        }
        self.run_sql("RELEASE batch").map_err(|e| storage("write", e))?;
        Ok(outcome)
    }

    fn run_sql(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.raw_execute().map(|_| ())
    }
}

fn apply(conn: &Connection, batch: &Framed, counters: &mut Option<Stats>) -> Outcome {
    let mut rows = Vec::with_capacity(batch.steps.len());
    for step in &batch.steps {
        rows.push(run(conn, step, counters)?);
    }
    batch.commit(rows, None).map_err(Rejected::Failed)
}

fn run(
    conn: &Connection,
    step: &Step,
    counters: &mut Option<Stats>,
) -> std::result::Result<Vec<OwnedRow>, Rejected> {
    let Step { stmt, params, expect } = step;
    let (touched, rows) = exec::step(conn, stmt, params, counters.as_mut()).map_err(|error| {
        if exec::is_unique_violation(&error) || exec::is_foreign_key_violation(&error) {
            Rejected::Missed(Miss::Conflict, stmt.name)
        } else {
            Rejected::Failed(storage(stmt.name, error))
        }
    })?;
    match expect {
        Expect::One(miss) if touched != 1 => Err(Rejected::Missed(*miss, stmt.name)),
        Expect::One(_) | Expect::Any => Ok(rows),
    }
}

fn bug(why: &str) -> Rejected {
    Rejected::Failed(Error::bug("write", why))
}
