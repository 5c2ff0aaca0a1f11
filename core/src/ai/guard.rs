//! Hygiene of texts on their way to a model, and the watch over what comes back.

use std::borrow::Cow;

use serde_json::Value;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{AiError, Refusal};

/// Returns the text without characters that are not seen: zero-width, direction controls, tags and
/// variation selectors. Text that a person cannot see must not speak to a model.
pub(crate) fn strip(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !is_hidden(*c)).collect())
}

/// Returns the text stripped and composed; most are so already, and are long.
fn composed(text: &str) -> Cow<'_, str> {
    let text = strip(text);
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
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
    composed(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a body of text: hidden and control characters off, composed, line ends as `\n`, runs of
/// spaces as one, lines without space at their ends, one empty line where there were more. Lines
/// stay: the engine's own analysis reads them.
pub(super) fn body(text: &str) -> String {
    let text = composed(text).replace("\r\n", "\n");
    let mut body = String::with_capacity(text.len());
    let mut is_blank = false;
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{c}']) {
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

/// Characters of the canary that may pass before text waits: fewer are in most texts, and would
/// hold back the end of every sixteenth token until the next one comes.
const FREE: usize = 3;

/// Watches a stream for the canary, the word of the system text that must not come back.
///
/// Text that may be the start of the canary waits, at most its length − 1 bytes; all other text
/// passes at once.
pub(crate) struct CanaryFilter {
    canary: Vec<u8>,
    /// The end of the text: as much as may be part of the canary.
    tail: String,
    /// Bytes of it that passed.
    passed: usize,
    is_hit: bool,
}

impl CanaryFilter {
    /// Makes a filter for one answer. An empty canary lets everything pass.
    pub(crate) fn new(canary: &str) -> Self {
        let canary = canary.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        Self { canary, tail: String::new(), passed: 0, is_hit: false }
    }

    /// Takes the next piece and returns what may be published.
    ///
    /// # Errors
    /// `Refused` once the canary was seen, in any case of letters, and ever after.
    pub(crate) fn push(&mut self, text: &str) -> Result<String, AiError> {
        self.tail.push_str(text);
        let bytes = self.tail.as_bytes();
        let length = self.canary.len();
        let found = |window: &[u8]| window.eq_ignore_ascii_case(&self.canary);
        if self.is_hit || (length > 0 && bytes.windows(length).any(found)) {
            self.is_hit = true;
            return Err(AiError::Refused(Refusal::Guard));
        }
        let waits = (FREE + 1..length.min(bytes.len() + 1)).rev().find(|n| {
            let (tail, head) = (bytes.get(bytes.len() - n..), self.canary.get(..*n));
            tail.zip(head).is_some_and(|(tail, head)| tail.eq_ignore_ascii_case(head))
        });
        let safe = self.boundary(bytes.len() - waits.unwrap_or(0)).max(self.passed);
        let passes = self.tail.get(self.passed..safe).unwrap_or_default().to_owned();
        let done = self.boundary((bytes.len() + 1).saturating_sub(length.max(1))).min(safe);
        self.tail.drain(..done);
        self.passed = safe - done;
        Ok(passes)
    }

    /// Returns the start of the character at a byte. The canary starts at one; other text waits a
    /// little longer.
    fn boundary(&self, at: usize) -> usize {
        (0..=at).rev().find(|at| self.tail.is_char_boundary(*at)).unwrap_or(0)
    }

    /// Returns the text that waited, once the answer is over; empty after a hit.
    pub(crate) fn finish(self) -> String {
        let waited = self.tail.get(self.passed..).filter(|_| !self.is_hit);
        waited.unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const CANARY: &str = "0123abcd0123abce";

    /// Returns what came through before the end or the hit, and whether there was one.
    fn watch(canary: &str, pieces: &[&str]) -> (String, bool) {
        let mut filter = CanaryFilter::new(canary);
        let mut passed = String::new();
        for piece in pieces {
            match filter.push(piece) {
                Ok(text) => passed.push_str(&text),
                Err(e) => {
                    assert_eq!(e, AiError::Refused(Refusal::Guard));
                    assert_eq!(filter.push("more").unwrap_err(), e);
                    assert_eq!(filter.finish(), "");
                    return (passed, true);
                }
            }
        }
        passed.push_str(&filter.finish());
        (passed, false)
    }

    #[test]
    fn the_canary_is_caught_wherever_it_is_split() {
        let text = format!("hé {} wörld", CANARY.to_uppercase());
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for first in &places {
            for second in places.iter().filter(|second| *second >= first) {
                let (rest, third) = text.split_at(*second);
                let (one, two) = rest.split_at(*first);
                let pieces = [one, two, third];

                let (passed, is_hit) = watch(CANARY, &pieces);

                assert!(is_hit, "{pieces:?}");
                let most = format!("hé {}", CANARY.split_at(FREE).0.to_uppercase());
                assert!(most.starts_with(&passed), "{passed:?} of {pieces:?}");
            }
        }
    }

    #[test]
    fn every_part_of_the_canary_is_held_back_until_it_is_none() {
        for n in FREE + 1..CANARY.len() {
            let mut filter = CanaryFilter::new(CANARY);

            let (part, _) = CANARY.split_at(n);
            assert_eq!(filter.push(&format!("a {part}")), Ok("a ".to_owned()));
            assert_eq!(filter.push("!"), Ok(format!("{part}!")));
        }
    }

    #[test]
    fn a_few_characters_that_start_the_canary_hold_nothing_back_and_are_remembered() {
        let (start, rest) = CANARY.split_at(FREE);
        let mut filter = CanaryFilter::new(CANARY);

        assert_eq!(filter.push(start), Ok(start.to_owned()));
        assert_eq!(filter.push(rest), Err(AiError::Refused(Refusal::Guard)));
    }

    #[test]
    fn other_text_passes_at_once() {
        let mut filter = CanaryFilter::new(CANARY);

        assert_eq!(filter.push("{\"näme\": 1}"), Ok("{\"näme\": 1}".to_owned()));
        assert_eq!(watch("", &["a", "b"]), ("ab".to_owned(), false));
    }

    proptest! {
        #[test]
        fn no_text_is_lost_or_changed(pieces in prop::collection::vec("[ab0é☃]{0,6}", 0..12)) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let whole = pieces.concat();

            let (passed, is_hit) = watch("ab0ab", &pieces);

            prop_assert_eq!(is_hit, whole.contains("ab0ab"));
            if is_hit {
                prop_assert!(whole.starts_with(&passed) && !passed.contains("ab0ab"));
            } else {
                prop_assert_eq!(passed, whole);
            }
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in "\\PC{0,40}|[ \u{200b}\n\r\t\u{c}\u{2028}e\u{301}\u{0}]{0,40}") {
            let body = body(&text);
            prop_assert_eq!(super::body(&body), body.clone());
            prop_assert_eq!(line(&line(&text)), line(&text));
            prop_assert!(!body.chars().any(|c| is_hidden(c) || (c.is_control() && c != '\n')));
        }
    }

    #[test]
    fn hidden_characters_go() {
        let smuggled = "a\u{202e}b\u{200b}c\u{feff}d\u{e0041}e\u{2066}f\u{ad}g\u{fe0f}h";

        assert_eq!(strip(smuggled), "abcdefgh");
    }

    #[test]
    fn a_body_keeps_its_lines_and_loses_its_padding() {
        let text = "  Müller\r\n\r\n\r\n\ta  \u{a0} b\u{2028}c\u{0}d\r\n ";

        assert_eq!(body(text), "Müller\n\na b\nc d");
        assert_eq!(body("e\u{301}"), "é");
        assert_eq!(line(" a\n b "), "a b");
    }

    #[test]
    fn a_delimiter_goes_even_when_its_removal_makes_one() {
        assert_eq!(strip_delimiter("a d1 b", "d1"), "a  b");
        assert_eq!(strip_delimiter("dd11", "d1"), "");
    }

    #[test]
    fn texts_of_answers_are_cleaned_at_every_depth() {
        let mut answer = json!({"a": [" x\u{0}\u{202e}y ", 1, {"b": "l1\nl2"}], "c": null});

        clean_values(&mut answer);

        assert_eq!(answer, json!({"a": ["xy", 1, {"b": "l1\nl2"}], "c": null}));
    }
}
