//! The rules every extracted text keeps, whichever reader made it.

use unicode_normalization::UnicodeNormalization;

use super::{Collected, DocumentKind, ExtractError, ExtractLimits, Extracted};

/// Blank lines kept between two lines of text.
const BLANK_LINES_MAX: usize = 2;

/// A growing text that stops taking more once it could not be kept anyway.
pub(super) struct RawText {
    text: String,
    max: usize,
    full: bool,
}

impl RawText {
    /// Normalising drops characters, so twice the kept size is collected.
    pub(super) fn new(limits: &ExtractLimits) -> Self {
        Self { text: String::new(), max: limits.text_bytes.saturating_mul(2), full: false }
    }

    pub(super) fn push(&mut self, c: char) {
        if self.text.len() < self.max {
            self.text.push(c);
        } else {
            self.full = true;
        }
    }

    pub(super) fn push_str(&mut self, text: &str) {
        let room = self.max.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
        } else {
            self.text.push_str(text.get(..boundary_below(text, room)).unwrap_or_default());
            self.full = true;
        }
    }

    /// Ends the line unless it is empty.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.push('\n');
        }
    }

    /// Removes trailing characters of `set`, back to byte `start` at most.
    pub(super) fn trim_end_from(&mut self, start: usize, set: &[char]) {
        let kept = self.text.get(start..).map(|tail| start + tail.trim_end_matches(set).len());
        if let Some(kept) = kept {
            self.text.truncate(kept);
        }
    }

    /// Forgets what came after byte `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        if self.text.is_char_boundary(len) {
            self.text.truncate(len);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

/// The last character boundary at or before byte `max`.
fn boundary_below(text: &str, max: usize) -> usize {
    (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Applies the output rules to what a reader collected.
pub(super) fn finish(
    kind: DocumentKind,
    collected: Collected,
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    let Collected { text, page_count, truncated } = collected;
    let mut lines = Lines::new(kind, limits.text_bytes);
    let mut last_was_cr = false;
    for c in text.chars().filter_map(|c| symbol(kind, c)).nfc() {
        let after_cr = std::mem::replace(&mut last_was_cr, c == '\r');
        match c {
            '\n' if after_cr => {}
            '\n' | '\r' | '\u{0b}' | '\u{0c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                lines.end_line();
            }
            '\t' => lines.push(c),
            c if c.is_control() || is_noncharacter(c) => {}
            c => lines.push(c),
        }
        if lines.full {
            break;
        }
    }
    let (text, cut) = lines.finish();
    // A short plain file is what its author typed; a short page of another kind is a scan.
    let needed = match kind {
        DocumentKind::Markdown | DocumentKind::Text => 1,
        DocumentKind::Pdf | DocumentKind::Docx | DocumentKind::Rtf => limits.visible_chars_min,
    };
    let visible = text.chars().filter(|c| is_visible(*c)).take(needed).count();
    if visible < needed {
        return Err(ExtractError::Empty);
    }
    Ok(Extracted { text, page_count, truncated: truncated || cut })
}

/// Bullets of the Symbol and Wingdings fonts live in private use; the rest there has no meaning
/// outside its font. Plain text keeps what its author typed.
fn symbol(kind: DocumentKind, c: char) -> Option<char> {
    match (kind, c) {
        (DocumentKind::Markdown | DocumentKind::Text, c) => Some(c),
        (
            _,
            '\u{f0b7}' | '\u{f0a7}' | '\u{f0a8}' | '\u{f0d8}' | '\u{f0fc}' | '\u{f076}'
            | '\u{f06e}' | '\u{f02d}',
        ) => Some('•'),
        (_, '\u{f020}') => Some(' '),
        (_, '\u{e000}'..='\u{f8ff}') => None,
        (_, c) => Some(c),
    }
}

fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code) || c == '\u{feff}'
}

fn is_visible(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fffd}');
    !c.is_whitespace() && !c.is_control() && !invisible
}

/// Joins lines, holding back blank ones until text follows.
struct Lines {
    out: String,
    line: String,
    n_breaks: usize,
    max: usize,
    full: bool,
    /// Trailing white space of a line means something in Markdown.
    keep_line_ends: bool,
}

impl Lines {
    fn new(kind: DocumentKind, max: usize) -> Self {
        let keep_line_ends = match kind {
            DocumentKind::Markdown | DocumentKind::Text => true,
            DocumentKind::Pdf | DocumentKind::Docx | DocumentKind::Rtf => false,
        };
        Self {
            out: String::new(),
            line: String::new(),
            n_breaks: 0,
            max,
            full: false,
            keep_line_ends,
        }
    }

    fn push(&mut self, c: char) {
        if self.out.len() + self.line.len() > self.max {
            self.full = true;
        } else {
            self.line.push(c);
        }
    }

    fn end_line(&mut self) {
        self.take_line();
        self.n_breaks += 1;
    }

    fn take_line(&mut self) {
        let trimmed = self.line.trim_end();
        if !trimmed.is_empty() {
            if !self.out.is_empty() {
                for _ in 0..self.n_breaks.min(BLANK_LINES_MAX + 1) {
                    self.out.push('\n');
                }
            }
            self.n_breaks = 0;
            self.out.push_str(if self.keep_line_ends { &self.line } else { trimmed });
        }
        self.line.clear();
    }

    fn finish(mut self) -> (String, bool) {
        self.take_line();
        let whole = self.out.len() <= self.max;
        self.out.truncate(boundary_below(&self.out, self.max));
        (self.out, self.full || !whole)
    }
}
