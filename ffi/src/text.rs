//! Text and ids across the border.

use std::{ffi::c_char, ptr};

/// Borrowed text, not NUL-terminated: `len` bytes of UTF-8 at `data`. `data` NULL = no value, which
/// differs from an empty text. It belongs to the object it was read from and lives as long (R2).
/// This struct is frozen.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_str {
    /// First byte, or NULL.
    pub data: *const c_char,
    /// Number of bytes.
    pub len: usize,
}

impl jotrack_str {
    /// No value.
    pub(crate) const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// Lends `text`; the caller of the library keeps the object that owns it alive (R2).
    pub(crate) fn lend(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }

    pub(crate) fn lend_opt(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, Self::lend)
    }
}

/// An id in the text form of the border: 36 lower-case characters.
#[derive(Clone, Copy)]
pub(crate) struct IdText([u8; IdText::LEN]);

impl IdText {
    pub(crate) const LEN: usize = 36;

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn lend(&self) -> jotrack_str {
        jotrack_str { data: self.0.as_ptr().cast(), len: self.0.len() }
    }
}

/// Writes an id of the core as text; every id type has `as_uuid`.
macro_rules! id_text {
    ($id:expr) => {{
        let mut text = [0_u8; $crate::text::IdText::LEN];
        $id.as_uuid().as_hyphenated().encode_lower(&mut text);
        $crate::text::IdText::from_ascii(text)
    }};
}
pub(crate) use id_text;

impl IdText {
    pub(crate) const fn from_ascii(text: [u8; Self::LEN]) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::{JobId, Timestamp};

    use super::*;

    #[test]
    fn id_text_is_what_the_core_prints() {
        let id = JobId::new(Timestamp::from_ms(1_700_000_000_000));

        assert_eq!(id_text!(id).as_str(), id.to_string());
    }

    #[test]
    fn empty_text_is_not_no_text() {
        assert!(!jotrack_str::lend("").data.is_null());
        assert!(jotrack_str::NONE.data.is_null());
    }
}
