//! Work that goes on after the call that began it: how it is told, cancelled and let go.

use std::{
    ffi::{CString, c_char, c_void},
    sync::Arc,
};

use jotrack_core::{AnalysisId, Error, ErrorCode};

use crate::{
    args::{self, OutText},
    engine::Shared,
    error::{Fault, jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    queue::{Finish, Outcome},
};

/// Called with each event of an operation, in order, one callback at a time per engine. `event_json`
/// is `len` bytes of JSON with a NUL behind them and lives during the call. No exception and no
/// longjmp may leave it. It may call everything but jotrack_engine_close,
/// jotrack_engine_suspend and jotrack_dispatch.
///
/// @since 0.1
pub type jotrack_op_event_cb =
    Option<unsafe extern "C" fn(user: *mut c_void, event_json: *const c_char, len: usize)>;

/// Called once for every operation that started, after its last event: also after
/// jotrack_op_cancel, jotrack_op_free and jotrack_engine_close. `status` is JOTRACK_OK or why it
/// failed, `error` then has the story. `result_json` is `len` bytes of JSON with a NUL behind them,
/// or NULL. Both live during the call, and `user` is not used after it. The rules of
/// jotrack_op_event_cb hold.
///
/// @since 0.1
pub type jotrack_done_cb = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        status: i32,
        result_json: *const c_char,
        len: usize,
        error: *const jotrack_error,
    ),
>;

/// An operation. Any thread. Freed with jotrack_op_free, also after the engine is closed.
///
/// @since 0.1
pub struct jotrack_op(Arc<Operation>);

/// What a call on an operation goes on with when another thread frees the handle.
struct Operation {
    shared: Arc<Shared>,
    number: u64,
    finish: Arc<Finish>,
    work: Work,
}

/// What an operation does.
pub(crate) enum Work {
    Analysis(AnalysisId, CString),
    #[cfg_attr(not(feature = "graphql"), allow(dead_code, reason = "only the feature has these"))]
    Graphql,
}

impl Work {
    pub(crate) fn analysis(id: AnalysisId) -> Result<Self, Fault> {
        let text = CString::new(id.to_string())
            .map_err(|_| Fault::new(ErrorCode::Internal, "an id holds a NUL"))?;
        Ok(Self::Analysis(id, text))
    }
}

impl jotrack_op {
    pub(crate) fn new(shared: &Arc<Shared>, number: u64, finish: Arc<Finish>, work: Work) -> Self {
        Self(Arc::new(Operation { shared: Arc::clone(shared), number, finish, work }))
    }
}

/// Returns the id of the analysis of an operation, for jotrack_analysis_get and for
/// jotrack_analysis_follow in a later process.
///
/// Borrowed from `op`; `op` NULL and an operation of GraphQL give NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_id(op: *const jotrack_op) -> *const c_char {
    shield(std::ptr::null(), || {
        let id = handles::with(op, |op| match &op.0.work {
            Work::Analysis(_, text) => text.as_ptr(),
            Work::Graphql => std::ptr::null(),
        });
        id.unwrap_or(std::ptr::null())
    })
}

/// Asks an operation to end. It returns at once; the end comes as JOTRACK_CANCELLED, or as it would
/// have come when it was quicker. A second call and NULL do nothing.
///
/// Of an analysis, others that wait for the same answer keep their call to the provider; when nobody
/// is left the call is ended. A GraphQL mutation that is cancelled may be done all the same: repeat
/// it with the same idempotency key to know.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_cancel(op: *mut jotrack_op) {
    shield((), || {
        let Some(op) = handles::with(op, |op| Arc::clone(&op.0)) else { return };
        // What a suspend or a close has ended needs no cancelling, also when the engine is back.
        // A forked child is sent away before it takes a lock.
        if op.shared.still_open().is_err() || op.finish.is_set() {
            return;
        }
        match op.work {
            Work::Graphql => op.shared.queue().ended(op.number, Outcome::failed(Error::Cancelled)),
            Work::Analysis(id, _) => {
                let Ok(core) = op.shared.core().map(|core| core.clone()) else { return };
                // What has ended already is left alone, and a database that fails is told by the end.
                op.shared.runtime().spawn(async move { drop(core.cancel_analysis(id).await) });
            }
        }
    });
}

/// Waits for the end of an operation, whether or not `on_done` was delivered by then, and may be
/// called again: also inside a callback, from several threads, and after the engine was closed.
///
/// `timeout_ms`: 0 = do not wait, -1 = for ever; JOTRACK_TIMEOUT when it has passed. Any other answer
/// is the end of the operation, as `on_done` has it. `*result_json` (may be NULL) is the result, or
/// NULL when there is none; freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_wait(
    op: *mut jotrack_op,
    timeout_ms: i32,
    result_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let out = unsafe { OutText::optional(result_json) };
        let op = args::look("op", op, |op| Arc::clone(&op.0))?;
        op.shared.same_process()?;
        let deadline = args::deadline(timeout_ms)?;
        let Some(outcome) = op.finish.wait(deadline) else {
            return Err(Fault::new(ErrorCode::Timeout, "the operation has not ended"));
        };
        if let Some(fault) = &outcome.fault {
            return Err(fault.clone());
        }
        if let Some(result) = &outcome.result {
            let text = out.prepare(result.clone())?;
            out.put(text);
        }
        Ok(())
    })
}

/// Lets go of an operation and frees the handle. It goes on, and its callbacks still come: this
/// cancels nothing. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_free(op: *mut jotrack_op) {
    // SAFETY: NULL or a live operation; the caller gives it up (R1).
    shield((), || unsafe { args::free(op) });
}
