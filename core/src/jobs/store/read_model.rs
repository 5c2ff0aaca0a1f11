//! The read model of the job list: kept by every batch, rebuilt by `doctor`, and the same rows both
//! times, because both run the one SELECT of [`job_list_select!`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    db::{Batch, OwnedRow, Row, Stmt, params},
    engine::{Engine, Snapshot},
    enums::{ChangeOp, CoachStatus, EntityKind, JobStatus},
    error::{Error, Result},
    id::{AttachmentId, CompanyId, JobId, UserId},
    jobs::{Job, store::uuids},
};

/// The columns of `job_list`, in the order of [`job`].
macro_rules! job_list_columns {
    () => {
        "job_id, company_id, company, company_key, title, posting_url, location, source, status, \
         status_since, created_at, updated_at, applied_at, applied_resume_id, archived_at, \
         trashed_at, purge_at, version, coach_status, coach_progress, match_score, \
         attachment_count, attachment_kinds, resume_id, jd_id"
    };
}
pub(super) use job_list_columns;

/// The rows that `job_list` must hold, worked out from the tables of truth: the columns of
/// [`job_list_columns!`], then folder, title key and owner.
macro_rules! job_list_select {
    ($before:expr, $condition:literal) => {
        concat!(
            $before,
            "SELECT j.id, j.company_id, c.name, c.key, j.title, j.posting_url, j.location,
                 j.source, j.status, j.status_since, j.created_at, j.updated_at, j.applied_at,
                 j.applied_resume_id, j.archived_at, j.trashed_at, j.purge_at, j.version,
                 j.coach_status, COALESCE(s.progress, 0), m.value,
                 (SELECT count(a.id)
                  FROM attachments a
                  WHERE a.job_id = j.id AND a.trashed_at IS NULL),
                 CAST(CASE WHEN j.notes IS NULL THEN 0 ELSE 1 END
                     + (SELECT COALESCE(max(CASE WHEN a.kind = 'RESUME' THEN 2 ELSE 0 END), 0)
                            + COALESCE(max(CASE WHEN a.kind = 'JD' THEN 4 ELSE 0 END), 0)
                            + COALESCE(max(CASE WHEN a.kind = 'COVER_LETTER' THEN 8 ELSE 0 END), 0)
                            + COALESCE(max(CASE WHEN a.kind = 'OTHER' THEN 16 ELSE 0 END), 0)
                        FROM attachments a
                        WHERE a.job_id = j.id AND a.trashed_at IS NULL) AS BIGINT),
                 (SELECT a.id
                  FROM attachments a
                  WHERE a.job_id = j.id AND a.kind = 'RESUME' AND a.is_active = 1),
                 (SELECT a.id
                  FROM attachments a
                  WHERE a.job_id = j.id AND a.kind = 'JD' AND a.is_active = 1),
                 CAST(CASE WHEN j.trashed_at IS NULL THEN 0 ELSE 2 END
                     + CASE WHEN j.archived_at IS NULL THEN 0 ELSE 1 END AS BIGINT),
                 j.title_key, j.user_id
             FROM jobs j
             JOIN companies c ON c.id = j.company_id
             LEFT JOIN coach_state s ON s.job_id = j.id
             LEFT JOIN job_match m ON m.job_id = j.id
             WHERE ",
            $condition
        )
    };
}

macro_rules! job_list_insert {
    ($condition:literal) => {
        job_list_select!(
            concat!(
                "INSERT INTO job_list (",
                job_list_columns!(),
                ", folder, title_key, user_id) "
            ),
            $condition
        )
    };
}

static LIST_LEAVE_COUNT: Stmt = Stmt::write(
    "job_list_leave_count",
    "UPDATE job_count
     SET n = job_count.n - 1
     FROM job_list l
     WHERE l.job_id = $1 AND l.user_id = $2 AND job_count.user_id = $2
         AND job_count.folder = l.folder AND job_count.status = l.status
         AND job_count.coach_status = l.coach_status",
);

static LIST_DELETE: Stmt = Stmt::write(
    "job_list_delete",
    "DELETE FROM job_list
     WHERE job_id = $1 AND user_id = $2",
);

static LIST_INSERT: Stmt =
    Stmt::write("job_list_insert", job_list_insert!("j.id = $1 AND j.user_id = $2"));

static LIST_ENTER_COUNT: Stmt = Stmt::write(
    "job_list_enter_count",
    "INSERT INTO job_count (user_id, folder, status, coach_status, n)
     SELECT l.user_id, l.folder, l.status, l.coach_status, 1
     FROM job_list l
     WHERE l.job_id = $1 AND l.user_id = $2
     ON CONFLICT (user_id, folder, status, coach_status) DO UPDATE SET n = job_count.n + 1",
);

static LIST_CLEAR: Stmt = Stmt::write("job_list_clear", "DELETE FROM job_list WHERE user_id = $1");

