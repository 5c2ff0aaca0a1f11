//! Words for the text index, made here once for every database: NFKD, lower case, marks stripped,
//! split at everything that is neither letter nor digit, technical names kept whole.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longer words are cut; nobody searches for them.
const WORD_BYTES: usize = 64;

/// A word and where it stood in the text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Splits a text into words. Linear in its length.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, c) = rest.next()?;
            if c == '.' && follows(text, start, ".net") {
                for _ in 0..3 {
                    rest.next();
                }
                return Some(Word { text: String::from("dotnet"), start, end: start + 4 });
            }
            if !is_word(c) {
                continue;
            }
            let mut end = start + c.len_utf8();
            while let Some((i, _)) = rest.next_if(|(_, c)| is_word(*c)) {
                end =
                    text.get(i..).and_then(|t| t.chars().next()).map_or(end, |c| i + c.len_utf8());
            }
            let mut word = fold(text.get(start..end).unwrap_or_default());
            if follows(text, end, ".js") {
                word.push_str("js");
                end += 3;
                rest.nth(2);
            } else if text.get(end..).is_some_and(|t| t.starts_with("++")) {
                word.push_str("pp");
                end += 2;
                rest.nth(1);
            } else if word.chars().count() == 1
                && text.get(end..).is_some_and(|t| t.starts_with('#'))
            {
                word.push_str("sharp");
                end += 1;
                rest.next();
            }
            if word.len() > WORD_BYTES {
                let mut cut = WORD_BYTES;
                while !word.is_char_boundary(cut) {
                    cut -= 1;
                }
                word.truncate(cut);
            }
            if !word.is_empty() {
                return Some(Word { text: word, start, end });
            }
        }
    })
}

/// Joins the words of a text with spaces, at most `most` of them; returns how many there were.
pub(crate) fn joined(text: &str, most: usize) -> (String, usize) {
    let mut out = String::new();
    let mut n = 0;
    for word in words(text).take(most) {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(&word.text);
        n += 1;
    }
    (out, n)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn fold(word: &str) -> String {
    word.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// Whether `text` goes on at `at` with `suffix` in any case, and a word ends there.
fn follows(text: &str, at: usize, suffix: &str) -> bool {
    text.get(at..at + suffix.len()).is_some_and(|part| part.eq_ignore_ascii_case(suffix))
        && text
            .get(at + suffix.len()..)
            .and_then(|rest| rest.chars().next())
            .is_none_or(|next| !is_word(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        words(text).map(|word| word.text).collect()
    }

    #[test]
    fn technical_names_stay_whole() {
        assert_eq!(
            list("C++ and C#, .NET, Node.js; full-stack"),
            ["cpp", "and", "csharp", "dotnet", "nodejs", "full", "stack"]
        );
        assert_eq!(list("v.network a#b"), ["v", "network", "asharp", "b"]);
    }

    #[test]
    fn marks_and_case_do_not_matter() {
        assert_eq!(list("Résumé ÜBER e\u{301}t\u{e9}"), ["resume", "uber", "ete"]);
    }

    #[test]
    fn words_know_where_they_stood() {
        let text = "Öl: C++!";
        let found: Vec<_> = words(text).filter_map(|w| text.get(w.start..w.end)).collect();
        assert_eq!(found, ["Öl", "C++"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_plain_words(text in ".{0,200}") {
            for word in words(&text) {
                proptest::prop_assert!(word.text.chars().all(char::is_alphanumeric));
                proptest::prop_assert!(text.get(word.start..word.end).is_some());
            }
        }
    }
}
