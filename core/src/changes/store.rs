//! SQL of the change log.

use super::Change;
use crate::{
    db::{Batch, Row, Stmt, params},
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind},
    error::Result,
    id::UserId,
    time::DAY_MS,
};

static REV_HEAD: Stmt = Stmt::read(
    "rev_head",
    "SELECT rev, floor
     FROM user_rev
     WHERE user_id = $1",
);

static CHANGES_AFTER: Stmt = Stmt::read(
    "changes_after",
    "SELECT rev, entity, entity_id, op
     FROM change_log
     WHERE user_id = $1 AND rev > $2 AND rev <= $3 AND entity IN rarray($4)
     ORDER BY rev
     LIMIT $5",
);

static CHANGES_OLD: Stmt = Stmt::read(
    "changes_old",
    "SELECT rev
     FROM change_log
     WHERE user_id = $1 AND at < $2
     ORDER BY rev DESC
     LIMIT 1",
);

static CHANGES_PRUNE: Stmt = Stmt::write(
    "changes_prune",
    "DELETE FROM change_log
     WHERE user_id = $1 AND rev <= $2",
);

static REV_FLOOR: Stmt = Stmt::write(
    "rev_floor",
    "UPDATE user_rev
     SET floor = $1
     WHERE user_id = $2 AND floor < $1",
);

static REV_USERS: Stmt = Stmt::long(
    "rev_users",
    "SELECT user_id, rev, floor
     FROM user_rev",
);

/// The statements of this domain.
pub(crate) fn statements() -> [&'static Stmt; 6] {
    [&REV_HEAD, &CHANGES_AFTER, &CHANGES_OLD, &CHANGES_PRUNE, &REV_FLOOR, &REV_USERS]
}

/// The ends of a user's log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    pub(crate) rev: i64,
    /// Changes at or below it are gone.
    pub(crate) floor: i64,
}

fn head_row(row: &dyn Row) -> Result<Head> {
    Ok(Head { rev: row.int(0)?, floor: row.int(1)? })
}

/// Returns the ends of the user's log. One statement.
pub(crate) async fn head(engine: &Engine) -> Result<Head> {
    let rows = engine.query(&REV_HEAD, params![engine.user_id()], head_row).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// Returns the ends of the log as a snapshot sees them. One statement.
pub(crate) async fn head_in(snapshot: &Snapshot) -> Result<Head> {
    let head = snapshot.view().find(&REV_HEAD, params![snapshot.user()], head_row).await?;
    Ok(head.unwrap_or_default())
}

/// Returns changes in `(since, until]`, oldest first. One statement.
pub(crate) async fn after(
    snapshot: &Snapshot,
    since: i64,
    until: i64,
    entities: &[EntityKind],
    limit: u32,
) -> Result<Vec<Change>> {
    let entities: Vec<_> = entities.iter().map(|entity| entity.as_str()).collect();
    let params = params![snapshot.user(), since, until, entities, limit];
    snapshot
        .view()
        .query(&CHANGES_AFTER, params, |row| {
            Ok(Change {
                revision: row.int(0)?,
                entity: row.word(1, EntityKind::parse)?,
                id: row.id(2)?,
                op: row.word(3, ChangeOp::parse)?,
            })
        })
        .await
}

/// Shortens the logs to the configured age and length; the floor rises in the same batch.
pub(crate) async fn prune(engine: &Engine) -> Result<()> {
    let limits = &engine.config().limits;
    let users = engine
        .shared
        .store
        .scan(&REV_USERS, params![], |row| {
            Ok((UserId::from_uuid(row.id(0)?), row.int(1)?, row.int(2)?))
        })
        .await?;
    let old = engine.now().plus_ms(-limits.change_log_days * DAY_MS);
    for (user, rev, floor) in users {
        let too_old = engine.query(&CHANGES_OLD, params![user, old], |row| row.int(0)).await?;
        let too_many = rev - limits.change_log_rows;
        let cut = too_old.into_iter().chain([too_many]).max().unwrap_or(0);
        if cut > floor {
            let mut batch = Batch::system(engine.now());
            batch.step(&CHANGES_PRUNE, params![user, cut]);
            batch.step(&REV_FLOOR, params![cut, user]);
            engine.shared.store.commit(batch).await?;
        }
    }
    Ok(())
}
