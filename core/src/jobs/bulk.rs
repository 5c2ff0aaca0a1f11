//! One status for many jobs: one batch, all or nothing.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    coach::store::{self as coach, CoachRow},
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind, JobStatus},
    error::{Error, Result, Violation, Violations},
    id::{JobId, UserId},
    jobs::{
        history::{self, HistoryRow, NOTE},
        store::{self, JobRow, read_model},
    },
    mutation::{Plan, WriteOptions, Written},
    time::Timestamp,
    validate::Checks,
};

/// A move to a status.
#[derive(Debug, Clone, Serialize)]
pub struct StatusChangeInput {
    /// The status to enter.
    pub status: JobStatus,
    /// When it was entered; now when absent. May lie in the past.
    pub at: Option<Timestamp>,
    /// A remark, at most 500 characters.
    pub note: Option<String>,
}

/// What a change of status is worked out from.
#[derive(Default)]
pub(crate) struct Course {
    /// All rows of the jobs, in no order.
    pub(crate) history: Vec<(JobId, HistoryRow)>,
    /// The stored coaches of the jobs.
    pub(crate) coaches: Vec<CoachRow>,
}

impl Course {
    /// Loads the course of jobs. Two statements, sent together.
    pub(crate) async fn load(snapshot: &Snapshot, ids: &[JobId]) -> Result<Self> {
        let (history, coaches) =
            tokio::try_join!(store::history::load(snapshot, ids), coach::load(snapshot, ids))?;
        Ok(Self { history, coaches })
    }
}

impl Engine {
    /// Moves 1 to 100 jobs to a status. Jobs that have it already are left alone. Returns the ids
    /// in the order given, each once.
    ///
    /// # Errors
    /// `Invalid` for a wrong number of ids, with one violation per unknown or trashed id, or a
    /// time outside 1990 to tomorrow.
    pub async fn set_jobs_status(
        &self,
        ids: &[JobId],
        input: StatusChangeInput,
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        let mut checks = Checks::default();
        checks.past(&["at"], input.at, self.now());
        let note = input.note.and_then(|note| checks.optional(&["note"], &note, NOTE));
        checks.finish()?;
        let ids = &distinct(ids, self.config().limits.ids)?;
        let input = &StatusChangeInput { note, ..input };
        self.mutate("jobsUpdateStatus", options, &(ids, input), |snapshot| async move {
            let (rows, course) =
                tokio::try_join!(store::load(&snapshot, ids), Course::load(&snapshot, ids))?;
            let jobs = in_order(ids, rows)?;
            refuse_each(ids, &jobs, |job| job.refuse_trashed())?;
            let mut moving: Vec<_> =
                jobs.into_iter().filter(|job| job.status != input.status).collect();
            if moving.is_empty() {
                return Ok(Plan::nothing(ids.clone()));
            }
            let mut batch = snapshot.engine().batch();
            move_status(&snapshot, &mut batch, &mut moving, input, course)?;
            for job in &mut moving {
                job.version += 1;
                store::update(&mut batch, snapshot.user(), job, job.guard);
                read_model::refresh(&mut batch, snapshot.user(), job.id);
                batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Updated);
            }
            Ok(Plan::write(ids.clone(), batch))
        })
        .await
    }
}

/// Adds a history row to each job and lets status, dates, coach and the sent résumé follow.
/// Changes `jobs` in place; the caller writes their rows.
pub(crate) fn move_status(
    snapshot: &Snapshot,
    batch: &mut Batch,
    jobs: &mut [JobRow],
    input: &StatusChangeInput,
    Course { history: known, coaches }: Course,
) -> Result<()> {
    let mut by_job: HashMap<JobId, Vec<HistoryRow>> = HashMap::new();
    for (job, row) in known {
        by_job.entry(job).or_default().push(row);
    }
    let most = snapshot.engine().config().limits.history;
    let mut histories = Vec::with_capacity(jobs.len());
    for job in jobs.iter() {
        let before = {
            let mut rows = by_job.remove(&job.id).unwrap_or_default();
            history::arrange(&mut rows);
            rows
        };
        if u64::try_from(before.len()).is_ok_and(|len| len >= most) {
            return Err(Error::Quota {
                scope: crate::enums::QuotaScope::JobItems,
                limit: most,
                remaining: 0,
            });
        }
        let mut rows = before.clone();
        // "Now" comes after everything that is known, even within one millisecond.
        let last = before.last().map(|row| row.changed_at.plus_ms(1));
        let at = input.at.unwrap_or_else(|| last.map_or(batch.at, |last| last.max(batch.at)));
        let mut row = history::first_row(input.status, at, batch.at);
        row.note.clone_from(&input.note);
        let id = row.id;
        if let [entered] = rows.as_mut_slice()
            && at <= entered.changed_at
        {
            // A job entered late: what happened before it was entered also came after its start.
            entered.changed_at = at.plus_ms(-1);
        }
        rows.push(row);
        history::arrange(&mut rows);
        store::history::write_difference(batch, snapshot.user(), job.id, &before, &rows);
        batch.change(EntityKind::StatusChange, id.as_uuid(), ChangeOp::Created);
        histories.push(rows);
    }
    follow_history(batch, snapshot.user(), jobs, &histories, coaches);
    Ok(())
}

