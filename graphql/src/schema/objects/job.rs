//! A job application. Its own fields come from one row of the read model; relations are loaded for
//! all jobs of the answer at once.

use std::sync::Arc;

use async_graphql::{Context, Object};
use jotrack_core::{self as core, AnalysisKind, AttachmentKind, JobStatus, VariantName};

use crate::schema::{
    connection::{AttachmentConnection, StatusChangeConnection, page_size},
    context::{operation, scope},
    cost,
    error::Result,
    loaders::{AnalysesKey, AttachmentsKey, DocumentKey, NameSet},
    node::NodeId,
    objects::{
        analysis::{Analysis, Staleness},
        attachment::{Attachment, AttachmentVariant},
        coach::CoachState,
        company::Company,
        score::{MatchScore, SkillMatch},
    },
    scalars::{DateTime, Url, int},
};

/// A job application.
#[derive(Clone)]
pub(crate) struct Job(pub(crate) Arc<core::Job>);

impl From<core::Job> for Job {
    fn from(row: core::Job) -> Self {
        Self(Arc::new(row))
    }
}

/// A job application.
#[Object(crate = "crate::schema::resolve::object")]
#[expect(clippy::unused_async, reason = "async-graphql takes async resolvers only")]
impl Job {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::Job(self.0.id)
    }

    async fn company(&self) -> Company {
        Company::of_job(Arc::clone(&self.0))
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Where the posting can be read.
    async fn url(&self) -> Option<Url> {
        self.0.posting_url.clone().map(Url)
    }

    async fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// Where the posting was found.
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    async fn status(&self) -> JobStatus {
        self.0.status
    }

    async fn status_since(&self) -> DateTime {
        self.0.status_since.into()
    }

    async fn notes(&self, ctx: &Context<'_>) -> Result<String> {
        let notes = scope(ctx)?.loaders().notes(self.0.id).await?;
        Ok(notes.as_deref().unwrap_or_default().to_owned())
    }

    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Earliest APPLIED entry of the history, else the coach milestone.
    async fn applied_at(&self) -> Option<DateTime> {
        self.0.applied_at.map(DateTime)
    }

    /// The resume version that was sent; it cannot be trashed alone.
    async fn applied_resume(&self, ctx: &Context<'_>) -> Result<Option<Attachment>> {
        let Some(id) = self.0.applied_resume_id else { return Ok(None) };
        Ok(scope(ctx)?.loaders().attachment(id).await?.map(Attachment))
    }

    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    async fn trashed_at(&self) -> Option<DateTime> {
        self.0.trashed_at.map(DateTime)
    }

    /// When the trash is purged; null outside the trash.
    async fn purge_at(&self) -> Option<DateTime> {
        self.0.purge_at.map(DateTime)
    }

    /// Optimistic lock; pass it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        int(self.0.version)
    }

    async fn time_in_status_seconds(&self, ctx: &Context<'_>) -> Result<i32> {
        let now = operation(ctx)?.caller().engine.clock().now();
        Ok(int((now.as_ms() - self.0.status_since.as_ms()).max(0) / 1_000))
    }

    /// Open, and longer in its status than the owner's setting allows.
    async fn is_stale(&self, ctx: &Context<'_>) -> Result<bool> {
        let engine = &operation(ctx)?.caller().engine;
        Ok(self.0.is_stale(engine.clock().now(), engine.config().stale_after_days))
    }

    /// By kind, newest version first.
    #[graphql(complexity = "cost::page(Some(first), None, child_complexity)")]
    async fn attachments(
        &self,
        ctx: &Context<'_>,
        kind: Option<Vec<AttachmentKind>>,
        #[graphql(default = false)] include_trashed: bool,
        #[graphql(default = 20)] first: i32,
        after: Option<String>,
    ) -> Result<AttachmentConnection> {
        let key =
            AttachmentsKey { job: self.0.id, kinds: kind.unwrap_or_default(), include_trashed };
        let rows = scope(ctx)?.loaders().attachments(key.clone()).await?;
        AttachmentConnection::new(ctx, key, rows, first, after.as_deref())
    }

    /// From the read model: no extra statement.
    async fn attachment_count(&self) -> i32 {
        int(self.0.attachment_count)
    }

    /// Text of the active attachment: the first existing variant of `prefer`, its `name` tells which. Never one that was not asked for.
    async fn document(
        &self,
        ctx: &Context<'_>,
        kind: AttachmentKind,
        #[graphql(default_with = "vec![VariantName::AiNormalized, VariantName::Raw]")] prefer: Vec<
            VariantName,
        >,
    ) -> Result<Option<AttachmentVariant>> {
        if !self.0.has(kind) {
            return Ok(None);
        }
        let key = DocumentKey { job: self.0.id, kind, names: NameSet::of(&prefer) };
        let texts = scope(ctx)?.loaders().documents(key).await?;
        let best = prefer.iter().find_map(|name| texts.iter().find(|text| text.name == *name));
        Ok(best.cloned().map(AttachmentVariant))
    }

    /// Null without a resume and a job description.
    async fn match_score(&self) -> Option<MatchScore> {
        MatchScore::of(&self.0)
    }

    /// At most 100, requested skills first.
    #[graphql(complexity = "cost::list(100, child_complexity)")]
    async fn skills(&self, ctx: &Context<'_>) -> Result<Vec<SkillMatch>> {
        let report = scope(ctx)?.loaders().skills(self.0.id).await?;
        Ok(report.map(|report| SkillMatch::all(&report)).unwrap_or_default())
    }

    /// Null when the job description names no skill.
    async fn skill_match_percentage(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        let report = scope(ctx)?.loaders().skills(self.0.id).await?;
        Ok(report.and_then(|report| report.percentage).map(i32::from))
    }

    async fn coach(&self) -> CoachState {
        CoachState(Arc::clone(&self.0))
    }

    /// Newest first.
    #[graphql(complexity = "cost::page(Some(first), None, child_complexity)")]
    async fn status_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: i32,
        after: Option<String>,
    ) -> Result<StatusChangeConnection> {
        let rows = scope(ctx)?.loaders().history(self.0.id).await?;
        StatusChangeConnection::new(ctx, self.0.id, rows, first, after.as_deref())
    }

    /// Newest first; of these kinds where they are named.
    #[graphql(complexity = "cost::extra(5, cost::page(Some(first), None, child_complexity))")]
    async fn analyses(
        &self,
        ctx: &Context<'_>,
        kind: Option<Vec<AnalysisKind>>,
        #[graphql(default = 10)] first: i32,
    ) -> Result<Vec<Analysis>> {
        let max = operation(ctx)?.caller().engine.config().limits.page;
        let mut kinds = kind.unwrap_or_default();
        kinds.sort_unstable();
        kinds.dedup();
        let most = page_size("first", first, max)?;
        let key = AnalysesKey { job: self.0.id, kinds, most };
        let rows = scope(ctx)?.loaders().analyses(key).await?;
        Ok(rows.iter().cloned().map(Analysis).collect())
    }

    /// The newest of a kind, in whatever state it is.
    #[graphql(complexity = "cost::extra(5, child_complexity + 1)")]
    async fn latest_analysis(
        &self,
        ctx: &Context<'_>,
        kind: AnalysisKind,
    ) -> Result<Option<Analysis>> {
        let key = AnalysesKey { job: self.0.id, kinds: vec![kind], most: 1 };
        let rows = scope(ctx)?.loaders().analyses(key).await?;
        Ok(rows.first().cloned().map(Analysis))
    }
    /// How the analyses of a kind relate to the documents as they are now: of one that read exactly
    /// these, else of the newest. Kinds that read no documents are invalid.
    #[graphql(complexity = "cost::extra(10, child_complexity + 1)")]
    async fn staleness(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "AnalysisKind::MatchScore")] kind: AnalysisKind,
    ) -> Result<Staleness> {
        let judged = scope(ctx)?.loaders().staleness_of_job(self.0.id, kind).await?;
        let judged = judged.ok_or_else(|| core::Error::not_found("job", self.0.id))?;
        Ok(Staleness::of(&judged))
    }
}
