//! The one public error. A variant exists only where a caller would act differently on it.

use std::{error::Error as StdError, fmt, sync::Arc};

use crate::enums::{AiProvider, CoachMilestone, ForbiddenReason, QuotaScope};

/// Result of every fallible function of the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// A cause that may be shared by everyone who waited for the same work.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// What went wrong, by what the caller does next.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fields of the input break rules; nothing was written.
    #[error("invalid input: {0}")]
    Invalid(Violations),
    /// The call itself is wrong: a program or a file to fix.
    #[error("{what}")]
    Misuse {
        /// What kind of mistake.
        kind: MisuseKind,
        /// What was wrong, without user data.
        what: String,
    },
    /// No such object, or it belongs to somebody else: the same answer for both.
    #[error("{what} not found")]
    NotFound {
        /// The kind of object.
        what: &'static str,
        /// The id asked for.
        id: String,
    },
    /// The state of the data forbids it.
    #[error("{what}")]
    Conflict {
        /// Which rule.
        kind: ConflictKind,
        /// The rule in words.
        what: String,
    },
    /// The caller did not say who they are.
    #[error("sign in first")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("not allowed")]
    Forbidden {
        /// Why.
        reason: ForbiddenReason,
    },
    /// Too many requests.
    #[error("too many requests; try again in {retry_after_ms} ms")]
    RateLimited {
        /// Which limit.
        scope: &'static str,
        /// When the next try may succeed.
        retry_after_ms: i64,
    },
    /// A body is longer than a byte limit.
    #[error("{what} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit.
        limit_bytes: u64,
    },
    /// An allowance is used up.
    #[error("the allowance of {limit} for {scope} is used up; {remaining} remain")]
    Quota {
        /// Which allowance.
        scope: QuotaScope,
        /// The allowance, in bytes or items.
        limit: u64,
        /// What remains of it.
        remaining: u64,
    },
    /// An analysis could not be had from its provider; nothing was stored.
    #[error("{what}")]
    Provider {
        /// Who was to answer.
        provider: AiProvider,
        /// What went wrong.
        kind: ProviderFailure,
        /// Whether the same request may succeed later.
        retryable: bool,
        /// When to try again, where that is known.
        retry_after_ms: Option<i64>,
        /// What to do, without keys, prompts or answers.
        what: String,
    },
    /// The time allowed for a call ran out.
    #[error("{op} took too long")]
    Timeout {
        /// The operation.
        op: &'static str,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Something outside the program stands in the way.
    #[error("{op}: {kind}")]
    Unavailable {
        /// What stands in the way.
        kind: UnavailableKind,
        /// The operation.
        op: &'static str,
        /// The cause, for logs of the same process only.
        #[source]
        source: Option<Cause>,
    },
    /// A bug.
    #[error("{op}: internal error")]
    Internal {
        /// The operation.
        op: &'static str,
        /// The cause, for logs of the same process only.
        #[source]
        source: Option<Cause>,
    },
}

/// Mistakes of the calling program, and files it cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MisuseKind {
    /// An argument has no meaning (cursor, size, enum number).
    InvalidArgument,
    /// The call is not allowed in this state or from here.
    Misuse,
    /// The feature is not built in or not configured.
    Unsupported,
    /// The file's type is not accepted.
    UnsupportedType {
        /// What the bytes look like.
        detected: Option<String>,
        /// What the name says.
        extension: Option<String>,
    },
}

/// Rules about state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictKind {
    /// A second row with the same key.
    AlreadyExists,
    /// `expected_version` is not the current one.
    Version {
        /// The current version.
        current: i64,
    },
    /// A coach step is locked.
    StepLocked {
        /// The milestones that open it.
        missing: Vec<CoachMilestone>,
    },
    /// It has ended already.
    AlreadyFinished,
    /// The idempotency key was used with other input.
    IdempotencyMismatch,
    /// The job is in the trash.
    JobInTrash,
    /// The object is not in the trash.
    NotInTrash,
    /// The document has no text.
    NoText,
    /// The job has no active résumé.
    NoResume,
    /// The version that was sent cannot be trashed alone.
    VersionLocked,
    /// The version is in the trash.
    VersionTrashed,
    /// The only history entry of a job cannot go.
    LastHistoryRow,
    /// Somebody else changed the same rows first, again and again.
    ChangedSince,
}

