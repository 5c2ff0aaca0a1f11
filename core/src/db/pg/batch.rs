//! A batch: BEGIN, all steps and COMMIT leave together and cost one round trip.
//!
//! A COMMIT that travels with its steps must not commit when a step did not touch the row it must:
//! every such step carries its own check, which divides by zero when it does not hold. The server
//! then refuses all that follows, and its COMMIT rolls back. So the answer is never taken from
//! COMMIT but from the steps: a batch is there if and only if every step and COMMIT succeeded.

use std::{sync::Arc, time::Duration};

use tokio_postgres::{Row as PgRow, SimpleQueryMessage};

use super::{
    Pg,
    exec::{self, Trouble, owned, storage, trouble},
    lease::{Sent, together},
    replicas::parse_lsn,
};
use crate::{
    config::Synchronous,
    db::{Batch, Commit, Expect, Miss, Rejected, Scope, frame::Framed},
    error::{Error, UnavailableKind},
    position::Position,
};

/// Attempts of a batch that met another transaction or a server that went down before COMMIT.
const ATTEMPTS: u32 = 4;
/// Also tells how far a replica must have got to show the batch. What COMMIT has flushed is sent to
/// replicas at once; the place of the next insertion may lie behind what others have not flushed.
const COMMIT: &str = "COMMIT; SELECT pg_current_wal_flush_lsn()";
/// Without the flush only the place of the next insertion is surely behind the batch.
const COMMIT_RELAXED: &str = "COMMIT; SELECT pg_current_wal_insert_lsn()";

/// An answer to something that was sent.
#[derive(Debug)]
enum Reply {
    Done,
    Rows(Vec<PgRow>),
    Text(Option<String>),
}

/// Why an attempt wrote nothing.
enum Failed {
    /// It can be made again: surely nothing was written.
    Again(Rejected),
    ForGood(Rejected),
}

impl Pg {
    /// Runs a batch in a task of its own, so that it happens whole or not at all also when the
    /// caller stops waiting.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        batch: Batch,
    ) -> std::result::Result<Commit, Rejected> {
        let busy = |_| Rejected::Failed(Error::unavailable(UnavailableKind::Busy, "write"));
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(busy)?;
        let (pg, batch) = (Arc::clone(self), batch.framed());
        let work = tokio::spawn(async move {
            let outcome = pg.write(&batch).await;
            drop(place);
            outcome
        });
        work.await.unwrap_or_else(|e| Err(Rejected::Failed(Error::internal("write a batch", e))))
    }

    async fn write(&self, batch: &Framed) -> std::result::Result<Commit, Rejected> {
        let mut attempt = 1;
        loop {
            match self.attempt(batch).await {
                Ok(commit) => {
                    if let (Scope::User(user), Some(position)) = (batch.scope, commit.position) {
                        self.replicas.wrote(user, position);
                        if let Some(rev) = commit.rev {
                            self.hub.publish(user, rev);
                            self.notice.tell(user, rev);
                        }
                    }
                    return Ok(commit);
                }
                Err(Failed::Again(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(jitter()).await;
                }
                Err(Failed::Again(rejected) | Failed::ForGood(rejected)) => return Err(rejected),
            }
        }
    }

    async fn attempt(&self, batch: &Framed) -> std::result::Result<Commit, Failed> {
        let good = |error| Failed::ForGood(Rejected::Failed(error));
        let lease = self.primary.lease("write", self.write_deadline).await.map_err(good)?;
        let client = lease.client().map_err(good)?;
        let texts: Vec<_> = batch
            .steps
            .iter()
            .map(|step| match step.expect {
                Expect::Any => self.texts.plain(step.stmt),
                Expect::One(_) => self.texts.checked(step.stmt),
            })
            .collect();
        let mut futures: Vec<Sent<'_, Result<Reply, tokio_postgres::Error>>> =
            Vec::with_capacity(batch.steps.len() + 3);
        futures.push(Box::pin(async {
            client.batch_execute(&self.brackets.begin).await.map(|()| Reply::Done)
        }));
        for (step, sql) in batch.steps.iter().zip(&texts) {
            futures.push(Box::pin(async move {
                exec::run(client, sql, &step.params).await.map(Reply::Rows)
            }));
        }
        // A standby that must confirm may take its time: no timeout turns COMMIT into half a promise.
        futures.push(Box::pin(async {
            client.batch_execute("SET LOCAL statement_timeout = 0").await.map(|()| Reply::Done)
        }));
        futures.push(Box::pin(async {
            let answer = client.simple_query(self.brackets.commit).await?;
            Ok(Reply::Text(answer.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })))
        }));
        self.count_trip();
        self.texts.count(batch.steps.iter().map(|step| step.stmt));
        // The server ends it by its own timeout; this one is for a server that does not answer.
        let patience = self.write_deadline + self.write_deadline;
        let answers = match lease.within("write", patience, together(futures)).await {
            Ok(answers) => answers,
            Err(_timeout) => return Err(unknown()),
        };
        let outcome = settle(batch, answers);
        if matches!(
            &outcome,
            Err(Failed::Again(_) | Failed::ForGood(Rejected::Missed(Miss::Unknown, _)))
        ) {
            // It may lead to a server that is going down or no longer the primary.
            lease.tear();
        }
        outcome
    }
}

