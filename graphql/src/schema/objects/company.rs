//! A company.

use std::sync::Arc;

use async_graphql::Object;
use jotrack_core::Job;

use crate::schema::node::NodeId;

/// A company as the row of one of its jobs knows it.
pub(crate) struct Company(Arc<Job>);

impl Company {
    /// The company of a job; no statement.
    pub(crate) fn of_job(job: Arc<Job>) -> Self {
        Self(job)
    }
}

/// A company that the owner applies to.
#[Object(crate = "crate::schema::resolve::object")]
impl Company {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::Company(self.0.company_id)
    }

    async fn name(&self) -> &str {
        &self.0.company
    }

    /// Identity for comparison: the web domain when known, else the folded name without legal suffix.
    async fn key(&self) -> &str {
        &self.0.company_key
    }
}
