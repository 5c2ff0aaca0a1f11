//! Finds tokens in one line: the pattern `\.?[^\W_]+(?:\.[^\W_]+)*[+#]*` over folded text.

use super::fold::{Folded, fold_each};

/// What stands between a token and the one before it on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Gap(u16);

impl Gap {
    pub(super) const SPACE: Self = Self(1);
    pub(super) const COMMA: Self = Self(1 << 1);
    pub(super) const SLASH: Self = Self(1 << 2);
    pub(super) const PIPE: Self = Self(1 << 3);
    pub(super) const DASH: Self = Self(1 << 4);
    pub(super) const AMP: Self = Self(1 << 5);
    pub(super) const APOSTROPHE: Self = Self(1 << 6);
    pub(super) const COLON: Self = Self(1 << 7);
    pub(super) const PAREN: Self = Self(1 << 8);
    pub(super) const DOT: Self = Self(1 << 9);
    pub(super) const PERCENT: Self = Self(1 << 10);
    pub(super) const CURRENCY: Self = Self(1 << 11);
    pub(super) const SEMICOLON: Self = Self(1 << 12);
    pub(super) const BULLET: Self = Self(1 << 13);
    /// A full stop, question or exclamation mark with white space behind it.
    pub(super) const SENTENCE: Self = Self(1 << 14);

    /// A name of several tokens never reaches over one of these.
    pub(super) const BREAKS: Self = Self(
        Self::COMMA.0
            | Self::PIPE.0
            | Self::SEMICOLON.0
            | Self::BULLET.0
            | Self::COLON.0
            | Self::PAREN.0
            | Self::SENTENCE.0,
    );

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn of(c: char) -> Self {
        match c {
            ' ' => Self::SPACE,
            ',' | '、' => Self::COMMA,
            '/' | '\\' => Self::SLASH,
            '|' => Self::PIPE,
            '-' => Self::DASH,
            '&' => Self::AMP,
            '\'' => Self::APOSTROPHE,
            ':' => Self::COLON,
            '(' | ')' | '[' | ']' | '{' | '}' => Self::PAREN,
            '.' => Self::DOT,
            '%' => Self::PERCENT,
            '$' | '€' | '£' | '¥' | '₹' => Self::CURRENCY,
            ';' => Self::SEMICOLON,
            '•' | '·' | '∙' | '‣' | '▪' | '●' | '◦' => Self::BULLET,
            '。' => Self::SENTENCE,
            _ => Self(0),
        }
    }
}

/// How a token was written before folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// Upper case first, then none: `Go`, `C`.
    Capital,
    Other,
}

/// What follows the digits of a number inside its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suffix {
    None,
    /// `k`, `m`, `bn`, `x`: a size or a factor.
    Magnitude,
    /// `5yrs`.
    Years,
    Other,
}

/// A token that begins with digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// The digits before any dot; at most 999 999 999.
    pub(super) value: u32,
    pub(super) n_digits: u8,
    pub(super) suffix: Suffix,
}

/// Returns the tokens of a short text without splitting dotted ones, as tables are written.
pub(super) fn table_tokens(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    Scanner::default().scan(text, &mut |raw, _| words.push(raw.text.clone()));
    words
}

/// A piece of a dotted token.
#[derive(Clone, Copy)]
pub(super) struct Part {
    text_start: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    first_upper: bool,
    rest_upper: bool,
}

impl Part {
    pub(super) fn case(&self) -> Case {
        if self.first_upper && !self.rest_upper { Case::Capital } else { Case::Other }
    }
}

/// A token as the pattern finds it, dots inside.
#[derive(Default)]
pub(super) struct Raw {
    text: String,
    parts: Vec<Part>,
    /// Length of `text` without `+` and `#` at its end.
    stem_len: usize,
}

impl Raw {
    fn begin_part(&mut self, folded: Folded) {
        self.parts.push(Part {
            text_start: self.text.len(),
            start: folded.start,
            end: folded.end,
            first_upper: folded.upper,
            rest_upper: false,
        });
        self.text.push(folded.c);
        self.stem_len = self.text.len();
    }

    fn push(&mut self, folded: Folded, is_stem: bool) {
        self.text.push(folded.c);
        if is_stem {
            self.stem_len = self.text.len();
        }
        if let Some(part) = self.parts.last_mut() {
            part.end = folded.end;
            part.rest_upper |= folded.upper;
        }
    }

    fn whole(&self) -> Option<Part> {
        let (first, last) = (self.parts.first()?, self.parts.last()?);
        let rest_upper = self.parts.iter().any(|part| part.rest_upper)
            || self.parts.iter().skip(1).any(|part| part.first_upper);
        Some(Part { end: last.end, rest_upper, ..*first })
    }

    /// Keeps a token that a table knows whole; splits any other at its dots.
    pub(super) fn resolve(
        &self,
        gap: Gap,
        word_id: &impl Fn(&str) -> u32,
        sink: &mut impl FnMut(u32, Part, Gap, Option<Number>),
    ) {
        let Some(whole) = self.whole() else { return };
        let id = word_id(&self.text);
        let is_dotted = self.parts.len() > 1 || self.text.starts_with('.');
        if id != 0 || !is_dotted || self.is_decimal() {
            let id = if id == 0 { self.stem_id(word_id) } else { id };
            sink(id, whole, gap, number_of(&self.text));
            return;
        }
        let ends = self.parts.iter().skip(1).map(|part| part.text_start - 1);
        for (n, (part, end)) in self.parts.iter().zip(ends.chain([self.text.len()])).enumerate() {
            let text = self.text.get(part.text_start..end).unwrap_or_default();
            let text = text.trim_start_matches('.');
            let before = if n == 0 { gap } else { Gap::DOT };
            sink(word_id(text), *part, before, number_of(text));
        }
    }

