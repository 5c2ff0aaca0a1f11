//! Errors of the core on the wire: what the caller can fix is a user error in the payload,
//! everything else a top-level error with a code.

use async_graphql::{ErrorExtensions, ID};
use jotrack_core::{AiProvider, ConflictKind, Error, ErrorCode, MisuseKind, Violation};

use super::{
    objects::user_error::{
        ConflictError, ConflictReason, ForbiddenError, InvalidInputError, NotFoundError,
        OtherError, ProviderError, QuotaExceededError, RateLimitedError, StepLockedError,
        TooLargeError, UnsupportedTypeError, UserError, VersionMismatchError, WireCode,
    },
    scalars::{ByteCount, int},
};

/// Result of a resolver.
pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A core error on its way to the top-level `errors`.
#[derive(Debug, Clone)]
pub(super) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for async_graphql::Error {
    fn from(Failure(error): Failure) -> Self {
        log_once(&error);
        let code = error.code();
        let retry_after_ms = error.retry_after_ms();
        let message = error.client_message();
        let retryable = error.retryable();
        async_graphql::Error::new(message).extend_with(|_, extensions| {
            extensions.set("code", code.graphql_code());
            extensions.set("retryable", retryable);
            if let Some(ms) = retry_after_ms {
                extensions.set("retryAfterSeconds", seconds(ms));
            }
        })
    }
}

/// Writes the cause of a failure that its client is not told.
fn log_once(error: &Error) {
    match wire_code(error.code()) {
        WireCode::Internal | WireCode::Unavailable => {
            tracing::error!(code = error.code().name(), cause = %error.chain(), "operation failed");
        }
        _ => {}
    }
}

/// Rounds up, and never to 0: a client that waits this long is not refused again.
fn seconds(ms: i64) -> i64 {
    ms.saturating_add(999).div_euclid(1_000).max(1)
}

/// Where the arguments of a mutation lie, to turn what core says about its input into a path.
pub(super) struct Place<'a> {
    /// The argument that holds core's input; empty when its fields are arguments themselves.
    pub(super) input: &'static str,
    /// Single ids with their paths.
    pub(super) named: Vec<(&'static [&'static str], &'a ID)>,
    /// The argument `ids`.
    pub(super) ids: &'a [ID],
}

