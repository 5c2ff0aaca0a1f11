//! Quotes a text: verbatim, short, and around the place that matters.

use super::tokens::{Doc, index};

/// A quote has at most this many characters.
pub(super) const QUOTE_CHARS_MAX: usize = 200;
/// A quote from a long line begins at most this many characters before the place.
const LEAD_CHARS_MAX: usize = 60;

/// Returns the line of token `at`, or the piece of a long line around it.
///
/// Costs a bounded walk, however long the line.
pub(super) fn quote(doc: &Doc<'_>, at: usize) -> Option<String> {
    let token = doc.token(at)?;
    let line = doc.lines.get(index(token.line))?;
    let (start, end) = (index(line.start), index(line.end));
    let whole = doc.text.get(start..end)?;
    if whole.char_indices().nth(QUOTE_CHARS_MAX).is_none() {
        return Some(whole.to_owned());
    }
    let place = index(token.start).max(start);
    let lead = doc.text.get(start..place)?;
    let mut n_lead = 0;
    let mut from = place;
    for (at, c) in lead.char_indices().rev().take(LEAD_CHARS_MAX) {
        n_lead += 1;
        // Words stay whole: the quote begins behind the farthest white space in reach.
        if c.is_whitespace() {
            from = start + at + c.len_utf8();
        }
    }
    if n_lead < LEAD_CHARS_MAX {
        from = start;
    }
    let rest = doc.text.get(from..end)?;
    let Some((cut, _)) = rest.char_indices().nth(QUOTE_CHARS_MAX) else {
        return Some(rest.trim().to_owned());
    };
    let piece = rest.get(..cut)?;
    let word_end =
        piece.rfind(char::is_whitespace).filter(|space| from + space >= index(token.end));
    Some(piece.get(..word_end.unwrap_or(cut))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_quoted_around_the_place() {
        let text = format!("{} Rust é {}", "word ".repeat(1000), "más ".repeat(1000));
        let doc = Doc::new(&text, |word| u32::from(word == "rust"));
        let at = doc.tokens.iter().position(|token| token.id == 1).unwrap();

        let quoted = quote(&doc, at).unwrap();
        assert!(quoted.contains("Rust"));
        assert!(text.contains(&quoted));
        assert!(quoted.chars().count() <= QUOTE_CHARS_MAX);
        assert!(quoted.starts_with("word") && quoted.ends_with("más"));
    }

    #[test]
    fn a_word_longer_than_a_quote_is_cut_between_characters() {
        let text = "é".repeat(5000);
        let doc = Doc::new(&text, |_| 0);

        assert_eq!(quote(&doc, 0).unwrap().chars().count(), QUOTE_CHARS_MAX);
        assert_eq!(quote(&doc, 1), None);
    }
}
