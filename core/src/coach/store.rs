//! SQL of the coach. A job without a row has a coach that has not begun.

use std::collections::BTreeMap;

use crate::{
    coach::{
        DiscoveryAnswer, DiscoveryQuestion,
        application::{Facts, Milestones},
    },
    db::{Batch, Miss, Row, Stmt, params},
    engine::Snapshot,
    enums::{CoachStatus, CoachStep},
    error::{Error, Result},
    id::{JobId, StatusChangeId, UserId},
    time::Timestamp,
};

macro_rules! coach_columns {
    () => {
        "s.job_id, s.discovery_complete_at, s.profile_analyzed_at, s.score_recalculated_at, \
         s.resume_generated_at, s.resume_finalized_at, s.cover_letter_generated_at, s.applied_at, \
         s.interview_started_at, s.cover_letter_skipped, s.current_step, s.questions, s.answers, \
         s.profile, s.score_before, s.score_after, s.version, s.updated_at"
    };
}
pub(crate) use coach_columns;

macro_rules! coach_load {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            coach_columns!(),
            " FROM coach_state s WHERE +s.user_id = $1 AND ",
            $condition
        )
    };
}

static COACH_LOAD: Stmt = Stmt::read("coach_load", coach_load!("s.job_id IN rarray($2)"));

static COACH_LOAD_ABOVE: Stmt = Stmt::read(
    "coach_load_above",
    coach_load!("s.job_id = (SELECT h.job_id FROM status_history h WHERE h.id = $2)"),
);

static COACH_SAVE: Stmt = Stmt::write(
    "coach_save",
    "INSERT INTO coach_state (job_id, user_id, discovery_complete_at, profile_analyzed_at,
         score_recalculated_at, resume_generated_at, resume_finalized_at,
         cover_letter_generated_at, applied_at, interview_started_at, cover_letter_skipped,
         current_step, questions, answers, profile, score_before, score_after, progress, version,
         updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     ON CONFLICT (job_id) DO UPDATE
     SET discovery_complete_at = $3, profile_analyzed_at = $4, score_recalculated_at = $5,
         resume_generated_at = $6, resume_finalized_at = $7, cover_letter_generated_at = $8,
         applied_at = $9, interview_started_at = $10, cover_letter_skipped = $11,
         current_step = $12, questions = $13, answers = $14, profile = $15, score_before = $16,
         score_after = $17, progress = $18, version = $19, updated_at = $20",
);

/// The statements of this domain.
pub(crate) fn statements() -> [&'static Stmt; 3] {
    [&COACH_LOAD, &COACH_LOAD_ABOVE, &COACH_SAVE]
}

/// A stored coach.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CoachRow {
    pub(crate) job_id: JobId,
    pub(crate) milestones: Milestones,
    pub(crate) interview_started_at: Option<Timestamp>,
    pub(crate) cover_letter_skipped: bool,
    pub(crate) current_step: Option<CoachStep>,
    pub(crate) questions: Vec<DiscoveryQuestion>,
    pub(crate) answers: BTreeMap<String, DiscoveryAnswer>,
    pub(crate) profile: Option<serde_json::Value>,
    pub(crate) score_before: Option<f64>,
    pub(crate) score_after: Option<f64>,
    /// 0 while nothing is stored.
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
}

impl CoachRow {
    /// A coach that has not begun.
    pub(crate) fn new(job_id: JobId, at: Timestamp) -> Self {
        Self {
            job_id,
            milestones: Milestones::default(),
            interview_started_at: None,
            cover_letter_skipped: false,
            current_step: None,
            questions: Vec::new(),
            answers: BTreeMap::new(),
            profile: None,
            score_before: None,
            score_after: None,
            version: 0,
            updated_at: at,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            milestones: self.milestones,
            cover_letter_skipped: self.cover_letter_skipped,
            interviews_started: self.interview_started_at.is_some(),
            begun: !self.questions.is_empty() || self.profile.is_some(),
        }
    }

    pub(crate) fn status(&self) -> CoachStatus {
        self.facts().status()
    }
}

