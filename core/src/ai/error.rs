//! What an AI call can end with. Cloned freely: many callers wait for one failure.

use crate::{
    enums::AiProvider,
    error::{Error, ProviderFailure},
};

/// Why an AI call gave no answer. Carries no key, no prompt and no answer text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AiError {
    /// The key was refused (401, 403).
    #[error("the provider refused the key; check it")]
    Auth,
    /// No money or a spend limit (402 and its disguises).
    #[error("the provider wants payment or its spend limit is reached")]
    Billing,
    /// The provider calls the request wrong: model, size or schema (400, 404, 413).
    #[error("the provider refused the request: {0}")]
    Invalid(&'static str),
    /// 429. `retry_after_ms` is what the provider asked for.
    #[error("the provider limits the rate")]
    RateLimited {
        /// What the provider asked to wait, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// 529 or 503.
    #[error("the provider is overloaded")]
    Overloaded {
        /// What the provider asked to wait, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// Any other 5xx, 408, 409, or an error of that kind inside a stream.
    #[error("the provider failed")]
    Server {
        /// What the provider asked to wait, in milliseconds.
        retry_after_ms: Option<i64>,
        /// `x-should-retry`, where sent.
        should_retry: Option<bool>,
    },
    /// The connection could not be made or broke, or the outbound guard refused the address.
    #[error("the provider cannot be reached: {0}")]
    Network(&'static str),
    /// The base URL is not allowed.
    #[error("the address of the provider is not allowed: {0}")]
    Blocked(&'static str),
    /// The stream ended without its terminal event.
    #[error("the answer broke off")]
    Truncated,
    /// A phase took too long.
    #[error("the provider took too long: {0}")]
    Timeout(Phase),
    /// The model refused, or a guard of the engine did.
    #[error("{0}")]
    Refused(Refusal),
    /// The answer does not fit its schema, also after one repair.
    #[error("the answer does not have the promised form")]
    SchemaMismatch,
    /// The answer hit the token limit.
    #[error("the answer is longer than its token limit")]
    TooLong,
    /// The wait the provider asks for is longer than this process waits.
    #[error("the provider asks to come back later")]
    RetryLater {
        /// How long, in milliseconds.
        after_ms: i64,
    },
    /// The allowance of AI calls is used up.
    #[error("the allowance of AI calls is used up")]
    Quota {
        /// When the next call may be made, in milliseconds from now.
        retry_after_ms: i64,
    },
    /// Cancelled by its callers, or the engine closed.
    #[error("cancelled")]
    Cancelled,
    /// Too much at once.
    #[error("too many analyses at once")]
    Busy,
    /// A bug, a panic included.
    #[error("internal error")]
    Internal,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Making the connection.
    Connect,
    /// Waiting for the response headers.
    Headers,
    /// Waiting for the first content.
    FirstContent,
    /// No byte at all.
    Idle,
    /// Bytes, but no content.
    Progress,
    /// The whole exchange.
    Attempt,
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The model, by its stop reason.
    Model,
    /// The engine: the answer repeated what must stay secret.
    Guard,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Headers => "no response",
            Self::FirstContent => "no first word",
            Self::Idle => "the stream fell silent",
            Self::Progress => "the stream brought no content",
            Self::Attempt => "the answer did not end",
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Model => "the model refused to answer",
            Self::Guard => "the answer was held back by a guard of the engine",
        })
    }
}

/// How long a failure stands for later requests with the same key (ai.md section 11): what cannot
/// be helped by trying again is kept a little, everything else not at all.
pub(crate) const KEPT_MS: u64 = 5_000;

impl AiError {
    /// Returns the frozen word of the class, as it is stored and logged.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Billing => "billing",
            Self::Invalid(_) => "invalid",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded { .. } => "overloaded",
            Self::Server { .. } => "server",
            Self::Network(_) => "network",
            Self::Blocked(_) => "blocked",
            Self::Truncated => "truncated",
            Self::Timeout(_) => "timeout",
            Self::Refused(_) => "refused",
            Self::SchemaMismatch => "schema_mismatch",
            Self::TooLong => "too_long",
            Self::RetryLater { .. } => "retry_later",
            Self::Quota { .. } => "quota",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// Reports whether the same request may succeed if sent again.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Server { should_retry: Some(asked), .. } => *asked,
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Server { .. }
            | Self::Network(_)
            | Self::Truncated
            | Self::Timeout(_)
            | Self::RetryLater { .. } => true,
            Self::Auth
            | Self::Billing
            | Self::Invalid(_)
            | Self::Blocked(_)
            | Self::Refused(_)
            | Self::SchemaMismatch
            | Self::TooLong
            | Self::Quota { .. }
            | Self::Cancelled
            | Self::Busy
            | Self::Internal => false,
        }
    }

    /// Returns how long the failure stands for requests with the same key, in milliseconds.
    pub(crate) const fn kept_ms(&self) -> u64 {
        match self {
            Self::Auth | Self::Billing | Self::Invalid(_) | Self::Blocked(_) => KEPT_MS,
            _ => 0,
        }
    }

    /// Returns what the provider asked to wait, in milliseconds.
    pub const fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::RateLimited { retry_after_ms }
            | Self::Overloaded { retry_after_ms }
            | Self::Server { retry_after_ms, .. } => *retry_after_ms,
            Self::RetryLater { after_ms } => Some(*after_ms),
            Self::Quota { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        }
    }

    /// Returns the public error of a call to `provider`.
    pub fn public(&self, provider: AiProvider) -> Error {
        let kind = match self {
            Self::Quota { retry_after_ms } => {
                return Error::RateLimited { scope: "ai", retry_after_ms: *retry_after_ms };
            }
            Self::Cancelled => return Error::Cancelled,
            Self::Busy => {
                return Error::unavailable(crate::error::UnavailableKind::Busy, "analyse");
            }
            Self::Internal => return Error::bug("analyse", "an AI call ended badly"),
            Self::Refused(_) => ProviderFailure::Refused,
            _ => ProviderFailure::Failed,
        };
        Error::Provider {
            provider,
            kind,
            retryable: self.is_transient(),
            retry_after_ms: self.retry_after_ms(),
            what: self.to_string(),
        }
    }
}