/// Sets what follows from each job's arranged history: status, times, the applied milestone, the
/// résumé that was sent and the coach status.
pub(crate) fn follow_history(
    batch: &mut Batch,
    user: UserId,
    jobs: &mut [JobRow],
    histories: &[Vec<HistoryRow>],
    coaches: Vec<CoachRow>,
) {
    let mut coaches: HashMap<_, _> = coaches.into_iter().map(|row| (row.job_id, row)).collect();
    for (job, rows) in jobs.iter_mut().zip(histories) {
        let Some(derived) = history::derive(rows) else { continue };
        job.status = derived.status;
        job.status_since = derived.since;
        job.applied_at = derived.applied_at;
        let mut state = coaches.remove(&job.id).unwrap_or_else(|| CoachRow::new(job.id, batch.at));
        let was_applied = state.milestones.applied_at.is_some();
        match derived.applied_at {
            Some(at) if !was_applied => {
                state.milestones.applied_at = Some(at);
                job.applied_resume_id = job.active_resume_id;
            }
            None if was_applied && job.status == JobStatus::OnRadar => {
                state.milestones.applied_at = None;
                job.applied_resume_id = None;
            }
            _ => {}
        }
        if was_applied != state.milestones.applied_at.is_some() {
            coach::save(batch, user, &mut state);
            batch.change(EntityKind::CoachState, job.id.as_uuid(), ChangeOp::Updated);
        }
        job.coach_status = state.status();
    }
}

/// Folds duplicate ids and refuses a wrong number of them.
pub(crate) fn distinct(ids: &[JobId], most: usize) -> Result<Vec<JobId>> {
    let mut seen = std::collections::HashSet::new();
    let distinct: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if distinct.is_empty() || ids.len() > most {
        return Err(Error::invalid(&["ids"], "range", format!("give 1 to {most} ids")));
    }
    Ok(distinct)
}

/// Puts jobs in the order of `ids`; every unknown one is named with its index.
pub(crate) fn in_order(ids: &[JobId], rows: Vec<JobRow>) -> Result<Vec<JobRow>> {
    let mut found: HashMap<_, _> = rows.into_iter().map(|job| (job.id, job)).collect();
    if let ([id], 0) = (ids, found.len()) {
        return Err(Error::not_found("job", id));
    }
    let violations = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| !found.contains_key(id))
        .map(|(i, _)| at_index(i, "unknown", "there is no such job"))
        .collect::<Vec<_>>();
    if !violations.is_empty() {
        return Err(Error::Invalid(Violations(violations)));
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Applies a rule to each job. A single job answers with the rule's own error, several with one
/// violation per job.
pub(crate) fn refuse_each(
    ids: &[JobId],
    jobs: &[JobRow],
    rule: impl Fn(&JobRow) -> Result<()>,
) -> Result<()> {
    let mut violations = Vec::new();
    for (i, job) in jobs.iter().enumerate() {
        match rule(job) {
            Ok(()) => {}
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => violations.push(at_index(i, "state", &error.client_message())),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(Violations(violations))) }
}

fn at_index(i: usize, rule: &'static str, message: &str) -> Violation {
    Violation {
        path: vec![String::from("ids"), i.to_string()],
        rule,
        message: message.to_owned(),
        limit: None,
    }
}
