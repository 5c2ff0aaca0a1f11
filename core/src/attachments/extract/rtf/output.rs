//! The text an RTF file gives: the body, and headers, footers and footnotes behind it.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::super::ExtractLimits;
use super::super::normalize::RawText;

pub(super) struct Output {
    body: RawText,
    aside: RawText,
    /// Length of `aside` before the group that is being read.
    aside_start: usize,
    aside_seen: Vec<String>,
    /// Bytes not decoded yet: one character of Shift-JIS or GBK comes as two escapes.
    pending: Vec<u8>,
    pending_encoding: &'static Encoding,
    pending_aside: bool,
}

/// Bytes that wait at most; decoding them early can only break a pair in a file of one long run.
const PENDING_MAX: usize = 64 * 1024;
/// Headers and notes compared to leave repeated ones out.
const ASIDE_SEEN_MAX: usize = 200;

impl Output {
    pub(super) fn new(limits: &ExtractLimits) -> Self {
        Self {
            body: RawText::new(limits),
            aside: RawText::new(limits),
            aside_start: 0,
            aside_seen: Vec::new(),
            pending: Vec::new(),
            pending_encoding: WINDOWS_1252,
            pending_aside: false,
        }
    }

    pub(super) fn byte(&mut self, byte: u8, encoding: &'static Encoding, aside: bool) {
        if encoding != self.pending_encoding
            || aside != self.pending_aside
            || self.pending.len() >= PENDING_MAX
        {
            self.flush();
            self.pending_encoding = encoding;
            self.pending_aside = aside;
        }
        self.pending.push(byte);
    }

    pub(super) fn character(&mut self, c: char, aside: bool) {
        self.flush();
        self.target(aside).push(c);
    }

    /// Ends a header, a footer or a footnote; one that was there before is dropped.
    pub(super) fn end_aside(&mut self) {
        self.flush();
        let text = self.aside.as_str().get(self.aside_start..).unwrap_or_default().trim();
        if self.aside_seen.iter().any(|seen| seen == text) {
            self.aside.truncate(self.aside_start);
        } else if self.aside_seen.len() < ASIDE_SEEN_MAX {
            self.aside_seen.push(text.to_owned());
        }
        self.aside.end_line();
        self.aside_start = self.aside.len();
    }

    pub(super) fn is_full(&self) -> bool {
        self.body.is_full() || self.aside.is_full()
    }

    /// Returns the text and whether some was left out.
    pub(super) fn finish(mut self) -> (String, bool) {
        self.flush();
        self.body.end_line();
        self.body.push_str(self.aside.as_str());
        (self.body.as_str().to_owned(), self.is_full())
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let (text, _) = self.pending_encoding.decode_without_bom_handling(&self.pending);
        let target = if self.pending_aside { &mut self.aside } else { &mut self.body };
        target.push_str(&text);
        self.pending.clear();
    }

    fn target(&mut self, aside: bool) -> &mut RawText {
        if aside { &mut self.aside } else { &mut self.body }
    }
}
