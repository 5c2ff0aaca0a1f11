//! How much of each allowance is used.

use async_graphql::SimpleObject;
use jotrack_core::{self as core, RateState, Tier, UsageResource};

use crate::schema::scalars::{DateTime, int};

/// How much the caller has used.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct Usage {
    tier: Tier,
    /// One per resource.
    windows: Vec<UsageWindow>,
}

/// Exact sliding window. `resetAt` is when the oldest entry leaves; now when empty.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct UsageWindow {
    resource: UsageResource,
    window_seconds: i32,
    /// Null when unlimited.
    limit: Option<i32>,
    used: i32,
    /// Null when unlimited.
    remaining: Option<i32>,
    reset_at: DateTime,
}

/// The window of a resource, and the most that one operation may cost.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct RateLimit {
    cost_limit: i32,
    /// Null when unlimited.
    limit: Option<i32>,
    used: i32,
    /// Null when unlimited.
    remaining: Option<i32>,
    reset_at: DateTime,
}

impl From<core::Usage> for Usage {
    fn from(usage: core::Usage) -> Self {
        let core::Usage { tier, windows } = usage;
        Self { tier, windows: windows.into_iter().map(Into::into).collect() }
    }
}

impl From<core::UsageWindow> for UsageWindow {
    fn from(window: core::UsageWindow) -> Self {
        let core::UsageWindow { resource, window_ms, state } = window;
        let RateState { limit, used, remaining, reset_at, retry_after_ms: _ } = state;
        let seconds = u64::try_from(window_ms).unwrap_or(0).div_ceil(1_000);
        Self {
            resource,
            window_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
            limit: limit.map(int),
            used: int(used),
            remaining: remaining.map(int),
            reset_at: reset_at.into(),
        }
    }
}

impl RateLimit {
    pub(crate) fn new(window: core::UsageWindow, most: usize) -> Self {
        let UsageWindow { limit, used, remaining, reset_at, .. } = window.into();
        let cost_limit = i32::try_from(most).unwrap_or(i32::MAX);
        Self { cost_limit, limit, used, remaining, reset_at }
    }
}