static COUNT_CLEAR: Stmt =
    Stmt::write("job_count_clear", "DELETE FROM job_count WHERE user_id = $1");

static LIST_REBUILD: Stmt = Stmt::write("job_list_rebuild", job_list_insert!("j.user_id = $1"));

static LIST_EXPECTED: Stmt =
    Stmt::long("job_list_expected", job_list_select!("", "j.user_id = $1 ORDER BY j.id"));

static COUNT_EXPECTED: Stmt = Stmt::long(
    "job_count_expected",
    "SELECT CAST(CASE WHEN j.trashed_at IS NULL THEN 0 ELSE 2 END
             + CASE WHEN j.archived_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS folder,
         j.status, j.coach_status, count(j.id)
     FROM jobs j
     WHERE j.user_id = $1
     GROUP BY folder, j.status, j.coach_status
     ORDER BY folder, j.status, j.coach_status",
);

static COUNT_REBUILD: Stmt = Stmt::write(
    "job_count_rebuild",
    "INSERT INTO job_count (user_id, folder, status, coach_status, n)
     SELECT l.user_id, l.folder, l.status, l.coach_status, count(l.job_id)
     FROM job_list l
     WHERE l.user_id = $1
     GROUP BY l.user_id, l.folder, l.status, l.coach_status",
);

static LIST_BY_IDS: Stmt = Stmt::read(
    "job_list_by_ids",
    concat!(
        "SELECT ",
        job_list_columns!(),
        " FROM job_list WHERE +user_id = $1 AND job_id IN rarray($2)"
    ),
);

static LIST_DUMP: Stmt = Stmt::long(
    "job_list_dump",
    concat!(
        "SELECT ",
        job_list_columns!(),
        ", folder, title_key FROM job_list WHERE user_id = $1 ORDER BY job_id"
    ),
);

static COUNT_DUMP: Stmt = Stmt::read(
    "job_count_dump",
    "SELECT folder, status, coach_status, n
     FROM job_count
     WHERE user_id = $1 AND n > 0
     ORDER BY folder, status, coach_status",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 13] {
    [
        &LIST_LEAVE_COUNT,
        &LIST_DELETE,
        &LIST_INSERT,
        &LIST_ENTER_COUNT,
        &LIST_CLEAR,
        &COUNT_CLEAR,
        &LIST_REBUILD,
        &COUNT_REBUILD,
        &LIST_EXPECTED,
        &COUNT_EXPECTED,
        &LIST_BY_IDS,
        &LIST_DUMP,
        &COUNT_DUMP,
    ]
}

/// Reads a row of the list, selected as [`job_list_columns!`].
pub(crate) fn job(row: &dyn Row) -> Result<Job> {
    let text = |i| Ok::<_, Error>(row.opt_text(i)?.map(str::to_owned));
    Ok(Job {
        id: JobId::from_uuid(row.id(0)?),
        company_id: CompanyId::from_uuid(row.id(1)?),
        company: row.text(2)?.to_owned(),
        company_key: row.text(3)?.to_owned(),
        title: row.text(4)?.to_owned(),
        posting_url: text(5)?,
        location: text(6)?,
        source: text(7)?,
        status: row.word(8, JobStatus::parse)?,
        status_since: row.time(9)?,
        created_at: row.time(10)?,
        updated_at: row.time(11)?,
        applied_at: row.opt_time(12)?,
        applied_resume_id: row.opt_id(13)?.map(AttachmentId::from_uuid),
        archived_at: row.opt_time(14)?,
        trashed_at: row.opt_time(15)?,
        purge_at: row.opt_time(16)?,
        version: row.int(17)?,
        coach_status: row.word(18, CoachStatus::parse)?,
        coach_progress: row.number(19)?,
        match_score: row.opt_real(20)?,
        attachment_count: row.number(21)?,
        attachment_kinds: row.number(22)?,
        resume_attachment_id: row.opt_id(23)?.map(AttachmentId::from_uuid),
        jd_attachment_id: row.opt_id(24)?.map(AttachmentId::from_uuid),
    })
}

/// Adds the renewal of one job's row and of the counters; last of a batch's steps for that job.
pub(crate) fn refresh(batch: &mut Batch, user: UserId, job: JobId) {
    remove(batch, user, job);
    enter(batch, user, job);
}

/// Adds the row of a job that has none, and its count.
pub(crate) fn enter(batch: &mut Batch, user: UserId, job: JobId) {
    batch.step(&LIST_INSERT, params![job, user]);
    batch.step(&LIST_ENTER_COUNT, params![job, user]);
}

/// Adds the removal of one job's row and of its count.
pub(crate) fn remove(batch: &mut Batch, user: UserId, job: JobId) {
    batch.step(&LIST_LEAVE_COUNT, params![job, user]);
    batch.step(&LIST_DELETE, params![job, user]);
}