    /// `Kotlin+` is Kotlin, but `C+` is a mark at school.
    fn stem_id(&self, word_id: &impl Fn(&str) -> u32) -> u32 {
        let stem = self.text.get(..self.stem_len).unwrap_or_default();
        if stem.len() > 1 && stem.len() < self.text.len() { word_id(stem) } else { 0 }
    }

    /// `2.5` is one number; `03.2019` is a month and a year.
    fn is_decimal(&self) -> bool {
        let stem = self.text.get(..self.stem_len).unwrap_or_default();
        let mut pieces = stem.split('.');
        pieces.next().is_some_and(|piece| !piece.is_empty() && is_digits(piece))
            && pieces
                .all(|piece| is_digits(piece.trim_end_matches(['k', 'm', 'x'])) && piece.len() < 4)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number_of(text: &str) -> Option<Number> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(n_digits)?;
    if n_digits == 0 || n_digits > 9 {
        return None;
    }
    let rest = rest.trim_end_matches('+');
    let letters = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let suffix = match letters {
        "" => Suffix::None,
        "k" | "m" | "mm" | "mn" | "b" | "bn" | "x" => Suffix::Magnitude,
        "y" | "yr" | "yrs" | "year" | "years" => Suffix::Years,
        _ => Suffix::Other,
    };
    Some(Number { value: digits.parse().ok()?, n_digits: u8::try_from(n_digits).ok()?, suffix })
}

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 8] = ["e.g", "i.e", "sr", "jr", "vs", "approx", "incl", "dr"];

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Gap,
    Word,
    /// A word and one dot: the next character tells whether the token goes on.
    Dot(usize),
    Suffix,
}

/// The pattern as a machine over folded characters; one serves many lines.
#[derive(Default)]
pub(super) struct Scanner {
    raw: Raw,
    state: State,
    gap: Gap,
    lead_dot: Option<usize>,
    is_stop: bool,
    is_abbreviation: bool,
}

impl Scanner {
    /// Scans one line and returns what stands behind its last token.
    pub(super) fn scan(&mut self, line: &str, sink: &mut impl FnMut(&Raw, Gap)) -> Gap {
        self.reset();
        fold_each(line, |folded| self.step(folded, sink));
        match self.state {
            State::Gap => {}
            State::Word | State::Suffix => self.finish(sink),
            State::Dot(at) => {
                self.finish(sink);
                self.gap_char('.', at);
            }
        }
        std::mem::take(&mut self.gap)
    }

    fn reset(&mut self) {
        self.raw.text.clear();
        self.raw.parts.clear();
        self.state = State::Gap;
        self.gap = Gap::default();
        self.lead_dot = None;
        self.is_stop = false;
        self.is_abbreviation = false;
    }

    fn step(&mut self, folded: Folded, sink: &mut impl FnMut(&Raw, Gap)) {
        let is_word = folded.c.is_alphanumeric();
        let is_sign = matches!(folded.c, '+' | '#');
        match self.state {
            State::Gap => self.step_gap(folded),
            State::Word if is_word => self.raw.push(folded, true),
            State::Word if folded.c == '.' => self.state = State::Dot(folded.start),
            State::Dot(_) if is_word => {
                self.raw.text.push('.');
                self.raw.begin_part(folded);
                self.state = State::Word;
            }
            State::Word | State::Suffix if is_sign => {
                self.raw.push(folded, false);
                self.state = State::Suffix;
            }
            State::Word | State::Suffix => {
                self.finish(sink);
                self.step_gap(folded);
            }
            State::Dot(at) => {
                self.finish(sink);
                self.gap_char('.', at);
                self.step_gap(folded);
            }
        }
    }

    fn step_gap(&mut self, folded: Folded) {
        if !folded.c.is_alphanumeric() {
            self.gap_char(folded.c, folded.start);
            return;
        }
        self.is_stop = false;
        if let Some(start) = self.lead_dot.take() {
            self.raw.begin_part(Folded { c: '.', start, ..folded });
            self.raw.text.push(folded.c);
            self.raw.stem_len = self.raw.text.len();
        } else {
            self.raw.begin_part(folded);
        }
        self.state = State::Word;
    }

    fn gap_char(&mut self, c: char, at: usize) {
        self.gap = self.gap.or(Gap::of(c));
        self.lead_dot = (c == '.').then_some(at);
        match c {
            '.' => self.is_stop = !self.is_abbreviation,
            '!' | '?' => self.is_stop = true,
            ' ' if self.is_stop => {
                self.gap = self.gap.or(Gap::SENTENCE);
                self.is_stop = false;
            }
            ')' | '"' | '\'' => {}
            _ => self.is_stop = false,
        }
    }

    fn finish(&mut self, sink: &mut impl FnMut(&Raw, Gap)) {
        sink(&self.raw, std::mem::take(&mut self.gap));
        self.is_abbreviation = ABBREVIATIONS.contains(&self.raw.text.as_str());
        self.raw.text.clear();
        self.raw.parts.clear();
        self.state = State::Gap;
        self.lead_dot = None;
        self.is_stop = false;
    }
}
