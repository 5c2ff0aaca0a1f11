//! Hygiene of texts on their way to a model, and the watch over what comes back.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::{AiError, Refusal};

/// Returns the text without characters that are not seen: zero-width, direction controls, tags and
/// variation selectors. Text that a person cannot see must not speak to a model.
pub(crate) fn strip(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

/// Returns `text` without `delimiter`, also where taking one away makes another.
pub(super) fn strip_delimiter(text: &str, delimiter: &str) -> String {
    let mut text = text.to_owned();
    while !delimiter.is_empty() && text.contains(delimiter) {
        text = text.replace(delimiter, "");
    }
    text
}

/// Returns one line: hidden characters off, composed, white space runs as one space.
pub(super) fn line(text: &str) -> String {
    let text: String = strip(text).nfc().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a body of text: hidden and control characters off, composed, line ends as `\n`, runs of
/// spaces as one, lines without space at their ends, one empty line where there were more. Lines
/// stay: the engine's own analysis reads them.
pub(super) fn body(text: &str) -> String {
    let text: String = strip(text).nfc().collect();
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{c}'], "\n");
    let mut body = String::with_capacity(text.len());
    let mut is_blank = false;
    for line in text.split('\n') {
        let start = body.len();
        let words = line.split(|c: char| c.is_whitespace() || c.is_control());
        for word in words.filter(|word| !word.is_empty()) {
            match body.len() {
                0 => {}
                length if length > start => body.push(' '),
                _ => body.push_str(if is_blank { "\n\n" } else { "\n" }),
            }
            body.push_str(word);
        }
        is_blank = body.len() == start;
    }
    body
}

/// Cleans every text of an answer: hidden and control characters off, ends trimmed.
pub(super) fn clean_values(value: &mut Value) {
    match value {
        Value::String(text) => {
            let clean: String = text
                .chars()
                .filter(|c| !is_hidden(*c) && (!c.is_control() || matches!(c, '\n' | '\t')))
                .collect();
            *text = clean.trim().to_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(clean_values),
        Value::Object(map) => map.values_mut().for_each(clean_values),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Watches a stream for the canary, the word of the system text that must not come back.
///
/// Text that may be the start of the canary waits, at most its length − 1 bytes; all other text
/// passes at once.
pub(crate) struct CanaryFilter {
    canary: Vec<u8>,
    held: String,
    is_hit: bool,
}

impl CanaryFilter {
    /// Makes a filter for one answer. An empty canary lets everything pass.
    pub(crate) fn new(canary: &str) -> Self {
        let canary = canary.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        Self { canary, held: String::new(), is_hit: false }
    }

    /// Takes the next piece and returns what may be published.
    ///
    /// # Errors
    /// `Refused` once the canary was seen, in any case of letters, and ever after.
    pub(crate) fn push(&mut self, text: &str) -> Result<String, AiError> {
        self.held.push_str(text);
        let bytes = self.held.as_bytes();
        let length = self.canary.len();
        let found = |window: &[u8]| window.eq_ignore_ascii_case(&self.canary);
        if self.is_hit || (length > 0 && bytes.windows(length).any(found)) {
            self.is_hit = true;
            self.held.clear();
            return Err(AiError::Refused(Refusal::Guard));
        }
        let waits = (1..length.min(bytes.len() + 1)).rev().find(|n| {
            let (tail, head) = (bytes.get(bytes.len() - n..), self.canary.get(..*n));
            tail.zip(head).is_some_and(|(tail, head)| tail.eq_ignore_ascii_case(head))
        });
        let safe = bytes.len() - waits.unwrap_or(0);
        // A canary of ASCII starts at a character; for any other, text waits a little longer.
        let safe = (0..=safe).rev().find(|at| self.held.is_char_boundary(*at)).unwrap_or(0);
        let rest = self.held.split_off(safe);
        Ok(std::mem::replace(&mut self.held, rest))
    }

    /// Returns the text that waited, once the answer is over; empty after a hit.
    pub(crate) fn finish(self) -> String {
        self.held
    }
}
