//! What a failed call hands out: a status, and an object with the story for those who ask for it.

use std::ffi::{CString, c_char};

use jotrack_core::{ConflictKind, Error, ErrorCode, MisuseKind, Violations};
use serde_json::{Map, Value, json};

use crate::{guard::shield, handles};

/// 0 = success, anything else = failure: one of the `JOTRACK_` numbers of jotrack_status_code, or a
/// number that only a newer library knows, which is a failure too.
///
/// @since 0.1
pub type jotrack_status = i32;

/// The story of one failed call. Owned by the caller, who frees it with jotrack_error_free. One
/// thread at a time; it owns its data and stays valid after the engine is closed.
///
/// @since 0.1
pub struct jotrack_error {
    code: i32,
    message: CString,
    details: CString,
    retry_after_ms: i64,
}

#[cfg(test)]
impl jotrack_error {
    pub(crate) fn message(&self) -> &str {
        self.message.to_str().unwrap_or_default()
    }
}

/// A failure on its way to the border.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    code: ErrorCode,
    message: String,
    details: Map<String, Value>,
    retry_after_ms: i64,
}

impl Fault {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Map::new(), retry_after_ms: -1 }
    }

    /// A wrong argument: NULL, bad UTF-8, an unknown number, a wrong size.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// A call that is not allowed here or now.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Misuse, message)
    }

    /// A call on something whose engine is closed.
    pub(crate) fn closed() -> Self {
        Self::new(ErrorCode::Closed, "the engine is closed")
    }

    /// A call on an engine that the host has suspended.
    pub(crate) fn suspended() -> Self {
        Self::new(ErrorCode::Suspended, "the engine is suspended")
    }

    /// A failed list: a cursor or a size without meaning is a mistake of the program, not of a
    /// person who filled in a form.
    pub(crate) fn of_page(error: Error) -> Self {
        let page = |violation: &jotrack_core::Violation| matches!(violation.path.as_slice(), [name] if name == "first" || name == "after");
        match &error {
            Error::Invalid(Violations(violations)) if violations.iter().all(page) => {
                Self::argument(error.to_string())
            }
            _ => error.into(),
        }
    }

    pub(crate) fn status(&self) -> jotrack_status {
        self.code.number()
    }

    pub(crate) fn into_error(self) -> jotrack_error {
        let Self { code, message, mut details, retry_after_ms } = self;
        details.insert("retryable".into(), (retry_after_ms >= 0).into());
        if retry_after_ms > 0 {
            details.insert("retryAfterMs".into(), retry_after_ms.into());
        }
        jotrack_error {
            code: code.number(),
            message: terminated(message),
            details: terminated(Value::Object(details).to_string()),
            retry_after_ms,
        }
    }

    /// JSON that cannot be read. What serde says of it holds the value that it met: that stays out
    /// of a message that is meant for logs.
    pub(crate) fn json(member: &str, error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let said =
            match said.split_once('"').and_then(|(a, rest)| Some((a, rest.rsplit_once('"')?.1))) {
                Some((before, after)) => format!("{before}\"…\"{after}"),
                None => {
                    match said.strip_prefix("unknown variant `").and_then(|it| it.split_once("`, "))
                    {
                        Some((_, expected)) => format!("unknown word, {expected}"),
                        None => said,
                    }
                }
            };
        Self::argument(format!("{member}: {said}"))
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let mut fault = Self::new(code(&error), error.chain());
        fault.retry_after_ms =
            error.retry_after_ms().unwrap_or(if error.retryable() { 0 } else { -1 });
        match error {
            Error::Invalid(violations) => fault.with("fields", fields(violations)),
            Error::Misuse { kind: MisuseKind::UnsupportedType { detected, extension }, .. } => {
                fault.with("detected", detected).with("extension", extension)
            }
            Error::NotFound { what, id } => fault.with("what", what).with("id", id),
            Error::Conflict { kind, .. } => match kind {
                ConflictKind::Version { current } => {
                    fault.with("currentVersion", current).with("reason", "VERSION")
                }
                ConflictKind::StepLocked { missing } => fault.with("missing", json!(missing)),
                kind => fault.with("reason", reason(&kind)),
            },
            Error::TooLarge { limit_bytes, .. } => fault.with("limit", limit_bytes),
            Error::Quota { scope, limit, remaining } => fault
                .with("scope", scope.as_str())
                .with("limit", limit)
                .with("remaining", remaining),
            Error::Forbidden { reason } => fault.with("reason", reason.as_str()),
            Error::RateLimited { scope, .. } => fault.with("scope", scope),
            Error::Provider { provider, .. } => fault.with("provider", provider.as_str()),
            _ => fault,
        }
    }
}

