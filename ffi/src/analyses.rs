//! Analyses: asked for, followed as they are written, looked at again, cancelled.

use std::ffi::{c_char, c_void};

use jotrack_core::{
    AiProvider, Analysis, AnalysisEvents, AnalysisId, AnalysisKind, AnalysisRequest, AnalysisState,
    AnalysisTarget, AttachmentId, Engine, Error, JobId, Persona, ResultSource, WriteOptions,
};
use serde_json::{Map, Value};

use crate::{
    args::{self, OutHandle, OutText},
    begun::{Begun, Ending},
    engine::jotrack_engine,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    op::{Work, jotrack_done_cb, jotrack_op, jotrack_op_event_cb},
    queue::Outcome,
    structs::{self, interface_structs},
};

/// Analysis flag: pass over kept answers. Refused within 30 seconds of the last call for the same.
pub const JOTRACK_ANALYSIS_REFRESH: u32 = 0x1;
/// Analysis flag: queue it instead of running it now.
pub const JOTRACK_ANALYSIS_BACKGROUND: u32 = 0x2;

/// What an analysis is asked for. Zero the struct, set struct_size, `kind`, and exactly one of
/// `job_id`, `company` and `attachment_id`.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_analysis_request {
    /// sizeof(jotrack_analysis_request).
    pub struct_size: usize,
    /// A word of the schema's AnalysisKind, such as "MATCH_SCORE".
    pub kind: *const c_char,
    /// A job with its active documents, its notes, or its company.
    pub job_id: *const c_char,
    /// A company by name: one line of at most 120 characters.
    pub company: *const c_char,
    /// One version of a document.
    pub attachment_id: *const c_char,
    /// "RECRUITER", "HIRING_MANAGER" or "PEER" for kinds about interviews; else NULL.
    pub persona: *const c_char,
    /// A JSON object with further inputs of the kind, or NULL.
    pub params_json: *const c_char,
    /// Who is to answer, "LOCAL", "ANTHROPIC", "OPENAI" or "OPENAI_COMPATIBLE"; NULL = the one of
    /// the settings.
    pub provider: *const c_char,
    /// With which model; NULL = the one of the settings.
    pub model: *const c_char,
    /// 1 to 128 visible ASCII characters, or NULL: see jotrack_write.
    pub idempotency_key: *const c_char,
    /// JOTRACK_ANALYSIS_ bits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

interface_structs!(jotrack_analysis_request);

/// Starts an analysis, joins one that is under way, or finds the answer that is kept, and tells how
/// it goes on.
///
/// It returns when the request was checked and is stored; whatever is wrong with it is the status
/// here, and then no callback comes. `on_event` (may be NULL) is called with `{"sequence": n,
/// "epoch": n, "kind": "..", ..}`; kinds and what belongs to them: QUEUED (`runAt`, `reason`),
/// STARTED (`provider`, `model`), DELTA (`text`: the next piece, provisional until DONE), RESET
/// (`reason`: drop all text so far), and last DONE, FAILED (`error`) or CANCELLED. Pieces that wait
/// for a slow callback are joined, so none is lost. A kept answer has DONE only. Expect kinds that
/// are not named here.
///
/// `on_done` is called once and last, with the analysis as JSON (see jotrack_analysis_get) and with
/// JOTRACK_OK, JOTRACK_CANCELLED, the provider's failure, or JOTRACK_CLOSED or
/// JOTRACK_SUSPENDED when the engine was closed or suspended before: what was stored by then is found again with jotrack_analysis_get. `user` is handed back in
/// each call and must live until `on_done` returned. Callbacks may come before this returns. `out`
/// (may be NULL) is freed with jotrack_op_free, which cancels nothing.
/// JOTRACK_BUSY with more than 1024 operations at a time.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_analysis_start(
    engine: *mut jotrack_engine,
    request: *const jotrack_analysis_request,
    on_event: jotrack_op_event_cb,
    on_done: jotrack_done_cb,
    user: *mut c_void,
    out: *mut *mut jotrack_op,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::optional(out), args::engine(engine)?) };
        // SAFETY: as above.
        let (request, options) = unsafe { read(request)? };
        // It is held until the work has started, so that a suspended engine has no beginnings.
        let core = shared.core()?;
        let op = Begun::new(&shared, on_event, on_done, user)?;
        let (kept, events) = shared.block(async {
            let started = core.start_analysis(&request, &options).await?;
            let events = core.analysis_events(started.analysis.id, None).await?;
            let kept = started.analysis.state.is_final().then_some(started.source);
            Ok::<_, Error>((kept, events))
        })?;
        out.put(carry(op, &core, kept, events)?);
        Ok(())
    })
}

/// Follows an analysis from after the event `after` on (0 = from its start), also one that an
/// earlier process started. Starts nothing; jotrack_op_cancel cancels the analysis.
///
/// Every piece of text comes exactly once to a host that comes back with the `sequence` of the last
/// event it saw. Callbacks and `out` as for jotrack_analysis_start.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_analysis_follow(
    engine: *mut jotrack_engine,
    id: *const c_char,
    after: u64,
    on_event: jotrack_op_event_cb,
    on_done: jotrack_done_cb,
    user: *mut c_void,
    out: *mut *mut jotrack_op,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::optional(out), args::engine(engine)?) };
        // SAFETY: as above.
        let id = unsafe { args::id::<AnalysisId>("id", id) }?;
        let core = shared.core()?;
        let op = Begun::new(&shared, on_event, on_done, user)?;
        let events = shared.block(core.analysis_events(id, Some(after)))?;
        out.put(carry(op, &core, None, events)?);
        Ok(())
    })
}

