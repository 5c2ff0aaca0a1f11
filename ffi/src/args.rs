//! Arguments in and results out: the one place where the pointers of a call become Rust values.
//!
//! Every `unsafe fn` here has the same contract: its pointers are those of the C caller, who keeps
//! rules R1 to R6 of the header. NULL, handles that are none, bad UTF-8 and senseless sizes are
//! answered, not trusted.

use std::{
    ffi::{CStr, CString, c_char, c_void},
    fmt::Display,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use jotrack_core::{Error, ErrorCode};

use crate::{
    engine::{Shared, jotrack_engine},
    error::Fault,
    handles,
};

/// Reads the engine handle of a call; a forked child is sent away.
pub(crate) fn engine(engine: *mut jotrack_engine) -> Result<Arc<Shared>, Fault> {
    let shared = look("engine", engine, |engine| Arc::clone(engine.shared()))?;
    shared.same_process()?;
    Ok(shared)
}

/// Looks at a handle that other threads may work with, and free (T1).
pub(crate) fn look<T: Sync + 'static, R>(
    name: &str,
    handle: *const T,
    look: impl FnOnce(&T) -> R,
) -> Result<R, Fault> {
    handles::with(handle, look).ok_or_else(|| dead(name, handle))
}

/// Reads a handle that a call works on.
pub(crate) unsafe fn handle<'a, T: 'static>(
    name: &str,
    handle: *mut T,
) -> Result<&'a mut T, Fault> {
    // SAFETY: no other thread uses it now (T2).
    unsafe { handles::get_mut(handle) }.ok_or_else(|| dead(name, handle))
}

/// Takes a handle back from the caller.
pub(crate) unsafe fn take<T: 'static>(name: &str, handle: *mut T) -> Result<Box<T>, Fault> {
    // SAFETY: the caller gives it up (R1).
    unsafe { handles::take(handle) }.ok_or_else(|| dead(name, handle))
}

/// Frees a handle. NULL and what is no live handle of this kind do nothing.
pub(crate) unsafe fn free<T: 'static>(handle: *mut T) {
    // SAFETY: the caller gives it up (R1).
    drop(unsafe { handles::take(handle) });
}

/// Reads NUL-terminated text.
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str, Fault> {
    // SAFETY: the same contract.
    unsafe { text_opt(name, text) }?.ok_or_else(|| null(name))
}

/// Reads NUL-terminated text that may be NULL.
pub(crate) unsafe fn text_opt<'a>(
    name: &str,
    text: *const c_char,
) -> Result<Option<&'a str>, Fault> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller terminates it.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| not_utf8(name))
}

/// Reads an id in its canonical form.
pub(crate) unsafe fn id<T: FromStr + Display>(name: &str, id: *const c_char) -> Result<T, Fault> {
    // SAFETY: the same contract.
    parse_id(name, unsafe { text(name, id) }?)
}

/// Reads `n` ids. More than `max` are refused before any is looked at.
pub(crate) unsafe fn ids<T: FromStr + Display>(
    ids: *const *const c_char,
    n: usize,
    max: usize,
) -> Result<Vec<T>, Fault> {
    if n > max {
        return Err(Fault::argument(format!("at most {max} ids go into one call")));
    }
    if n == 0 {
        return Ok(Vec::new());
    }
    if ids.is_null() {
        return Err(null("ids"));
    }
    // SAFETY: not NULL, and the caller answers for `n` readable pointers.
    let ids = unsafe { std::slice::from_raw_parts(ids, n) };
    // SAFETY: the same contract for each of them.
    ids.iter().map(|one| unsafe { id("ids", *one) }).collect()
}

/// Reads `len` bytes; NULL is allowed when there are none.
pub(crate) unsafe fn bytes<'a>(
    name: &str,
    data: *const c_void,
    len: usize,
) -> Result<&'a [u8], Fault> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Fault::argument(format!("the length of {name} is out of range")));
    }
    // SAFETY: not NULL, and the caller answers for `len` readable bytes.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// Reads a text given by pointer and length.
