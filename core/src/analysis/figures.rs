//! Tells numbers that measure something from dates, versions and list numbers.

use super::dates::{YearCount, is_year};
use super::lexicon::{Class, Lexicon};
use super::mentions::Mention;
use super::scanner::{Gap, Suffix};
use super::tokens::{Doc, Token, index};

/// A unit stands at most this many tokens behind its number.
const UNIT_REACH: usize = 3;

/// What the numbers of one line say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineFigures {
    /// A number that is no date, version or list number.
    pub(super) has_figure: bool,
    /// A figure with a unit: per cent, money, a factor, a count of something.
    pub(super) has_metric: bool,
    /// Figures that tell the size of a project.
    pub(super) n_scale: u32,
    /// The longest count of years; 0 without one.
    pub(super) years: u32,
}

/// Returns what the numbers of every line say, parallel to the lines of `doc`.
pub(super) fn line_figures(
    doc: &Doc<'_>,
    lexicon: &Lexicon,
    mentions: &[Mention],
    counts: &[YearCount],
) -> Vec<LineFigures> {
    let mut lines = vec![LineFigures::default(); doc.lines.len()];
    for count in counts {
        if let Some(line) = lines.get_mut(index(count.line)) {
            line.years = line.years.max(count.high);
        }
    }
    let mut versions = mentions.iter().map(|mention| index(mention.last)).peekable();
    for (at, token) in doc.tokens.iter().enumerate() {
        while versions.next_if(|version| *version < at).is_some() {}
        let is_version = versions.peek() == Some(&at) && !token.before.has_any(Gap::BREAKS);
        let Some(line) = lines.get_mut(index(token.line)) else { continue };
        if token.number.is_none() || is_version || !is_figure(doc, lexicon, at, token) {
            continue;
        }
        line.has_figure = true;
        let (is_metric, is_scale) = measures(doc, lexicon, at, token);
        line.has_metric |= is_metric;
        line.n_scale += u32::from(is_scale);
    }
    lines
}

fn is_figure(doc: &Doc<'_>, lexicon: &Lexicon, at: usize, token: &Token) -> bool {
    let Some(number) = token.number else { return false };
    if is_year(number) || number.suffix == Suffix::Years {
        return false;
    }
    let previous = doc.on_line(at.checked_sub(1), token);
    let next = doc.on_line(Some(at + 1), token);
    // "1,200" is one number, "555-0100" a telephone number, "03/2019" a date.
    let is_glued = |gap: Gap| {
        !gap.has_any(Gap::SPACE)
            && gap.has_any(Gap::COMMA.or(Gap::DASH).or(Gap::SLASH).or(Gap::DOT))
    };
    if previous.is_some_and(|word| word.number.is_some()) && is_glued(token.before) {
        return false;
    }
    if next.is_some_and(|word| {
        word.number.is_some() && is_glued(word.before) && !word.before.has_any(Gap::COMMA)
    }) {
        return false;
    }
    let is_list_number = previous.is_none()
        && doc.gap_after(at).has_any(Gap::DOT.or(Gap::PAREN))
        && number.n_digits <= 2;
    let is_year_count = next.is_some_and(|word| lexicon.is(word.id, Class::Year));
    let is_day = previous.is_some_and(|word| lexicon.is(word.id, Class::Month));
    !is_list_number && !is_year_count && !is_day
}

/// Whether a figure measures something, and whether that is the size of a project.
fn measures(doc: &Doc<'_>, lexicon: &Lexicon, at: usize, token: &Token) -> (bool, bool) {
    let after = doc.gap_after(at);
    let is_money = token.before.has_any(Gap::CURRENCY) || after.has_any(Gap::CURRENCY);
    let is_large = token.number.is_some_and(|number| number.suffix == Suffix::Magnitude);
    let (mut is_metric, mut is_scale) = (is_money || is_large, is_money || is_large);
    is_metric |= after.has_any(Gap::PERCENT);
    for reach in 1..=UNIT_REACH {
        let unit = doc.token(at + reach).filter(|unit| unit.sentence == token.sentence);
        let Some(unit) = unit.filter(|unit| !unit.before.has_any(Gap::COMMA.or(Gap::SEMICOLON)))
        else {
            // A comma inside a number is no end: "1,200 users".
            match unit.filter(|unit| unit.number.is_some()) {
                Some(_) => continue,
                None => break,
            }
        };
        let is = |class: Class| lexicon.is(unit.id, class);
        is_scale |= is(Class::Scale);
        is_metric |= is(Class::Scale)
            || (is(Class::Magnitude) && reach == 1)
            || (is(Class::Measure) && reach <= 2);
    }
    (is_metric, is_scale)
}

#[cfg(test)]
mod tests {
    use super::super::dates::year_counts;
    use super::super::dictionary::{Names, TABLES};
    use super::super::mentions::mentions;
    use super::*;

    fn figures(text: &str) -> LineFigures {
        let names = Names::new(&TABLES, &[]);
        let doc = Doc::new(text, |word| names.word_id(word));
        let counts = year_counts(&doc, names.lexicon);
        line_figures(&doc, names.lexicon, &mentions(&doc, &names), &counts)[0]
    }

    #[test]
    fn dates_versions_and_list_numbers_are_no_figures() {
        for text in
            ["2019 - 2021", "C++17 and Java 8", "1. Wrote code", "555-0100", "03/2019", "Jan 5"]
        {
            assert!(!figures(text).has_figure, "{text}");
        }
        assert!(figures("Answered 12 letters").has_figure);
        assert!(!figures("Answered 12 letters").has_metric);
    }

    #[test]
    fn units_make_metrics() {
        for text in [
            "cut costs by 30%",
            "saved $20",
            "3x faster",
            "2 million rows",
            "served 1,200 active users",
        ] {
            assert!(figures(text).has_metric, "{text}");
        }
        assert_eq!(figures("1,200 users in 3 countries").n_scale, 2);
        assert_eq!(figures("6 years of Python").years, 6);
    }
}
