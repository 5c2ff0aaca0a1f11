//! Facts about the library itself, and the function that frees its texts.

use std::ffi::{CStr, c_char};

use jotrack_core::ErrorCode;

use crate::{guard::shield, handles};

/// Feature bit: the functions jotrack_graphql_ work.
pub const JOTRACK_FEATURE_GRAPHQL: u64 = 0x1;

/// Returns the version of the library that runs, as major * 1000000 + minor * 1000 + patch. Compare
/// with JOTRACK_VERSION_NUMBER, the version of the header that was compiled against.
///
/// Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn jotrack_version_number() -> u32 {
    shield(0, || {
        [
            (env!("CARGO_PKG_VERSION_MAJOR"), 1_000_000),
            (env!("CARGO_PKG_VERSION_MINOR"), 1_000),
            (env!("CARGO_PKG_VERSION_PATCH"), 1),
        ]
        .iter()
        .map(|(part, weight)| part.parse::<u32>().unwrap_or(0) * weight)
        .sum()
    })
}

/// Returns the version as text, for people. Static, never NULL.
///
/// Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn jotrack_version_string() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Returns the name of a status, for logs: "NOT_FOUND" for JOTRACK_NOT_FOUND. Static, never NULL;
/// "UNKNOWN" for a number this version does not know.
///
/// Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn jotrack_status_name(status: i32) -> *const c_char {
    shield(c"UNKNOWN".as_ptr(), || status_name(status).as_ptr())
}

/// Returns what is built into this library: JOTRACK_FEATURE_ bits. Every function is always there;
/// one whose feature is missing answers JOTRACK_UNSUPPORTED.
///
/// Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn jotrack_features() -> u64 {
    if cfg!(feature = "graphql") { JOTRACK_FEATURE_GRAPHQL } else { 0 }
}

/// Frees a text that the library handed out through a `char **`. Never use free() on it: the
/// library may have a heap of its own. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_string_free(string: *mut c_char) {
    shield((), || {
        // SAFETY: the caller gives it up (R1).
        drop(unsafe { handles::take_text(string) });
    });
}

fn status_name(status: i32) -> &'static CStr {
    if status == 0 {
        return c"OK";
    }
    let Some(code) = ErrorCode::ALL.iter().find(|code| code.number() == status) else {
        return c"UNKNOWN";
    };
    match code {
        ErrorCode::InvalidArgument => c"INVALID_ARGUMENT",
        ErrorCode::Misuse => c"MISUSE",
        ErrorCode::NotFound => c"NOT_FOUND",
        ErrorCode::AlreadyExists => c"ALREADY_EXISTS",
        ErrorCode::Conflict => c"CONFLICT",
        ErrorCode::Validation => c"VALIDATION",
        ErrorCode::Unauthenticated => c"UNAUTHENTICATED",
        ErrorCode::Forbidden => c"FORBIDDEN",
        ErrorCode::TooLarge => c"TOO_LARGE",
        ErrorCode::Unsupported => c"UNSUPPORTED",
        ErrorCode::QuotaExceeded => c"QUOTA_EXCEEDED",
        ErrorCode::StepLocked => c"STEP_LOCKED",
        ErrorCode::AlreadyFinished => c"ALREADY_FINISHED",
        ErrorCode::IdempotencyMismatch => c"IDEMPOTENCY_MISMATCH",
        ErrorCode::UnsupportedType => c"UNSUPPORTED_TYPE",
        ErrorCode::Cancelled => c"CANCELLED",
        ErrorCode::Timeout => c"TIMEOUT",
        ErrorCode::RateLimited => c"RATE_LIMITED",
        ErrorCode::Busy => c"BUSY",
        ErrorCode::End => c"END",
        ErrorCode::Closed => c"CLOSED",
        ErrorCode::Lagged => c"LAGGED",
        ErrorCode::Suspended => c"SUSPENDED",
        ErrorCode::Io => c"IO",
        ErrorCode::Storage => c"STORAGE",
        ErrorCode::Corrupt => c"CORRUPT",
        ErrorCode::Network => c"NETWORK",
        ErrorCode::AiProvider => c"AI_PROVIDER",
        ErrorCode::AiRefused => c"AI_REFUSED",
        ErrorCode::Crypto => c"CRYPTO",
        ErrorCode::SchemaTooNew => c"SCHEMA_TOO_NEW",
        ErrorCode::AiNotConfigured => c"AI_NOT_CONFIGURED",
        ErrorCode::StorageFull => c"STORAGE_FULL",
        ErrorCode::KeyUnavailable => c"KEY_UNAVAILABLE",
        ErrorCode::Internal => c"INTERNAL",
        ErrorCode::Panic => c"PANIC",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_core() {
        for code in ErrorCode::ALL {
            assert_eq!(status_name(code.number()).to_str().unwrap(), code.name());
        }
        assert_eq!(status_name(0), c"OK");
        assert_eq!(status_name(24_000), c"UNKNOWN");
        assert_eq!(status_name(-1), c"UNKNOWN");
    }
}