impl<'a> Place<'a> {
    /// The arguments of a mutation of one object.
    pub(super) fn of(input: &'static str, path: &'static [&'static str], id: &'a ID) -> Self {
        Self { input, named: vec![(path, id)], ids: &[] }
    }

    /// The arguments of a mutation that names no object.
    pub(super) fn input(input: &'static str) -> Self {
        Self { input, named: Vec::new(), ids: &[] }
    }

    /// The arguments of a mutation of many objects.
    pub(super) fn many(ids: &'a [ID]) -> Self {
        Self { input: "", named: Vec::new(), ids }
    }

    /// Arguments that core names and that never lie inside the input.
    const OUTER: [&'static str; 4] = ["idempotencyKey", "expectedVersion", "id", "ids"];

    fn path(&self, path: &[String]) -> Vec<String> {
        let outer = path.first().is_none_or(|first| Self::OUTER.contains(&first.as_str()));
        let prefix = (!outer && !self.input.is_empty()).then(|| self.input.to_owned());
        prefix.into_iter().chain(path.iter().cloned()).collect()
    }

    /// Finds the position among `ids` of the nth different one: core counts each id once.
    fn position(&self, nth: &str) -> Option<usize> {
        let nth = nth.parse().ok()?;
        let different = |(position, id): &(usize, &ID)| {
            !self.ids.iter().take(*position).any(|earlier| earlier == *id)
        };
        self.ids.iter().enumerate().filter(different).nth(nth).map(|(position, _)| position)
    }

    /// Finds the argument that held an id which core did not find.
    fn locate(&self, id: &str) -> (Option<Vec<String>>, Option<ID>) {
        let hex = id.replace('-', "");
        let same = |node: &ID| node.split_once('_').is_some_and(|(_, digits)| digits == hex);
        if let Some((path, node)) = self.named.iter().find(|(_, node)| same(node)) {
            return (Some(owned(path)), Some((*node).clone()));
        }
        match self.ids.iter().enumerate().find(|(_, node)| same(node)) {
            Some((position, node)) => (Some(id_path(position)), Some(node.clone())),
            None => (None, None),
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|part| (*part).to_owned()).collect()
}

fn id_path(position: usize) -> Vec<String> {
    vec![String::from("ids"), position.to_string()]
}

/// Makes the answer for an id that does not decode: in a mutation it is an unknown object.
pub(super) fn unknown_id(what: &str, path: &[&str], id: &ID) -> Stop {
    Stop::Refused(vec![not_found(what, Some(owned(path)), Some(id.clone()))])
}

/// Makes the same for one of the argument `ids`.
pub(super) fn unknown_id_at(what: &str, position: usize, id: &ID) -> UserError {
    not_found(what, Some(id_path(position)), Some(id.clone()))
}

fn not_found(what: &str, path: Option<Vec<String>>, id: Option<ID>) -> UserError {
    NotFoundError { message: format!("{what} not found"), code: WireCode::NotFound, path, id }
        .into()
}

/// Why a mutation answers without an object.
#[derive(Debug)]
pub(super) enum Stop {
    /// The caller can fix it: for the payload.
    Refused(Vec<UserError>),
    /// The caller cannot.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(Failure(error))
    }
}

/// Sorts the outcome of a write.
///
/// # Errors
/// Core's error, as a refusal when the caller can fix it.
pub(super) fn settle<T>(outcome: Result<T, Error>, place: &Place<'_>) -> Result<T, Stop> {
    outcome.map_err(|error| {
        if is_callers(error.code()) || is_allowance(&error) {
            Stop::Refused(user_errors(error, place))
        } else {
            Stop::Failed(Failure(error))
        }
    })
}

/// Tells whether an allowance of the mutation's own refused it, and not one of all requests.
fn is_allowance(error: &Error) -> bool {
    matches!(error, Error::RateLimited { scope: "ai" | "refresh", .. })
}

/// Makes what the client is told of an analysis that failed.
pub(super) fn provider_error(provider: AiProvider, error: &Error) -> ProviderError {
    let provider = match error {
        Error::Provider { provider, .. } => *provider,
        _ => provider,
    };
    ProviderError {
        message: error.client_message(),
        code: wire_code(error.code()),
        path: None,
        provider,
        retryable: error.retryable(),
    }
}

/// Tells whether the caller of a mutation can act on the code.
const fn is_callers(code: ErrorCode) -> bool {
    match code {
        ErrorCode::InvalidArgument
        | ErrorCode::NotFound
        | ErrorCode::AlreadyExists
        | ErrorCode::Conflict
        | ErrorCode::Validation
        | ErrorCode::Forbidden
        | ErrorCode::TooLarge
        | ErrorCode::Unsupported
        | ErrorCode::QuotaExceeded
        | ErrorCode::StepLocked
        | ErrorCode::AlreadyFinished
        | ErrorCode::IdempotencyMismatch
        | ErrorCode::UnsupportedType
        | ErrorCode::AiProvider
        | ErrorCode::AiRefused
        | ErrorCode::AiNotConfigured => true,
        ErrorCode::Misuse
        | ErrorCode::Unauthenticated
        | ErrorCode::Cancelled
        | ErrorCode::Timeout
        | ErrorCode::RateLimited
        | ErrorCode::Busy
        | ErrorCode::End
        | ErrorCode::Closed
        | ErrorCode::Lagged
        | ErrorCode::Suspended
        | ErrorCode::Io
        | ErrorCode::Storage
        | ErrorCode::Corrupt
        | ErrorCode::Network
        | ErrorCode::Crypto
        | ErrorCode::SchemaTooNew
        | ErrorCode::StorageFull
        | ErrorCode::KeyUnavailable
        | ErrorCode::Internal
        | ErrorCode::Panic => false,
    }
}

/// Returns the code of the contract.
const fn wire_code(code: ErrorCode) -> WireCode {
    match code {
        ErrorCode::InvalidArgument | ErrorCode::Validation => WireCode::InvalidInput,
        ErrorCode::NotFound => WireCode::NotFound,
        ErrorCode::AlreadyExists => WireCode::Conflict,
        ErrorCode::Conflict => WireCode::VersionMismatch,
        ErrorCode::Unauthenticated => WireCode::Unauthenticated,
        ErrorCode::Forbidden => WireCode::Forbidden,
        ErrorCode::TooLarge => WireCode::TooLarge,
        ErrorCode::Unsupported => WireCode::Unsupported,
        ErrorCode::UnsupportedType => WireCode::UnsupportedType,
        ErrorCode::QuotaExceeded => WireCode::QuotaExceeded,
        ErrorCode::StepLocked => WireCode::StepLocked,
        ErrorCode::AlreadyFinished => WireCode::AlreadyFinished,
        ErrorCode::IdempotencyMismatch => WireCode::IdempotencyMismatch,
        ErrorCode::Cancelled => WireCode::Cancelled,
        ErrorCode::Timeout => WireCode::Timeout,
        ErrorCode::RateLimited => WireCode::RateLimited,
        ErrorCode::AiProvider => WireCode::ProviderFailed,
        ErrorCode::AiRefused => WireCode::ProviderRefused,
        ErrorCode::AiNotConfigured => WireCode::ProviderNotConfigured,
        ErrorCode::Busy
        | ErrorCode::Closed
        | ErrorCode::Lagged
        | ErrorCode::Suspended
        | ErrorCode::Storage
        | ErrorCode::Network
        | ErrorCode::StorageFull
        | ErrorCode::KeyUnavailable => WireCode::Unavailable,
        ErrorCode::Misuse
        | ErrorCode::End
        | ErrorCode::Io
        | ErrorCode::Corrupt
        | ErrorCode::Crypto
        | ErrorCode::SchemaTooNew
        | ErrorCode::Internal
        | ErrorCode::Panic => WireCode::Internal,
    }
}

fn user_errors(error: Error, place: &Place<'_>) -> Vec<UserError> {
    let (code, message) = (wire_code(error.code()), error.client_message());
    let one = match error {
        Error::Invalid(violations) => {
            return violations.0.into_iter().map(|violation| invalid(violation, place)).collect();
        }
        Error::NotFound { id, what } => {
            let (path, id) = place.locate(&id);
            not_found(what, path, id)
        }
        Error::Misuse { kind: MisuseKind::InvalidArgument, .. } => {
            InvalidInputError { message, code, path: None, limit: None }.into()
        }
        Error::Misuse { kind: MisuseKind::UnsupportedType { detected, extension }, .. } => {
            UnsupportedTypeError { message, code, path: None, detected, extension }.into()
        }
        Error::Provider { provider, .. } => provider_error(provider, &error).into(),
        Error::RateLimited { retry_after_ms, .. } => RateLimitedError {
            message,
            code,
            path: None,
            retry_after_seconds: int(seconds(retry_after_ms)),
            window: None,
        }
        .into(),
        Error::Conflict { kind, .. } => conflict(kind, code, message),
        Error::Forbidden { reason } => ForbiddenError { message, code, path: None, reason }.into(),
        Error::TooLarge { limit_bytes, .. } => {
            TooLargeError { message, code, path: None, limit: ByteCount(limit_bytes) }.into()
        }
        Error::Quota { scope, limit, remaining } => QuotaExceededError {
            message,
            code,
            path: None,
            scope,
            limit: ByteCount(limit),
            remaining: ByteCount(remaining),
        }
        .into(),
        _ => OtherError { message, code, path: None }.into(),
    };
    vec![one]
}

fn invalid(violation: Violation, place: &Place<'_>) -> UserError {
    let path = match violation.path.as_slice() {
        [ids, nth] if ids == "ids" => match place.position(nth) {
            Some(position) if violation.rule == "unknown" => {
                let id = place.ids.get(position).cloned();
                return not_found("job", Some(id_path(position)), id);
            }
            Some(position) => id_path(position),
            None => place.path(&violation.path),
        },
        path => place.path(path),
    };
    InvalidInputError {
        code: WireCode::InvalidInput,
        path: Some(path),
        message: violation.message,
        limit: violation.limit.map(int),
    }
    .into()
}

fn conflict(kind: ConflictKind, code: WireCode, message: String) -> UserError {
    let path = None;
    let reason = match kind {
        ConflictKind::Version { current } => {
            let path = Some(owned(&["expectedVersion"]));
            return VersionMismatchError { message, code, path, current_version: int(current) }
                .into();
        }
        ConflictKind::StepLocked { missing } => {
            return StepLockedError { message, code, path, missing }.into();
        }
        ConflictKind::IdempotencyMismatch => {
            return OtherError { message, code, path: Some(owned(&["idempotencyKey"])) }.into();
        }
        ConflictKind::AlreadyFinished => return OtherError { message, code, path }.into(),
        ConflictKind::JobInTrash => ConflictReason::JobInTrash,
        ConflictKind::NotInTrash => ConflictReason::NotInTrash,
        ConflictKind::NoText => ConflictReason::NoText,
        ConflictKind::VersionLocked => ConflictReason::VersionLocked,
        ConflictKind::VersionTrashed => ConflictReason::VersionDeleted,
        ConflictKind::LastHistoryRow => ConflictReason::LastHistoryRow,
        ConflictKind::ChangedSince => ConflictReason::ChangedSince,
        ConflictKind::AlreadyExists | ConflictKind::NoResume => ConflictReason::Other,
    };
    ConflictError { message, code, path, reason }.into()
}

#[cfg(test)]
mod tests;