/// Why a provider gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderFailure {
    /// No provider that can do this is configured, or its network use is not allowed.
    NotConfigured,
    /// The call failed, or its answer was useless.
    Failed,
    /// The model or a guard of the engine refused.
    Refused,
}

/// What outside the program stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableKind {
    /// The queue or the reader pool is full; retry.
    Busy,
    /// The engine is closed.
    Closed,
    /// Reading or writing a file failed.
    Io,
    /// The database failed.
    Storage,
    /// The connection to the database broke while a write was being saved: it is there or it is
    /// not. With an idempotency key the engine finds out by itself.
    Interrupted,
    /// The database file is damaged.
    Corrupt,
    /// The file was written by a newer program.
    SchemaTooNew,
    /// The disk is full; reads go on.
    StorageFull,
    /// A sealed value cannot be opened: it was damaged or moved.
    Crypto,
    /// The master key is missing, wrong or used up.
    KeyUnavailable,
}

impl fmt::Display for UnavailableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "busy, try again",
            Self::Closed => "the engine is closed",
            Self::Io => "a file could not be read or written",
            Self::Storage => "the database failed",
            Self::Interrupted => {
                "the connection to the database broke; look whether it was saved before trying again"
            }
            Self::Corrupt => "the database file is damaged; restore a backup",
            Self::SchemaTooNew => "the data was written by a newer version; update the program",
            Self::StorageFull => "the disk is full",
            Self::Crypto => "a sealed value is damaged",
            Self::KeyUnavailable => "the master key is missing, wrong or used up",
        })
    }
}

/// All broken rules of one input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The way to the field, in camelCase, relative to the input.
    pub path: Vec<String>,
    /// The rule's short name: `required`, `too_long`, `format`, `range`, `unknown`, `not_null`.
    pub rule: &'static str,
    /// What to do, without the value.
    pub message: String,
    /// The limit, where the rule has one.
    pub limit: Option<i64>,
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, violation) in self.0.iter().enumerate() {
            let (separator, path) = (if n == 0 { "" } else { "; " }, violation.path.join("."));
            write!(f, "{separator}{path}: {}", violation.message)?;
        }
        Ok(())
    }
}

