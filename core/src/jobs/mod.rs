//! Jobs: what an application is and how it is created and changed.
//!
//! Invariant: every write to a job, its documents or its coach raises `jobs.guard` by a step that
//! must find the value it was worked out from, and renews the read model in the same batch.

mod bulk;
mod history;
mod list;
mod search;
pub(crate) mod store;
pub(crate) mod tokens;
mod trash;

pub use bulk::StatusChangeInput;
pub use history::{StatusChange, StatusChangePatch};
pub use list::{CoachStatusCount, JobFilter, JobOrder, JobQuery, JobStats, StatusCount, TimeRange};
pub use search::SearchHit;

use serde::Serialize;

use crate::{
    coach,
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{AttachmentKind, ChangeOp, CoachStatus, EntityKind, JobStatus, QuotaScope},
    error::{ConflictKind, Error, Result},
    id::{AttachmentId, CompanyId, JobId},
    mutation::{Plan, WriteOptions, Written, when},
    patch::Patch,
    time::Timestamp,
    validate::{Checks, TextRule},
};
pub(crate) use bulk::{Course, move_status};
use store::{JobFields, JobRow, read_model};

pub(crate) const NAME: TextRule = TextRule::line(200);
const URL: TextRule = TextRule::line(2048);
const NOTES: TextRule = TextRule::body(100_000);

/// A job application as lists show it; notes are read apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The company's id.
    pub company_id: CompanyId,
    /// The company's name.
    pub company: String,
    /// The company's identity.
    pub company_key: String,
    /// The position.
    pub title: String,
    /// Address of the posting.
    pub posting_url: Option<String>,
    /// Where the work is.
    pub location: Option<String>,
    /// Where the posting was found.
    pub source: Option<String>,
    /// Where the application stands.
    pub status: JobStatus,
    /// Since when.
    pub status_since: Timestamp,
    /// When the job was entered.
    pub created_at: Timestamp,
    /// When it or anything below it last changed.
    pub updated_at: Timestamp,
    /// When the application was sent.
    pub applied_at: Option<Timestamp>,
    /// The résumé version that was sent.
    pub applied_resume_id: Option<AttachmentId>,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
    /// When it was moved to the trash.
    pub trashed_at: Option<Timestamp>,
    /// When the trash is emptied of it.
    pub purge_at: Option<Timestamp>,
    /// Optimistic lock of the job's own fields, from 1.
    pub version: i64,
    /// How far the coach has come.
    pub coach_status: CoachStatus,
    /// The coach's progress, 0 to 100.
    pub coach_progress: u8,
    /// The match of the active résumé and job description, 0 to 100.
    pub match_score: Option<f64>,
    /// Files that are not in the trash.
    pub attachment_count: u32,
    /// Kinds of those files: bit `1 << number`; bit 0 tells of notes.
    pub attachment_kinds: u32,
    /// The active résumé.
    pub resume_attachment_id: Option<AttachmentId>,
    /// The active job description.
    pub jd_attachment_id: Option<AttachmentId>,
}

impl Job {
    /// Reports whether an open, unarchived job has stood still for more than `days` days.
    pub fn is_stale(&self, now: Timestamp, days: u32) -> bool {
        self.status.is_open()
            && self.archived_at.is_none()
            && self.trashed_at.is_none()
            && now.as_ms() - self.status_since.as_ms() > i64::from(days) * crate::time::DAY_MS
    }

    /// Reports whether the job has notes.
    pub fn has_notes(&self) -> bool {
        self.attachment_kinds & 1 != 0
    }

    /// Reports whether the job has a file of this kind outside the trash.
    pub fn has(&self, kind: AttachmentKind) -> bool {
        self.attachment_kinds & (1 << kind.number()) != 0
    }
}

/// A job to be entered.
#[derive(Debug, Clone, Serialize)]
pub struct NewJob {
    /// The company's name, 1 to 200 characters.
    pub company: String,
    /// The position, 1 to 200 characters.
    pub title: String,
    /// Absolute http or https address.
    pub posting_url: Option<String>,
    /// At most 200 characters.
    pub location: Option<String>,
    /// At most 200 characters.
    pub source: Option<String>,
    /// At most 100,000 characters.
    pub notes: Option<String>,
    /// Where it stands.
    pub status: JobStatus,
    /// Since when; now when absent.
    pub status_at: Option<Timestamp>,
}

