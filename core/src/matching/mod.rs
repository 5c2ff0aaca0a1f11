//! The local match of a job's active résumé and job description, kept where the texts are kept:
//! made anew in the batch of every change to either text.

pub(crate) mod store;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{self, CategoryScore, MatchInput, MatchReport, SkillMatch, Today},
    attachments::Variant,
    coach::CoachState,
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{ScoreBand, ScoreSource},
    error::{Error, Result},
    id::{JobId, VariantId},
    time::Timestamp,
};

/// Longer texts are analysed on the blocking pool.
const INLINE_BYTES: usize = 64 * 1024;

/// How well the active résumé answers the active job description, 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchScore {
    /// The score.
    pub value: f64,
    /// What it means.
    pub band: ScoreBand,
    /// Who computed it.
    pub source: ScoreSource,
    /// Its parts with their weights.
    pub categories: Vec<CategoryScore>,
    /// What speaks for the candidate.
    pub strengths: Vec<String>,
    /// What is missing.
    pub gaps: Vec<String>,
    /// One sentence of advice.
    pub recommendation: Option<String>,
    /// When it was computed.
    pub computed_at: Timestamp,
}

/// The skills of a job's two documents, requested ones first, with evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillReport {
    /// The job.
    pub job_id: JobId,
    /// Share of requested skills found, 0 to 100; `None` when the description names none.
    pub percentage: Option<u8>,
    /// At most 100.
    pub skills: Vec<SkillMatch>,
    /// The text the résumé's evidence is from.
    pub resume_variant_id: VariantId,
    /// The text the description's evidence is from.
    pub jd_variant_id: VariantId,
}

/// Coach and match of a job, read together.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetails {
    /// The job.
    pub job_id: JobId,
    /// Its coach.
    pub coach: CoachState,
    stored: Option<StoredScore>,
}

/// A match as it is kept; most lists want its value only, which their rows have already.
#[derive(Debug, Clone, PartialEq)]
struct StoredScore {
    value: f64,
    summary: String,
    computed_at: Timestamp,
    read: OnceLock<MatchScore>,
}

impl JobDetails {
    /// Returns the match; `None` without both texts, or when nothing could be judged. The first
    /// call reads it.
    ///
    /// # Errors
    /// `Internal` when what is kept is damaged.
    pub fn match_score(&self) -> Result<Option<&MatchScore>> {
        let Some(stored) = &self.stored else { return Ok(None) };
        let score = match stored.read.get() {
            Some(score) => score,
            None => {
                let score = stored.read()?;
                stored.read.get_or_init(|| score)
            }
        };
        Ok(Some(score))
    }
}

impl StoredScore {
    fn read(&self) -> Result<MatchScore> {
        let Summary { categories, strengths, gaps, recommendation } =
            serde_json::from_str(&self.summary).map_err(|e| Error::internal("read a match", e))?;
        Ok(MatchScore {
            value: self.value,
            band: analysis::band(self.value),
            source: ScoreSource::Local,
            categories,
            strengths,
            gaps,
            recommendation,
            computed_at: self.computed_at,
        })
    }
}

/// The part of a report that a list shows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    categories: Vec<CategoryScore>,
    strengths: Vec<String>,
    gaps: Vec<String>,
    recommendation: Option<String>,
}

/// The part of a report that a detail page shows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Skills {
    percentage: Option<u8>,
    skills: Vec<SkillMatch>,
}

impl Engine {
    /// Returns the local match of a job with its skills; `None` without both texts. Two
    /// statements.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_match(&self, job: JobId) -> Result<(Option<MatchScore>, Option<SkillReport>)> {
        let (snapshot, ids) = (self.snapshot().await?, &[job]);
        let (details, skills) = tokio::try_join!(snapshot.details(ids), snapshot.skills(ids))?;
        let details = details.into_iter().next().ok_or_else(|| Error::not_found("job", job))?;
        Ok((details.match_score()?.cloned(), skills.into_iter().next()))
    }
}

impl Snapshot {
    /// Returns coach and match of jobs, in no order; unknown jobs are absent. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn details(&self, jobs: &[JobId]) -> Result<Vec<JobDetails>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        store::details(self, jobs).await
    }

    /// Returns the skills of jobs that have both texts, in no order. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn skills(&self, jobs: &[JobId]) -> Result<Vec<SkillReport>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        store::skills(self, jobs).await
    }
}

/// Makes the match anew for a pair of texts, or takes it away when one is missing.
pub(crate) async fn renew(
    snapshot: &Snapshot,
    batch: &mut Batch,
    job: JobId,
    pair: Option<(&Variant, &Variant)>,
) -> Result<()> {
    let user = snapshot.user();
    let Some((resume, jd)) = pair else {
        store::delete(batch, user, job);
        return Ok(());
    };
    let report = report(snapshot.engine(), &resume.text, &jd.text).await?;
    let MatchReport {
        overall,
        categories,
        skill_percentage,
        skills,
        strengths,
        gaps,
        recommendation,
        ..
    } = report;
    let text =
        |json: serde_json::Result<String>| json.map_err(|e| Error::internal("keep the match", e));
    let summary = Summary { categories, strengths, gaps, recommendation };
    let skills = Skills { percentage: skill_percentage, skills };
    let row = store::MatchRow {
        job_id: job,
        resume_variant_id: resume.id,
        jd_variant_id: jd.id,
        value: overall,
        summary: text(serde_json::to_string(&summary))?,
        skills: text(serde_json::to_string(&skills))?,
    };
    store::save(batch, user, row);
    Ok(())
}

async fn report(engine: &Engine, resume: &str, jd: &str) -> Result<MatchReport> {
    let (year, month) = engine.now().year_month();
    let today = Today { year, month };
    let extra = &engine.config().extra_skills;
    if resume.len() + jd.len() <= INLINE_BYTES {
        return Ok(analysis::analyze(&MatchInput { resume, jd, extra_skills: extra, today }));
    }
    let (resume, jd, extra) = (resume.to_owned(), jd.to_owned(), extra.clone());
    tokio::task::spawn_blocking(move || {
        analysis::analyze(&MatchInput { resume: &resume, jd: &jd, extra_skills: &extra, today })
    })
    .await
    .map_err(|e| Error::internal("score a match", e))
}