pub(crate) unsafe fn body<'a>(
    name: &str,
    data: *const c_char,
    len: usize,
) -> Result<&'a str, Fault> {
    // SAFETY: the same contract.
    let bytes = unsafe { bytes(name, data.cast(), len) }?;
    std::str::from_utf8(bytes).map_err(|_| not_utf8(name))
}

/// Reads a buffer to fill.
pub(crate) unsafe fn buffer<'a>(data: *mut c_void, cap: usize) -> Result<&'a mut [u8], Fault> {
    if cap == 0 {
        return Ok(&mut []);
    }
    if data.is_null() {
        return Err(null("buf"));
    }
    if isize::try_from(cap).is_err() {
        return Err(Fault::argument("the capacity of buf is out of range"));
    }
    // SAFETY: not NULL, and the caller answers for `cap` writable bytes. They may be uninitialised;
    // they are only written, by a file read.
    Ok(unsafe { std::slice::from_raw_parts_mut(data.cast(), cap) })
}

/// A `T **` that takes an owned handle; `None` inside when the caller does not want it.
pub(crate) struct OutHandle<T>(Option<*mut *mut T>);

impl<T: 'static> OutHandle<T> {
    /// Takes the out-argument and sets it to NULL.
    pub(crate) unsafe fn claim(out: *mut *mut T) -> Result<Self, Fault> {
        // SAFETY: the same contract.
        let out = unsafe { Self::optional(out) };
        if out.0.is_none() { Err(null("out")) } else { Ok(out) }
    }

    /// Takes an out-argument that may be NULL and sets it to NULL.
    pub(crate) unsafe fn optional(out: *mut *mut T) -> Self {
        if out.is_null() {
            return Self(None);
        }
        // SAFETY: not NULL, and the caller answers for a writable pointer.
        unsafe { out.write(std::ptr::null_mut()) };
        Self(Some(out))
    }

    /// Hands the object to the caller.
    pub(crate) fn put(self, value: T) {
        if let Some(out) = self.0 {
            // SAFETY: `optional` took a writable pointer.
            unsafe { out.write(handles::give(value)) };
        }
    }
}

/// A pointer to a number to fill; `None` inside when the caller does not want it.
pub(crate) struct OutNumber<T>(Option<*mut T>);

impl<T: Copy + Default> OutNumber<T> {
    /// Takes an out-argument that may be NULL and sets it to 0.
    pub(crate) unsafe fn optional(out: *mut T) -> Self {
        if out.is_null() {
            return Self(None);
        }
        // SAFETY: not NULL, and the caller answers for a writable number.
        unsafe { out.write(T::default()) };
        Self(Some(out))
    }

    /// Takes an out-argument that must be there.
    pub(crate) unsafe fn claim(name: &str, out: *mut T) -> Result<Self, Fault> {
        // SAFETY: the same contract.
        let out = unsafe { Self::optional(out) };
        if out.0.is_none() { Err(null(name)) } else { Ok(out) }
    }

    pub(crate) fn put(self, value: T) {
        if let Some(out) = self.0 {
            // SAFETY: `optional` took a writable number.
            unsafe { out.write(value) };
        }
    }
}

/// A `char **` that takes an owned text.
pub(crate) struct OutText(Option<*mut *mut c_char>);

impl OutText {
    /// Takes an out-argument that may be NULL and sets it to NULL.
    pub(crate) unsafe fn optional(out: *mut *mut c_char) -> Self {
        if out.is_null() {
            return Self(None);
        }
        // SAFETY: not NULL, and the caller answers for a writable pointer.
        unsafe { out.write(std::ptr::null_mut()) };
        Self(Some(out))
    }

    /// Takes an out-argument that must be there.
    pub(crate) unsafe fn claim(out: *mut *mut c_char) -> Result<Self, Fault> {
        // SAFETY: the same contract.
        let out = unsafe { Self::optional(out) };
        if out.0.is_none() { Err(null("out")) } else { Ok(out) }
    }

