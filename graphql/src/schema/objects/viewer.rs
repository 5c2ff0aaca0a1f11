//! Who asks, and what answers.

use async_graphql::{Context, Object, SimpleObject};
use jotrack_core::{AnalysisKind, Tier, User};

use super::{
    ai_settings::{AnalysisCache, ProviderKey, Settings},
    usage::Usage,
};
use crate::schema::{context::operation, cost, error::Result, node::NodeId};

/// The owner of the data.
pub(crate) struct Viewer(pub(crate) User);

/// The owner of the data.
#[Object(crate = "crate::schema::resolve::object")]
impl Viewer {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::User(self.0.id)
    }

    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    async fn tier(&self) -> Tier {
        self.0.tier
    }

    async fn settings(&self, ctx: &Context<'_>) -> Result<Settings> {
        let engine = &operation(ctx)?.caller().engine;
        Ok(Settings::of(&engine.ai_settings().await?, &engine.config().ai))
    }

    /// One per provider at most.
    #[graphql(complexity = "cost::list(3, child_complexity)")]
    async fn provider_keys(&self, ctx: &Context<'_>) -> Result<Vec<ProviderKey>> {
        let keys = operation(ctx)?.caller().engine.provider_keys().await?;
        Ok(keys.into_iter().map(Into::into).collect())
    }

    /// What is kept of answers, by kind; `answersPurge` forgets.
    #[graphql(complexity = "cost::list(AnalysisKind::ALL.len(), child_complexity)")]
    async fn analysis_cache(&self, ctx: &Context<'_>) -> Result<Vec<AnalysisCache>> {
        let stats = operation(ctx)?.caller().engine.cache_stats().await?;
        Ok(stats.into_iter().map(Into::into).collect())
    }

    async fn usage(&self, ctx: &Context<'_>) -> Result<Usage> {
        Ok(operation(ctx)?.caller().engine.usage().await?.into())
    }
}

/// What answers.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ServerInfo {
    pub(crate) version: String,
    /// Name and version of the database.
    pub(crate) database: String,
    /// SHA-256 of the schema definition, in hex.
    pub(crate) schema_hash: String,
}
