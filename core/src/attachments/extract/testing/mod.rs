//! Documents made by code, and what damages them.

pub(super) mod docx;
pub(super) mod pdf;
pub(super) mod random;

/// Text of an invented résumé; long enough not to count as empty.
pub(super) const SENTENCE: &str = "Mira Solberg kept the observatory software running.";

/// The words of a text, whatever stands between them.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}
