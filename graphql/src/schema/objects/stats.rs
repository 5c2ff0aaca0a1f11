//! How many jobs there are of which sort.

use async_graphql::SimpleObject;
use jotrack_core::{self as core, CoachStatus, JobStatus};

use crate::schema::scalars::int;

/// How many jobs there are of which sort.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobStats {
    total: i32,
    archived: i32,
    trashed: i32,
    stale: i32,
    /// One per status.
    by_status: Vec<JobStatusCount>,
    /// One per coach status.
    by_coach_status: Vec<CoachStatusCount>,
}

/// Jobs of one status.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobStatusCount {
    status: JobStatus,
    count: i32,
}

/// Jobs of one coach status.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct CoachStatusCount {
    status: CoachStatus,
    count: i32,
}

impl From<core::JobStats> for JobStats {
    fn from(stats: core::JobStats) -> Self {
        let core::JobStats { total, archived, trashed, stale, by_status, by_coach_status } = stats;
        Self {
            total: int(total),
            archived: int(archived),
            trashed: int(trashed),
            stale: int(stale),
            by_status: by_status
                .into_iter()
                .map(|row| JobStatusCount { status: row.status, count: int(row.count) })
                .collect(),
            by_coach_status: by_coach_status
                .into_iter()
                .map(|row| CoachStatusCount { status: row.status, count: int(row.count) })
                .collect(),
        }
    }
}
