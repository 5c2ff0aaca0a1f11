//! Status history: rows in order of time, and what follows from them.
//!
//! Invariant: `jobs.status`, `status_since` and `applied_at` are what [`derive`] makes of the
//! ordered rows, whatever order they were entered in.

use serde::Serialize;

use crate::{
    coach::store::{self as coach, CoachRow},
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind, JobStatus},
    error::{ConflictKind, Error, Result},
    id::{JobId, StatusChangeId},
    jobs::{
        bulk,
        store::{self, JobRow, read_model},
    },
    mutation::{Plan, WriteOptions, Written},
    patch::Patch,
    time::Timestamp,
    validate::{Checks, TextRule},
};

pub(crate) const NOTE: TextRule = TextRule::body(500);

/// One entry of a job's status history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// Its id.
    pub id: StatusChangeId,
    /// The job.
    pub job_id: JobId,
    /// The status before; `None` for the first.
    pub from: Option<JobStatus>,
    /// The status that was entered.
    pub to: JobStatus,
    /// When it was entered; may have been dated back.
    pub at: Timestamp,
    /// When the entry was made.
    pub recorded_at: Timestamp,
    /// When the next entry began; `None` for the current status.
    pub left_at: Option<Timestamp>,
    /// A remark, empty when there is none.
    pub note: String,
}

impl StatusChange {
    /// Returns how long the status lasted, in milliseconds; `None` for the current one.
    pub fn duration_ms(&self) -> Option<i64> {
        self.left_at.map(|left| left.as_ms() - self.at.as_ms())
    }
}

/// Changes to an entry.
#[derive(Debug, Clone, Default)]
pub struct StatusChangePatch {
    /// Its time; may not be cleared.
    pub at: Patch<Timestamp>,
    /// Its remark.
    pub note: Patch<String>,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryRow {
    pub(crate) id: StatusChangeId,
    pub(crate) from: Option<JobStatus>,
    pub(crate) to: JobStatus,
    pub(crate) changed_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
    pub(crate) note: Option<String>,
}

/// What a job's row says about its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) status: JobStatus,
    pub(crate) since: Timestamp,
    pub(crate) applied_at: Option<Timestamp>,
}

/// The row a job begins with.
pub(crate) fn first_row(to: JobStatus, changed_at: Timestamp, now: Timestamp) -> HistoryRow {
    HistoryRow {
        id: StatusChangeId::new(now),
        from: None,
        to,
        changed_at,
        recorded_at: now,
        note: None,
    }
}

/// Puts rows in order and sets each one's `from` to its predecessor.
pub(crate) fn arrange(rows: &mut [HistoryRow]) {
    rows.sort_unstable_by_key(|row| (row.changed_at, row.id));
    let mut before = None;
    for row in rows {
        row.from = before;
        before = Some(row.to);
    }
}

/// Works out the current status, since when, and when the application was sent: the earliest
/// "applied" row after the last return to the radar. Rows must be arranged; `None` without rows.
pub(crate) fn derive(rows: &[HistoryRow]) -> Option<Derived> {
    let status = rows.last()?.to;
    let mut since = rows.last()?.changed_at;
    let mut applied_at = None;
    for row in rows.iter().rev().take_while(|row| row.to == status) {
        since = row.changed_at;
    }
    for row in rows.iter().rev().take_while(|row| row.to != JobStatus::OnRadar) {
        if row.to.means_applied() {
            applied_at = Some(row.changed_at);
        }
    }
    Some(Derived { status, since, applied_at })
}

impl Engine {
    /// Dates or notes an entry anew; the job's status follows from the new order.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `JobInTrash`.
    pub async fn update_status_change(
        &self,
        id: StatusChangeId,
        patch: StatusChangePatch,
        options: &WriteOptions,
    ) -> Result<Written<StatusChangeId>> {
        let mut checks = Checks::default();
        if patch.at == Patch::Clear {
            checks.add(&["at"], "not_null", "must not be null", None);
        }
        if let Patch::Set(at) = patch.at {
            checks.past(&["at"], Some(at), self.now());
        }
        let note = checks.patch(&["note"], patch.note, NOTE);
        checks.finish()?;
        let patch = &StatusChangePatch { at: patch.at, note };
        self.mutate(
            "statusChangeUpdate",
            options,
            &(id, format!("{patch:?}")),
            |snapshot| async move {
                let around = Around::load(&snapshot, id).await?;
                let mut rows = around.rows.clone();
                for row in rows.iter_mut().filter(|row| row.id == id) {
                    if let Patch::Set(at) = patch.at {
                        row.changed_at = at;
                    }
                    row.note = patch.note.clone().apply(row.note.take());
                }
                rewrite(&snapshot, around, rows, id, ChangeOp::Updated)
            },
        )
        .await
        .map(|written| written.map(|(id, _job)| id))
    }

