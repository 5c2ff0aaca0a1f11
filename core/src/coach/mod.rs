//! The coach of a job: its state, and the mutations that move it.

mod application;
pub(crate) mod store;

pub use application::Milestones;

use serde::{Deserialize, Serialize};

use crate::{
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{ChangeOp, CoachMilestone, CoachStatus, CoachStep, EntityKind, JobStatus},
    error::{ConflictKind, Error, Result},
    id::JobId,
    jobs::{
        Course, StatusChangeInput,
        store::{self as jobs, JobRow, read_model},
    },
    mutation::{Plan, WriteOptions, Written},
    patch::Patch,
    time::Timestamp,
    validate::{Checks, TextRule},
};
use store::CoachRow;

/// Questions of one coach.
const QUESTIONS: usize = 40;
const ANSWER: TextRule = TextRule::body(4_000);
/// Bytes of the profile's JSON.
const PROFILE_BYTES: usize = 256 * 1024;

/// Where the coach of a job stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoachState {
    /// Derived from the milestones.
    pub status: CoachStatus,
    /// Share of milestones reached, 0 to 100.
    pub progress: u8,
    /// All seven, in order.
    pub milestones: Vec<MilestoneState>,
    /// Steps that may not be entered yet, in order.
    pub locked: Vec<CoachStep>,
    /// The first open step with something left to do; `None` when all is done.
    pub next_step: Option<CoachStep>,
    /// The client's bookmark.
    pub current_step: Option<CoachStep>,
    /// Milestones older than one they depend on; they still count.
    pub outdated: Vec<CoachMilestone>,
    /// Questions with their answers.
    pub discovery: Vec<DiscoveryItem>,
    /// The job profile.
    pub profile: Option<serde_json::Value>,
    /// Match before the coach's work.
    pub score_before: Option<f64>,
    /// Match after it.
    pub score_after: Option<f64>,
    /// Whether the user goes without a letter.
    pub cover_letter_skipped: bool,
    /// Optimistic lock; 0 before anything was stored.
    pub version: i64,
    /// When it last changed; when it was asked for if nothing is stored.
    pub updated_at: Timestamp,
}

/// A milestone and when it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MilestoneState {
    /// Which.
    pub milestone: CoachMilestone,
    /// When; `None` while it is not.
    pub completed_at: Option<Timestamp>,
}

/// A question of the discovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryQuestion {
    /// Stable within the job.
    pub id: String,
    /// A heading.
    pub category: String,
    /// The question.
    pub question: String,
    /// Why it is asked.
    pub rationale: Option<String>,
    /// The skill it is about.
    pub target_skill: Option<String>,
    /// Advice on the answer's length, in words.
    pub word_limit: Option<u32>,
}

/// An answer, or the wish to go without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryAnswer {
    /// The text.
    pub answer: Option<String>,
    /// Whether the question was passed over.
    pub skipped: bool,
    /// When.
    pub at: Timestamp,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryItem {
    /// The question.
    #[serde(flatten)]
    pub question: DiscoveryQuestion,
    /// The answer, if there is one.
    pub answer: Option<String>,
    /// Whether it was passed over.
    pub skipped: bool,
}

/// Changes to a coach; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct CoachPatch {
    /// The client's bookmark; a locked step is refused.
    pub current_step: Patch<CoachStep>,
    /// Merged by question.
    pub answers: Vec<AnswerInput>,
    /// The job profile, a JSON object of at most 256 KiB.
    pub profile: Patch<serde_json::Value>,
}

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerInput {
    /// The question.
    pub question_id: String,
    /// The text; goes without `skipped`.
    pub answer: Option<String>,
    /// Whether the question is passed over.
    pub skipped: bool,
}

/// A result that moves the coach on; analyses report these.
#[derive(Debug, Clone, PartialEq)]
pub enum CoachEvent {
    /// Questions were made; answers to surviving ids stay.
    Discovery(Vec<DiscoveryQuestion>),
    /// The job profile was made from the answers.
    ProfileAnalyzed(serde_json::Value),
    /// The match was scored anew with the profile.
    ScoreRecalculated {
        /// Before.
        before: f64,
        /// After.
        after: f64,
    },
    /// A tailored résumé was stored.
    ResumeGenerated,
    /// A letter was stored.
    CoverLetterGenerated,
}