/// Reads an analysis: `{"id", "kind", "state", "source", "provider", "model", "result", "error",
/// "usage", "costMicros", ..}` with the names and words of the schema, ids as in this header and
/// times as text.
///
/// `*analysis_json` is freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_analysis_get(
    engine: *mut jotrack_engine,
    id: *const c_char,
    analysis_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutText::claim(analysis_json)?, args::engine(engine)?) };
        // SAFETY: as above.
        let id = unsafe { args::id::<AnalysisId>("id", id) }?;
        let analysis = shared.block(shared.core()?.analysis(id))?;
        let text = out.prepare(analysis.to_json().to_string())?;
        out.put(text);
        Ok(())
    })
}

/// Cancels an analysis, whoever started it. Operations that follow it end with JOTRACK_CANCELLED.
///
/// JOTRACK_NOT_FOUND; JOTRACK_ALREADY_FINISHED.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_analysis_cancel(
    engine: *mut jotrack_engine,
    id: *const c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        let shared = args::engine(engine)?;
        // SAFETY: the caller keeps R1 to R6.
        let id = unsafe { args::id::<AnalysisId>("id", id) }?;
        shared.block(shared.core()?.cancel_analysis(id))?;
        Ok(())
    })
}

/// Reads a request and its idempotency key.
unsafe fn read(
    request: *const jotrack_analysis_request,
) -> Result<(AnalysisRequest, WriteOptions), Fault> {
    // SAFETY: a struct of the caller, who keeps R1 to R6.
    let request = unsafe { structs::read(request) }?.ok_or_else(|| args::null("request"))?;
    let jotrack_analysis_request {
        struct_size: _,
        kind,
        job_id,
        company,
        attachment_id,
        persona,
        params_json,
        provider,
        model,
        idempotency_key,
        flags,
        reserved,
    } = request;
    if flags & !(JOTRACK_ANALYSIS_REFRESH | JOTRACK_ANALYSIS_BACKGROUND) != 0 || reserved != 0 {
        return Err(Fault::argument(format!("flags has unknown bits in {flags:#x}")));
    }
    // SAFETY: texts of the caller, who keeps R1 to R6.
    let (kind, job, company, attachment) = unsafe {
        (
            args::text("kind", kind)?,
            args::text_opt("job_id", job_id)?,
            args::text_opt("company", company)?,
            args::text_opt("attachment_id", attachment_id)?,
        )
    };
    // SAFETY: as above.
    let (persona, params, provider, model, key) = unsafe {
        (
            args::text_opt("persona", persona)?,
            args::text_opt("params_json", params_json)?,
            args::text_opt("provider", provider)?,
            args::text_opt("model", model)?,
            args::text_opt("idempotency_key", idempotency_key)?,
        )
    };
    let target = match (job, company, attachment) {
        (Some(id), None, None) => AnalysisTarget::Job(args::parse_id::<JobId>("job_id", id)?),
        (None, Some(name), None) => AnalysisTarget::Company(name.to_owned()),
        (None, None, Some(id)) => {
            AnalysisTarget::Attachment(args::parse_id::<AttachmentId>("attachment_id", id)?)
        }
        _ => return Err(Fault::argument("not exactly one of job_id, company, attachment_id")),
    };
    let params = match params {
        None => Value::Null,
        Some(text) => serde_json::from_str::<Map<String, Value>>(text)
            .map(Value::Object)
            .map_err(|e| Fault::json("params_json", &e))?,
    };
    let request = AnalysisRequest {
        persona: persona.map(|word| self::word("persona", Persona::parse(word))).transpose()?,
        params,
        refresh: flags & JOTRACK_ANALYSIS_REFRESH != 0,
        background: flags & JOTRACK_ANALYSIS_BACKGROUND != 0,
        provider: provider
            .map(|word| self::word("provider", AiProvider::parse(word)))
            .transpose()?,
        model: model.map(str::to_owned),
        ..AnalysisRequest::new(word("kind", AnalysisKind::parse(kind))?, target)
    };
    let key = key.map(str::to_owned);
    Ok((request, WriteOptions { idempotency_key: key, ..WriteOptions::default() }))
}

/// Accepts a word that the schema has.
pub(crate) fn word<T>(name: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::argument(format!("{name} is none of the words of the schema")))
}

/// Lets the events of an analysis flow.
fn carry(
    op: Begun<'_>,
    core: &Engine,
    kept: Option<ResultSource>,
    events: AnalysisEvents,
) -> Result<jotrack_op, Fault> {
    let work = Work::analysis(events.id())?;
    let core = core.clone();
    op.start(work, |ending| pump(core, kept, events, ending))
}

/// Carries events into the queue, and the end behind them.
async fn pump(
    core: Engine,
    kept: Option<ResultSource>,
    mut events: AnalysisEvents,
    ending: Ending,
) {
    let ended = async {
        while let Some(event) = events.next().await? {
            ending.queue.told(ending.number, event);
        }
        core.analysis(events.id()).await
    };
    let outcome = match ended.await {
        Ok(analysis) => outcome(match kept {
            Some(source) => analysis.given_from(source),
            None => analysis,
        }),
        Err(error) => Outcome::failed(error),
    };
    ending.end(outcome);
}

fn outcome(analysis: Analysis) -> Outcome {
    let fault = match (analysis.state, &analysis.error) {
        (AnalysisState::Succeeded, _) => None,
        (AnalysisState::Failed, Some(failure)) => Some(failure.error().into()),
        _ => Some(Error::Cancelled.into()),
    };
    Outcome { fault, result: Some(analysis.to_json().to_string()) }
}
