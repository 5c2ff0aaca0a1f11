//! A question to the text index, written out as each database wants it. Words come folded and hold
//! letters and digits only, so that nothing in them is ever syntax.

use crate::id::UserId;

/// Words that must and must not occur in one user's entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextQuery {
    pub(crate) owner: UserId,
    pub(crate) must: Vec<TextTerm>,
    pub(crate) not: Vec<TextTerm>,
}

/// One or more words in a row, in one field or in any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextTerm {
    pub(crate) words: Vec<String>,
    pub(crate) field: Option<TextField>,
    /// Whether the last word may go on.
    pub(crate) prefix: bool,
}

/// A field that a query can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    Title,
    Company,
}

/// The word that keeps one user's entries in SQLite's index from another's.
pub(crate) fn owner_word(user: UserId) -> String {
    format!("u{}", user.as_uuid().simple())
}

impl TextQuery {
    /// Writes an FTS5 expression.
    pub(crate) fn fts5(&self) -> String {
        let mut text = format!("owner : \"{}\"", owner_word(self.owner));
        for term in &self.must {
            text.push_str(" AND ");
            term.write_fts5(&mut text);
        }
        if self.not.is_empty() {
            return text;
        }
        let mut whole = format!("({text})");
        for term in &self.not {
            whole.push_str(" NOT ");
            term.write_fts5(&mut whole);
        }
        whole
    }

    /// Writes a tsquery, and a regular expression over the entry's words that is empty unless
    /// there are phrases. A tsvector keeps no position past 16,383 and at most 256 of one word
    /// (PostgreSQL manual, 12.11), so its own phrase operator would miss phrases of long texts.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) fn postgres(&self) -> [String; 2] {
        let (mut lexemes, mut phrases) = (String::new(), String::new());
        for term in &self.must {
            term.write_lexemes(&mut lexemes);
            if term.words.len() > 1 {
                term.write_phrase("(?=", &mut phrases);
            }
        }
        for term in &self.not {
            if term.words.len() > 1 {
                term.write_phrase("(?!", &mut phrases);
            } else {
                if !lexemes.is_empty() {
                    lexemes.push_str(" & ");
                }
                lexemes.push('!');
                term.write_lexeme(0, &mut lexemes);
            }
        }
        if !phrases.is_empty() {
            phrases.insert(0, '^');
        }
        [lexemes, phrases]
    }
}

impl TextTerm {
    fn write_fts5(&self, out: &mut String) {
        let fields = match self.field {
            Some(TextField::Title) => "title",
            Some(TextField::Company) => "company",
            None => "title company notes body",
        };
        out.push_str(&format!("{{{fields}}} : (\"{}\"", self.words.join(" ")));
        if self.prefix {
            out.push_str(" *");
        }
        out.push(')');
    }
}

#[cfg(any(feature = "postgres", test))]
impl TextTerm {
    fn write_lexemes(&self, out: &mut String) {
        for i in 0..self.words.len() {
            if !out.is_empty() {
                out.push_str(" & ");
            }
            self.write_lexeme(i, out);
        }
    }

    /// The weights A and B are those that the entry gives to title and company.
    fn write_lexeme(&self, i: usize, out: &mut String) {
        let Some(word) = self.words.get(i) else { return };
        let prefix = self.prefix && i + 1 == self.words.len();
        let weight = match self.field {
            Some(TextField::Title) => "A",
            Some(TextField::Company) => "B",
            None => "",
        };
        out.push_str(&format!("'{word}'"));
        if prefix || !weight.is_empty() {
            out.push(':');
            out.push_str(if prefix { "*" } else { "" });
            out.push_str(weight);
        }
    }

    /// In the entry every field begins with its mark and every word stands between spaces.
    fn write_phrase(&self, open: &str, out: &mut String) {
        let field = match self.field {
            Some(TextField::Title) => ".*=t[^=]*",
            Some(TextField::Company) => ".*=c[^=]*",
            None => ".*",
        };
        let end = if self.prefix { "" } else { " " };
        out.push_str(&format!("{open}{field} {}{end})", self.words.join(" ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LOCAL_USER;

    fn term(words: &[&str], field: Option<TextField>, prefix: bool) -> TextTerm {
        TextTerm { words: words.iter().map(|word| (*word).to_owned()).collect(), field, prefix }
    }

    fn query() -> TextQuery {
        TextQuery {
            owner: LOCAL_USER,
            must: vec![
                term(&["acme"], Some(TextField::Company), false),
                term(&["full", "stack"], None, false),
                term(&["lead"], None, true),
            ],
            not: vec![term(&["junior"], None, false), term(&["on", "call"], None, false)],
        }
    }

    #[test]
    fn fts5_names_the_owner_and_quotes_every_word() {
        let (owner, any) = (owner_word(LOCAL_USER), "{title company notes body}");

        assert_eq!(
            query().fts5(),
            format!(
                "(owner : \"{owner}\" AND {{company}} : (\"acme\") AND {any} : (\"full stack\") \
                 AND {any} : (\"lead\" *)) NOT {any} : (\"junior\") NOT {any} : (\"on call\")"
            )
        );
    }

    #[test]
    fn postgresql_gets_lexemes_and_a_pattern_for_phrases() {
        assert_eq!(
            query().postgres(),
            [
                "'acme':B & 'full' & 'stack' & 'lead':* & !'junior'",
                "^(?=.* full stack )(?!.* on call )"
            ]
        );
    }
}