fn unknown() -> Failed {
    Failed::ForGood(Rejected::Missed(Miss::Unknown, "commit"))
}

/// Reads the answers of a batch.
fn settle(
    batch: &Framed,
    answers: Vec<Result<Reply, tokio_postgres::Error>>,
) -> std::result::Result<Commit, Failed> {
    let last = answers.len().saturating_sub(1);
    let (mut rows, mut position) = (Vec::with_capacity(batch.steps.len()), None);
    for (i, answer) in answers.into_iter().enumerate() {
        let step = i.checked_sub(1).and_then(|i| batch.steps.get(i));
        let name = match step {
            Some(step) => step.stmt.name,
            None if i == last => "commit",
            None => "begin",
        };
        match (answer, step.map(|step| step.expect)) {
            (Ok(Reply::Done), _) => {}
            (Ok(Reply::Text(lsn)), _) => position = lsn.as_deref().and_then(parse_lsn),
            // The row of the check is not an answer.
            (Ok(Reply::Rows(_)), Some(Expect::One(_))) => rows.push(Vec::new()),
            (Ok(Reply::Rows(found)), _) => {
                let found = found.iter().map(owned).collect::<crate::Result<_>>();
                rows.push(found.map_err(|e| Failed::ForGood(Rejected::Failed(e)))?);
            }
            (Err(error), expect) => return Err(failed(&error, expect, name)),
        }
    }
    let commit = batch.commit(rows, position.map(Position::from_lsn));
    commit.map_err(|error| Failed::ForGood(Rejected::Failed(error)))
}

/// Tells what the first error of a batch means; what follows it is only its echo.
fn failed(error: &tokio_postgres::Error, expect: Option<Expect>, name: &'static str) -> Failed {
    match (trouble(error), expect) {
        (Trouble::Unmet, Some(Expect::One(miss))) => Failed::ForGood(Rejected::Missed(miss, name)),
        (Trouble::Clash, Some(_)) => Failed::ForGood(Rejected::Missed(Miss::Conflict, name)),
        (Trouble::Serialization, _) => Failed::Again(Rejected::Failed(storage(name, error))),
        // The server stopped while it took COMMIT, before or after it was done.
        (Trouble::Refused, None) if name == "commit" => unknown(),
        // The server answered that it stops: this statement failed, so COMMIT cannot succeed.
        (Trouble::Refused, _) => Failed::Again(Rejected::Failed(storage(name, error))),
        (Trouble::Lost, _) => unknown(),
        // Whatever else went wrong there may have come after the commit.
        (Trouble::Other | Trouble::Aborted, None) if name == "commit" => unknown(),
        _ => Failed::ForGood(Rejected::Failed(storage(name, error))),
    }
}

/// What stands around the steps of a batch.
#[derive(Debug)]
pub(super) struct Brackets {
    begin: String,
    commit: &'static str,
}

impl Brackets {
    /// `unsynchronized` when the server would not flush by itself.
    pub(super) fn new(synchronous: Synchronous, unsynchronized: bool, deadline: Duration) -> Self {
        let ms = deadline.as_millis();
        let (relaxed, commit) = match synchronous {
            Synchronous::Full if unsynchronized => ("; SET LOCAL synchronous_commit = on", COMMIT),
            Synchronous::Full => ("", COMMIT),
            Synchronous::Relaxed => ("; SET LOCAL synchronous_commit = off", COMMIT_RELAXED),
        };
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {ms}; \
             SET LOCAL lock_timeout = {ms}; \
             SET LOCAL idle_in_transaction_session_timeout = {ms}{relaxed}"
        );
        Self { begin, commit }
    }
}

/// 10 to 50 ms, so that two that met do not meet again.
fn jitter() -> Duration {
    let random = crate::id::random_bytes::<1>().map_or(0, |bytes| bytes[0]);
    Duration::from_millis(10 + u64::from(random) % 41)
}