    /// Removes an entry that is not the only one; returns it and its job.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `LastHistoryRow` or `JobInTrash`.
    pub async fn delete_status_change(
        &self,
        id: StatusChangeId,
        options: &WriteOptions,
    ) -> Result<Written<(StatusChangeId, JobId)>> {
        self.mutate("statusChangeDelete", options, &id, |snapshot| async move {
            let around = Around::load(&snapshot, id).await?;
            if around.rows.len() < 2 {
                return Err(Error::conflict(
                    ConflictKind::LastHistoryRow,
                    "a job keeps at least one history entry",
                ));
            }
            let rows = around.rows.iter().filter(|row| row.id != id).cloned().collect();
            rewrite(&snapshot, around, rows, id, ChangeOp::Deleted)
        })
        .await
    }
}

impl Snapshot {
    /// Returns the history of jobs, each oldest first. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn history(&self, ids: &[JobId]) -> Result<Vec<StatusChange>> {
        Ok(entries(store::history::load(self, ids).await?))
    }

    /// Returns entries by their ids. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn status_changes(&self, ids: &[StatusChangeId]) -> Result<Vec<StatusChange>> {
        let mut rows = entries(store::history::around(self, ids).await?);
        rows.retain(|row| ids.contains(&row.id));
        Ok(rows)
    }
}

/// Puts the rows of jobs in order, so that each tells when the next one began.
fn entries(mut rows: Vec<(JobId, HistoryRow)>) -> Vec<StatusChange> {
    rows.sort_by_key(|(job, row)| (*job, row.changed_at, row.id));
    let next: Vec<_> =
        rows.iter().skip(1).map(|(job, row)| Some((*job, row.changed_at))).chain([None]).collect();
    rows.into_iter()
        .zip(next)
        .map(|((job_id, row), next)| StatusChange {
            id: row.id,
            job_id,
            from: row.from,
            to: row.to,
            at: row.changed_at,
            recorded_at: row.recorded_at,
            left_at: next.and_then(|(job, at)| (job == job_id).then_some(at)),
            note: row.note.unwrap_or_default(),
        })
        .collect()
}

/// The job of an entry with all that follows from its history.
struct Around {
    job: JobRow,
    /// Arranged.
    rows: Vec<HistoryRow>,
    coach: Option<CoachRow>,
}

impl Around {
    async fn load(snapshot: &Snapshot, id: StatusChangeId) -> Result<Self> {
        let ids = &[id];
        let (job, rows, coach) = tokio::try_join!(
            store::load_above(snapshot, id.as_uuid()),
            store::history::around(snapshot, ids),
            coach::load_above(snapshot, id)
        )?;
        let job = job.ok_or_else(|| Error::not_found("status change", id))?;
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        arrange(&mut rows);
        Ok(Self { job, rows, coach })
    }
}

fn rewrite(
    snapshot: &Snapshot,
    Around { mut job, rows: before, coach }: Around,
    mut rows: Vec<HistoryRow>,
    id: StatusChangeId,
    op: ChangeOp,
) -> Result<Plan<(StatusChangeId, JobId)>> {
    job.refuse_trashed()?;
    let (job_id, guard) = (job.id, job.guard);
    arrange(&mut rows);
    if rows == before {
        return Ok(Plan::nothing((id, job_id)));
    }
    let mut batch = snapshot.engine().batch();
    store::history::write_difference(&mut batch, snapshot.user(), job_id, &before, &rows);
    let (moving, coaches) = (std::slice::from_mut(&mut job), coach.into_iter().collect());
    bulk::follow_history(&mut batch, snapshot.user(), moving, &[rows], coaches);
    job.version += 1;
    store::update(&mut batch, snapshot.user(), &job, guard);
    read_model::refresh(&mut batch, snapshot.user(), job_id);
    batch.change(EntityKind::StatusChange, id.as_uuid(), op);
    batch.change(EntityKind::Job, job_id.as_uuid(), ChangeOp::Updated);
    Ok(Plan::write((id, job_id), batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(to: JobStatus, at: i64) -> HistoryRow {
        first_row(to, Timestamp::from_ms(at), Timestamp::from_ms(at))
    }

    #[test]
    fn a_row_dated_back_changes_the_past_only() {
        let mut rows = vec![
            row(JobStatus::OnRadar, 1),
            row(JobStatus::Onsite, 30),
            row(JobStatus::Applied, 10),
        ];

        arrange(&mut rows);

        let derived = derive(&rows).unwrap();
        assert_eq!(derived.status, JobStatus::Onsite);
        assert_eq!(derived.since, Timestamp::from_ms(30));
        assert_eq!(derived.applied_at, Some(Timestamp::from_ms(10)));
        assert_eq!(rows[2].from, Some(JobStatus::Applied));
    }

    #[test]
    fn back_on_the_radar_is_not_applied_any_more() {
        let mut rows = vec![row(JobStatus::Applied, 1), row(JobStatus::OnRadar, 2)];
        arrange(&mut rows);
        assert_eq!(derive(&rows).unwrap().applied_at, None);

        rows.push(row(JobStatus::PhoneScreen, 5));
        arrange(&mut rows);
        assert_eq!(derive(&rows).unwrap().applied_at, Some(Timestamp::from_ms(5)));
    }

    #[test]
    fn equal_neighbours_count_from_the_first() {
        let mut rows = vec![row(JobStatus::Applied, 10), row(JobStatus::Applied, 5)];
        arrange(&mut rows);
        assert_eq!(derive(&rows).unwrap().since, Timestamp::from_ms(5));
    }
}
