//! How well a résumé fits a job description. All scores are 0 to 100.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use jotrack_core::{
    self as core, Error, Importance, JobDetails, JobId, ScoreBand, ScoreCategory, ScoreSource,
    SkillCategory, SkillReport, SkillStrength, VariantId, analysis,
};

use crate::schema::{
    context::scope,
    cost,
    error::Result,
    objects::attachment::AttachmentVariant,
    scalars::{DateTime, int},
};

/// The match score of a job: its value is on the job's row, the rest is loaded when asked.
pub(crate) struct MatchScore {
    job: JobId,
    value: f64,
}

impl MatchScore {
    /// The score of a job, when there is one.
    pub(crate) fn of(job: &core::Job) -> Option<Self> {
        job.match_score.map(|value| Self { job: job.id, value })
    }

    async fn details(&self, ctx: &Context<'_>) -> Result<Arc<JobDetails>> {
        let details = scope(ctx)?.loaders().details(self.job).await?;
        details.ok_or_else(|| Error::bug("load a match score", "a job without details").into())
    }
}

fn row(details: &JobDetails) -> Result<&core::MatchScore> {
    let score = details.match_score()?;
    score.ok_or_else(|| Error::bug("read a match score", "there is none").into())
}

/// How well the active resume fits the active job description. Scores are 0 to 100.
#[Object(crate = "crate::schema::resolve::object")]
impl MatchScore {
    async fn value(&self) -> f64 {
        self.value
    }

    async fn band(&self) -> ScoreBand {
        analysis::band(self.value)
    }

    async fn source(&self, ctx: &Context<'_>) -> Result<ScoreSource> {
        Ok(row(&*self.details(ctx).await?)?.source)
    }

    /// One per category that counts, at most 3.
    #[graphql(complexity = "cost::list(ScoreCategory::ALL.len(), child_complexity)")]
    async fn categories(&self, ctx: &Context<'_>) -> Result<Vec<CategoryScore>> {
        let details = self.details(ctx).await?;
        let categories = row(&details)?.categories.iter();
        Ok(categories
            .map(|row| CategoryScore {
                category: row.category,
                score: row.score,
                weight: row.weight,
            })
            .collect())
    }

    async fn strengths(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(row(&*self.details(ctx).await?)?.strengths.clone())
    }

    async fn gaps(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(row(&*self.details(ctx).await?)?.gaps.clone())
    }

    /// Null when there is nothing to advise.
    async fn recommendation(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(row(&*self.details(ctx).await?)?.recommendation.clone())
    }

    async fn computed_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(row(&*self.details(ctx).await?)?.computed_at.into())
    }
}

/// One part of the match score.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct CategoryScore {
    category: ScoreCategory,
    score: f64,
    weight: f64,
}

/// One skill of a job's report.
pub(crate) struct SkillMatch {
    report: Arc<SkillReport>,
    position: usize,
}

impl SkillMatch {
    /// All skills of a report; rows are shared, not copied.
    pub(crate) fn all(report: &Arc<SkillReport>) -> Vec<Self> {
        let make = |position| Self { report: Arc::clone(report), position };
        (0..report.skills.len()).map(make).collect()
    }

    fn row(&self) -> Result<&analysis::SkillMatch> {
        let row = self.report.skills.get(self.position);
        row.ok_or_else(|| Error::bug("read a skill", "it is not in its report").into())
    }
}

/// A skill that the job description asks for or the resume shows.
#[Object(crate = "crate::schema::resolve::object")]
#[expect(clippy::unused_async, reason = "async-graphql takes async resolvers only")]
impl SkillMatch {
    async fn skill(&self) -> Result<&str> {
        Ok(&self.row()?.skill)
    }

    async fn category(&self) -> Result<SkillCategory> {
        Ok(self.row()?.category)
    }

    /// In the resume.
    async fn strength(&self) -> Result<SkillStrength> {
        Ok(self.row()?.strength)
    }

    /// In the job description; null when it does not ask for the skill.
    async fn importance(&self) -> Result<Option<Importance>> {
        Ok(self.row()?.importance)
    }

    async fn jd_count(&self) -> Result<i32> {
        Ok(int(self.row()?.jd_count))
    }

    async fn resume_count(&self) -> Result<i32> {
        Ok(int(self.row()?.resume_count))
    }

    /// Where the job description asks for it; null when it does not.
    async fn jd_evidence(&self) -> Result<Option<Evidence>> {
        Ok(Evidence::of(self.row()?.jd_evidence.as_deref(), self.report.jd_variant_id))
    }

    /// Where the resume shows it; null when it does not.
    async fn resume_evidence(&self) -> Result<Option<Evidence>> {
        Ok(Evidence::of(self.row()?.resume_evidence.as_deref(), self.report.resume_variant_id))
    }
}

/// A piece of the text of a job's document.
pub(crate) struct Evidence {
    quote: String,
    variant: VariantId,
}

impl Evidence {
    fn of(quote: Option<&str>, variant: VariantId) -> Option<Self> {
        quote.map(|quote| Self { quote: quote.to_owned(), variant })
    }
}

/// A verbatim piece of a variant's text, at most 200 characters.
#[Object(crate = "crate::schema::resolve::object")]
impl Evidence {
    async fn quote(&self) -> &str {
        &self.quote
    }

    async fn variant(&self, ctx: &Context<'_>) -> Result<AttachmentVariant> {
        let variant = scope(ctx)?.loaders().variant(self.variant).await?;
        variant
            .map(AttachmentVariant)
            .ok_or_else(|| Error::bug("load evidence", "its text is missing").into())
    }
}
