//! The windows of requests, and what a user sees of all windows.

use uuid::Uuid;

use super::{RateState, Taken, Window, ai_subject, store};
use crate::{
    engine::Engine,
    enums::{Tier, UsageResource},
    error::{Error, Result},
    id::{LOCAL_USER, random_bytes},
};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// It reads, or follows changes.
    Read,
    /// It writes, or starts AI.
    Write,
}

/// How much a user has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The user's plan.
    pub tier: Tier,
    /// The windows of requests that write, of those that read, and of AI calls.
    pub windows: Vec<UsageWindow>,
}

/// One window of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageWindow {
    /// What is counted.
    pub resource: UsageResource,
    /// Milliseconds of the window.
    pub window_ms: i64,
    /// How full it is.
    pub state: RateState,
}

impl Engine {
    /// Counts a request of this handle's user; servers call it once per request that a client
    /// sends. `None` where requests are not limited, as in the local single-user mode unless
    /// [`crate::RequestLimits::local`] is set: then nothing is counted.
    ///
    /// The windows of reads and of writes are separate. On PostgreSQL, or with
    /// [`crate::RequestLimits::in_database`], they hold for all processes together and cost one
    /// batch; else they are in the memory of this engine. When the database fails the request is
    /// let through: it will fail by itself or did not need it.
    ///
    /// # Errors
    /// `RateLimited` of scope `requests`, with the milliseconds until the next may succeed.
    pub async fn take_request(&self, kind: RequestKind) -> Result<Option<RateState>> {
        let Window { limit: Some(limit), span_ms } = self.request_window(kind) else {
            return Ok(None);
        };
        let subject = self.request_subject(kind);
        let taken = if self.counts_in_database() {
            let window = Window { limit: Some(limit), span_ms };
            let id = Uuid::from_bytes(random_bytes::<16>()?);
            match store::take(self, &subject, id, window, None).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "a request could not be counted");
                    return Ok(None);
                }
            }
        } else {
            self.shared.requests.take(&subject, limit, span_ms, self.now())
        };
        match taken {
            Taken::Admitted(state) => Ok(Some(state)),
            Taken::Denied(RateState { retry_after_ms, .. }) => {
                Err(Error::RateLimited { scope: "requests", retry_after_ms })
            }
        }
    }

    /// Returns how full the window of requests is, without taking a place. Where requests are not
    /// limited nothing is counted, and `limit` is `None`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn request_state(&self, kind: RequestKind) -> Result<RateState> {
        let window = self.request_window(kind);
        if window.limit.is_none() {
            return Ok(window.state(self.now(), 0, None));
        }
        let subject = self.request_subject(kind);
        if self.counts_in_database() {
            return store::state(self, &subject, window).await;
        }
        Ok(self.shared.requests.state(&subject, window, self.now()))
    }

    /// Returns the plan of this handle's user and how full each of their windows is. At most eight
    /// statements.
    ///
    /// # Errors
    /// `NotFound` when the user was removed, `Unavailable`.
    pub async fn usage(&self) -> Result<Usage> {
        let tier = self.tier().await?;
        let mut windows = Vec::with_capacity(UsageResource::ALL.len());
        for resource in UsageResource::ALL {
            windows.push(self.usage_window(*resource).await?);
        }
        Ok(Usage { tier, windows })
    }

    /// Returns how full one window of this handle's user is. At most three statements.
    ///
    /// # Errors
    /// `NotFound` when the user was removed, `Unavailable`.
    pub async fn usage_window(&self, resource: UsageResource) -> Result<UsageWindow> {
        let requests_ms = self.config().requests.window_ms;
        let (window_ms, state) = match resource {
            UsageResource::Requests => (requests_ms, self.request_state(RequestKind::Write).await?),
            UsageResource::Reads => (requests_ms, self.request_state(RequestKind::Read).await?),
            UsageResource::AiCalls => {
                let window = self.tier_window(self.tier().await?);
                let subject = ai_subject(self.user_id());
                (window.span_ms, store::state(self, &subject, window).await?)
            }
        };
        Ok(UsageWindow { resource, window_ms, state })
    }

    fn request_window(&self, kind: RequestKind) -> Window {
        let requests = &self.config().requests;
        let limit = match kind {
            RequestKind::Read => requests.reads,
            RequestKind::Write => requests.writes,
        };
        let is_local = self.user_id() == LOCAL_USER;
        let limit = limit.filter(|_| !is_local || requests.local);
        Window { limit, span_ms: requests.window_ms }
    }

    fn request_subject(&self, kind: RequestKind) -> String {
        let kind = match kind {
            RequestKind::Read => "reads",
            RequestKind::Write => "writes",
        };
        format!("{kind}:{}", self.user_id())
    }

    fn counts_in_database(&self) -> bool {
        self.config().requests.in_database || self.config().postgres.is_some()
    }
}
