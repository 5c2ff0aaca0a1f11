//! SQL of jobs: their own rows.

pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod read_model;
pub(crate) mod search;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    db::{Batch, Miss, Row, Stmt, params},
    engine::{Engine, Snapshot},
    enums::{CoachStatus, JobStatus},
    error::{Error, Result},
    id::{AttachmentId, CompanyId, JobId, UserId},
    jobs::history::HistoryRow,
    time::Timestamp,
};

static JOB_INSERT: Stmt = Stmt::write(
    "job_insert",
    "INSERT INTO jobs (id, user_id, company_id, title, title_key, posting_url, location, source,
         notes, status, status_since, applied_at, coach_status, version, guard, created_at, updated_at)
     SELECT $1, $2, companies.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, 1, $13, $13
     FROM companies
     WHERE companies.user_id = $2 AND companies.key = $14",
);

macro_rules! job_load {
    ($condition:literal) => {
        concat!(
            "SELECT j.id, j.company_id, c.name, c.key, j.title, j.posting_url, j.location, j.source,
                 j.notes, j.status, j.status_since, j.applied_at, j.applied_resume_id,
                 j.archived_at, j.trashed_at, j.purge_at, j.coach_status, j.version, j.guard, a.id
             FROM jobs j
             JOIN companies c ON c.id = j.company_id
             LEFT JOIN attachments a ON a.job_id = j.id AND a.kind = 'RESUME' AND a.is_active = 1
             WHERE +j.user_id = $1 AND ",
            $condition
        )
    };
}

static JOB_LOAD: Stmt = Stmt::read("job_load", job_load!("j.id IN rarray($2)"));

static JOB_LOAD_ABOVE: Stmt = Stmt::read(
    "job_load_above",
    job_load!(
        "j.id = COALESCE(
             (SELECT below.job_id FROM attachments below WHERE below.id = $2),
             (SELECT h.job_id FROM status_history h WHERE h.id = $2))"
    ),
);

static JOB_UPDATE: Stmt = Stmt::write(
    "job_update",
    "UPDATE jobs
     SET company_id = (SELECT id FROM companies WHERE user_id = $1 AND key = $2),
         title = $3, title_key = $4, posting_url = $5, location = $6, source = $7, notes = $8,
         status = $9, status_since = $10, applied_at = $11, applied_resume_id = $12,
         archived_at = $13, trashed_at = $14, purge_at = $15, coach_status = $16,
         version = $17, guard = guard + 1, updated_at = $18
     WHERE id = $19 AND user_id = $1 AND guard = $20",
);

static JOB_TOUCH: Stmt = Stmt::write(
    "job_touch",
    "UPDATE jobs
     SET guard = guard + 1, updated_at = $1, coach_status = $2, applied_resume_id = $3
     WHERE id = $4 AND user_id = $5 AND guard = $6",
);

static JOB_DELETE: Stmt = Stmt::write(
    "job_delete",
    "DELETE FROM jobs
     WHERE id = $1 AND user_id = $2 AND guard = $3",
);

static JOB_TITLES_OF_COMPANY: Stmt = Stmt::read(
    "job_titles_of_company",
    "SELECT title
     FROM jobs
     WHERE user_id = $1 AND company_id = (SELECT j.company_id FROM jobs j WHERE j.id = $2)",
);

static JOB_COUNT_TOTAL: Stmt = Stmt::read(
    "job_count_total",
    "SELECT CAST(COALESCE(sum(n), 0) AS BIGINT)
     FROM job_count
     WHERE user_id = $1",
);

static JOB_DUE_FOR_PURGE: Stmt = Stmt::read(
    "job_due_for_purge",
    "SELECT id, user_id
     FROM jobs
     WHERE purge_at <= $1
     ORDER BY purge_at, id
     LIMIT $2",
);

/// The statements of this domain.
pub(crate) fn statements() -> Vec<&'static Stmt> {
    let mut all = vec![
        &JOB_INSERT,
        &JOB_LOAD,
        &JOB_LOAD_ABOVE,
        &JOB_UPDATE,
        &JOB_TOUCH,
        &JOB_DELETE,
        &JOB_TITLES_OF_COMPANY,
        &JOB_COUNT_TOTAL,
        &JOB_DUE_FOR_PURGE,
    ];
    all.extend(history::statements());
    all.extend(list::statements());
    all.extend(read_model::statements());
    all.extend(search::statements());
    all
}

/// The fields a user types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobFields {
    pub(crate) title: String,
    pub(crate) posting_url: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) notes: Option<String>,
}

/// A job's whole own row, with what mutations need from beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobRow {
    pub(crate) id: JobId,
    pub(crate) company_id: CompanyId,
    pub(crate) company: String,
    pub(crate) company_key: String,
    pub(crate) fields: JobFields,
    pub(crate) status: JobStatus,
    pub(crate) status_since: Timestamp,
    pub(crate) applied_at: Option<Timestamp>,
    pub(crate) applied_resume_id: Option<AttachmentId>,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) trashed_at: Option<Timestamp>,
    pub(crate) purge_at: Option<Timestamp>,
    pub(crate) coach_status: CoachStatus,
    pub(crate) version: i64,
    pub(crate) guard: i64,
    pub(crate) active_resume_id: Option<AttachmentId>,
}