impl From<CoachRow> for CoachState {
    fn from(row: CoachRow) -> Self {
        let facts = row.facts();
        let CoachRow { milestones, questions, answers, .. } = row;
        Self {
            status: facts.status(),
            progress: facts.progress(),
            milestones: CoachMilestone::ALL
                .iter()
                .map(|milestone| MilestoneState {
                    milestone: *milestone,
                    completed_at: milestones.at(*milestone),
                })
                .collect(),
            locked: facts.locked(),
            next_step: facts.next_step(),
            current_step: row.current_step,
            outdated: facts.outdated(),
            discovery: questions
                .into_iter()
                .map(|question| {
                    let known = answers.get(&question.id);
                    DiscoveryItem {
                        answer: known.and_then(|known| known.answer.clone()),
                        skipped: known.is_some_and(|known| known.skipped),
                        question,
                    }
                })
                .collect(),
            profile: row.profile,
            score_before: row.score_before,
            score_after: row.score_after,
            cover_letter_skipped: row.cover_letter_skipped,
            version: row.version,
            updated_at: row.updated_at,
        }
    }
}

impl Engine {
    /// Returns the coach of a job. Two statements.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_coach(&self, job: JobId) -> Result<CoachState> {
        let (snapshot, ids) = (self.snapshot().await?, &[job]);
        let (found, stored) = tokio::try_join!(snapshot.jobs(ids), store::load(&snapshot, ids))?;
        if found.is_empty() {
            return Err(Error::not_found("job", job));
        }
        Ok(only(&snapshot, job, stored).into())
    }

    /// Merges a patch into the coach of a job.
    ///
    /// # Errors
    /// `Invalid` (unknown question, answer together with skipped, over-long text), `NotFound`,
    /// `Conflict` of kind `Version`, `StepLocked` or `JobInTrash`.
    pub async fn update_coach(
        &self,
        job: JobId,
        patch: CoachPatch,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        let patch = &patch;
        self.move_coach("coachStateUpdate", job, options, &format!("{patch:?}"), move |row, at| {
            merge(row, patch, at)
        })
        .await
    }

    /// Notes the result of an analysis.
    ///
    /// # Errors
    /// As [`Engine::update_coach`]; `StepLocked` when what it builds on is missing.
    pub async fn record_coach_event(
        &self,
        job: JobId,
        event: CoachEvent,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        let event = &event;
        self.move_coach("coachEvent", job, options, &format!("{event:?}"), move |row, at| {
            note(row, event, at)
        })
        .await
    }

    /// Declares the active résumé the final one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `NoResume`, `StepLocked`, `Version` or `JobInTrash`.
    pub async fn finalize_resume(
        &self,
        job: JobId,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        self.mutate("coachResumeFinalize", options, &job, |snapshot| async move {
            let (row, mut coach) = coach_of(&snapshot, job, options).await?;
            if row.active_resume_id.is_none() {
                return Err(Error::conflict(ConflictKind::NoResume, "the job has no résumé yet"));
            }
            coach.facts().require(CoachStep::Resume)?;
            let now = Some(snapshot.engine().now());
            coach.milestones.resume_generated_at = coach.milestones.resume_generated_at.or(now);
            coach.milestones.resume_finalized_at = now;
            write(&snapshot, row, coach)
        })
        .await
    }

    /// Goes without a cover letter.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `StepLocked`, `Version` or `JobInTrash`.
    pub async fn skip_cover_letter(
        &self,
        job: JobId,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        self.move_coach("coachCoverLetterSkip", job, options, "", |row, _| {
            row.facts().require(CoachStep::CoverLetter)?;
            row.cover_letter_skipped = true;
            Ok(())
        })
        .await
    }

    /// Notes that the application was sent: fixes the résumé version; a job on the radar moves to
    /// APPLIED. Earlier milestones are not needed: people apply without the coach.
    ///
    /// # Errors
    /// `Invalid` time, `NotFound`, `Conflict` of kind `NoResume`, `AlreadyFinished`, `Version` or
    /// `JobInTrash`.
    pub async fn apply_job(
        &self,
        job: JobId,
        at: Option<Timestamp>,
        options: &WriteOptions,
    ) -> Result<Written<JobId>> {
        let mut checks = Checks::default();
        checks.past(&["at"], at, self.now());
        checks.finish()?;
        self.mutate("coachApply", options, &(job, at), |snapshot| async move {
            let ids = &[job];
            let (found, mut course) =
                tokio::try_join!(jobs::load(&snapshot, ids), Course::load(&snapshot, ids))?;
            let stored = std::mem::take(&mut course.coaches);
            let (row, coach) = refuse(&snapshot, job, options, found, stored)?;
            if coach.milestones.applied_at.is_some() {
                return Err(Error::conflict(ConflictKind::AlreadyFinished, "already applied"));
            }
            if row.active_resume_id.is_none() {
                return Err(Error::conflict(ConflictKind::NoResume, "the job has no résumé yet"));
            }
            apply(&snapshot, row, coach, course, at)
        })
        .await
    }

    /// Takes back APPLIED; the status history stays.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `Version` or `JobInTrash`.
    pub async fn reopen_job(&self, job: JobId, options: &WriteOptions) -> Result<Written<JobId>> {
        self.mutate("coachReopen", options, &job, |snapshot| async move {
            let (mut row, mut coach) = coach_of(&snapshot, job, options).await?;
            if coach.milestones.applied_at.is_none() {
                return Ok(Plan::nothing(job));
            }
            coach.milestones.applied_at = None;
            row.applied_resume_id = None;
            write(&snapshot, row, coach)
        })
        .await
    }

    /// Changes a coach by a function of its row.
    async fn move_coach(
        &self,
        mutation: &'static str,
        job: JobId,
        options: &WriteOptions,
        args: &str,
        change: impl Fn(&mut CoachRow, Timestamp) -> Result<()> + Sync,
    ) -> Result<Written<JobId>> {
        let change = &change;
        self.mutate(mutation, options, &(job, args), |snapshot| async move {
            let (row, before) = coach_of(&snapshot, job, options).await?;
            let mut coach = before.clone();
            change(&mut coach, snapshot.engine().now())?;
            if coach == before {
                return Ok(Plan::nothing(job));
            }
            write(&snapshot, row, coach)
        })
        .await
    }
}