/// Declares the frozen codes once: number, C name, GraphQL code, HTTP status.
macro_rules! error_codes {
    ($($(#[$meta:meta])* $variant:ident = $number:literal $name:literal $graphql:literal $http:literal),+ $(,)?) => {
        /// The frozen number of an error; 0 means success and is never a code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum ErrorCode { $($(#[$meta])* #[doc = concat!("`JOTRACK_", $name, "`.")] $variant = $number),+ }

        impl ErrorCode {
            /// All codes in order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the frozen number.
            pub const fn number(self) -> i32 { match self { $(Self::$variant => $number),+ } }

            /// Returns the name without the prefix `JOTRACK_`.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// Returns the code of the GraphQL contract.
            pub const fn graphql_code(self) -> &'static str { match self { $(Self::$variant => $graphql),+ } }

            /// Returns the HTTP status of a request refused as a whole.
            pub const fn http_status(self) -> u16 { match self { $(Self::$variant => $http),+ } }
        }
    };
}

error_codes!(
    InvalidArgument = 1 "INVALID_ARGUMENT" "INVALID_INPUT" 400,
    Misuse = 2 "MISUSE" "INTERNAL" 500,
    NotFound = 3 "NOT_FOUND" "NOT_FOUND" 404,
    AlreadyExists = 4 "ALREADY_EXISTS" "CONFLICT" 409,
    Conflict = 5 "CONFLICT" "VERSION_MISMATCH" 409,
    Validation = 6 "VALIDATION" "INVALID_INPUT" 422,
    Unauthenticated = 7 "UNAUTHENTICATED" "UNAUTHENTICATED" 401,
    Forbidden = 8 "FORBIDDEN" "FORBIDDEN" 403,
    TooLarge = 9 "TOO_LARGE" "TOO_LARGE" 413,
    Unsupported = 10 "UNSUPPORTED" "UNSUPPORTED" 501,
    QuotaExceeded = 11 "QUOTA_EXCEEDED" "QUOTA_EXCEEDED" 403,
    StepLocked = 12 "STEP_LOCKED" "STEP_LOCKED" 409,
    AlreadyFinished = 13 "ALREADY_FINISHED" "ALREADY_FINISHED" 409,
    IdempotencyMismatch = 14 "IDEMPOTENCY_MISMATCH" "IDEMPOTENCY_MISMATCH" 409,
    UnsupportedType = 15 "UNSUPPORTED_TYPE" "UNSUPPORTED_TYPE" 415,
    Cancelled = 20 "CANCELLED" "CANCELLED" 409,
    Timeout = 21 "TIMEOUT" "TIMEOUT" 504,
    RateLimited = 22 "RATE_LIMITED" "RATE_LIMITED" 429,
    Busy = 23 "BUSY" "UNAVAILABLE" 503,
    End = 24 "END" "INTERNAL" 500,
    Closed = 25 "CLOSED" "UNAVAILABLE" 503,
    Lagged = 26 "LAGGED" "UNAVAILABLE" 503,
    Suspended = 27 "SUSPENDED" "UNAVAILABLE" 503,
    Io = 40 "IO" "INTERNAL" 500,
    Storage = 41 "STORAGE" "UNAVAILABLE" 503,
    Corrupt = 42 "CORRUPT" "INTERNAL" 500,
    Network = 43 "NETWORK" "UNAVAILABLE" 502,
    AiProvider = 44 "AI_PROVIDER" "PROVIDER_FAILED" 502,
    AiRefused = 45 "AI_REFUSED" "PROVIDER_REFUSED" 502,
    Crypto = 46 "CRYPTO" "INTERNAL" 500,
    SchemaTooNew = 47 "SCHEMA_TOO_NEW" "INTERNAL" 500,
    AiNotConfigured = 48 "AI_NOT_CONFIGURED" "PROVIDER_NOT_CONFIGURED" 422,
    StorageFull = 49 "STORAGE_FULL" "UNAVAILABLE" 507,
    KeyUnavailable = 50 "KEY_UNAVAILABLE" "UNAVAILABLE" 503,
    Internal = 90 "INTERNAL" "INTERNAL" 500,
    Panic = 91 "PANIC" "INTERNAL" 500,
);

impl Error {
    /// Makes a violation of one field.
    pub fn invalid(path: &[&str], rule: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(Violations(vec![Violation {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            rule,
            message: message.into(),
            limit: None,
        }]))
    }

    /// Makes a wrong argument.
    pub fn argument(what: impl Into<String>) -> Self {
        Self::Misuse { kind: MisuseKind::InvalidArgument, what: what.into() }
    }

    /// Makes the answer for an unknown or foreign id.
    pub fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Makes a broken rule of state.
    pub fn conflict(kind: ConflictKind, what: impl Into<String>) -> Self {
        Self::Conflict { kind, what: what.into() }
    }

    /// Makes a bug with its cause.
    pub fn internal(op: &'static str, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal { op, source: Some(Arc::new(cause)) }
    }

    /// Makes a bug that has no cause but the text `why`.
    pub fn bug(op: &'static str, why: impl Into<String>) -> Self {
        Self::Internal { op, source: Some(Arc::new(Note(why.into()))) }
    }

    /// Makes an obstacle outside the program.
    pub fn unavailable(kind: UnavailableKind, op: &'static str) -> Self {
        Self::Unavailable { kind, op, source: None }
    }

    /// Makes an obstacle outside the program whose cause is the text `why`.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only PostgreSQL is so far"))]
    pub(crate) fn unavailable_because(
        kind: UnavailableKind,
        op: &'static str,
        why: impl Into<String>,
    ) -> Self {
        Self::Unavailable { kind, op, source: Some(Arc::new(Note(why.into()))) }
    }

    /// Makes a failed file operation; a full disk is told apart.
    pub fn io(op: &'static str, cause: std::io::Error) -> Self {
        let kind = match cause.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                UnavailableKind::StorageFull
            }
            _ => UnavailableKind::Io,
        };
        Self::Unavailable { kind, op, source: Some(Arc::new(cause)) }
    }

    /// Returns the frozen code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::Validation,
            Self::Misuse { kind, .. } => match kind {
                MisuseKind::InvalidArgument => ErrorCode::InvalidArgument,
                MisuseKind::Misuse => ErrorCode::Misuse,
                MisuseKind::Unsupported => ErrorCode::Unsupported,
                MisuseKind::UnsupportedType { .. } => ErrorCode::UnsupportedType,
            },
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Conflict { kind, .. } => match kind {
                ConflictKind::Version { .. } => ErrorCode::Conflict,
                ConflictKind::StepLocked { .. } => ErrorCode::StepLocked,
                ConflictKind::AlreadyFinished => ErrorCode::AlreadyFinished,
                ConflictKind::IdempotencyMismatch => ErrorCode::IdempotencyMismatch,
                ConflictKind::AlreadyExists
                | ConflictKind::JobInTrash
                | ConflictKind::NotInTrash
                | ConflictKind::NoText
                | ConflictKind::NoResume
                | ConflictKind::VersionLocked
                | ConflictKind::VersionTrashed
                | ConflictKind::LastHistoryRow
                | ConflictKind::ChangedSince => ErrorCode::AlreadyExists,
            },
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Quota { .. } => ErrorCode::QuotaExceeded,
            Self::Timeout { .. } => ErrorCode::Timeout,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Unavailable { kind, .. } => match kind {
                UnavailableKind::Busy => ErrorCode::Busy,
                UnavailableKind::Closed => ErrorCode::Closed,
                UnavailableKind::Io => ErrorCode::Io,
                UnavailableKind::Storage | UnavailableKind::Interrupted => ErrorCode::Storage,
                UnavailableKind::Corrupt => ErrorCode::Corrupt,
                UnavailableKind::SchemaTooNew => ErrorCode::SchemaTooNew,
                UnavailableKind::StorageFull => ErrorCode::StorageFull,
                UnavailableKind::Crypto => ErrorCode::Crypto,
                UnavailableKind::KeyUnavailable => ErrorCode::KeyUnavailable,
            },
            Self::Provider { kind, .. } => match kind {
                ProviderFailure::NotConfigured => ErrorCode::AiNotConfigured,
                ProviderFailure::Failed => ErrorCode::AiProvider,
                ProviderFailure::Refused => ErrorCode::AiRefused,
            },
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// Reports whether the same call may succeed later without a change.
    pub fn retryable(&self) -> bool {
        if matches!(self, Self::Unavailable { kind: UnavailableKind::Interrupted, .. }) {
            return false;
        }
        if let Self::Provider { retryable, .. } = self {
            return *retryable;
        }
        matches!(
            self.code(),
            ErrorCode::Busy | ErrorCode::Storage | ErrorCode::Timeout | ErrorCode::RateLimited
        ) || matches!(self, Self::Conflict { kind: ConflictKind::ChangedSince, .. })
    }

    /// Returns when to try again, where that is known.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::RateLimited { retry_after_ms, .. } => Some(*retry_after_ms),
            Self::Provider { retry_after_ms, .. } => *retry_after_ms,
            Self::Unavailable { kind: UnavailableKind::Busy, .. } => Some(100),
            _ => None,
        }
    }

    /// Returns a message that is safe to send to a client: no cause, path, SQL or user text.
    pub fn client_message(&self) -> String {
        match self {
            Self::Internal { .. } => String::from("internal error"),
            Self::Misuse { kind: MisuseKind::Misuse, .. } => String::from("internal error"),
            Self::Unavailable { kind, .. } => match kind {
                UnavailableKind::Io | UnavailableKind::Corrupt | UnavailableKind::SchemaTooNew => {
                    String::from("internal error")
                }
                kind => kind.to_string(),
            },
            other => other.to_string(),
        }
    }

    /// Returns the message followed by its causes, for the log of the same process.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// A cause that is only words.
#[derive(Debug)]
struct Note(String);

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Note {}
