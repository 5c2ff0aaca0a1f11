//! Exact sliding windows: of requests, of AI calls, and of whatever a host wants to count.
//!
//! A window is a log of calls. It is kept in the database, in one batch per call that serialises on
//! the subject's row, so that no number of processes lets through one call too many. The windows of
//! requests are kept in memory where one process serves a file of SQLite.

mod memory;
mod quota;
mod requests;
mod store;
mod window;

pub(crate) use memory::Memory;
pub use quota::Quota;
pub use requests::{RequestKind, Usage, UsageWindow};
pub(crate) use store::{extend, refund, refund_after_output, settle, statements, take};
pub use window::{RateState, Taken, Window};

use crate::{
    engine::Engine,
    enums::Tier,
    error::Result,
    id::{LOCAL_USER, UserId},
    time::DAY_MS,
};

/// Returns the subject of a user's AI calls.
pub(crate) fn ai_subject(user: UserId) -> String {
    format!("ai:{user}")
}

impl Engine {
    /// Returns the plan of this handle's user: the configured one for the local owner, else that of
    /// the user's row. At most one statement.
    ///
    /// # Errors
    /// `NotFound` when the user was removed, `Unavailable`.
    pub async fn tier(&self) -> Result<Tier> {
        if self.user_id() == LOCAL_USER {
            return Ok(self.config().ai.local_tier);
        }
        crate::meta::tier(&self.shared.store, self.user_id()).await
    }

    /// Returns the window of AI calls of a plan.
    pub(crate) fn tier_window(&self, tier: Tier) -> Window {
        let ai = &self.config().ai;
        let limit = match tier {
            Tier::Free => Some(ai.free_calls),
            Tier::Pro => Some(ai.pro_calls),
            Tier::Enterprise => None,
        };
        Window { limit, span_ms: ai.window_ms }
    }
}

/// Forgets subjects that nobody asked about for a day: their windows are empty. Returns how many.
pub(crate) async fn sweep(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    engine.shared.requests.sweep(now, engine.config().requests.window_ms);
    store::sweep(engine, now.plus_ms(-DAY_MS)).await
}
