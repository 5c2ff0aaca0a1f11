//! SQL of the status history.

use crate::{
    db::{Batch, Miss, Row, Stmt, params},
    engine::Snapshot,
    enums::JobStatus,
    error::Result,
    id::{JobId, StatusChangeId, UserId},
    jobs::{history::HistoryRow, store::uuids},
};

static HISTORY_INSERT: Stmt = Stmt::write(
    "history_insert",
    "INSERT INTO status_history (id, user_id, job_id, from_status, to_status, changed_at,
         recorded_at, note)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

static HISTORY_UPDATE: Stmt = Stmt::write(
    "history_update",
    "UPDATE status_history
     SET from_status = $1, changed_at = $2, note = $3
     WHERE id = $4 AND user_id = $5",
);

static HISTORY_DELETE: Stmt = Stmt::write(
    "history_delete",
    "DELETE FROM status_history
     WHERE id = $1 AND user_id = $2",
);

static HISTORY_LOAD: Stmt = Stmt::read(
    "history_load",
    "SELECT job_id, id, from_status, to_status, changed_at, recorded_at, note
     FROM status_history
     WHERE +user_id = $1 AND job_id IN rarray($2)",
);

static HISTORY_AROUND: Stmt = Stmt::read(
    "history_around",
    "SELECT job_id, id, from_status, to_status, changed_at, recorded_at, note
     FROM status_history
     WHERE +user_id = $1
         AND job_id IN (SELECT h.job_id FROM status_history h WHERE h.id IN rarray($2))",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 5] {
    [&HISTORY_INSERT, &HISTORY_UPDATE, &HISTORY_DELETE, &HISTORY_LOAD, &HISTORY_AROUND]
}

fn history_row(row: &dyn Row) -> Result<(JobId, HistoryRow)> {
    let entry = HistoryRow {
        id: StatusChangeId::from_uuid(row.id(1)?),
        from: row.opt_word(2, JobStatus::parse)?,
        to: row.word(3, JobStatus::parse)?,
        changed_at: row.time(4)?,
        recorded_at: row.time(5)?,
        note: row.opt_text(6)?.map(str::to_owned),
    };
    Ok((JobId::from_uuid(row.id(0)?), entry))
}

/// Returns the rows of jobs in no order. One statement.
pub(crate) async fn load(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<(JobId, HistoryRow)>> {
    let params = params![snapshot.user(), uuids(ids)];
    snapshot.view().query(&HISTORY_LOAD, params, history_row).await
}

/// Returns all rows of the jobs that these rows belong to, in no order. One statement.
pub(crate) async fn around(
    snapshot: &Snapshot,
    ids: &[StatusChangeId],
) -> Result<Vec<(JobId, HistoryRow)>> {
    let ids: Vec<_> = ids.iter().map(StatusChangeId::as_uuid).collect();
    let params = params![snapshot.user(), ids];
    snapshot.view().query(&HISTORY_AROUND, params, history_row).await
}

/// Adds a row.
pub(crate) fn insert(batch: &mut Batch, user: UserId, job: JobId, row: &HistoryRow) {
    let HistoryRow { id, from, to, changed_at, recorded_at, note } = row.clone();
    let from = from.map(JobStatus::as_str);
    let params = params![id, user, job, from, to.as_str(), changed_at, recorded_at, note];
    batch.one(&HISTORY_INSERT, params, Miss::Conflict);
}

/// Adds the steps that turn `before` into `after`.
pub(crate) fn write_difference(
    batch: &mut Batch,
    user: UserId,
    job: JobId,
    before: &[HistoryRow],
    after: &[HistoryRow],
) {
    for gone in before.iter().filter(|row| !after.iter().any(|kept| kept.id == row.id)) {
        batch.one(&HISTORY_DELETE, params![gone.id, user], Miss::Conflict);
    }
    for row in after {
        match before.iter().find(|known| known.id == row.id) {
            None => insert(batch, user, job, row),
            Some(known) if known == row => {}
            Some(_) => {
                let HistoryRow { id, from, to: _, changed_at, recorded_at: _, note } = row.clone();
                let from = from.map(JobStatus::as_str);
                batch.one(
                    &HISTORY_UPDATE,
                    params![from, changed_at, note, id, user],
                    Miss::Conflict,
                );
            }
        }
    }
}