impl NewJob {
    /// A job on the radar with nothing but its names.
    pub fn new(company: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            company: company.into(),
            title: title.into(),
            posting_url: None,
            location: None,
            source: None,
            notes: None,
            status: JobStatus::OnRadar,
            status_at: None,
        }
    }

    fn validate(self, now: Timestamp) -> Result<Self> {
        let mut checks = Checks::default();
        let optional = |checks: &mut Checks, path: &str, text: Option<String>, rule| {
            text.and_then(|text| checks.optional(&[path], &text, rule))
        };
        let valid = Self {
            company: checks.required(&["company"], &self.company, NAME),
            title: checks.required(&["title"], &self.title, NAME),
            posting_url: optional(&mut checks, "url", self.posting_url, URL),
            location: optional(&mut checks, "location", self.location, NAME),
            source: optional(&mut checks, "source", self.source, NAME),
            notes: optional(&mut checks, "notes", self.notes, NOTES),
            status: self.status,
            status_at: self.status_at,
        };
        checks.web_address(&["url"], valid.posting_url.as_deref());
        checks.past(&["statusAt"], valid.status_at, now);
        checks.finish()?;
        Ok(valid)
    }
}

/// Changes to a job's own fields.
#[derive(Debug, Clone, Default)]
pub struct JobPatch {
    /// The company's name; may not be cleared.
    pub company: Patch<String>,
    /// The position; may not be cleared.
    pub title: Patch<String>,
    /// Address of the posting.
    pub posting_url: Patch<String>,
    /// Where the work is.
    pub location: Patch<String>,
    /// Where the posting was found.
    pub source: Patch<String>,
    /// Notes.
    pub notes: Patch<String>,
    /// Where it stands; may not be cleared.
    pub status: Patch<JobStatus>,
    /// When the new status began; now when kept. Without a status it has no effect.
    pub status_at: Patch<Timestamp>,
}

impl JobPatch {
    fn validate(self, now: Timestamp) -> Result<Self> {
        let mut checks = Checks::default();
        let valid = Self {
            company: checks.required_patch(&["company"], self.company, NAME),
            title: checks.required_patch(&["title"], self.title, NAME),
            posting_url: checks.patch(&["url"], self.posting_url, URL),
            location: checks.patch(&["location"], self.location, NAME),
            source: checks.patch(&["source"], self.source, NAME),
            notes: checks.patch(&["notes"], self.notes, NOTES),
            status: self.status,
            status_at: self.status_at,
        };
        if let Patch::Set(url) = &valid.posting_url {
            checks.web_address(&["url"], Some(url));
        }
        if valid.status == Patch::Clear {
            checks.add(&["status"], "not_null", "must not be null", None);
        }
        if let Patch::Set(at) = valid.status_at {
            checks.past(&["statusAt"], Some(at), now);
        }
        checks.finish()?;
        Ok(valid)
    }

    /// Whether a text that is searched may change.
    fn sets_text(&self) -> bool {
        let Self { company, title, posting_url, location, source, notes, .. } = self;
        [company, title, posting_url, location, source, notes]
            .into_iter()
            .any(|field| *field != Patch::Keep)
    }

    /// What a replay must agree with.
    fn digest(&self) -> impl Serialize {
        format!("{self:?}")
    }
}

impl Engine {
    /// Enters a job with its first history row. Returns its id.
    ///
    /// # Errors
    /// `Invalid` with every broken rule, `Quota` above [`crate::Limits::jobs`].
    ///
    /// # Cancel safety
    /// Once polled the batch may be committed although the future is dropped; with an idempotency
    /// key the call can be repeated.
    pub async fn create_job(&self, job: NewJob, options: &WriteOptions) -> Result<Written<JobId>> {
        let job = &job.validate(self.now())?;
        self.mutate("jobCreate", options, job, |snapshot| async move {
            plan_create(&snapshot, job).await
        })
        .await
    }

    /// Changes a job's own fields. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `Version` or `JobInTrash`.
    pub async fn update_job(
        &self,
        id: JobId,
        patch: JobPatch,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        let patch = &patch.validate(self.now())?;
        self.mutate("jobUpdate", options, &(id, patch.digest()), |snapshot| async move {
            plan_update(&snapshot, id, patch, options.expected_version).await
        })
        .await
    }

    /// Copies a job's fields into a new one on the radar, without its documents. Without a title
    /// it gets the first free `… (copy)`, `… (copy 2)` of that company.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `JobInTrash`, `Quota`.
    pub async fn duplicate_job(
        &self,
        id: JobId,
        title: Option<String>,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        let mut checks = Checks::default();
        let title = &title.map(|title| checks.required(&["title"], &title, NAME));
        checks.finish()?;
        self.mutate("jobDuplicate", options, &(id, title), |snapshot| async move {
            plan_duplicate(&snapshot, id, title.clone()).await
        })
        .await
    }