/// Reads a coach selected as [`coach_columns!`] from column `i` on; `None` where the join found none.
pub(crate) fn coach_row(row: &dyn Row, i: usize) -> Result<Option<CoachRow>> {
    let Some(job_id) = row.opt_id(i)? else { return Ok(None) };
    let json = |text: &str| {
        serde_json::from_str(text).map_err(|e| Error::internal("read the coach's profile", e))
    };
    Ok(Some(CoachRow {
        job_id: JobId::from_uuid(job_id),
        milestones: Milestones {
            discovery_complete_at: row.opt_time(i + 1)?,
            profile_analyzed_at: row.opt_time(i + 2)?,
            score_recalculated_at: row.opt_time(i + 3)?,
            resume_generated_at: row.opt_time(i + 4)?,
            resume_finalized_at: row.opt_time(i + 5)?,
            cover_letter_generated_at: row.opt_time(i + 6)?,
            applied_at: row.opt_time(i + 7)?,
        },
        interview_started_at: row.opt_time(i + 8)?,
        cover_letter_skipped: row.flag(i + 9)?,
        current_step: row.opt_word(i + 10, CoachStep::parse)?,
        questions: serde_json::from_str(row.text(i + 11)?)
            .map_err(|e| Error::internal("read the coach's questions", e))?,
        answers: serde_json::from_str(row.text(i + 12)?)
            .map_err(|e| Error::internal("read the coach's answers", e))?,
        profile: row.opt_text(i + 13)?.map(json).transpose()?,
        score_before: row.opt_real(i + 14)?,
        score_after: row.opt_real(i + 15)?,
        version: row.int(i + 16)?,
        updated_at: row.time(i + 17)?,
    }))
}

/// Returns the stored coaches of jobs; jobs without one are absent. One statement.
pub(crate) async fn load(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<CoachRow>> {
    let ids: Vec<_> = ids.iter().map(JobId::as_uuid).collect();
    let rows = snapshot
        .view()
        .query(&COACH_LOAD, params![snapshot.user(), ids], |row| coach_row(row, 0))
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// Returns the stored coach of the job that a history row belongs to. One statement.
pub(crate) async fn load_above(
    snapshot: &Snapshot,
    change: StatusChangeId,
) -> Result<Option<CoachRow>> {
    let params = params![snapshot.user(), change];
    let row = snapshot.view().find(&COACH_LOAD_ABOVE, params, |row| coach_row(row, 0)).await?;
    Ok(row.flatten())
}

/// Adds the write of a coach under the guard of its job; raises its version.
pub(crate) fn save(batch: &mut Batch, user: UserId, row: &mut CoachRow) {
    row.version += 1;
    row.updated_at = batch.at;
    let progress = row.facts().progress();
    let CoachRow {
        job_id,
        milestones:
            Milestones {
                discovery_complete_at,
                profile_analyzed_at,
                score_recalculated_at,
                resume_generated_at,
                resume_finalized_at,
                cover_letter_generated_at,
                applied_at,
            },
        interview_started_at,
        cover_letter_skipped,
        current_step,
        questions,
        answers,
        profile,
        score_before,
        score_after,
        version,
        updated_at,
    } = row.clone();
    let text = |json: serde_json::Value| json.to_string();
    let params = params![
        job_id,
        user,
        discovery_complete_at,
        profile_analyzed_at,
        score_recalculated_at,
        resume_generated_at,
        resume_finalized_at,
        cover_letter_generated_at,
        applied_at,
        interview_started_at,
        cover_letter_skipped,
        current_step.map(CoachStep::as_str),
        text(serde_json::json!(questions)),
        text(serde_json::json!(answers)),
        profile.map(text),
        score_before,
        score_after,
        progress,
        version,
        updated_at,
    ];
    batch.one(&COACH_SAVE, params, Miss::Conflict);
}

/// Adds the coach of a job that begins as an application already sent.
pub(crate) fn insert_applied(batch: &mut Batch, user: UserId, job: JobId, at: Timestamp) {
    let mut row = CoachRow::new(job, batch.at);
    row.milestones.applied_at = Some(at);
    save(batch, user, &mut row);
}