/// Returns the status of a failed call.
///
/// `error` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_error_code(error: *const jotrack_error) -> i32 {
    // SAFETY: NULL or a live error of this library (R1).
    shield(0, || unsafe { handles::get(error) }.map_or(0, |error| error.code))
}

/// Returns what went wrong, in English, for logs. Show texts of your own, chosen by the code.
///
/// Never NULL; borrowed from `error`. `error` NULL gives "".
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_error_message(error: *const jotrack_error) -> *const c_char {
    let none = c"".as_ptr();
    // SAFETY: NULL or a live error of this library (R1).
    shield(none, || unsafe { handles::get(error) }.map_or(none, |e| e.message.as_ptr()))
}

/// Returns a JSON object with what a program can act on.
///
/// Keys, absent ones omitted: `fields` (array of `{"path": [..], "rule", "message", "limit"}`, for
/// VALIDATION), `retryable`, `retryAfterMs`, `reason` and `currentVersion` (CONFLICT), `missing`
/// (STEP_LOCKED), `limit`, `remaining`, `scope`, `detected`, `extension`, `what`, `id`, `provider`.
///
/// Never NULL; borrowed from `error`. `error` NULL gives "{}".
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_error_details_json(error: *const jotrack_error) -> *const c_char {
    let none = c"{}".as_ptr();
    // SAFETY: NULL or a live error of this library (R1).
    shield(none, || unsafe { handles::get(error) }.map_or(none, |e| e.details.as_ptr()))
}

/// Returns when the same call may succeed: milliseconds to wait, 0 = now, -1 = not without a change.
///
/// `error` NULL gives -1.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_error_retry_after_ms(error: *const jotrack_error) -> i64 {
    // SAFETY: NULL or a live error of this library (R1).
    shield(-1, || unsafe { handles::get(error) }.map_or(-1, |error| error.retry_after_ms))
}

/// Frees an error. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_error_free(error: *mut jotrack_error) {
    shield((), || {
        // SAFETY: the caller gives it up (R1).
        drop(unsafe { handles::take(error) });
    });
}

/// Makes a C string of `text`. A NUL inside would end it early, so it becomes U+FFFD.
pub(crate) fn terminated(text: String) -> CString {
    CString::new(text).unwrap_or_else(|e| {
        let text = String::from_utf8_lossy(&e.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).unwrap_or_default()
    })
}

fn fields(violations: Violations) -> Value {
    let field = |v: jotrack_core::Violation| {
        let mut field = json!({ "path": v.path, "rule": v.rule, "message": v.message });
        if let (Some(limit), Some(object)) = (v.limit, field.as_object_mut()) {
            object.insert("limit".into(), limit.into());
        }
        field
    };
    violations.0.into_iter().map(field).collect()
}

/// The code of an error in C. The core has one code for all rules of state, which GraphQL tells
/// apart by their reasons; a program in C switches on the status first.
fn code(error: &Error) -> ErrorCode {
    match (error, error.code()) {
        (Error::Conflict { kind: ConflictKind::AlreadyExists, .. }, code) => code,
        (Error::Conflict { .. }, ErrorCode::AlreadyExists) => ErrorCode::Conflict,
        (_, code) => code,
    }
}