    /// Returns a job with its notes. Two statements.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_job(&self, id: JobId) -> Result<(Job, String)> {
        let snapshot = self.snapshot().await?;
        let ids = &[id];
        let (jobs, notes) = tokio::try_join!(snapshot.jobs(ids), snapshot.notes(ids))?;
        let job = jobs.into_iter().next().ok_or_else(|| Error::not_found("job", id))?;
        let notes = notes.into_iter().next().map(|(_, notes)| notes);
        Ok((job, notes.unwrap_or_default()))
    }
}

impl Snapshot {
    /// Returns the jobs with these ids; unknown and foreign ones are absent. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn jobs(&self, ids: &[JobId]) -> Result<Vec<Job>> {
        read_model::by_ids(self, ids).await
    }

    /// Returns one job. One statement.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_job(&self, id: JobId) -> Result<Job> {
        self.jobs(&[id]).await?.pop().ok_or_else(|| Error::not_found("job", id))
    }

    /// Returns the notes of jobs; jobs without notes have an empty text. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn notes(&self, ids: &[JobId]) -> Result<Vec<(JobId, String)>> {
        Ok(store::load(self, ids)
            .await?
            .into_iter()
            .map(|job| (job.id, job.fields.notes.unwrap_or_default()))
            .collect())
    }
}

impl JobRow {
    /// Takes the one job that was looked for; none and one in the trash are refused.
    pub(crate) fn live(found: Vec<Self>, id: JobId) -> Result<Self> {
        let job = found.into_iter().next().ok_or_else(|| Error::not_found("job", id))?;
        job.refuse_trashed()?;
        Ok(job)
    }

    /// A trashed job can only be restored or purged.
    pub(crate) fn refuse_trashed(&self) -> Result<()> {
        if self.trashed_at.is_none() {
            return Ok(());
        }
        Err(Error::conflict(ConflictKind::JobInTrash, "the job is in the trash; restore it first"))
    }

    fn refuse_other_version(&self, expected: Option<i64>) -> Result<()> {
        match expected {
            Some(expected) if expected != self.version => Err(Error::conflict(
                ConflictKind::Version { current: self.version },
                "the job was changed since it was read",
            )),
            _ => Ok(()),
        }
    }
}

/// Adds the renewal of a job's text index with new document texts.
pub(crate) fn reindex_job(batch: &mut Batch, snapshot: &Snapshot, job: &JobRow, texts: &[String]) {
    let text = search::IndexedText::of(&job.company, &job.fields, texts);
    search::reindex(batch, snapshot.user(), job.id, &text, snapshot.engine());
}

async fn plan_create(snapshot: &Snapshot, new: &NewJob) -> Result<Plan<JobId>> {
    refuse_full(snapshot, store::total(snapshot).await?)?;
    let now = snapshot.engine().now();
    let fields = JobFields {
        title: new.title.clone(),
        posting_url: new.posting_url.clone(),
        location: new.location.clone(),
        source: new.source.clone(),
        notes: new.notes.clone(),
    };
    let since = new.status_at.unwrap_or(now).min(now);
    let first = history::first_row(new.status, since, now);
    Ok(insert(snapshot, &new.company, &fields, first))
}

/// Refuses one more job above the limit.
fn refuse_full(snapshot: &Snapshot, total: u64) -> Result<()> {
    let limit = snapshot.engine().config().limits.jobs;
    if total >= limit {
        return Err(Error::Quota { scope: QuotaScope::AccountJobs, limit, remaining: 0 });
    }
    Ok(())
}

/// Builds the batch of a new job: company, row, first history row, text index, read model.
fn insert(
    snapshot: &Snapshot,
    company: &str,
    fields: &JobFields,
    first: history::HistoryRow,
) -> Plan<JobId> {
    let (engine, user) = (snapshot.engine(), snapshot.user());
    let mut batch = engine.batch();
    let id = JobId::new(batch.at);
    let applied = first.to.means_applied().then_some(first.changed_at);
    let coach_status =
        if applied.is_some() { CoachStatus::Applied } else { CoachStatus::NotStarted };
    let key = crate::companies::store::ensure(&mut batch, user, company);
    store::insert(&mut batch, user, id, &key, fields, &first, applied, coach_status);
    store::history::insert(&mut batch, user, id, &first);
    if let Some(at) = applied {
        coach::store::insert_applied(&mut batch, user, id, at);
    }
    search::index(&mut batch, user, id, &search::IndexedText::of(company, fields, &[]), engine);
    read_model::enter(&mut batch, user, id);
    batch.change(EntityKind::Job, id.as_uuid(), ChangeOp::Created);
    Plan::write(id, batch)
}

