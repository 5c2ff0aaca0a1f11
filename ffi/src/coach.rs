//! The coach of a job.

use std::ffi::c_char;

use jotrack_core::{
    AnswerInput, CoachPatch, CoachState, CoachStep, Engine, Error, JobId, MilestoneState, Patch,
    Timestamp,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::{
    args::{self, OutText},
    engine::jotrack_engine,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    structs::{self, OutStruct, interface_structs},
    text::id_text,
    write::{WriteArgs, jotrack_commit, jotrack_write},
};

/// How far the coach has come with a job. Set struct_size.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_coach {
    /// sizeof(jotrack_coach).
    pub struct_size: usize,
    /// jotrack_coach_status.
    pub status: i32,
    /// 0 to 100.
    pub progress: i32,
    /// jotrack_coach_step to show next; 0 = all is done.
    pub next_step: i32,
    /// Milestones reached: 0x1 DISCOVERY_COMPLETE, 0x2 PROFILE_ANALYZED, 0x4 SCORE_RECALCULATED,
    /// 0x8 RESUME_GENERATED, 0x10 RESUME_FINALIZED, 0x20 COVER_LETTER_GENERATED, 0x40 APPLIED.
    pub milestones: u32,
    /// Steps that cannot be entered yet: bits 1 << jotrack_coach_step.
    pub locked: u32,
    /// 0.
    pub reserved: u32,
    /// For jotrack_write.expected_version.
    pub version: i64,
    /// Unix ms.
    pub updated_at_ms: i64,
}

interface_structs!(jotrack_coach);

/// Reads the coach state of a job.
///
/// `out` may be NULL. `document_json` (may be NULL): the whole state as a JSON object with the names
/// of the schema's CoachState; freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_coach_get(
    engine: *mut jotrack_engine,
    job_id: *const c_char,
    out: *mut jotrack_coach,
    document_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (document, out) = unsafe { (OutText::optional(document_json), OutStruct::claim(out)?) };
        // SAFETY: as above.
        let (shared, id) = unsafe { (args::engine(engine)?, args::id::<JobId>("job_id", job_id)?) };
        let state = shared.block(shared.core()?.get_coach(id))?;
        let text = document.prepare(self::document(&state))?;
        if let Some(out) = out {
            out.put(row(&state));
        }
        document.put(text);
        Ok(())
    })
}

/// Changes the coach state of a job.
///
/// `patch_json`: an object with any of `currentStep`, `answers`
/// (`[{"questionId", "answer", "skipped"}]`, merged by question) and `profile`; null clears bookmark and profile. An
/// unknown key is JOTRACK_INVALID_ARGUMENT. `write` and `commit` may be NULL; `commit->id` is the
/// job. `document_json` (may be NULL): the state after the change, as from jotrack_coach_get.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_coach_update(
    engine: *mut jotrack_engine,
    job_id: *const c_char,
    patch_json: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    document_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (document, write, shared, id, patch) = unsafe {
            (
                OutText::optional(document_json),
                WriteArgs::read(write, commit)?,
                args::engine(engine)?,
                args::id::<JobId>("job_id", job_id)?,
                args::text("patch_json", patch_json)?,
            )
        };
        let patch = parse(patch)?;
        let core = shared.core()?;
        let (written, version, state) = shared.block(async {
            let written = core.update_coach(id, patch, &write.options).await?;
            // The write stands; a state that cannot be read now must not look like a failed write.
            let state = if document.wanted() { core.get_coach(id).await.ok() } else { None };
            let read = async |core: &Engine| Ok(core.get_coach(id).await?.version);
            let version = write.version(&core, &written, read).await;
            Ok::<_, Error>((written, version, state))
        })?;
        let text =
            state.map(|state| document.prepare(self::document(&state))).transpose()?.flatten();
        write.commit.one(&written, id_text!(id), version, 0);
        document.put(text);
        Ok(())
    })
}

/// The patch in the words of the schema's `CoachStatePatch`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PatchJson {
    #[serde(default, deserialize_with = "patch")]
    current_step: Patch<CoachStep>,
    answers: Option<Vec<AnswerJson>>,
    #[serde(default, deserialize_with = "patch")]
    profile: Patch<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerJson {
    question_id: String,
    answer: Option<String>,
    #[serde(default)]
    skipped: bool,
}

/// Reads a member that is there: null clears.
fn patch<'de, D: Deserializer<'de>, T: Deserialize<'de>>(json: D) -> Result<Patch<T>, D::Error> {
    Ok(Option::<T>::deserialize(json)?.map_or(Patch::Clear, Patch::Set))
}

fn parse(json: &str) -> Result<CoachPatch, Fault> {
    let refused = |e| Fault::json("patch_json", &e);
    // By way of an object, because serde would read a list as a struct without names.
    let members: Map<String, Value> = serde_json::from_str(json).map_err(refused)?;
    let PatchJson { current_step, answers, profile } =
        serde_json::from_value(Value::Object(members)).map_err(refused)?;
    let answers = answers.into_iter().flatten().map(AnswerJson::into_core).collect();
    Ok(CoachPatch { current_step, answers, profile })
}

impl AnswerJson {
    fn into_core(self) -> AnswerInput {
        let Self { question_id, answer, skipped } = self;
        AnswerInput { question_id, answer, skipped }
    }
}

fn row(state: &CoachState) -> jotrack_coach {
    let bit = |number: i32| 1_u32 << number;
    let reached = |MilestoneState { milestone, completed_at }: &MilestoneState| {
        if completed_at.is_some() { bit(milestone.number() - 1) } else { 0 }
    };
    jotrack_coach {
        status: state.status.number(),
        progress: i32::from(state.progress),
        next_step: state.next_step.map_or(0, CoachStep::number),
        milestones: state.milestones.iter().fold(0, |mask, entry| mask | reached(entry)),
        locked: state.locked.iter().fold(0, |mask, step| mask | bit(step.number())),
        version: state.version,
        updated_at_ms: state.updated_at.as_ms(),
        ..structs::zeroed()
    }
}

/// Writes the state in the words of the schema's `CoachState`, where times are text.
fn document(state: &CoachState) -> String {
    let mut document = json!(state);
    let milestones = state.milestones.iter().map(|MilestoneState { milestone, completed_at }| {
        json!({ "milestone": milestone, "completedAt": completed_at.map(Timestamp::to_rfc3339) })
    });
    if let Some(members) = document.as_object_mut() {
        members.insert("milestones".into(), milestones.collect());
        members.insert("updatedAt".into(), state.updated_at.to_rfc3339().into());
    }
    document.to_string()
}
