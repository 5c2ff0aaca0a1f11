//! What every batch runs besides its own steps.

use std::ops::Range;

use super::batch::{Held, Step};
use crate::{
    db::{Batch, Commit, Expect, Miss, OwnedRow, Row, Scope, Stmt, params},
    error::{Error, Result},
    position::Position,
};

/// Step 1 of every user batch: a row lock that puts one user's batches in order.
static USER_REV_BUMP: Stmt = Stmt::write(
    "user_rev_bump",
    "INSERT INTO user_rev (user_id, rev, floor)
     VALUES ($1, $2, 0)
     ON CONFLICT (user_id) DO UPDATE SET rev = user_rev.rev + $2
     RETURNING rev",
);

/// Step 2: an expired key may be taken again, a live one not. $6 is 1 when the batch has changes,
/// whose revision step 1 has made, else 0.
static IDEMPOTENCY_INSERT: Stmt = Stmt::write(
    "idempotency_insert",
    "INSERT INTO idempotency (user_id, mutation, key, digest, result, rev, expires_at)
     SELECT $1, $2, $3, $4, $5, user_rev.rev * $6, $7
     FROM user_rev
     WHERE user_rev.user_id = $1
     ON CONFLICT (user_id, mutation, key) DO UPDATE
     SET digest = excluded.digest, result = excluded.result, rev = excluded.rev,
         expires_at = excluded.expires_at
     WHERE idempotency.expires_at <= $8",
);

/// Last step: the changes, each with a revision of its own.
static CHANGE_LOG_INSERT: Stmt = Stmt::write(
    "change_log_insert",
    "INSERT INTO change_log (user_id, rev, entity, entity_id, op, at)
     SELECT $1, user_rev.rev - $2, $3, $4, $5, $6
     FROM user_rev
     WHERE user_rev.user_id = $1",
);

/// The statements that every batch runs by itself.
pub(crate) fn statements() -> [&'static Stmt; 3] {
    [&USER_REV_BUMP, &IDEMPOTENCY_INSERT, &CHANGE_LOG_INSERT]
}

/// A batch with the steps that every batch runs by itself, in the order that every engine keeps:
/// revision, idempotency key, the domain's steps (read model last among them), change log.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) scope: Scope,
    pub(super) steps: Vec<Step>,
    /// Where the domain's steps are.
    own: Range<usize>,
    changes: bool,
    _held: Held,
}

impl Framed {
    /// Makes the answer out of the rows that all steps returned, in step order.
    pub(super) fn commit(
        &self,
        mut rows: Vec<Vec<OwnedRow>>,
        position: Option<Position>,
    ) -> Result<Commit> {
        let rev = match self.scope {
            // A batch without a change (an idempotency key alone) has no revision.
            Scope::User(_) if self.changes => {
                let row: Option<&dyn Row> =
                    rows.first().and_then(|rows| rows.first()).map(|row| row as &dyn Row);
                Some(row.ok_or_else(|| Error::bug("write", "no revision came back"))?.int(0)?)
            }
            Scope::User(_) | Scope::System => None,
        };
        rows.truncate(self.own.end);
        rows.drain(..self.own.start);
        Ok(Commit { rev, position, rows })
    }
}

impl Batch {
    /// Adds the steps that every batch runs by itself.
    pub(super) fn framed(self) -> Framed {
        let Self { scope, at, key, changes, steps: own, held } = self;
        let mut steps = Vec::with_capacity(own.len() + changes.len() + 2);
        let free = |stmt, params| Step { stmt, params, expect: Expect::Any };
        if let Scope::User(user) = scope {
            steps.push(free(&USER_REV_BUMP, params![user, changes.len()]));
            if let Some(key) = key {
                let params = params![
                    user,
                    key.mutation,
                    key.key,
                    key.digest.as_slice(),
                    key.result,
                    !changes.is_empty(),
                    key.expires_at,
                    at,
                ];
                let expect = Expect::One(Miss::Replay);
                steps.push(Step { stmt: &IDEMPOTENCY_INSERT, params, expect });
            }
        }
        let start = steps.len();
        steps.extend(own);
        let own = start..steps.len();
        if let Scope::User(user) = scope {
            for (i, change) in changes.iter().enumerate() {
                let behind = changes.len() - 1 - i;
                let (entity, op) = (change.entity.as_str(), change.op.as_str());
                let params = params![user, behind, entity, change.id, op, at];
                steps.push(free(&CHANGE_LOG_INSERT, params));
            }
        }
        Framed { scope, steps, own, changes: !changes.is_empty(), _held: held }
    }
}
