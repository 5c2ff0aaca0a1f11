//! The answers of analyses that are kept: how many there are, and removing them.

use std::ffi::c_char;

use jotrack_core::{AnalysisKind, CacheStats, PurgeFilter};
use serde_json::{Value, json};

use crate::{
    analyses::word,
    args::{self, OutNumber, OutText},
    engine::jotrack_engine,
    error::{jotrack_error, jotrack_status},
    guard::guard,
    job_rows::ms,
};

/// Counts the kept answers by kind, as a JSON array of `{"kind", "entries", "bytes", "hits",
/// "oldestAt"}`: those of the user and those for all users. Kinds without answers are absent.
///
/// `kind` is a word of the schema's AnalysisKind, `oldestAt` Unix milliseconds; hits are written
/// down within seconds, or when the engine closes. `*out` is freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_cache_stats_json(
    engine: *mut jotrack_engine,
    out: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutText::claim(out)?, args::engine(engine)?) };
        let stats = shared.block(shared.core()?.cache_stats())?;
        let text = out.prepare(stats.into_iter().map(counted).collect::<Value>().to_string())?;
        out.put(text);
        Ok(())
    })
}

/// Removes kept answers of the user, so that the next analysis asks again.
///
/// `kind` (a word of AnalysisKind), `company` (its name in any spelling) and `key` (`cacheKey` of an
/// analysis) narrow it down together; NULL = any. With NULL for all of them everything goes.
/// `removed` (may be NULL) is how many. Answers for all users and the analyses themselves stay.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_cache_invalidate(
    engine: *mut jotrack_engine,
    kind: *const c_char,
    company: *const c_char,
    key: *const c_char,
    removed: *mut u64,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (removed, shared, kind, company, key) = unsafe {
            (
                OutNumber::optional(removed),
                args::engine(engine)?,
                args::text_opt("kind", kind)?,
                args::text_opt("company", company)?,
                args::text_opt("key", key)?,
            )
        };
        let filter = PurgeFilter {
            kind: kind.map(|kind| word("kind", AnalysisKind::parse(kind))).transpose()?,
            company: company.map(str::to_owned),
            key: key.map(str::to_owned),
        };
        let n = shared.block(shared.core()?.purge_answers(&filter, false))?;
        removed.put(u64::try_from(n).unwrap_or(u64::MAX));
        Ok(())
    })
}

fn counted(stats: CacheStats) -> Value {
    let CacheStats { kind, entries, bytes, hits, oldest } = stats;
    let kind = kind.as_str();
    json!({ "kind": kind, "entries": entries, "bytes": bytes, "hits": hits, "oldestAt": ms(oldest) })
}
