//! Text out of documents: what a file is, the text in it, and what bounds the reading.
//!
//! [`detect`] decides a file's type from its bytes. [`extract`] reads one document in this process;
//! [`extract_in_child`] does the same in a process of its own, which alone survives an allocation
//! that fails, a stack that overflows or a loop that does not end. Nothing here knows the rest of
//! the engine: no database, no ids, no settings.
//!
//! Invariant: whatever the bytes, a reader answers with text or with one [`ExtractError`]; it never
//! recurses on the document's own nesting, and everything it collects has a limit with a name.

mod docx;
mod media_type;
mod normalize;
#[cfg(feature = "pdf")]
mod pdf;
mod rtf;
mod sandbox;
mod sniff;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

pub use media_type::MediaType;
pub use sandbox::{Sandbox, child_main, extract_in_child};
pub use sniff::{Detected, ReadSeek, UnsupportedFile, detect};

/// Counts changes to what the readers answer; a text made by a lower number may be read again.
pub const EXTRACTOR_VERSION: u32 = 1;

/// A kind of document whose text can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML text.
    Docx,
    /// Rich Text Format.
    Rtf,
    /// Markdown, read as plain text.
    Markdown,
    /// Plain text.
    Text,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: &'static [Self] =
        &[Self::Pdf, Self::Docx, Self::Rtf, Self::Markdown, Self::Text];

    /// Returns the word of the child's command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Rtf => "rtf",
            Self::Markdown => "md",
            Self::Text => "txt",
        }
    }

    /// Returns the kind spelled `word`, or `None`.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Bounds of one extraction.
///
/// A child applies the defaults of its own program; the caller's `input_bytes`, `text_bytes`,
/// `output_bytes` and `wall_ms` are applied around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractLimits {
    /// Bytes of the document.
    pub input_bytes: u64,
    /// Bytes of the text; a longer one is cut and marked.
    pub text_bytes: usize,
    /// Visible characters below which a document counts as empty.
    pub visible_chars_min: usize,
    /// Entries of a zip directory.
    pub zip_entries: usize,
    /// Bytes unpacked from one zip, all parts read together.
    pub unpacked_bytes: u64,
    /// Unpacked bytes per packed byte, asked of parts above 1 MiB.
    pub unpack_ratio: u64,
    /// Open elements of an XML part.
    pub xml_depth: usize,
    /// Open groups of an RTF file.
    pub rtf_depth: usize,
    /// Pages read from a PDF; later ones are left out and the text is marked as cut.
    pub pdf_pages: usize,
    /// Objects of a PDF.
    pub pdf_objects: usize,
    /// Drawing calls of one PDF page.
    pub pdf_page_calls: u64,
    /// Glyphs of one PDF page.
    pub pdf_page_glyphs: usize,
    /// Milliseconds for one PDF page.
    pub pdf_page_ms: u64,
    /// Milliseconds the parent waits for a child.
    pub wall_ms: u64,
    /// Seconds of CPU of a child.
    pub cpu_secs: u64,
    /// Bytes of address space of a child.
    pub memory_bytes: u64,
    /// Bytes the parent reads from a child.
    pub output_bytes: u64,
}

impl Default for ExtractLimits {
    fn default() -> Self {
        Self {
            input_bytes: 25 * 1024 * 1024,
            text_bytes: 2 * 1024 * 1024,
            visible_chars_min: 20,
            zip_entries: 2_000,
            unpacked_bytes: 100 * 1024 * 1024,
            unpack_ratio: 100,
            xml_depth: 1_000,
            rtf_depth: 256,
            pdf_pages: 200,
            pdf_objects: 100_000,
            pdf_page_calls: 5_000_000,
            pdf_page_glyphs: 2_000_000,
            pdf_page_ms: 2_000,
            wall_ms: 15_000,
            cpu_secs: 10,
            memory_bytes: 512 * 1024 * 1024,
            output_bytes: 8 * 1024 * 1024,
        }
    }
}

/// A document's text.
///
/// Invariant: NFC, lines end in LF, no control characters but LF and tab, at most two blank lines
/// in a row, at most [`ExtractLimits::text_bytes`] long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extracted {
    /// The text.
    pub text: String,
    /// Pages of the document, where the format has pages.
    pub page_count: Option<u32>,
    /// Whether the document holds more text than `text`.
    pub truncated: bool,
}

/// Why a document gave no text.
///
/// All but `Unavailable` say something about the document and will not change by trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExtractError {
    /// The bytes are not a whole document of the kind.
    #[error("the document is damaged")]
    Corrupt,
    /// The document needs a password.
    #[error("the document is encrypted")]
    Encrypted,
    /// The document holds no text, as a scan does.
    #[error("the document holds no text")]
    Empty,
    /// Reading the document would exceed a limit of size, depth or memory.
    #[error("the document is too complex")]
    TooComplex,
    /// Reading the document took too long.
    #[error("reading the document took too long")]
    Timeout,
    /// This program cannot read the kind.
    #[error("this kind of document cannot be read here")]
    Unsupported,
    /// The child did not run or was stopped from outside; another try may succeed.
    #[error("the extractor did not run")]
    Unavailable,
}

/// What a reader collected, before [`normalize`].
struct Collected {
    text: String,
    page_count: Option<u32>,
    truncated: bool,
}

/// Reads the text of `bytes` in this process.
///
/// A PDF is read only in a program built with feature `pdf`, which is meant for the child: a
/// hostile PDF can take all memory and end the process.
///
/// # Errors
/// As [`ExtractError`]; a panic of a reader is [`ExtractError::Corrupt`].
pub fn extract(
    kind: DocumentKind,
    bytes: &[u8],
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.input_bytes {
        return Err(ExtractError::TooComplex);
    }
    catch_unwind(AssertUnwindSafe(|| {
        normalize::finish(kind, collect(kind, bytes, limits)?, limits)
    }))
    .unwrap_or(Err(ExtractError::Corrupt))
}

fn collect(
    kind: DocumentKind,
    bytes: &[u8],
    limits: &ExtractLimits,
) -> Result<Collected, ExtractError> {
    match kind {
        #[cfg(feature = "pdf")]
        DocumentKind::Pdf => pdf::read(bytes, limits),
        #[cfg(not(feature = "pdf"))]
        DocumentKind::Pdf => Err(ExtractError::Unsupported),
        DocumentKind::Docx => docx::read(bytes, limits),
        DocumentKind::Rtf => rtf::read(bytes, limits),
        DocumentKind::Markdown | DocumentKind::Text => text::read(bytes, limits),
    }
}
