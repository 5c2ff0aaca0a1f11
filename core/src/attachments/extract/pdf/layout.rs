//! Glyphs in content order to lines of text.
//!
//! Content order, because producers write columns and sidebars one after the other, while sorting
//! by position mixes them. All distances are in em, the size of the larger of two neighbours.

use std::collections::HashSet;

use hayro_interpret::hayro_cmap::BfString;

use super::super::normalize::RawText;
use super::characters::{append, combining_mark, is_left_to_right, is_right_to_left, with_mark};

/// Baselines nearer than this are one line: an exponent stays in it.
const SAME_LINE_EM: f64 = 0.45;
/// Baselines further apart have a blank line between them.
const BLANK_LINE_EM: f64 = 2.2;
/// A glyph may start this far before the end of the one before it: kerning and overlaps.
const OVERLAP_EM: f64 = 0.7;
/// A wider gap is a space.
const SPACE_EM: f64 = 0.17;
/// A wider gap is a tab.
const TAB_EM: f64 = 3.0;
/// How far an accent's middle may stand outside its letter.
const ACCENT_SLACK_EM: f64 = 0.05;

/// A glyph, measured along its baseline.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) text: BfString,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) baseline: f64,
    /// Positive and finite.
    pub(super) em: f64,
    /// Direction of the baseline in quarter turns.
    pub(super) turn: u8,
}

impl Glyph {
    /// The glyph's character if it has exactly one.
    fn single(&self) -> Option<char> {
        match &self.text {
            BfString::Char(c) => Some(*c),
            BfString::String(text) => {
                let mut chars = text.chars();
                chars.next().filter(|_| chars.next().is_none())
            }
        }
    }

    fn any(&self, is: impl Fn(char) -> bool) -> bool {
        match &self.text {
            BfString::Char(c) => is(*c),
            BfString::String(text) => text.chars().any(is),
        }
    }

    fn append_to(&self, out: &mut String) {
        match &self.text {
            BfString::Char(c) => append(*c, out),
            BfString::String(text) => text.chars().for_each(|c| append(c, out)),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        let middle = f64::midpoint(other.start, other.end);
        let slack = ACCENT_SLACK_EM * self.em;
        self.turn == other.turn
            && (self.baseline - other.baseline).abs() < SAME_LINE_EM * self.em.max(other.em)
            && middle > self.start - slack
            && middle < self.end + slack
    }
}

/// Appends one page's text.
pub(super) fn append_page(glyphs: Vec<Glyph>, out: &mut RawText) {
    let glyphs = join_accents(glyphs);
    let mut line = Line::default();
    let mut last: Option<&Glyph> = None;
    for glyph in &glyphs {
        match last.map_or(Step::Joined, |last| step(last, glyph)) {
            Step::Joined => {}
            Step::Space => line.separator(" ", glyph),
            Step::Tab => line.separator("\t", glyph),
            Step::Line => line.flush(out),
            Step::Blank => {
                line.flush(out);
                out.push('\n');
            }
        }
        line.pieces.push(Piece::of(glyph));
        last = Some(glyph);
    }
    line.flush(out);
}

/// What stands between two glyphs.
enum Step {
    Joined,
    Space,
    Tab,
    Line,
    Blank,
}

fn step(last: &Glyph, next: &Glyph) -> Step {
    let em = last.em.max(next.em);
    let drop = (last.baseline - next.baseline).abs();
    if last.turn != next.turn {
        return Step::Line;
    }
    let free_order = [last, next].iter().any(|g| {
        g.any(is_right_to_left) || g.single().is_some_and(|c| combining_mark(c).is_some())
    });
    let in_order = next.start > last.end - OVERLAP_EM * em;
    // Written so that a position that is no number stays in the line.
    if drop >= SAME_LINE_EM * em || !(in_order || free_order || next.start.is_nan()) {
        return if drop > BLANK_LINE_EM * em { Step::Blank } else { Step::Line };
    }
    let back = free_order && next.start < last.start;
    let gap = if back { last.start - next.end } else { next.start - last.end };
    let white = last.any(char::is_whitespace) || next.any(char::is_whitespace);
    // A step back to another portion of a line says nothing about the width between them.
    if gap > TAB_EM * em && !back {
        Step::Tab
    } else if gap > SPACE_EM * em && !white {
        Step::Space
    } else {
        Step::Joined
    }
}

/// Puts accents that were drawn as glyphs of their own onto the letter they stand over.
fn join_accents(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut joined: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    let mut waiting: Option<(Glyph, char)> = None;
    for mut glyph in glyphs {
        if let Some((accent, mark)) = waiting.take() {
            match glyph.single() {
                Some(letter) if letter.is_alphabetic() && glyph.covers(&accent) => {
                    glyph.text = BfString::String(with_mark(letter, mark));
                }
                _ => joined.push(accent),
            }
        }
        let Some(mark) = glyph.single().and_then(combining_mark) else {
            joined.push(glyph);
            continue;
        };
        let letter = joined.last_mut().filter(|last| last.covers(&glyph));
        match letter.and_then(|last| last.single().map(|letter| (last, letter))) {
            Some((last, letter)) if letter.is_alphabetic() => {
                last.text = BfString::String(with_mark(letter, mark));
            }
            _ => waiting = Some((glyph, mark)),
        }
    }
    joined.extend(waiting.map(|(accent, _)| accent));
    joined
}

#[derive(Default)]
struct Line {
    pieces: Vec<Piece>,
}

/// A glyph's text, or white space between two of them.
struct Piece {
    text: String,
    start: f64,
    em: f64,
}

impl Piece {
    fn of(glyph: &Glyph) -> Self {
        let mut text = String::new();
        glyph.append_to(&mut text);
        Self { text, start: glyph.start, em: glyph.em }
    }

