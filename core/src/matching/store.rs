//! SQL of the local match, and of the join that a list with coach and match reads.

use std::sync::OnceLock;

use super::{JobDetails, SkillReport, Skills, StoredScore};
use crate::{
    analysis,
    coach::{
        self, CoachState,
        store::{coach_columns, coach_row},
    },
    db::{Batch, Miss, Row, Stmt, params},
    engine::Snapshot,
    error::{Error, Result},
    id::{JobId, UserId, VariantId},
};

static DETAILS: Stmt = Stmt::read(
    "job_details",
    concat!(
        "SELECT l.job_id, m.value, m.summary, m.computed_at, ",
        coach_columns!(),
        " FROM job_list l
         LEFT JOIN job_match m ON m.job_id = l.job_id
         LEFT JOIN coach_state s ON s.job_id = l.job_id
         WHERE +l.user_id = $1 AND l.job_id IN rarray($2)"
    ),
);

static SKILLS: Stmt = Stmt::read(
    "match_skills",
    "SELECT job_id, resume_variant_id, jd_variant_id, skills
     FROM job_match
     WHERE +user_id = $1 AND job_id IN rarray($2)",
);

static MATCH_SAVE: Stmt = Stmt::write(
    "match_save",
    "INSERT INTO job_match (job_id, user_id, resume_variant_id, jd_variant_id, value, summary,
         skills, analysis_version, computed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (job_id) DO UPDATE
     SET resume_variant_id = $3, jd_variant_id = $4, value = $5, summary = $6, skills = $7,
         analysis_version = $8, computed_at = $9",
);

static MATCH_DELETE: Stmt = Stmt::write(
    "match_delete",
    "DELETE FROM job_match
     WHERE job_id = $1 AND user_id = $2",
);

/// The statements of this domain.
pub(crate) fn statements() -> [&'static Stmt; 4] {
    [&DETAILS, &SKILLS, &MATCH_SAVE, &MATCH_DELETE]
}

/// A match to be kept.
pub(crate) struct MatchRow {
    pub(crate) job_id: JobId,
    pub(crate) resume_variant_id: VariantId,
    pub(crate) jd_variant_id: VariantId,
    pub(crate) value: Option<f64>,
    pub(crate) summary: String,
    pub(crate) skills: String,
}

/// Returns coach and match of jobs. One statement.
pub(crate) async fn details(snapshot: &Snapshot, jobs: &[JobId]) -> Result<Vec<JobDetails>> {
    let ids: Vec<_> = jobs.iter().map(JobId::as_uuid).collect();
    let now = snapshot.engine().now();
    snapshot
        .view()
        .query(&DETAILS, params![snapshot.user(), ids], |row| {
            let job_id = JobId::from_uuid(row.id(0)?);
            let coach = coach_row(row, 4)?;
            Ok(JobDetails {
                job_id,
                coach: coach.map_or_else(|| coach::not_begun(job_id, now), CoachState::from),
                stored: stored_score(row)?,
            })
        })
        .await
}

fn stored_score(row: &dyn Row) -> Result<Option<StoredScore>> {
    let (Some(value), Some(summary)) = (row.opt_real(1)?, row.opt_text(2)?) else {
        return Ok(None);
    };
    Ok(Some(StoredScore {
        value,
        summary: summary.to_owned(),
        computed_at: row.time(3)?,
        read: OnceLock::new(),
    }))
}

/// Returns the skills of jobs. One statement.
pub(crate) async fn skills(snapshot: &Snapshot, jobs: &[JobId]) -> Result<Vec<SkillReport>> {
    let ids: Vec<_> = jobs.iter().map(JobId::as_uuid).collect();
    snapshot
        .view()
        .query(&SKILLS, params![snapshot.user(), ids], |row| {
            let Skills { percentage, skills } = serde_json::from_str(row.text(3)?)
                .map_err(|e| Error::internal("read a match", e))?;
            Ok(SkillReport {
                job_id: JobId::from_uuid(row.id(0)?),
                percentage,
                skills,
                resume_variant_id: VariantId::from_uuid(row.id(1)?),
                jd_variant_id: VariantId::from_uuid(row.id(2)?),
            })
        })
        .await
}

/// Adds a match, new or in place of the old one.
pub(crate) fn save(batch: &mut Batch, user: UserId, row: MatchRow) {
    let MatchRow { job_id, resume_variant_id, jd_variant_id, value, summary, skills } = row;
    let at = batch.at;
    let params = params![
        job_id,
        user,
        resume_variant_id,
        jd_variant_id,
        value,
        summary,
        skills,
        analysis::ANALYSIS_VERSION,
        at,
    ];
    batch.one(&MATCH_SAVE, params, Miss::Conflict);
}

/// Adds the end of a match; none is fine.
pub(crate) fn delete(batch: &mut Batch, user: UserId, job: JobId) {
    batch.step(&MATCH_DELETE, params![job, user]);
}
