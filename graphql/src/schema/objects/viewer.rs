//! Who asks, and what answers.

use async_graphql::{Context, Object, SimpleObject};
use jotrack_core::{Tier, User};

use super::usage::Usage;
use crate::schema::{context::operation, error::Result, node::NodeId};

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