    fn is_right_to_left(&self) -> bool {
        self.text.chars().any(is_right_to_left)
    }

    fn is_left_to_right(&self) -> bool {
        self.text.chars().any(is_left_to_right)
    }

    fn is_white(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    fn is_number(&self) -> bool {
        !self.text.is_empty() && self.text.chars().all(char::is_numeric)
    }
}

impl Line {
    fn separator(&mut self, text: &str, next: &Glyph) {
        self.pieces.push(Piece { text: text.to_owned(), start: next.start, em: next.em });
    }

    fn flush(&mut self, out: &mut RawText) {
        self.order_right_to_left();
        for piece in self.pieces.drain(..) {
            out.push_str(&piece.text);
        }
        out.push('\n');
    }

    /// Brings right-to-left stretches drawn from left to right back into reading order.
    ///
    /// A producer may draw the portions of a line in reading order and the glyphs of each from left
    /// to right, so every portion is judged alone; a step back begins the next one.
    fn order_right_to_left(&mut self) {
        let mut from = 0;
        while let Some(start) = self.position(from, Piece::is_right_to_left) {
            let stop = self.position(start, Piece::is_left_to_right).unwrap_or(self.pieces.len());
            let stretch = self.pieces.get_mut(start..stop).unwrap_or_default();
            let end = stretch.iter().rposition(Piece::is_right_to_left).map_or(0, |last| last + 1);
            let stretch = stretch.get_mut(..end).unwrap_or_default();
            for portion in stretch.chunk_by_mut(|a, b| b.start >= a.start - a.em) {
                turn_portion(portion);
            }
            from = stop;
        }
    }

    fn position(&self, from: usize, is: impl Fn(&Piece) -> bool) -> Option<usize> {
        self.pieces.get(from..)?.iter().position(is).map(|at| from + at)
    }
}

fn turn_portion(portion: &mut [Piece]) {
    // White space in front parts the portion from the one before, whichever way it is turned.
    let n_white = portion.iter().take_while(|piece| piece.is_white()).count();
    let portion = portion.get_mut(n_white..).unwrap_or_default();
    let n_rising =
        portion.windows(2).filter(|pair| matches!(pair, [a, b] if b.start > a.start)).count();
    let rises = n_rising * 2 > portion.len().saturating_sub(1);
    if !rises || !portion.iter().any(Piece::is_right_to_left) {
        return;
    }
    portion.reverse();
    // Numbers keep their own direction inside.
    for number in portion.chunk_by_mut(|a, b| a.is_number() && b.is_number()) {
        if number.first().is_some_and(Piece::is_number) {
            number.reverse();
        }
    }
}

/// Joins words that were divided at a line's end.
///
/// A hyphen may belong to the word, so it goes only where the whole word occurs elsewhere in the
/// text; otherwise it stays and only the line's end goes.
pub(super) fn join_hyphens(text: &str) -> String {
    let divided = |line: &str, next: &str| {
        let mut end = line.trim_end().chars().rev();
        matches!(end.next(), Some('-' | '\u{2010}'))
            && end.next().is_some_and(char::is_alphabetic)
            && next.chars().next().is_some_and(char::is_lowercase)
    };
    let lines: Vec<&str> = text.split('\n').collect();
    if !lines.windows(2).any(|pair| matches!(pair, [line, next] if divided(line, next))) {
        return text.to_owned();
    }
    let is_word = |c: char| c.is_alphanumeric();
    let known: HashSet<String> = text
        .split(|c| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();

    let mut out = String::with_capacity(text.len());
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        let Some(next) = lines.peek() else {
            out.push_str(line);
            break;
        };
        if !divided(line, next) {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let line = line.trim_end();
        let stem = line.trim_end_matches(['-', '\u{2010}']);
        let first = stem.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        let second = next.split(|c| !is_word(c)).next().unwrap_or_default();
        let whole = format!("{first}{second}").to_lowercase();
        out.push_str(if known.contains(&whole) { stem } else { line });
    }
    out
}
