//! Plain text and Markdown: a byte order mark, else UTF-8, else Windows-1252.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{Collected, ExtractError, ExtractLimits};

/// Bytes one kept byte of text may come from: UTF-16 spends two on an ASCII letter.
const BYTES_PER_TEXT_BYTE: usize = 4;

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Collected, ExtractError> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => WINDOWS_1252,
    };
    let max = limits.text_bytes.saturating_mul(BYTES_PER_TEXT_BYTE);
    // A character cut in two becomes a replacement character beyond the part that is kept.
    let taken = bytes.get(..max).unwrap_or(bytes);
    let text = encoding.decode_with_bom_removal(taken).0.into_owned();
    if text.contains('\0') {
        return Err(ExtractError::Corrupt);
    }
    Ok(Collected { text, page_count: None, truncated: taken.len() < bytes.len() })
}
