//! One entry of a job's status history.

use std::sync::Arc;

use async_graphql::Object;
use jotrack_core::{self as core, JobStatus};

use crate::schema::{
    node::NodeId,
    scalars::{DateTime, int},
};

/// One entry of a job's status history.
#[derive(Clone)]
pub(crate) struct StatusChange(pub(crate) Arc<core::StatusChange>);

/// One entry of a job's status history.
#[Object(crate = "crate::schema::resolve::object")]
impl StatusChange {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::StatusChange(self.0.id)
    }

    /// Null for the first entry.
    async fn from(&self) -> Option<JobStatus> {
        self.0.from
    }

    async fn to(&self) -> JobStatus {
        self.0.to
    }

    /// When it happened; may be dated back.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    async fn recorded_at(&self) -> DateTime {
        self.0.recorded_at.into()
    }

    /// Null for the current status.
    async fn left_at(&self) -> Option<DateTime> {
        self.0.left_at.map(DateTime)
    }

    /// Null for the current status; see `Job.timeInStatusSeconds`.
    async fn duration_seconds(&self) -> Option<i32> {
        self.0.duration_ms().map(|ms| int(ms / 1_000))
    }

    async fn note(&self) -> &str {
        &self.0.note
    }
}
