//! How far the application coach has come with a job.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use jotrack_core::{self as core, CoachMilestone, CoachStatus, CoachStep, Error, Job, JobDetails};

use crate::schema::{
    context::scope,
    cost,
    error::Result,
    scalars::{DateTime, Json, int},
};

/// The coach of a job: `status` and `progress` are on the job's row, the rest is loaded when asked.
pub(crate) struct CoachState(pub(crate) Arc<Job>);

impl CoachState {
    async fn details(&self, ctx: &Context<'_>) -> Result<Arc<JobDetails>> {
        let details = scope(ctx)?.loaders().details(self.0.id).await?;
        details.ok_or_else(|| Error::bug("load the coach", "a job without details").into())
    }
}

/// How far the application coach has come with a job.
#[Object(crate = "crate::schema::resolve::object")]
impl CoachState {
    async fn status(&self) -> CoachStatus {
        self.0.coach_status
    }

    /// 0 to 100: completed milestones of seven, rounded.
    async fn progress(&self) -> i32 {
        i32::from(self.0.coach_progress)
    }

    /// All seven, in order.
    #[graphql(complexity = "cost::list(CoachMilestone::ALL.len(), child_complexity)")]
    async fn milestones(&self, ctx: &Context<'_>) -> Result<Vec<CoachMilestoneState>> {
        let details = self.details(ctx).await?;
        let milestones = details.coach.milestones.iter();
        Ok(milestones
            .map(|row| CoachMilestoneState {
                milestone: row.milestone,
                completed_at: row.completed_at.map(DateTime),
            })
            .collect())
    }

    /// Steps that may not be entered yet.
    async fn locked(&self, ctx: &Context<'_>) -> Result<Vec<CoachStep>> {
        Ok(self.details(ctx).await?.coach.locked.clone())
    }

    /// Null when all is done.
    async fn next_step(&self, ctx: &Context<'_>) -> Result<Option<CoachStep>> {
        Ok(self.details(ctx).await?.coach.next_step)
    }

    /// The client's bookmark.
    async fn current_step(&self, ctx: &Context<'_>) -> Result<Option<CoachStep>> {
        Ok(self.details(ctx).await?.coach.current_step)
    }

    /// Milestones older than one they depend on; they still count.
    async fn outdated(&self, ctx: &Context<'_>) -> Result<Vec<CoachMilestone>> {
        Ok(self.details(ctx).await?.coach.outdated.clone())
    }

    /// At most 40, shown four at a time.
    #[graphql(complexity = "cost::list(40, child_complexity)")]
    async fn discovery(&self, ctx: &Context<'_>) -> Result<Vec<DiscoveryQuestion>> {
        let details = self.details(ctx).await?;
        Ok(details.coach.discovery.iter().cloned().map(DiscoveryQuestion).collect())
    }

    /// The job profile: skills, projects, achievements, strengths, completeness.
    async fn profile(&self, ctx: &Context<'_>) -> Result<Option<Json>> {
        Ok(self.details(ctx).await?.coach.profile.as_ref().map(Json::of))
    }

    async fn score_before(&self, ctx: &Context<'_>) -> Result<Option<f64>> {
        Ok(self.details(ctx).await?.coach.score_before)
    }

    async fn score_after(&self, ctx: &Context<'_>) -> Result<Option<f64>> {
        Ok(self.details(ctx).await?.coach.score_after)
    }

    async fn cover_letter_skipped(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.details(ctx).await?.coach.cover_letter_skipped)
    }

    /// Optimistic lock; pass it back as `expectedVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(self.details(ctx).await?.coach.version))
    }

    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.details(ctx).await?.coach.updated_at.into())
    }
}

/// Whether a step of the coach is finished.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct CoachMilestoneState {
    milestone: CoachMilestone,
    /// Null while it is not.
    completed_at: Option<DateTime>,
}

/// A question of the discovery interview.
pub(crate) struct DiscoveryQuestion(core::DiscoveryItem);

/// A question of the discovery interview.
#[Object(crate = "crate::schema::resolve::object")]
impl DiscoveryQuestion {
    async fn id(&self) -> ID {
        ID(self.0.question.id.clone())
    }

    async fn category(&self) -> &str {
        &self.0.question.category
    }

    async fn question(&self) -> &str {
        &self.0.question.question
    }

    async fn rationale(&self) -> Option<&str> {
        self.0.question.rationale.as_deref()
    }

    async fn target_skill(&self) -> Option<&str> {
        self.0.question.target_skill.as_deref()
    }

    /// Advisory.
    async fn word_limit(&self) -> Option<i32> {
        self.0.question.word_limit.map(int)
    }

    async fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }

    async fn skipped(&self) -> bool {
        self.0.skipped
    }
}
