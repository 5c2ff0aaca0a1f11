//! SQL of background work. A finished task has no row.

use uuid::Uuid;

use crate::{
    db::{Batch, Miss, Row, Stmt, params},
    engine::Engine,
    error::{Error, Result},
    id::{AttachmentId, TaskId, UserId},
};

const TEXT_EXTRACTION: &str = "TEXT_EXTRACTION";

static TASK_ENQUEUE: Stmt = Stmt::write(
    "task_enqueue",
    "INSERT INTO task (id, user_id, kind, subject, state, run_at, attempts, created_at)
     VALUES ($1, $2, $3, $4, 'QUEUED', $5, 0, $5)
     ON CONFLICT (kind, subject) DO NOTHING",
);

static TASK_CLAIM: Stmt = Stmt::write(
    "task_claim",
    "UPDATE task
     SET state = 'RUNNING', attempts = attempts + 1, lease_until = $1, lease_token = $2
     WHERE id IN (
         SELECT due.id
         FROM task due
         WHERE due.state = 'QUEUED' AND due.run_at <= $3
         ORDER BY due.run_at, due.id
         LIMIT $4
     )
     RETURNING id, user_id, subject, attempts",
)
.with_pg(
    "UPDATE task
     SET state = 'RUNNING', attempts = attempts + 1, lease_until = $1, lease_token = $2
     WHERE id IN (
         SELECT due.id
         FROM task due
         WHERE due.state = 'QUEUED' AND due.run_at <= $3
         ORDER BY due.run_at, due.id
         LIMIT $4
         FOR UPDATE SKIP LOCKED
     )
     RETURNING id, user_id, subject, attempts",
);

static TASK_FINISH: Stmt = Stmt::write(
    "task_finish",
    "DELETE FROM task
     WHERE id = $1 AND lease_token = $2",
);

static TASK_RETRY: Stmt = Stmt::write(
    "task_retry",
    "UPDATE task
     SET state = $1, run_at = $2, last_error = $3, lease_until = NULL, lease_token = NULL
     WHERE id = $4 AND lease_token = $5",
);

static TASK_EXPIRE: Stmt = Stmt::write(
    "task_expire",
    "UPDATE task
     SET state = 'QUEUED', lease_until = NULL, lease_token = NULL
     WHERE state = 'RUNNING' AND lease_until <= $1",
);

/// The statements of this domain.
pub(crate) fn statements() -> [&'static Stmt; 5] {
    [&TASK_ENQUEUE, &TASK_CLAIM, &TASK_FINISH, &TASK_RETRY, &TASK_EXPIRE]
}

/// A task that this process may work on until its lease ends.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) id: TaskId,
    pub(crate) user: UserId,
    subject: Uuid,
    attempts: i64,
    token: Uuid,
}

impl Claim {
    /// Returns the attachment whose text is wanted.
    pub(crate) fn subject(&self) -> AttachmentId {
        AttachmentId::from_uuid(self.subject)
    }

    /// Reports whether a failure now is the last one.
    pub(crate) fn is_last_of(&self, attempts_max: i64) -> bool {
        self.attempts >= attempts_max
    }

    /// Reports whether every allowed try has been made already, so that none of them ended in an
    /// orderly way.
    pub(crate) fn is_beyond(&self, attempts_max: i64) -> bool {
        self.attempts > attempts_max
    }

    /// Adds the end of the task; a worker whose lease was lost writes nothing.
    pub(crate) fn finish(&self, batch: &mut Batch) {
        batch.one(&TASK_FINISH, params![self.id, self.token], Miss::Lost);
    }
}

/// Adds a text extraction; one that waits already is enough.
pub(crate) fn enqueue_extraction(batch: &mut Batch, user: UserId, attachment: AttachmentId) {
    let at = batch.at;
    let params = params![TaskId::new(at), user, TEXT_EXTRACTION, attachment, at];
    batch.step(&TASK_ENQUEUE, params);
}

/// Claims up to `limit` due tasks, the oldest first; those of crashed workers are due when their
/// lease has ended.
pub(crate) async fn claim(engine: &Engine, limit: usize, lease_ms: i64) -> Result<Vec<Claim>> {
    let now = engine.now();
    let token = Uuid::from_bytes(crate::id::random_bytes::<16>()?);
    let mut batch = Batch::system(now);
    batch.step(&TASK_EXPIRE, params![now]);
    batch.step(&TASK_CLAIM, params![now.plus_ms(lease_ms), token, now, limit]);
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    commit
        .rows
        .into_iter()
        .flatten()
        .map(|row| {
            let row: &dyn Row = &row;
            Ok(Claim {
                id: TaskId::from_uuid(row.id(0)?),
                user: UserId::from_uuid(row.id(1)?),
                subject: row.id(2)?,
                attempts: row.int(3)?,
                token,
            })
        })
        .collect()
}

/// Puts a failed task back with growing delays; after the last try it stays as DEAD.
pub(crate) async fn fail(
    engine: &Engine,
    claim: &Claim,
    most: i64,
    error: &'static str,
) -> Result<()> {
    let now = engine.now();
    let state = if claim.is_last_of(most) { "DEAD" } else { "QUEUED" };
    let delay_ms = 1_000_i64 << claim.attempts.clamp(0, 12);
    let mut batch = Batch::system(now);
    let params = params![state, now.plus_ms(delay_ms), error, claim.id, claim.token];
    batch.step(&TASK_RETRY, params);
    engine.shared.store.commit(batch).await.map_err(Error::from)?;
    Ok(())
}
