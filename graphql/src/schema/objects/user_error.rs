//! Errors that a client can act on, each with a type of its own where it has more to say.

use async_graphql::{ContextSelectionSet, Enum, ID, Interface, SimpleObject};
use jotrack_core::{AiProvider, CoachMilestone, ForbiddenReason, QuotaScope};

use super::usage::UsageWindow;
use crate::schema::{
    resolve::{Concrete, Resolving, resolve_container},
    scalars::ByteCount,
};

/// The first three lines of the contract occur in `userErrors`, the last one only in top-level `errors`.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "ErrorCode")]
pub(crate) enum WireCode {
    InvalidInput,
    NotFound,
    Conflict,
    VersionMismatch,
    StepLocked,
    AlreadyFinished,
    IdempotencyMismatch,
    Forbidden,
    TooLarge,
    Unsupported,
    UnsupportedType,
    QuotaExceeded,
    RateLimited,
    ProviderNotConfigured,
    ProviderFailed,
    ProviderRefused,
    Unauthenticated,
    Cancelled,
    Timeout,
    Unavailable,
    Internal,
}

/// Which rule about the state of the data forbids it.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConflictReason {
    JobInTrash,
    NotInTrash,
    NoText,
    VersionLocked,
    VersionDeleted,
    LastHistoryRow,
    ChangedSince,
    Other,
}

/// A value that breaks a rule; nothing was written.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct InvalidInputError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// The limit that was passed, where the rule has one.
    pub(crate) limit: Option<i32>,
}

/// No such object, or it belongs to somebody else.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct NotFoundError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// The ID as it was sent.
    pub(crate) id: Option<ID>,
}

/// The object was changed since it was read.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct VersionMismatchError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) current_version: i32,
}

/// The state of the data forbids it.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ConflictError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) reason: ConflictReason,
}

/// A step of the coach that may not be entered yet.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct StepLockedError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// The milestones that open the step.
    pub(crate) missing: Vec<CoachMilestone>,
}

/// The caller may not do this.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ForbiddenError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) reason: ForbiddenReason,
}

/// More bytes than allowed.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct TooLargeError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) limit: ByteCount,
}

/// A type of file that is not accepted.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct UnsupportedTypeError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// What the content looks like; null when it looks like nothing known.
    pub(crate) detected: Option<String>,
    /// What the file name says; null without an extension.
    pub(crate) extension: Option<String>,
}

/// Bytes or a number of items, as `scope` says.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct QuotaExceededError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) scope: QuotaScope,
    pub(crate) limit: ByteCount,
    pub(crate) remaining: ByteCount,
}

/// An allowance of calls is used up, or the same thing was asked for again too soon; nothing was counted.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct RateLimitedError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// When the next try may succeed.
    pub(crate) retry_after_seconds: i32,
    /// The allowance that is used up; null where none is.
    pub(crate) window: Option<UsageWindow>,
}

/// An analysis could not be had; the message says what to do. Nothing half-done is kept.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ProviderError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
    /// Who was to answer.
    pub(crate) provider: AiProvider,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
}

/// Every code without a type of its own.
#[derive(SimpleObject, Debug, Clone)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct OtherError {
    pub(crate) message: String,
    pub(crate) code: WireCode,
    pub(crate) path: Option<Vec<String>>,
}

/// An error the caller can act on. Match on the type or `code`, never on `message`. `path` leads into the mutation's arguments, for example ["input", "title"].
#[expect(clippy::enum_variant_names, reason = "variants carry the names of their types")]
#[derive(Interface, Debug, Clone)]
#[graphql(
    crate = "crate::schema::resolve::dispatch",
    field(name = "message", ty = "&String"),
    field(name = "code", ty = "&WireCode"),
    field(name = "path", ty = "&Option<Vec<String>>")
)]
pub(crate) enum UserError {
    InvalidInputError(InvalidInputError),
    NotFoundError(NotFoundError),
    VersionMismatchError(VersionMismatchError),
    ConflictError(ConflictError),
    StepLockedError(StepLockedError),
    ForbiddenError(ForbiddenError),
    TooLargeError(TooLargeError),
    UnsupportedTypeError(UnsupportedTypeError),
    QuotaExceededError(QuotaExceededError),
    RateLimitedError(RateLimitedError),
    ProviderError(ProviderError),
    OtherError(OtherError),
}

impl Concrete for UserError {
    fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a> {
        match self {
            Self::InvalidInputError(error) => resolve_container(ctx, error),
            Self::NotFoundError(error) => resolve_container(ctx, error),
            Self::VersionMismatchError(error) => resolve_container(ctx, error),
            Self::ConflictError(error) => resolve_container(ctx, error),
            Self::StepLockedError(error) => resolve_container(ctx, error),
            Self::ForbiddenError(error) => resolve_container(ctx, error),
            Self::TooLargeError(error) => resolve_container(ctx, error),
            Self::UnsupportedTypeError(error) => resolve_container(ctx, error),
            Self::QuotaExceededError(error) => resolve_container(ctx, error),
            Self::RateLimitedError(error) => resolve_container(ctx, error),
            Self::ProviderError(error) => resolve_container(ctx, error),
            Self::OtherError(error) => resolve_container(ctx, error),
        }
    }
}