fn job_row(row: &dyn Row) -> Result<JobRow> {
    let text = |i| Ok::<_, Error>(row.opt_text(i)?.map(str::to_owned));
    Ok(JobRow {
        id: JobId::from_uuid(row.id(0)?),
        company_id: CompanyId::from_uuid(row.id(1)?),
        company: row.text(2)?.to_owned(),
        company_key: row.text(3)?.to_owned(),
        fields: JobFields {
            title: row.text(4)?.to_owned(),
            posting_url: text(5)?,
            location: text(6)?,
            source: text(7)?,
            notes: text(8)?,
        },
        status: row.word(9, JobStatus::parse)?,
        status_since: row.time(10)?,
        applied_at: row.opt_time(11)?,
        applied_resume_id: row.opt_id(12)?.map(AttachmentId::from_uuid),
        archived_at: row.opt_time(13)?,
        trashed_at: row.opt_time(14)?,
        purge_at: row.opt_time(15)?,
        coach_status: row.word(16, CoachStatus::parse)?,
        version: row.int(17)?,
        guard: row.int(18)?,
        active_resume_id: row.opt_id(19)?.map(AttachmentId::from_uuid),
    })
}

/// Loads whole rows; unknown and foreign ids are absent. One statement.
pub(crate) async fn load(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<JobRow>> {
    let params = params![snapshot.user(), uuids(ids)];
    snapshot.view().query(&JOB_LOAD, params, job_row).await
}

/// Loads the job that an attachment or a history row belongs to. One statement.
pub(crate) async fn load_above(snapshot: &Snapshot, id: Uuid) -> Result<Option<JobRow>> {
    snapshot.view().find(&JOB_LOAD_ABOVE, params![snapshot.user(), id], job_row).await
}

/// Adds the row of a new job.
#[expect(clippy::too_many_arguments, reason = "the columns of one row, used once")]
pub(crate) fn insert(
    batch: &mut Batch,
    user: UserId,
    id: JobId,
    company_key: &str,
    fields: &JobFields,
    first: &HistoryRow,
    applied_at: Option<Timestamp>,
    coach_status: CoachStatus,
) {
    let JobFields { title, posting_url, location, source, notes } = fields.clone();
    let at = batch.at;
    let params = params![
        id,
        user,
        title.as_str(),
        title_key(&title),
        posting_url,
        location,
        source,
        notes,
        first.to.as_str(),
        first.changed_at,
        applied_at,
        coach_status.as_str(),
        at,
        company_key,
    ];
    batch.one(&JOB_INSERT, params, Miss::Conflict);
}

/// Adds the write of a whole row that must still have `guard`.
pub(crate) fn update(batch: &mut Batch, user: UserId, job: &JobRow, guard: i64) {
    let JobRow {
        id,
        company_id: _,
        company,
        company_key: _,
        fields: JobFields { title, posting_url, location, source, notes },
        status,
        status_since,
        applied_at,
        applied_resume_id,
        archived_at,
        trashed_at,
        purge_at,
        coach_status,
        version,
        guard: _,
        active_resume_id: _,
    } = job.clone();
    let at = batch.at;
    let params = params![
        user,
        crate::companies::company_key(&company),
        title.as_str(),
        title_key(&title),
        posting_url,
        location,
        source,
        notes,
        status.as_str(),
        status_since,
        applied_at,
        applied_resume_id,
        archived_at,
        trashed_at,
        purge_at,
        coach_status.as_str(),
        version,
        at,
        id,
        guard,
    ];
    batch.one(&JOB_UPDATE, params, Miss::Conflict);
}

/// Adds the guard of a write below a job, with the two fields that such a write may change.
pub(crate) fn touch(batch: &mut Batch, user: UserId, job: &JobRow) {
    let at = batch.at;
    let params =
        params![at, job.coach_status.as_str(), job.applied_resume_id, job.id, user, job.guard,];
    batch.one(&JOB_TOUCH, params, Miss::Conflict);
}

/// Adds the removal of a row; everything below it goes with it.
pub(crate) fn delete(batch: &mut Batch, user: UserId, job: &JobRow) {
    batch.one(&JOB_DELETE, params![job.id, user, job.guard], Miss::Conflict);
}

/// Returns all titles at the company of a job. One statement.
pub(crate) async fn titles_beside(snapshot: &Snapshot, job: JobId) -> Result<Vec<String>> {
    let params = params![snapshot.user(), job];
    snapshot.view().query(&JOB_TITLES_OF_COMPANY, params, |row| Ok(row.text(0)?.to_owned())).await
}

/// Returns how many jobs the user has, trash included. One statement.
pub(crate) async fn total(snapshot: &Snapshot) -> Result<u64> {
    let total = snapshot
        .view()
        .find(&JOB_COUNT_TOTAL, params![snapshot.user()], |row| row.number::<u64>(0))
        .await?;
    Ok(total.unwrap_or(0))
}

/// Returns jobs of all users whose purge date has come, by owner.
pub(crate) async fn due_for_purge(
    engine: &Engine,
    limit: usize,
) -> Result<BTreeMap<UserId, Vec<JobId>>> {
    let rows = engine
        .query(&JOB_DUE_FOR_PURGE, params![engine.now(), limit], |row| {
            Ok((UserId::from_uuid(row.id(1)?), JobId::from_uuid(row.id(0)?)))
        })
        .await?;
    let mut due: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (user, job) in rows {
        due.entry(user).or_default().push(job);
    }
    Ok(due)
}

/// What titles are sorted by: case does not matter.
pub(crate) fn title_key(title: &str) -> String {
    title.to_lowercase()
}

/// Ids as a set for `IN`.
pub(crate) fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().map(JobId::as_uuid).collect()
}
