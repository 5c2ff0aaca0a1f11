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
    let mut scanner = Scanner::new(text);
    std::iter::from_fn(move || {
        let mut word = String::new();
        let (start, end) = scanner.next_into(&mut word)?;
        Some(Word { text: word, start, end })
    })
}

/// Joins the words of a text with spaces, at most `most` of them and `bytes` in all; returns how
/// many there are.
pub(crate) fn joined(text: &str, most: usize, bytes: usize) -> (String, usize) {
    let (mut scanner, mut word) = (Scanner::new(text), String::new());
    let mut out = String::with_capacity(text.len());
    let mut n = 0;
    while n < most && scanner.next_into(&mut word).is_some() {
        if out.len() + 1 + word.len() > bytes {
            break;
        }
        if n > 0 {
            out.push(' ');
        }
        out.push_str(&word);
        n += 1;
    }
    (out, n)
}

/// Walks the words of a text; long texts are walked for one word, so none is allocated.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Writes the next word over `word` and returns where it stood, in bytes.
    pub(crate) fn next_into(&mut self, word: &mut String) -> Option<(usize, usize)> {
        loop {
            let rest = self.text.get(self.at..)?;
            let skipped = rest.find(|c| c == '.' || is_word(c))?;
            let start = self.at + skipped;
            let rest = rest.get(skipped..)?;
            word.clear();
            if rest.starts_with('.') {
                self.at = start + 1;
                if follows(self.text, start, ".net") {
                    self.at = start + 4;
                    word.push_str("dotnet");
                    return Some((start, self.at));
                }
                continue;
            }
            let plain = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let mut end = start + plain;
            fold_into(rest.get(..plain)?, word);
            let after = rest.get(plain..).unwrap_or_default();
            if follows(self.text, end, ".js") {
                word.push_str("js");
                end += 3;
            } else if after.starts_with("++") {
                word.push_str("pp");
                end += 2;
            } else if after.starts_with('#') && word.chars().count() == 1 {
                word.push_str("sharp");
                end += 1;
            }
            self.at = end;
            if word.len() > WORD_BYTES {
                word.truncate(word.floor_char_boundary(WORD_BYTES));
            }
            if !word.is_empty() {
                return Some((start, end));
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && (is_letter(c) || is_combining_mark(c)))
}

/// A letter or digit to FTS5 too, which takes neither letters in black boxes nor these vowel signs;
/// a test asks it about every character.
fn is_letter(c: char) -> bool {
    let odd = matches!(
        c,
        '\u{19B0}'..='\u{19C0}'
            | '\u{19C8}'..='\u{19C9}'
            | '\u{1CF2}'..='\u{1CF3}'
            | '\u{1F150}'..='\u{1F169}'
            | '\u{1F170}'..='\u{1F189}'
    );
    c.is_alphanumeric() && !odd
}

fn fold_into(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.push_str(word);
        out.make_ascii_lowercase();
        return;
    }
    let folded = word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let plain = |c| if c == 'ς' { 'σ' } else { c };
    out.extend(folded.filter(|c| is_letter(*c)).map(plain));
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

    #[test]
    fn sqlite_keeps_every_word_as_it_is() {
        let mut conn = rusqlite::Connection::open_in_memory().unwrap();
        let setup = "CREATE VIRTUAL TABLE f USING fts5 (body, content = '',
                         tokenize = 'unicode61 remove_diacritics 2');
                     CREATE VIRTUAL TABLE v USING fts5vocab (f, instance);";
        conn.execute_batch(setup).unwrap();
        let tx = conn.transaction().unwrap();
        let mut wanted = std::collections::BTreeMap::new();
        for c in '\0'..=char::MAX {
            let (n, text) = (u32::from(c), joined(&c.to_string(), usize::MAX, usize::MAX).0);
            if !text.is_empty() {
                tx.execute("INSERT INTO f (rowid, body) VALUES ($1, $2)", (n, &text)).unwrap();
                wanted.insert(n, text);
            }
        }
        tx.commit().unwrap();
        let mut stmt = conn.prepare("SELECT doc, term FROM v ORDER BY doc, offset").unwrap();
        let rows = stmt.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)));
        let mut found = std::collections::BTreeMap::<u32, String>::new();
        for row in rows.unwrap() {
            let (doc, term) = row.unwrap();
            let text = found.entry(doc).or_default();
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&term);
        }
        assert!(wanted.len() > 100_000, "{}", wanted.len());
        wanted.retain(|c, text| found.get(c) != Some(text));
        assert_eq!(wanted, std::collections::BTreeMap::new());
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