    /// Whether the caller wants the text.
    pub(crate) fn wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Makes the text ready to be handed over, so that nothing can fail once handing over begins.
    pub(crate) fn prepare(&self, text: String) -> Result<Option<CString>, Fault> {
        if !self.wanted() {
            return Ok(None);
        }
        let text = CString::new(text)
            .map_err(|_| Fault::new(ErrorCode::Internal, "a text for C holds a NUL"))?;
        Ok(Some(text))
    }

    /// Hands the text to the caller, who frees it with `jotrack_string_free`.
    pub(crate) fn put(self, text: Option<CString>) {
        if let (Some(out), Some(text)) = (self.0, text) {
            // SAFETY: `optional` took a writable pointer.
            unsafe { out.write(handles::give_text(text)) };
        }
    }
}

/// Reads how long a call may wait: -1 is for ever.
pub(crate) fn deadline(timeout_ms: i32) -> Result<Option<Instant>, Fault> {
    if timeout_ms == -1 {
        return Ok(None);
    }
    let ms =
        u64::try_from(timeout_ms).map_err(|_| Fault::argument("timeout_ms is less than -1"))?;
    Ok(Some(Instant::now() + Duration::from_millis(ms)))
}

/// The failure for a missing argument.
pub(crate) fn null(name: &str) -> Fault {
    Fault::argument(format!("{name} is NULL"))
}

/// The failure for a handle that is not in the table.
fn dead<T>(name: &str, handle: *const T) -> Fault {
    if handle.is_null() {
        return null(name);
    }
    Fault::misuse(format!(
        "{name} is not live: it was closed or freed, or it is not a handle of this kind"
    ))
}

fn not_utf8(name: &str) -> Fault {
    Fault::argument(format!("{name} is not UTF-8"))
}

/// Accepts an id only in the form the library writes: other spellings of a UUID would make two
/// names for one thing in a host's own tables.
pub(crate) fn parse_id<T: FromStr + Display>(name: &str, text: &str) -> Result<T, Fault> {
    let id = text.parse::<T>().ok().filter(|id| id.to_string() == text);
    id.ok_or_else(|| Error::argument(format!("{name} is not an id")).into())
}

/// Reads a number of the header as a value of the core.
pub(crate) fn number<T>(name: &str, number: i32, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::argument(format!("{name} has no value {number}")))
}

#[cfg(test)]
mod tests {
    use jotrack_core::JobId;

    use super::*;

    #[test]
    fn only_the_canonical_spelling_of_an_id_is_accepted() {
        let id = "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11";

        assert!(parse_id::<JobId>("id", id).is_ok());
        for other in [&id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}"), "", "job"] {
            assert!(parse_id::<JobId>("id", other).is_err(), "{other}");
        }
    }

    #[test]
    fn ids_are_counted_before_they_are_read() {
        let bogus = std::ptr::dangling::<*const c_char>();

        // SAFETY: the count is refused, so the pointer is never read.
        assert!(unsafe { ids::<JobId>(bogus, usize::MAX, 200) }.is_err());
        // SAFETY: nothing to read.
        assert!(unsafe { ids::<JobId>(std::ptr::null(), 0, 200) }.unwrap().is_empty());
        // SAFETY: NULL is answered.
        assert!(unsafe { ids::<JobId>(std::ptr::null(), 1, 200) }.is_err());
    }

    #[test]
    fn text_must_be_utf8_and_is_never_repaired() {
        // SAFETY: terminated literals.
        unsafe {
            assert_eq!(text("t", c"Zoë".as_ptr()).unwrap(), "Zoë");
            assert!(text("t", c"\xff".as_ptr()).is_err());
            assert!(text_opt("t", std::ptr::null()).unwrap().is_none());
            assert!(body("t", b"\xc3".as_ptr().cast(), 1).is_err());
        }
    }
}
