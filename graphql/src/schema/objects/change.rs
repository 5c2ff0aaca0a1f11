//! What changed, oldest first.

use std::sync::Arc;

use async_graphql::{Context, Object};
use jotrack_core::{self as core, ChangeOp, EntityKind};

use crate::schema::{
    error::Result,
    node::{self, Node, NodeId},
    scalars::Revision,
};

/// Changes after a revision.
pub(crate) struct ChangeBatch {
    changes: Vec<Change>,
    revision: i64,
    has_more: bool,
    resync: bool,
}

impl From<core::ChangeBatch> for ChangeBatch {
    fn from(batch: core::ChangeBatch) -> Self {
        let core::ChangeBatch { changes, revision, has_more, resync } = batch;
        let changes = changes.into_iter().map(|change| Change(Arc::new(change))).collect();
        Self { changes, revision, has_more, resync }
    }
}

/// Changes after a revision, oldest first.
#[Object(crate = "crate::schema::resolve::object")]
impl ChangeBatch {
    async fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Pass it as the next `since`.
    async fn revision(&self) -> Revision {
        Revision(self.revision)
    }

    async fn has_more(&self) -> bool {
        self.has_more
    }

    /// True when `since` is older than the log or the reader fell behind: read everything again.
    async fn resync(&self) -> bool {
        self.resync
    }
}

/// One changed object.
pub(crate) struct Change(Arc<core::Change>);

/// The latest change of an object within its batch.
#[Object(crate = "crate::schema::resolve::object")]
impl Change {
    async fn revision(&self) -> Revision {
        Revision(self.0.revision)
    }

    async fn entity(&self) -> EntityKind {
        self.0.entity
    }

    async fn id(&self) -> NodeId {
        NodeId::of_change(&self.0)
    }

    async fn op(&self) -> ChangeOp {
        self.0.op
    }

    /// Current state; null when deleted, when not visible, or when the entity is not a Node.
    async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        node::of_change(ctx, &self.0).await
    }
}