/// The coach that is stored of a job, else one that has not begun.
fn only(snapshot: &Snapshot, job: JobId, stored: Vec<CoachRow>) -> CoachRow {
    let stored = stored.into_iter().next();
    stored.unwrap_or_else(|| CoachRow::new(job, snapshot.engine().now()))
}

async fn coach_of(
    snapshot: &Snapshot,
    job: JobId,
    options: &WriteOptions,
) -> Result<(JobRow, CoachRow)> {
    let ids = &[job];
    let (found, stored) = tokio::try_join!(jobs::load(snapshot, ids), store::load(snapshot, ids))?;
    refuse(snapshot, job, options, found, stored)
}

/// Takes a job and its coach out of what was found, unless they must not be changed.
fn refuse(
    snapshot: &Snapshot,
    job: JobId,
    options: &WriteOptions,
    found: Vec<JobRow>,
    stored: Vec<CoachRow>,
) -> Result<(JobRow, CoachRow)> {
    let row = JobRow::live(found, job)?;
    let coach = only(snapshot, job, stored);
    match options.expected_version {
        Some(expected) if expected != coach.version => Err(Error::conflict(
            ConflictKind::Version { current: coach.version },
            "the coach was changed since it was read",
        )),
        _ => Ok((row, coach)),
    }
}

fn write(snapshot: &Snapshot, mut job: JobRow, mut coach: CoachRow) -> Result<Plan<JobId>> {
    let mut batch = snapshot.engine().batch();
    job.coach_status = coach.status();
    jobs::touch(&mut batch, snapshot.user(), &job);
    store::save(&mut batch, snapshot.user(), &mut coach);
    close(&mut batch, snapshot, job.id);
    Ok(Plan::write(job.id, batch))
}

fn close(batch: &mut Batch, snapshot: &Snapshot, job: JobId) {
    read_model::refresh(batch, snapshot.user(), job);
    batch.change(EntityKind::CoachState, job.as_uuid(), ChangeOp::Updated);
    batch.change(EntityKind::Job, job.as_uuid(), ChangeOp::Updated);
}

fn apply(
    snapshot: &Snapshot,
    mut job: JobRow,
    mut coach: CoachRow,
    course: Course,
    at: Option<Timestamp>,
) -> Result<Plan<JobId>> {
    let mut batch = snapshot.engine().batch();
    if job.status == JobStatus::OnRadar {
        let input = StatusChangeInput { status: JobStatus::Applied, at, note: None };
        let guard = job.guard;
        let moving = std::slice::from_mut(&mut job);
        let course = Course { coaches: vec![coach], ..course };
        crate::jobs::move_status(snapshot, &mut batch, moving, &input, course)?;
        if job.status != JobStatus::Applied {
            let why = "lies before a later entry of the status history";
            return Err(Error::invalid(&["at"], "range", why));
        }
        job.version += 1;
        jobs::update(&mut batch, snapshot.user(), &job, guard);
        close(&mut batch, snapshot, job.id);
        return Ok(Plan::write(job.id, batch));
    }
    coach.milestones.applied_at = Some(at.unwrap_or(batch.at));
    job.applied_resume_id = job.active_resume_id;
    write(snapshot, job, coach)
}

