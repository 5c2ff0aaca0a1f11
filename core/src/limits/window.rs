//! What a window allows, and how full it is.

use serde::Serialize;

use crate::time::Timestamp;

/// An exact sliding window: at most `limit` calls within any `span_ms` milliseconds. A call at `a`
/// counts while `now < a + span_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The most calls; `None` when they are only counted.
    pub limit: Option<u32>,
    /// Milliseconds of the window.
    pub span_ms: i64,
}

/// How full a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateState {
    /// The most calls in the window; `None` when they are only counted.
    pub limit: Option<u32>,
    /// Calls in the window. Without a limit at most 10,000 are counted.
    pub used: u32,
    /// Calls that are still allowed; `None` without a limit.
    pub remaining: Option<u32>,
    /// When the oldest call leaves the window; now when it is empty.
    pub reset_at: Timestamp,
    /// Milliseconds until the oldest call leaves, where no other is allowed before; else 0.
    pub retry_after_ms: i64,
}

/// What came of asking for a place in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The call counts from now on.
    Admitted(RateState),
    /// The window is full; the call does not count.
    Denied(RateState),
}

impl Taken {
    /// Returns how full the window is now.
    pub fn state(self) -> RateState {
        match self {
            Self::Admitted(state) | Self::Denied(state) => state,
        }
    }

    /// Reports whether the call may be made.
    pub fn is_admitted(self) -> bool {
        matches!(self, Self::Admitted(_))
    }
}

impl Window {
    /// Tells how full it is.
    pub(crate) fn state(self, now: Timestamp, used: u32, oldest: Option<Timestamp>) -> RateState {
        let remaining = self.limit.map(|limit| limit.saturating_sub(used));
        let reset_at = oldest.map_or(now, |at| at.plus_ms(self.span_ms));
        // A limit of 0 has no call that could leave.
        let wait_ms = match oldest {
            Some(_) => reset_at.as_ms().saturating_sub(now.as_ms()),
            None => self.span_ms,
        };
        let retry_after_ms = if remaining == Some(0) { wait_ms } else { 0 };
        RateState { limit: self.limit, used, remaining, reset_at, retry_after_ms }
    }
}
