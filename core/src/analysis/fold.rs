//! The folded form in which texts are compared: NFKC, lower case, plain quotes and dashes.

use unicode_normalization::UnicodeNormalization;

/// A run of characters folds to at most this many per byte. Words stay far below; a few single
/// characters stand for whole phrases.
const EXPANSION_MAX: usize = 2;

/// One folded character and the bytes of the source it came from.
#[derive(Clone, Copy)]
pub(super) struct Folded {
    pub(super) c: char,
    /// Byte offset in the folded text where the source of `c` begins.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The character was upper case before folding.
    pub(super) upper: bool,
}

/// Feeds every folded character of `text` to `sink`, white space not yet joined.
///
/// Linear. Offsets are exact for ASCII; a run of other characters shares one offset pair, because
/// normalisation has no character-to-character mapping.
pub(super) fn fold_each(text: &str, mut sink: impl FnMut(Folded)) {
    let bytes = text.as_bytes();
    let is_ascii = |at: usize| bytes.get(at).is_none_or(u8::is_ascii);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii() && is_ascii(at + 1) {
            let c = char::from(byte);
            let upper = byte.is_ascii_uppercase();
            let c = if byte.is_ascii_whitespace() { ' ' } else { c.to_ascii_lowercase() };
            sink(Folded { c, start: at, end: at + 1, upper });
            at += 1;
            continue;
        }
        // No composition has an ASCII character in second place, so a run ends safely before one.
        // The ASCII character in front belongs to the run: an accent may follow it.
        let start = at;
        at += 1;
        while !is_ascii(at) {
            at += 1;
        }
        let run = text.get(start..at).unwrap_or_default();
        for c in run.nfkc().take(run.len() * EXPANSION_MAX) {
            let upper = c.is_uppercase();
            let Some(c) = plain(c) else { continue };
            for c in c.to_lowercase() {
                sink(Folded { c, start, end: at, upper });
            }
        }
    }
}

/// Returns the folded form with single spaces and no space at either end.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_each(text, |folded| {
        if folded.c != ' ' {
            out.push(folded.c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    });
    out.truncate(out.trim_end().len());
    out
}

/// Returns the plain form of a normalised character; `None` for marks without width.
fn plain(c: char) -> Option<char> {
    Some(match c {
        '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => return None,
        // A zero-width space is a place to break, so it parts words.
        '\u{200b}' => ' ',
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{60}' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folding_makes_writing_styles_equal() {
        assert_eq!(fold("  Ｃ＋＋ \u{a0}\t ﬁne "), "c++ fine");
        assert_eq!(fold("2019–2022 — “don’t”"), "2019-2022 - \"don't\"");
        assert_eq!(fold("re\u{301}sume\u{301}"), fold("Résumé"));
        assert_eq!(fold("Py\u{ad}thon"), "python");
        assert_eq!(fold("\u{200b} \n"), "");
    }
}
