//! Full-text search.

use std::ffi::c_char;

use jotrack_core::{EntityKind, ErrorCode, Page, PageRequest, SearchHit};
use serde_json::{Value, json};

use crate::{
    args::{self, OutText},
    engine::jotrack_engine,
    enums::entities,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
};

/// Hits when the caller does not say.
const LIMIT_DEFAULT: u32 = 50;

/// Searches jobs, best first: title, company, notes and the texts of active documents. The trash is
/// left out.
///
/// `query`: words that must all occur, the last one may be a beginning; `"a phrase"`, `-not`,
/// `company:`, `title:`, `status:`, `has:`, `is:stale`, `is:archived`, `after:2026-01-31`, `before:`.
/// JOTRACK_VALIDATION when it is empty, too long, excludes only or names an unknown status, kind or
/// date. `entities`: JOTRACK_ENTITY_JOB or 0; others are JOTRACK_UNSUPPORTED. `limit`: 0 = 50, at
/// most 200.
///
/// `*out`: `{"hits": [{"id", "title", "company", "status", "score", "snippet"}], "more": bool}`. `id`
/// is that of a job, `status` a number of jotrack_job_status, `score` is higher for better hits,
/// `snippet` at most 160 characters around the first match in notes or documents, or null. Freed with
/// jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_search_json(
    engine: *mut jotrack_engine,
    query: *const c_char,
    entities: u64,
    limit: u32,
    out: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, query) =
            unsafe { (OutText::claim(out)?, args::engine(engine)?, args::text("query", query)?) };
        if self::entities(entities)?.iter().any(|kind| *kind != EntityKind::Job) {
            return Err(Fault::new(ErrorCode::Unsupported, "only jobs can be searched for"));
        }
        let request = PageRequest::first(if limit == 0 { LIMIT_DEFAULT } else { limit });
        let core = shared.core()?;
        let page = shared.block(async {
            let snapshot = core.snapshot().await?;
            snapshot.search_jobs(query, &request, true).await.map_err(Fault::of_page)
        })?;
        let text = out.prepare(document(page))?;
        out.put(text);
        Ok(())
    })
}

fn document(page: Page<SearchHit>) -> String {
    let more = page.has_next;
    let hits: Value = page.items.into_iter().map(hit).collect();
    json!({ "hits": hits, "more": more }).to_string()
}

fn hit(hit: SearchHit) -> Value {
    let SearchHit { job, score, snippet } = hit;
    json!({
        "id": job.id.to_string(),
        "title": job.title,
        "company": job.company,
        "status": job.status.number(),
        "score": score,
        "snippet": snippet,
    })
}