async fn plan_update(
    snapshot: &Snapshot,
    id: JobId,
    patch: &JobPatch,
    expected: Option<i64>,
) -> Result<Plan<JobId>> {
    let ids = &[id];
    let (found, course, mut texts) = tokio::try_join!(
        store::load(snapshot, ids),
        when(patch.status != Patch::Keep, Course::load(snapshot, ids)),
        when(patch.sets_text(), snapshot.indexed_texts(ids))
    )?;
    let job = JobRow::live(found, id)?;
    job.refuse_other_version(expected)?;
    let mut changed = job.clone();
    if let Patch::Set(company) = &patch.company
        && crate::companies::company_key(company) != job.company_key
    {
        changed.company.clone_from(company);
    }
    if let Patch::Set(title) = &patch.title {
        changed.fields.title.clone_from(title);
    }
    let apply = |patch: &Patch<String>, current: &mut Option<String>| {
        *current = patch.clone().apply(current.take());
    };
    apply(&patch.posting_url, &mut changed.fields.posting_url);
    apply(&patch.location, &mut changed.fields.location);
    apply(&patch.source, &mut changed.fields.source);
    apply(&patch.notes, &mut changed.fields.notes);
    let status = match patch.status {
        Patch::Set(status) if status != job.status => Some(status),
        _ => None,
    };
    let text_changed = changed.fields != job.fields || changed.company != job.company;
    if !text_changed && status.is_none() {
        return Ok(Plan::nothing(id));
    }

    let engine = snapshot.engine();
    let mut batch = engine.batch();
    if let Some(status) = status {
        let at = match patch.status_at {
            Patch::Set(at) => Some(at),
            Patch::Keep | Patch::Clear => None,
        };
        let input = StatusChangeInput { status, at, note: None };
        let moving = std::slice::from_mut(&mut changed);
        move_status(snapshot, &mut batch, moving, &input, course)?;
    }
    if text_changed {
        let texts = texts.remove(&id).unwrap_or_default();
        crate::companies::store::ensure(&mut batch, snapshot.user(), &changed.company);
        let text = search::IndexedText::of(&changed.company, &changed.fields, &texts);
        search::reindex(&mut batch, snapshot.user(), id, &text, engine);
    }
    changed.version += 1;
    store::update(&mut batch, snapshot.user(), &changed, job.guard);
    read_model::refresh(&mut batch, snapshot.user(), id);
    batch.change(EntityKind::Job, id.as_uuid(), ChangeOp::Updated);
    Ok(Plan::write(id, batch))
}

async fn plan_duplicate(
    snapshot: &Snapshot,
    id: JobId,
    title: Option<String>,
) -> Result<Plan<JobId>> {
    let ids = &[id];
    let (total, found, taken) = tokio::try_join!(
        store::total(snapshot),
        store::load(snapshot, ids),
        when(title.is_none(), store::titles_beside(snapshot, id))
    )?;
    refuse_full(snapshot, total)?;
    let job = JobRow::live(found, id)?;
    let now = snapshot.engine().now();
    let title = match title {
        Some(title) => title,
        None => free_copy_title(&job.fields.title, &taken)?,
    };
    let fields = JobFields { title, ..job.fields.clone() };
    Ok(insert(snapshot, &job.company, &fields, history::first_row(JobStatus::OnRadar, now, now)))
}

/// The first of `T (copy)`, `T (copy 2)`, … that is not taken, cut to fit 200.
fn free_copy_title(title: &str, taken: &[String]) -> Result<String> {
    let base = strip_copy_mark(title);
    let candidate = |n: usize| {
        let mark = if n == 1 { String::from(" (copy)") } else { format!(" (copy {n})") };
        let room = 200_usize.saturating_sub(mark.chars().count());
        let base: String = base.chars().take(room).collect();
        format!("{}{mark}", base.trim_end())
    };
    // One more candidate than taken titles: one of them is free.
    (1..=taken.len() + 1)
        .map(candidate)
        .find(|title| !taken.contains(title))
        .ok_or_else(|| Error::bug("duplicate a job", "no free title"))
}

fn strip_copy_mark(title: &str) -> &str {
    let Some((base, mark)) = title.rsplit_once(" (copy") else { return title };
    let Some(number) = mark.strip_suffix(')') else { return title };
    let plain = number.is_empty()
        || number.strip_prefix(' ').is_some_and(|n| {
            !n.is_empty() && n.len() < 10 && n.bytes().all(|b| b.is_ascii_digit())
        });
    if plain { base } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_marks_do_not_pile_up() {
        assert_eq!(strip_copy_mark("Engineer"), "Engineer");
        assert_eq!(strip_copy_mark("Engineer (copy)"), "Engineer");
        assert_eq!(strip_copy_mark("Engineer (copy 12)"), "Engineer");
        assert_eq!(strip_copy_mark("Engineer (copy twelve)"), "Engineer (copy twelve)");
    }
}
