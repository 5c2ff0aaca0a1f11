//! The query language: words that must occur, words that must not, and conditions on the job.

use crate::{
    config::Limits,
    db::{TextField, TextQuery, TextTerm},
    enums::{AttachmentKind, JobStatus},
    error::{Error, Result},
    id::UserId,
    jobs::{Job, tokens},
    time::{DAY_MS, Timestamp},
};

/// A parsed query.
#[derive(Debug, Default)]
pub(crate) struct Query {
    must: Vec<TextTerm>,
    not: Vec<TextTerm>,
    pub(crate) conditions: Conditions,
    /// There was text, but no word in it.
    wordless: bool,
}

/// What must hold for a job besides its words.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    status: Vec<JobStatus>,
    has: Vec<AttachmentKind>,
    has_notes: bool,
    stale: bool,
    archived: bool,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    any: bool,
}

impl Conditions {
    /// Reports whether every job meets them.
    pub(crate) fn are_none(&self) -> bool {
        !self.any
    }

    /// Reports whether a job meets all of them.
    pub(crate) fn hold(&self, job: &Job, now: Timestamp, stale_days: u32) -> bool {
        (self.status.is_empty() || self.status.contains(&job.status))
            && self.has.iter().all(|kind| job.has(*kind))
            && (!self.has_notes || job.has_notes())
            && (!self.stale || job.is_stale(now, stale_days))
            && (!self.archived || job.archived_at.is_some())
            && self.after.is_none_or(|after| job.created_at >= after)
            && self.before.is_none_or(|before| job.created_at < before)
    }
}

/// A piece of the query between white space.
struct Piece<'a> {
    text: &'a str,
    quoted: bool,
    negative: bool,
    key: Option<&'a str>,
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self> {
        let bad = |rule, why: String| Err(Error::invalid(&["query"], rule, why));
        if text.trim().is_empty() {
            return bad("required", String::from("must not be empty"));
        }
        if text.chars().count() > limits.search_chars {
            return bad("too_long", format!("at most {} characters", limits.search_chars));
        }
        let mut query = Self::default();
        let pieces = pieces(text);
        let last = pieces.len().saturating_sub(1);
        if pieces.len() > limits.search_terms {
            return bad("range", format!("at most {} terms", limits.search_terms));
        }
        for (i, piece) in pieces.iter().enumerate() {
            query.take(piece, i == last)?;
        }
        if query.must.is_empty() && !query.conditions.any {
            if !query.not.is_empty() {
                return bad("range", String::from("name something to find, not only to leave out"));
            }
            query.wordless = true;
        }
        Ok(query)
    }

    fn take(&mut self, piece: &Piece<'_>, is_last: bool) -> Result<()> {
        let bad = |why: &str| Err(Error::invalid(&["query"], "format", why));
        let mut field = None;
        let conditions = &mut self.conditions;
        match (piece.key, piece.text) {
            (Some("company"), _) => field = Some(TextField::Company),
            (Some("title"), _) => field = Some(TextField::Title),
            (Some("status"), word) => {
                let word = word.to_ascii_uppercase().replace('-', "_");
                match JobStatus::parse(&word) {
                    Some(status) => conditions.status.push(status),
                    None => return bad("there is no such status"),
                }
                conditions.any = true;
                return Ok(());
            }
            (Some("has"), word) => {
                conditions.any = true;
                match word.to_ascii_lowercase().as_str() {
                    "resume" => conditions.has.push(AttachmentKind::Resume),
                    "jd" => conditions.has.push(AttachmentKind::Jd),
                    "cover_letter" => conditions.has.push(AttachmentKind::CoverLetter),
                    "notes" => conditions.has_notes = true,
                    _ => return bad("has: takes resume, jd, cover_letter or notes"),
                }
                return Ok(());
            }
            (Some("is"), word) => {
                conditions.any = true;
                match word.to_ascii_lowercase().as_str() {
                    "stale" => conditions.stale = true,
                    "archived" => conditions.archived = true,
                    _ => return bad("is: takes stale or archived"),
                }
                return Ok(());
            }
            (Some(key @ ("after" | "before")), word) => {
                conditions.any = true;
                let day = Timestamp::parse_rfc3339(&format!("{word}T00:00:00Z"));
                let Some(day) = day else { return bad("dates look like 2026-01-31") };
                if key == "after" {
                    conditions.after = Some(day.plus_ms(DAY_MS));
                } else {
                    conditions.before = Some(day);
                }
                return Ok(());
            }
            _ => {}
        }
        let words: Vec<_> = tokens::words(piece.text).map(|word| word.text).collect();
        let Some(tail) = words.last() else { return Ok(()) };
        let prefix = is_last && !piece.quoted && !piece.negative && tail.chars().count() >= 2;
        let term = TextTerm { words, field, prefix };
        if piece.negative {
            self.not.push(term);
        } else {
            self.must.push(term);
        }
        Ok(())
    }

    /// Whether the text holds no word at all: nothing can match.
    pub(crate) fn finds_nothing(&self) -> bool {
        self.wordless
    }

    /// Returns the question to the index, bound to one owner; `None` without words.
    pub(crate) fn text(&self, owner: UserId) -> Option<TextQuery> {
        let (must, not) = (self.must.clone(), self.not.clone());
        (!must.is_empty()).then_some(TextQuery { owner, must, not })
    }

    /// Reports whether a folded word of a text is one that was asked for.
    pub(crate) fn asks_for(&self, word: &str) -> bool {
        self.must.iter().any(|term| {
            term.words.iter().enumerate().any(|(i, wanted)| {
                let prefix = term.prefix && i + 1 == term.words.len();
                if prefix { word.starts_with(wanted.as_str()) } else { word == wanted }
            })
        })
    }
}

