//! Cuts a text into lines and tokens that remember where they came from.

use super::scanner::{Case, Gap, Number, Scanner};

/// A token of a [`Doc`]; `start..end` are bytes of the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// The word's id in the vocabulary; 0 for a word that no table knows.
    pub(super) id: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) line: u32,
    /// Grows by one with every sentence; a line always begins a new one.
    pub(super) sentence: u32,
    pub(super) before: Gap,
    pub(super) case: Case,
    pub(super) number: Option<Number>,
}

/// A line that holds at least one token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    /// What stands behind the last token.
    pub(super) tail: Gap,
}

/// A text cut into lines and tokens.
pub(super) struct Doc<'t> {
    pub(super) text: &'t str,
    pub(super) lines: Vec<Line>,
    pub(super) tokens: Vec<Token>,
}

impl<'t> Doc<'t> {
    /// Cuts `text`; `word_id` gives the vocabulary id of a folded token, 0 when unknown.
    ///
    /// Linear. Holds at most one token for two bytes of text, whatever normalisation expands to.
    pub(super) fn new(text: &'t str, word_id: impl Fn(&str) -> u32) -> Self {
        let mut doc = Self { text, lines: Vec::new(), tokens: Vec::new() };
        let tokens_max = text.len() / 2 + 1;
        let mut scanner = Scanner::default();
        let (mut offset, mut sentence) = (0, 0);
        for piece in text.split_inclusive(is_line_break) {
            if doc.tokens.len() >= tokens_max {
                break;
            }
            let first = doc.tokens.len();
            let line = offset_of(doc.lines.len());
            sentence += 1;
            let tail = scanner.scan(piece, &mut |raw, gap| {
                raw.resolve(gap, &word_id, &mut |id, part, before, number| {
                    if doc.tokens.len() >= tokens_max {
                        return;
                    }
                    if before.has_any(Gap::SENTENCE) {
                        sentence += 1;
                    }
                    doc.tokens.push(Token {
                        id,
                        start: offset_of(offset + part.start),
                        end: offset_of(offset + part.end),
                        line,
                        sentence,
                        before,
                        case: part.case(),
                        number,
                    });
                });
            });
            if doc.tokens.len() > first {
                let lead = piece.len() - piece.trim_start().len();
                doc.lines.push(Line {
                    start: offset_of(offset + lead),
                    end: offset_of(offset + piece.trim_end().len()),
                    first: offset_of(first),
                    last: offset_of(doc.tokens.len()),
                    tail,
                });
            }
            offset += piece.len();
        }
        doc
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    /// The tokens of one line and the index of the first.
    pub(super) fn line_tokens(&self, line: &Line) -> (usize, &[Token]) {
        let (first, last) = (index(line.first), index(line.last));
        (first, self.tokens.get(first..last).unwrap_or_default())
    }

    /// What stands behind token `at` on its line.
    pub(super) fn gap_after(&self, at: usize) -> Gap {
        let Some(token) = self.token(at) else { return Gap::default() };
        match self.token(at + 1) {
            Some(next) if next.line == token.line => next.before,
            _ => self.lines.get(index(token.line)).map_or(Gap::default(), |line| line.tail),
        }
    }

    /// Token `at`, when it is on the line of token `with`.
    pub(super) fn on_line(&self, at: Option<usize>, with: &Token) -> Option<&Token> {
        at.and_then(|at| self.token(at)).filter(|token| token.line == with.line)
    }
}

/// Widens an index that was stored in 32 bits.
pub(super) fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Narrows an offset: the callers refuse texts long before 4 GiB.
pub(super) fn offset_of(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::super::scanner::table_tokens;
    use super::*;

    fn split(text: &str, known: &[&str]) -> Vec<String> {
        let doc = Doc::new(text, |word| u32::from(known.contains(&word)));
        doc.tokens
            .iter()
            .map(|token| text.get(index(token.start)..index(token.end)).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn signs_and_dots_belong_to_their_token() {
        let known = ["c++", ".net", "asp.net", "node.js"];

        assert_eq!(
            table_tokens("C++ C# F# .NET ASP.NET Node.js"),
            ["c++", "c#", "f#", ".net", "asp.net", "node.js"]
        );
        assert_eq!(table_tokens("C++17"), ["c++", "17"]);
        assert_eq!(split("ASP.NET, Node.js. C++17", &known), ["ASP.NET", "Node.js", "C++", "17"]);
        assert_eq!(
            split("Python.Java .py a..b snake_case", &known),
            ["Python", "Java", ".py", "a", ".b", "snake", "case"]
        );
    }

    #[test]
    fn sentences_end_at_stops_before_white_space() {
        let doc = Doc::new("Use Node.js, e.g. daily. Then stop! And (go.) on", |_| 0);

        let sentences: Vec<u32> = doc.tokens.iter().map(|token| token.sentence).collect();
        assert_eq!(sentences, [1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn expansion_does_not_multiply_tokens() {
        let text = "\u{fdfa}".repeat(1000);

        assert!(Doc::new(&text, |_| 0).tokens.len() <= text.len() / 2 + 1);
    }
}
