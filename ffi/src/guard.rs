//! The panic boundary: every exported function runs inside [`guard`] or [`shield`].

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use jotrack_core::ErrorCode;

use crate::{
    error::{Fault, jotrack_error, jotrack_status},
    handles,
};

/// The names of the engine's own threads begin like this; the panic hook knows them by it.
pub(crate) const THREAD_PREFIX: &str = "jotrack-";

thread_local! {
    /// How many guarded calls this thread is in: a callback may call the library again.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Message and place of the last panic of this thread, for the boundary that catches it.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of a fallible function: success is 0, an error or a panic becomes a status and,
/// where the caller asked for it, an owned error object.
///
/// `err` is the caller's last argument as it came: NULL or writable (rule R5 of the header).
pub(crate) fn guard(
    err: *mut *mut jotrack_error,
    body: impl FnOnce() -> Result<(), Fault>,
) -> jotrack_status {
    if !err.is_null() {
        // SAFETY: the caller passes NULL or a pointer to a writable pointer.
        unsafe { err.write(std::ptr::null_mut()) };
    }
    let Err(fault) = catch(body).unwrap_or_else(Err) else { return 0 };
    let status = fault.status();
    if !err.is_null() {
        let error = shield(std::ptr::null_mut(), || handles::give(fault.into_error()));
        // SAFETY: as above.
        unsafe { err.write(error) };
    }
    status
}

/// Runs the body of an infallible function; a panic becomes `fallback`.
pub(crate) fn shield<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch(body).unwrap_or(fallback)
}

/// Tells the calling thread from every other living one. `std::thread::current` would allocate a
/// handle for each of the host's threads.
pub(crate) fn thread_mark() -> usize {
    DEPTH.with(|depth| std::ptr::from_ref(depth).addr())
}

/// Installs the panic hook, once for the process.
///
/// Inside a guarded call and on the engine's threads it notes the panic and prints nothing, because
/// standard error belongs to the host; anywhere else the hook found here decides.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            let guarded = DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false);
            let owned = || {
                std::thread::current().name().is_some_and(|name| name.starts_with(THREAD_PREFIX))
            };
            if guarded {
                let place = info.location().map_or_else(String::new, |at| format!(" at {at}"));
                let note = format!("{}{place}", message(info.payload()));
                CAUGHT.with(|caught| caught.replace(Some(note)));
            } else if !owned() {
                previous(info);
            }
        }));
    });
}

fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Fault> {
    DEPTH.with(|depth| depth.set(depth.get().saturating_add(1)));
    let outcome = catch_unwind(AssertUnwindSafe(body));
    DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    outcome.map_err(|payload| {
        let note = CAUGHT.with(|caught| caught.take());
        Fault::new(ErrorCode::Panic, note.unwrap_or_else(|| message(&*payload).to_owned()))
    })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_a_status_with_its_place() {
        install_hook();
        let mut error = std::ptr::null_mut();

        let status = guard(&mut error, || panic!("planted"));

        assert_eq!(status, ErrorCode::Panic.number());
        // SAFETY: `guard` failed, so it stored an owned error.
        let error = unsafe { handles::take(error) }.unwrap();
        let text = error.message();
        assert!(text.starts_with("planted at ") && text.contains("guard.rs"), "{text}");
    }

    #[test]
    fn infallible_functions_answer_their_fallback() {
        install_hook();

        assert_eq!(shield(7, || panic!("planted")), 7);
        assert_eq!(shield(7, || 8), 8);
    }

    #[test]
    fn success_clears_the_error_slot() {
        let mut error = std::ptr::dangling_mut();

        assert_eq!(guard(&mut error, || Ok(())), 0);
        assert!(error.is_null());
    }
}
