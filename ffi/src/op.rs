//! Work that goes on after the call that began it: how it is told, cancelled and let go.

use std::{
    ffi::{CString, c_char, c_void},
    sync::Arc,
};

use jotrack_core::AnalysisId;

use crate::{args, engine::Shared, error::jotrack_error, guard::shield};

/// Called with each event of an operation, in order, one callback at a time per engine. `event_json`
/// is `len` bytes of JSON with a NUL behind them and lives during the call. No exception and no
/// longjmp may leave it. It may call everything but jotrack_engine_close and jotrack_dispatch.
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
pub struct jotrack_op {
    shared: Arc<Shared>,
    id: AnalysisId,
    text: CString,
}

impl jotrack_op {
    pub(crate) fn new(shared: &Arc<Shared>, id: AnalysisId, text: CString) -> Self {
        Self { shared: Arc::clone(shared), id, text }
    }
}

/// Returns the id of the analysis of an operation, for jotrack_analysis_get and for
/// jotrack_analysis_follow in a later process.
///
/// Borrowed from `op`; `op` NULL gives NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_id(op: *const jotrack_op) -> *const c_char {
    shield(std::ptr::null(), || {
        // SAFETY: NULL or a live operation (R1).
        unsafe { op.as_ref() }.map_or(std::ptr::null(), |op| op.text.as_ptr())
    })
}

/// Asks an operation to end. It returns at once; the end comes as JOTRACK_CANCELLED, or as it would
/// have come when it was quicker. A second call and NULL do nothing.
///
/// Others that wait for the same answer keep their call to the provider; when nobody is left the
/// call is ended.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_op_cancel(op: *mut jotrack_op) {
    shield((), || {
        // SAFETY: NULL or a live operation (R1).
        let Some(op) = (unsafe { op.as_ref() }) else { return };
        if op.shared.still_open().is_err() {
            return;
        }
        let (core, id) = (op.shared.core().clone(), op.id);
        // What has ended already needs no cancelling, and a database that fails is told by the end.
        op.shared.runtime().spawn(async move { drop(core.cancel_analysis(id).await) });
    });
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