/// Cuts the query at white space outside quotes; an open quote closes at the end.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (negative, tail) = match rest.strip_prefix('-') {
            Some(tail) if !tail.starts_with(char::is_whitespace) && !tail.is_empty() => {
                (true, tail)
            }
            _ => (false, rest),
        };
        let (key, tail) = match tail.split_once(':') {
            Some((key, value)) if is_key(key) && !value.starts_with(char::is_whitespace) => {
                (Some(key), value)
            }
            _ => (None, tail),
        };
        let (piece, quoted, after) = match tail.strip_prefix('"') {
            Some(inner) => match inner.split_once('"') {
                Some((phrase, after)) => (phrase, true, after),
                None => (inner, true, ""),
            },
            None => {
                let end = tail.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(tail.len());
                let (word, after) = tail.split_at_checked(end).unwrap_or((tail, ""));
                (word, false, after)
            }
        };
        pieces.push(Piece { text: piece, quoted, negative, key });
        rest = after.trim_start();
    }
    pieces
}

fn is_key(word: &str) -> bool {
    matches!(word, "company" | "title" | "status" | "has" | "is" | "after" | "before")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db::owner_word, id::LOCAL_USER};

    fn expression(text: &str) -> String {
        let owner = format!("owner : \"{}\"", owner_word(LOCAL_USER));
        let query = Query::parse(text, &Limits::default()).unwrap();
        query.text(LOCAL_USER).map(|text| text.fts5()).unwrap_or_default().replace(&owner, "O")
    }

    #[test]
    fn technical_names_and_hyphens_are_words() {
        let any = "{title company notes body}";

        assert_eq!(
            expression("c++ lead"),
            format!("O AND {any} : (\"cpp\") AND {any} : (\"lead\" *)")
        );
        assert_eq!(expression("full-stack"), format!("O AND {any} : (\"full stack\" *)"));
        assert_eq!(
            expression("\"full stack\" x"),
            format!("O AND {any} : (\"full stack\") AND {any} : (\"x\")")
        );
    }

    #[test]
    fn fields_and_exclusions() {
        assert_eq!(
            expression("company:acme -junior"),
            "(O AND {company} : (\"acme\")) NOT {title company notes body} : (\"junior\")"
        );
        assert_eq!(expression("odd:thing"), "O AND {title company notes body} : (\"odd thing\" *)");
    }

    #[test]
    fn punctuation_alone_finds_nothing_and_is_no_error() {
        for text in ["\"", "\"\"", "*", "()", "NEAR(", "- -", ":", "'; DROP TABLE jobs; --"] {
            assert!(Query::parse(text, &Limits::default()).is_ok(), "{text}");
        }
        assert!(Query::parse("\"", &Limits::default()).unwrap().finds_nothing());
    }

    #[test]
    fn wrong_values_are_refused() {
        let long = "x".repeat(201);
        for text in ["", "  ", "-only", "status:nowhere", "has:wings", "after:yesterday", &long] {
            assert!(Query::parse(text, &Limits::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn owner_words_cannot_be_searched() {
        assert!(!expression(&format!("owner:{}", owner_word(LOCAL_USER))).contains("{owner}"));
    }
}