fn merge(row: &mut CoachRow, patch: &CoachPatch, at: Timestamp) -> Result<()> {
    let mut checks = Checks::default();
    for (i, input) in patch.answers.iter().enumerate() {
        let i = i.to_string();
        let text = input.answer.as_deref().unwrap_or_default();
        let answer = checks.optional(&["answers", &i, "answer"], text, ANSWER);
        if !row.questions.iter().any(|question| question.id == input.question_id) {
            checks.add(
                &["answers", &i, "questionId"],
                "unknown",
                "there is no such question",
                None,
            );
        } else if answer.is_some() == input.skipped {
            checks.add(&["answers", &i], "format", "give either an answer or skipped", None);
        } else {
            let known = row.answers.get(&input.question_id);
            if known.is_none_or(|known| known.answer != answer || known.skipped != input.skipped) {
                let answer = DiscoveryAnswer { answer, skipped: input.skipped, at };
                row.answers.insert(input.question_id.clone(), answer);
            }
        }
    }
    if let Patch::Set(profile) = &patch.profile
        && (!profile.is_object() || profile.to_string().len() > PROFILE_BYTES || has_nul(profile))
    {
        let rule = "must be a JSON object of at most 256 KiB without U+0000";
        checks.add(&["profile"], "format", rule, None);
    }
    checks.finish()?;
    row.profile = patch.profile.clone().apply(row.profile.take());
    if let Patch::Set(step) = patch.current_step {
        row.facts().require(step)?;
    }
    row.current_step = patch.current_step.clone().apply(row.current_step);
    settle_discovery(row, at);
    Ok(())
}

/// Reports whether a text in a JSON value holds U+0000, which no text of ours may.
fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// DISCOVERY_COMPLETE holds exactly while each question is answered or skipped.
fn settle_discovery(row: &mut CoachRow, at: Timestamp) {
    let open = row.questions.iter().any(|question| !row.answers.contains_key(&question.id));
    let milestone = &mut row.milestones.discovery_complete_at;
    if open {
        *milestone = None;
    } else if !row.questions.is_empty() {
        *milestone = milestone.or(Some(at));
    }
}

fn note(row: &mut CoachRow, event: &CoachEvent, at: Timestamp) -> Result<()> {
    let missing = |milestone| {
        let what = format!("{milestone} is missing");
        Err(Error::conflict(ConflictKind::StepLocked { missing: vec![milestone] }, what))
    };
    match event {
        CoachEvent::Discovery(questions) => {
            if questions.is_empty() || questions.len() > QUESTIONS {
                return Err(Error::invalid(&["questions"], "range", "give 1 to 40 questions"));
            }
            row.questions.clone_from(questions);
            row.answers.retain(|id, _| questions.iter().any(|question| question.id == *id));
            settle_discovery(row, at);
        }
        CoachEvent::ProfileAnalyzed(profile) => {
            if row.milestones.discovery_complete_at.is_none() {
                return missing(CoachMilestone::DiscoveryComplete);
            }
            row.profile = Some(profile.clone());
            row.milestones.profile_analyzed_at = Some(at);
        }
        CoachEvent::ScoreRecalculated { before, after } => {
            row.facts().require(CoachStep::Score)?;
            (row.score_before, row.score_after) = (Some(*before), Some(*after));
            row.milestones.score_recalculated_at = Some(at);
        }
        CoachEvent::ResumeGenerated => {
            row.facts().require(CoachStep::Resume)?;
            row.milestones.resume_generated_at = Some(at);
        }
        CoachEvent::CoverLetterGenerated => {
            row.facts().require(CoachStep::CoverLetter)?;
            row.milestones.cover_letter_generated_at = Some(at);
        }
    }
    Ok(())
}

/// A letter of the user's own finishes its step where the step is open.
pub(crate) fn on_letter(
    snapshot: &Snapshot,
    batch: &mut Batch,
    job: &mut JobRow,
    stored: Vec<CoachRow>,
) {
    let mut coach = only(snapshot, job.id, stored);
    if coach.facts().require(CoachStep::CoverLetter).is_ok() {
        coach.milestones.cover_letter_generated_at = Some(batch.at);
        store::save(batch, snapshot.user(), &mut coach);
        job.coach_status = coach.status();
        batch.change(EntityKind::CoachState, job.id.as_uuid(), ChangeOp::Updated);
    }
}

/// A coach that has not begun, for jobs without a stored one.
pub(crate) fn not_begun(job: JobId, at: Timestamp) -> CoachState {
    CoachState::from(CoachRow::new(job, at))
}
