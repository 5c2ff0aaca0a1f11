//! A batch: the statements of one mutation, atomic and without a conversation.

use std::{any::Any, fmt, sync::Arc};

use crate::{
    db::{OwnedRow, Params, Stmt},
    enums::{ChangeOp, EntityKind},
    error::{ConflictKind, Error, UnavailableKind},
    id::UserId,
    position::Position,
    time::Timestamp,
};

/// Statements that happen together or not at all.
///
/// Invariant: what must hold is checked inside the batch, by the row count of a step, never by
/// something read before it.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) scope: Scope,
    pub(crate) at: Timestamp,
    pub(crate) key: Option<IdempotencyRow>,
    pub(crate) changes: Vec<Change>,
    pub(crate) steps: Vec<Step>,
    pub(crate) held: Held,
}

/// Something that must live until the batch is committed or given up, whether its caller waits or
/// not: a lock on what the batch refers to.
#[derive(Default)]
pub(crate) struct Held(Option<Arc<dyn Any + Send + Sync>>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.0.is_some()).finish()
    }
}

/// Whose data a batch writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One user's: the batch takes the next revisions of that user.
    User(UserId),
    /// Nobody's: no revision, no change log.
    System,
}

/// What an idempotency key leaves behind, in the batch of its mutation.
#[derive(Debug, Clone)]
pub(crate) struct IdempotencyRow {
    pub(crate) mutation: &'static str,
    pub(crate) key: String,
    pub(crate) digest: [u8; 32],
    pub(crate) result: String,
    pub(crate) expires_at: Timestamp,
}

/// One line of the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) entity: EntityKind,
    pub(crate) id: uuid::Uuid,
    pub(crate) op: ChangeOp,
}

/// A statement with what it must do.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) stmt: &'static Stmt,
    pub(crate) params: Params,
    pub(crate) expect: Expect,
}

/// How many rows a step must touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Any number.
    Any,
    /// Exactly one, else the batch is rolled back and the miss is answered.
    One(Miss),
}

/// What an unmet expectation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// Another writer was first; read again and retry.
    Conflict,
    /// The idempotency key exists already.
    Replay,
    /// A lease was lost: the worker writes nothing.
    Lost,
    /// The connection broke after COMMIT was sent: the batch is there or it is not.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite always knows"))]
    Unknown,
}

/// Why a batch wrote nothing.
#[derive(Debug, Clone)]
pub(crate) enum Rejected {
    /// A step did not touch the rows it must.
    Missed(Miss, &'static str),
    /// The store failed.
    Failed(Error),
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Failed(error) => error,
            Rejected::Missed(Miss::Unknown, _) => {
                Self::unavailable(UnavailableKind::Interrupted, "write")
            }
            Rejected::Missed(miss, statement) => {
                tracing::debug!(?miss, statement, "a batch was given up");
                let why = "the same data was changed at the same time; read it again and retry";
                Self::conflict(ConflictKind::ChangedSince, why)
            }
        }
    }
}

/// What a batch did.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// The user's revision after the batch; `None` for system batches.
    pub rev: Option<i64>,
    /// What a reader must see to see the batch; `None` where every reader does.
    pub position: Option<Position>,
    /// Rows returned by each step, in step order.
    pub rows: Vec<Vec<OwnedRow>>,
}

impl Batch {
    /// Starts a batch on one user's data.
    pub(crate) fn user(user: UserId, at: Timestamp) -> Self {
        Self {
            scope: Scope::User(user),
            at,
            key: None,
            changes: Vec::new(),
            steps: Vec::new(),
            held: Held::default(),
        }
    }

    /// Starts a batch on nobody's data.
    pub(crate) fn system(at: Timestamp) -> Self {
        Self {
            scope: Scope::System,
            at,
            key: None,
            changes: Vec::new(),
            steps: Vec::new(),
            held: Held::default(),
        }
    }

    /// Adds a step that may touch any number of rows.
    pub(crate) fn step(&mut self, stmt: &'static Stmt, params: Params) {
        self.steps.push(Step { stmt, params, expect: Expect::Any });
    }

    /// Adds a step that must touch exactly one row.
    pub(crate) fn one(&mut self, stmt: &'static Stmt, params: Params, miss: Miss) {
        self.steps.push(Step { stmt, params, expect: Expect::One(miss) });
    }

    /// Keeps a lock until the batch has ended.
    pub(crate) fn hold(&mut self, lock: Arc<dyn Any + Send + Sync>) {
        self.held = Held(Some(lock));
    }

    /// Notes a change for the change log; the same change is noted once.
    pub(crate) fn change(&mut self, entity: EntityKind, id: uuid::Uuid, op: ChangeOp) {
        let change = Change { entity, id, op };
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }
}
