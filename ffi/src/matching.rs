//! The match of a job's résumé and job description: the first analysis, made on this machine.

use std::ffi::c_char;

use jotrack_core::{JobId, MatchScore, SkillReport};
use serde_json::json;

use crate::{
    args::{self, OutText},
    engine::jotrack_engine,
    error::{jotrack_error, jotrack_status},
    guard::guard,
    structs::{self, OutStruct, interface_structs},
};

/// The match score of a job. Set struct_size.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_match {
    /// sizeof(jotrack_match).
    pub struct_size: usize,
    /// 0 to 100.
    pub value: f64,
    /// Unix ms.
    pub computed_at_ms: i64,
    /// jotrack_score_band.
    pub band: i32,
    /// 1: there is a score; 0: the job lacks a résumé or a job description with text, and the other
    /// members are 0.
    pub has_score: i32,
}

interface_structs!(jotrack_match);

/// Reads how well the active résumé of a job matches its active job description.
///
/// It is computed on this machine, without a network or a key: skills of both texts from a
/// dictionary, weighted by how much the description wants them. `out` may be NULL. `document_json`
/// (may be NULL): `{"matchScore": {..}, "skillMatchPercentage": n, "skills": [..]}` with the names of
/// the schema (MatchScore, SkillMatch); each skill carries the line that names it as `jdEvidence`
/// and `resumeEvidence`. `matchScore` is null without a score. Freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_match_get(
    engine: *mut jotrack_engine,
    job_id: *const c_char,
    out: *mut jotrack_match,
    document_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (document, out) = unsafe { (OutText::optional(document_json), OutStruct::claim(out)?) };
        // SAFETY: as above.
        let (shared, id) = unsafe { (args::engine(engine)?, args::id::<JobId>("job_id", job_id)?) };
        let (score, report) = shared.block(shared.core()?.get_match(id))?;
        let text = document.prepare(self::document(score.as_ref(), report))?;
        if let Some(out) = out {
            out.put(score.map_or_else(structs::zeroed, |score| jotrack_match {
                value: score.value,
                computed_at_ms: score.computed_at.as_ms(),
                band: score.band.number(),
                has_score: 1,
                ..structs::zeroed()
            }));
        }
        document.put(text);
        Ok(())
    })
}

/// Writes the match in the words of the schema, where times are text.
fn document(score: Option<&MatchScore>, report: Option<SkillReport>) -> String {
    let mut match_score = json!(score);
    if let (Some(members), Some(score)) = (match_score.as_object_mut(), score) {
        members.insert("computedAt".into(), score.computed_at.to_rfc3339().into());
    }
    let (percentage, skills) = report.map_or((None, Vec::new()), |report| {
        let SkillReport { job_id: _, percentage, skills, resume_variant_id: _, jd_variant_id: _ } =
            report;
        (percentage, skills)
    });
    json!({ "matchScore": match_score, "skillMatchPercentage": percentage, "skills": skills })
        .to_string()
}
