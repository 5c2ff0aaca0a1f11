//! An analysis: what was asked, how far it is, and what came of it.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use jotrack_core::{
    self as core, AiProvider, AnalysisKind, AnalysisState, Persona, ResultSource, StalenessPart,
    StalenessSeverity,
};

use crate::schema::{
    context::scope,
    cost,
    error::{Result, provider_error},
    loaders::ReadAnalysis,
    node::NodeId,
    objects::{attachment::Attachment, job::Job, user_error::ProviderError},
    scalars::{DateTime, Json, Micros, int},
};

/// An analysis of the caller.
#[derive(Clone)]
pub(crate) struct Analysis(pub(crate) Arc<core::Analysis>);

impl From<core::Analysis> for Analysis {
    fn from(row: core::Analysis) -> Self {
        Self(Arc::new(row))
    }
}

/// What somebody asked the engine or a model. Follow it with `analysisEvents`.
#[Object(crate = "crate::schema::resolve::object")]
impl Analysis {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::Analysis(self.0.id)
    }

    async fn kind(&self) -> AnalysisKind {
        self.0.kind
    }

    async fn state(&self) -> AnalysisState {
        self.0.state
    }

    /// Where the answer comes from; null while it waits in the queue.
    async fn source(&self) -> Option<ResultSource> {
        self.0.source
    }

    async fn provider(&self) -> AiProvider {
        self.0.provider
    }

    /// The version of the algorithm for LOCAL.
    async fn model(&self) -> &str {
        &self.0.model
    }

    async fn prompt_version(&self) -> &str {
        &self.0.prompt_version
    }

    /// Null when it is about no job, or the job is gone.
    async fn job(&self, ctx: &Context<'_>) -> Result<Option<Job>> {
        let Some(id) = self.0.job_id else { return Ok(None) };
        Ok(scope(ctx)?.loaders().job(id).await?.map(Job))
    }

    /// The document it is about, where it is about one alone.
    async fn attachment(&self, ctx: &Context<'_>) -> Result<Option<Attachment>> {
        let Some(id) = self.0.attachment_id else { return Ok(None) };
        Ok(scope(ctx)?.loaders().attachment(id).await?.map(Attachment))
    }

    /// Search key of the company it is about; null where there is none.
    async fn company_key(&self) -> Option<&str> {
        self.0.company.as_deref()
    }

    /// Who asks; null where the kind has nobody.
    async fn persona(&self) -> Option<Persona> {
        self.0.persona
    }

    /// Structured result, valid against the schema of its kind; null until SUCCEEDED.
    async fn result(&self) -> Option<Json> {
        self.0.result.as_ref().map(|answer| Json::text(answer.text()))
    }

    /// Why it failed, and what to do; null unless it did.
    async fn error(&self) -> Option<ProviderError> {
        let failure = self.0.error.as_ref()?;
        Some(provider_error(failure.provider, &failure.error()))
    }

    /// Of its own call; zero where none was made.
    async fn usage(&self) -> TokenUsage {
        TokenUsage::of(self.0.usage, self.0.cost_micros)
    }

    /// The provider's name for the exchange, where it gave one.
    async fn provider_request_id(&self) -> Option<&str> {
        self.0.provider_request_id.as_deref()
    }

    /// Milliseconds to the first text; null without a call of its own.
    async fn ttft_ms(&self) -> Option<i32> {
        self.0.ttft_ms.map(int)
    }

    /// Milliseconds of the whole call; null without one of its own.
    async fn total_ms(&self) -> Option<i32> {
        self.0.total_ms.map(int)
    }

    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Null while it waits in the queue.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// Null until it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// When the kept answer ends; 90 days by default.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// Where the answer is kept; `answersPurge` takes it.
    async fn cache_key(&self) -> &str {
        &self.0.key
    }

    /// How what it read relates to the documents as they are now; null for kinds that read none.
    #[graphql(complexity = "cost::extra(5, child_complexity + 1)")]
    async fn staleness(&self, ctx: &Context<'_>) -> Result<Option<Staleness>> {
        let analysis = ReadAnalysis(Arc::clone(&self.0));
        let judged = scope(ctx)?.loaders().staleness(analysis).await?;
        Ok(judged.as_deref().map(Staleness::of))
    }
}

/// How stored analyses relate to the documents as they are now.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct Staleness {
    severity: StalenessSeverity,
    /// What is no longer as it was read.
    changed: Vec<StalenessPart>,
    /// In words.
    reason: String,
}

impl Staleness {
    pub(crate) fn of(judged: &core::Staleness) -> Self {
        let core::Staleness { severity, changed, reason } = judged.clone();
        Self { severity, changed, reason }
    }
}

/// `costMicros` is null when the price is unknown; `estimated` when the provider sent no usage.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct TokenUsage {
    /// Cached ones included.
    input_tokens: i32,
    /// Thinking included.
    output_tokens: i32,
    /// Part of `inputTokens` that the provider had in its own cache.
    cached_input_tokens: i32,
    /// Null when the price is unknown.
    cost_micros: Option<Micros>,
    estimated: bool,
}

impl TokenUsage {
    /// Tokens and what they cost.
    pub(crate) fn of(usage: core::ai::TokenUsage, cost_micros: Option<i64>) -> Self {
        let core::ai::TokenUsage { input, output, cached, estimated } = usage;
        Self {
            input_tokens: int(input),
            output_tokens: int(output),
            cached_input_tokens: int(cached),
            cost_micros: cost_micros.map(Micros),
            estimated,
        }
    }
}