/// The word of a broken rule of state, as in the schema's `ConflictReason`.
fn reason(kind: &ConflictKind) -> &'static str {
    match kind {
        ConflictKind::AlreadyExists => "ALREADY_EXISTS",
        ConflictKind::Version { .. } => "VERSION",
        ConflictKind::StepLocked { .. } => "STEP_LOCKED",
        ConflictKind::AlreadyFinished => "ALREADY_FINISHED",
        ConflictKind::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
        ConflictKind::JobInTrash => "JOB_IN_TRASH",
        ConflictKind::NotInTrash => "NOT_IN_TRASH",
        ConflictKind::NoText => "NO_TEXT",
        ConflictKind::NoResume => "NO_RESUME",
        ConflictKind::VersionLocked => "VERSION_LOCKED",
        ConflictKind::VersionTrashed => "VERSION_TRASHED",
        ConflictKind::LastHistoryRow => "LAST_HISTORY_ROW",
        ConflictKind::ChangedSince => "CHANGED_SINCE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_name_the_broken_fields() {
        let fault =
            Fault::from(Error::invalid(&["input", "title"], "required", "must not be empty"));

        let error = fault.into_error();

        assert_eq!(error.code, 6);
        let details: Value = serde_json::from_slice(error.details.as_bytes()).unwrap();
        let field = details.pointer("/fields/0").unwrap();
        assert_eq!(field.get("path").unwrap(), &json!(["input", "title"]));
        assert_eq!(field.get("rule").unwrap(), "required");
        assert_eq!(details.get("retryable").unwrap(), false);
    }

    #[test]
    fn rules_of_state_are_conflicts_with_a_reason() {
        let refused = |kind| Fault::from(Error::Conflict { kind, what: "no".to_owned() });
        let exists = refused(ConflictKind::AlreadyExists);
        let others = [
            (ConflictKind::NoText, "NO_TEXT"),
            (ConflictKind::NoResume, "NO_RESUME"),
            (ConflictKind::NotInTrash, "NOT_IN_TRASH"),
            (ConflictKind::Version { current: 3 }, "VERSION"),
        ];

        assert_eq!(exists.status(), 4);
        for (kind, reason) in others {
            let fault = refused(kind);
            assert_eq!(fault.status(), 5, "{reason}");
            assert_eq!(fault.details.get("reason").unwrap(), reason);
        }
    }

    #[test]
    fn message_with_a_nul_keeps_its_tail() {
        let error = Fault::argument("a\0b").into_error();

        assert_eq!(error.message(), "a\u{fffd}b");
    }

    #[test]
    fn null_errors_have_plain_answers() {
        let null = std::ptr::null::<jotrack_error>();

        // SAFETY: NULL is allowed everywhere here.
        unsafe {
            assert_eq!(jotrack_error_code(null), 0);
            assert_eq!(jotrack_error_retry_after_ms(null), -1);
            assert_eq!(*jotrack_error_message(null), 0);
            jotrack_error_free(null.cast_mut());
        }
    }

    #[test]
    fn what_is_said_of_json_holds_none_of_its_values() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Member {
            #[allow(dead_code, reason = "only its absence matters")]
            word: Word,
        }
        #[derive(Debug, serde::Deserialize)]
        enum Word {
            Known,
        }
        let told = |json: &str| {
            let error = serde_json::from_str::<Member>(json).unwrap_err();
            Fault::json("member", &error).message
        };
        assert_eq!(
            told(r#""sk-\"secret\"""#),
            "member: invalid type: string \"…\", expected struct Member at line 1 column 15"
        );
        let word = told(r#"{"word": "secret"}"#);
        assert!(word.starts_with("member: unknown word, expected `Known`"), "{word}");
        assert!(told(r#"{"wort": 1}"#).contains("unknown field `wort`"));
        assert_eq!(Word::Known as u8, 0);
    }
}