/// Adds a read of the jobs that a batch changes, as its last step; tells whether there are any.
pub(crate) fn read_back(batch: &mut Batch, user: UserId) -> bool {
    let is_left = |op| op != ChangeOp::Deleted;
    let changed = batch.changes.iter();
    let ids: Vec<_> = changed
        .filter(|change| change.entity == EntityKind::Job && is_left(change.op))
        .map(|change| change.id)
        .collect();
    let any = !ids.is_empty();
    if any {
        batch.step(&LIST_BY_IDS, params![user, ids]);
    }
    any
}

/// Reads rows that a batch returned.
pub(crate) fn jobs(rows: &[OwnedRow]) -> Result<Vec<Job>> {
    rows.iter().map(|row| job(row)).collect()
}

/// Returns rows by id; absent ones are absent. One statement.
pub(crate) async fn by_ids(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<Job>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    snapshot.view().query(&LIST_BY_IDS, params![snapshot.user(), uuids(ids)], job).await
}

/// How far the read model is from the tables.
#[derive(Debug, Clone, serde::Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ReadModelReport {
    /// Rows that there must be.
    pub rows: usize,
    /// Jobs whose row is missing, surplus or different.
    pub differing: Vec<JobId>,
    /// Whether a counter is wrong.
    pub counters_differ: bool,
}

impl ReadModelReport {
    /// Reports whether the read model is right.
    pub fn agrees(&self) -> bool {
        self.differing.is_empty() && !self.counters_differ
    }
}

type Counter = (i64, String, String, i64);
type ListRow = (Job, i64, String);

impl Engine {
    /// Compares this user's read model with what the tables say; changes nothing. Four walks over
    /// the user's rows; a difference that a write in between may have caused is looked at again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn check_read_model(&self) -> Result<ReadModelReport> {
        loop {
            let revision = self.revision().await?;
            let is = (self.list_rows(&LIST_DUMP).await?, self.counters(&COUNT_DUMP).await?);
            let must =
                (self.list_rows(&LIST_EXPECTED).await?, self.counters(&COUNT_EXPECTED).await?);
            let report = ReadModelReport {
                rows: must.0.len(),
                differing: differing(&is.0, &must.0),
                counters_differ: is.1 != must.1,
            };
            if report.agrees() || revision == self.revision().await? {
                return Ok(report);
            }
        }
    }

    /// Makes this user's read model anew from the tables; tells what was wrong with the old one.
    /// One batch.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn rebuild_read_model(&self) -> Result<ReadModelReport> {
        let report = self.check_read_model().await?;
        let user = self.user_id();
        // No change and so no revision; but the user's lock, which keeps other batches of the user
        // from counting beside the rebuild.
        let mut batch = Batch::user(user, self.now());
        batch.step(&LIST_CLEAR, params![user]);
        batch.step(&COUNT_CLEAR, params![user]);
        batch.step(&LIST_REBUILD, params![user]);
        batch.step(&COUNT_REBUILD, params![user]);
        self.shared.store.commit(batch).await.map_err(Error::from)?;
        Ok(report)
    }

    async fn list_rows(&self, stmt: &'static Stmt) -> Result<Vec<ListRow>> {
        self.shared
            .store
            .scan(stmt, params![self.user_id()], |row| {
                Ok((job(row)?, row.int(25)?, row.text(26)?.to_owned()))
            })
            .await
    }

    async fn counters(&self, stmt: &'static Stmt) -> Result<Vec<Counter>> {
        self.shared
            .store
            .scan(stmt, params![self.user_id()], |row| {
                Ok((row.int(0)?, row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.int(3)?))
            })
            .await
    }
}

/// The jobs whose rows are not the same in both lists; both are in order of job ids.
fn differing(before: &[ListRow], after: &[ListRow]) -> Vec<JobId> {
    let by_id = |rows: &[ListRow]| -> BTreeMap<JobId, ListRow> {
        rows.iter().map(|row| (row.0.id, row.clone())).collect()
    };
    let (before, after) = (by_id(before), by_id(after));
    let ids: BTreeSet<JobId> = before.keys().chain(after.keys()).copied().collect();
    ids.into_iter().filter(|id| before.get(id) != after.get(id)).collect()
}

/// One counter: jobs of a folder with a status and a coach status.
pub(crate) struct Count {
    pub(crate) folder: i64,
    pub(crate) status: JobStatus,
    pub(crate) coach_status: CoachStatus,
    pub(crate) n: u64,
}

/// Returns all counters of the user, at most 180. One statement.
pub(crate) async fn counts(snapshot: &Snapshot) -> Result<Vec<Count>> {
    snapshot
        .view()
        .query(&COUNT_DUMP, params![snapshot.user()], |row| {
            Ok(Count {
                folder: row.int(0)?,
                status: row.word(1, JobStatus::parse)?,
                coach_status: row.word(2, CoachStatus::parse)?,
                n: row.number(3)?,
            })
        })
        .await
}
