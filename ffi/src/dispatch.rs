//! Callbacks on the host's own thread: `JOTRACK_DISPATCH_HOST`.

use std::ffi::c_void;

use crate::{
    args::{self, OutNumber},
    engine::{Shared, jotrack_engine},
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    queue::{Mode, User},
};

/// Called when there is something to dispatch. It runs on any thread, must return at once and must
/// not call the library: post to the main loop (g_idle_add, a queued invokeMethod, dispatch_async,
/// PostMessage, uv_async_send) and call jotrack_dispatch from there.
///
/// @since 0.1
pub type jotrack_wakeup_cb = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// Runs callbacks that wait, on the calling thread.
///
/// `timeout_ms`: 0 = do not wait for the first one, -1 = wait for ever. `max`: most callbacks to
/// run; 0 = as many as wait at the beginning, so that callbacks which cause others cannot hold the
/// loop. `delivered` (may be NULL) is how many ran; 0 after the time has passed.
///
/// JOTRACK_MISUSE with JOTRACK_DISPATCH_THREAD and inside a callback; JOTRACK_BUSY while another
/// thread dispatches.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_dispatch(
    engine: *mut jotrack_engine,
    timeout_ms: i32,
    max: u32,
    delivered: *mut u32,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (delivered, shared) =
            unsafe { (OutNumber::optional(delivered), args::engine(engine)?) };
        host_only(&shared, "jotrack_dispatch")?;
        let deadline = args::deadline(timeout_ms)?;
        let n = shared.queue().dispatch(deadline, usize::try_from(max).unwrap_or(usize::MAX))?;
        delivered.put(u32::try_from(n).unwrap_or(u32::MAX));
        Ok(())
    })
}

/// Sets the function that is called when there is something to dispatch; NULL takes it away.
///
/// It is called once when the queue was empty and no longer is, and at the end of a jotrack_dispatch
/// that left something behind. If something waits already it is called before this returns. One per
/// engine; a former one may still run once. `user` must live until the engine is closed.
///
/// JOTRACK_MISUSE with JOTRACK_DISPATCH_THREAD.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_set_wakeup(
    engine: *mut jotrack_engine,
    wakeup: jotrack_wakeup_cb,
    user: *mut c_void,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        let shared = args::engine(engine)?;
        host_only(&shared, "jotrack_set_wakeup")?;
        shared.queue().set_wakeup(wakeup.map(|callback| (callback, User(user))));
        Ok(())
    })
}

fn host_only(shared: &Shared, call: &str) -> Result<(), Fault> {
    match shared.queue().mode() {
        Mode::Host => Ok(()),
        Mode::Thread => {
            Err(Fault::misuse(format!("{call} needs an engine with JOTRACK_DISPATCH_HOST")))
        }
    }
}
