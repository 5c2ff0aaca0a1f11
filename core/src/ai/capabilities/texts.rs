//! Rules for texts of an answer that no form can say.

use std::collections::HashSet;

use crate::analysis::fold;

/// Removes empty texts.
pub(super) fn drop_empty(texts: &mut Vec<String>) {
    texts.retain(|text| !text.is_empty());
}

/// Removes empty texts and those that differ from an earlier one in case or spacing only.
pub(super) fn drop_repeats(texts: &mut Vec<String>) {
    let mut seen = HashSet::new();
    texts.retain(|text| !text.is_empty() && seen.insert(fold(text)));
}

/// Returns the number of words between white space.
pub(super) fn word_count(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}

/// A text that an answer may quote.
pub(super) struct Quotable(String);

impl Quotable {
    pub(super) fn new(text: &str) -> Self {
        Self(fold(text))
    }

    /// Reports whether `piece` stands in the text, whatever its case, quotes and spacing.
    pub(super) fn holds(&self, piece: &str) -> bool {
        let piece = fold(piece);
        !piece.is_empty() && self.0.contains(&piece)
    }

    /// Reports whether `word` stands in the text between characters that are not of a word.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let word = fold(word);
        !word.is_empty()
            && self.0.match_indices(&word).any(|(at, _)| {
                let before = self.0.get(..at).and_then(|text| text.chars().next_back());
                let after = self.0.get(at + word.len()..).and_then(|text| text.chars().next());
                !before.is_some_and(char::is_alphanumeric)
                    && !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '+' | '#'))
            })
    }

    /// Takes away a quotation that is not one.
    pub(super) fn keep_quote(&self, quote: &mut Option<String>) {
        if quote.as_ref().is_some_and(|quote| !self.holds(quote)) {
            *quote = None;
        }
    }
}
