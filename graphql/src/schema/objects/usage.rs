//! How much of each allowance is used.

use async_graphql::{Context, Object, SimpleObject};
use jotrack_core::{self as core, RateState, Tier, UsageResource};

use super::analysis::TokenUsage;
use crate::schema::{
    context::operation,
    cost,
    error::Result,
    scalars::{DateTime, int},
};

/// How much the caller has used.
pub(crate) struct Usage(core::Usage);

/// How much the caller has used.
#[Object(crate = "crate::schema::resolve::object")]
impl Usage {
    async fn tier(&self) -> Tier {
        self.0.tier
    }

    /// One per resource.
    #[graphql(complexity = "cost::list(UsageResource::ALL.len(), child_complexity)")]
    async fn windows(&self) -> Vec<UsageWindow> {
        self.0.windows.iter().copied().map(Into::into).collect()
    }

    /// Of the caller's own calls since the first of this month (UTC); no cost when one of them is unknown.
    async fn tokens_this_month(&self, ctx: &Context<'_>) -> Result<TokenUsage> {
        let (usage, cost_micros) = operation(ctx)?.caller().engine.tokens_this_month().await?;
        Ok(TokenUsage::of(usage, cost_micros))
    }
}

/// Exact sliding window. `limit` and `remaining` are null when unlimited; `resetAt` is when the oldest entry leaves; now when empty.
#[derive(SimpleObject, Debug, Clone)]
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
        Self(usage)
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
