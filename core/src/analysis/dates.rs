//! Reads date ranges and counts of years, against a given date.

use super::Today;
use super::demand::Section;
use super::lexicon::{Class, Lexicon};
use super::scanner::{Gap, Number, Suffix};
use super::tokens::{Doc, Token, index, offset_of};

/// Years outside are numbers of another kind.
const YEARS: std::ops::RangeInclusive<u32> = 1950..=2099;
/// A count of years above this is not about a person's work.
const COUNT_MAX: u32 = 60;
const MONTHS_PER_YEAR: i32 = 12;

/// An entry of a resume with the months it covers, `start..end` counted from year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) start: i32,
    pub(super) end: i32,
    pub(super) line: u32,
    /// Token where the range begins.
    pub(super) at: u32,
    pub(super) is_education: bool,
}

/// "5+ years" or "3-5 years", with the token that says "years".
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct YearCount {
    pub(super) low: u32,
    pub(super) high: u32,
    pub(super) at: u32,
    pub(super) line: u32,
}

/// Reports whether a number is a calendar year.
pub(super) fn is_year(number: Number) -> bool {
    number.n_digits == 4 && number.suffix == Suffix::None && YEARS.contains(&number.value)
}

/// A point in time; `end` is the first month behind it when it closes a range.
#[derive(Clone, Copy)]
struct Point {
    start: i32,
    end: i32,
    is_year_only: bool,
    /// Index of the token behind it.
    next: usize,
}

/// Returns the dated entries in text order. Linear; a range that ends before it begins, or
/// begins after today, is no entry.
pub(super) fn entries(
    doc: &Doc<'_>,
    lexicon: &Lexicon,
    sections: &[Section],
    today: Today,
) -> Vec<Entry> {
    let now = month_number(today.year, today.month);
    let mut entries = Vec::new();
    let mut at = 0;
    while at < doc.tokens.len() {
        let Some((from, until, next)) = range_at(doc, lexicon, at, now) else {
            at += 1;
            continue;
        };
        let (start, end) = (from.start, months_end(from, until, now));
        if let Some(token) = doc.token(at).filter(|_| start <= now && end > start) {
            entries.push(Entry {
                start,
                end,
                line: token.line,
                at: offset_of(at),
                is_education: sections.get(index(token.line)) == Some(&Section::Education),
            });
        }
        at = next;
    }
    entries
}

/// Returns the months that ranges cover together, overlaps counted once.
pub(super) fn covered_months(ranges: impl Iterator<Item = (i32, i32)>) -> i32 {
    let mut ranges: Vec<(i32, i32)> = ranges.collect();
    ranges.sort_unstable();
    let mut covered = 0;
    let mut reached = i32::MIN;
    for (start, end) in ranges {
        covered += (end - start.max(reached)).max(0);
        reached = reached.max(end);
    }
    covered
}

/// Turns months into years.
pub(super) fn years(months: i32) -> f64 {
    f64::from(months) / f64::from(MONTHS_PER_YEAR)
}

/// Returns the counts of years in text order, "3 years ago" and "30 years old" left out.
pub(super) fn year_counts(doc: &Doc<'_>, lexicon: &Lexicon) -> Vec<YearCount> {
    (0..doc.tokens.len()).filter_map(|at| year_count_at(doc, lexicon, at)).collect()
}

fn year_count_at(doc: &Doc<'_>, lexicon: &Lexicon, at: usize) -> Option<YearCount> {
    let unit = doc.token(at)?;
    let joined = unit.number.filter(|number| number.suffix == Suffix::Years);
    let (count_at, high) = match joined {
        Some(number) => (at, number.value),
        None if lexicon.is(unit.id, Class::Year) && !unit.before.has_any(Gap::BREAKS) => {
            let count_at = at.checked_sub(1)?;
            (count_at, count(lexicon, doc.on_line(Some(count_at), unit)?)?)
        }
        None => return None,
    };
    let next = doc.on_line(Some(at + 1), unit);
    let is_past = next.is_some_and(|word| lexicon.is(word.id, Class::Past));
    if high == 0 || high > COUNT_MAX || is_past {
        return None;
    }
    let low = lower_bound(doc, lexicon, count_at, unit).filter(|low| *low <= high);
    Some(YearCount { low: low.unwrap_or(high), high, at: offset_of(at), line: unit.line })
}

/// The 3 of "3-5 years" and of "3 to 5 years".
fn lower_bound(doc: &Doc<'_>, lexicon: &Lexicon, at: usize, unit: &Token) -> Option<u32> {
    let high = doc.token(at)?;
    let before_at = at.checked_sub(1)?;
    let before = doc.on_line(Some(before_at), unit)?;
    if high.before.has_any(Gap::DASH) && !high.before.has_any(Gap::BREAKS) {
        return count(lexicon, before);
    }
    if lexicon.is(before.id, Class::Until) && !high.before.has_any(Gap::BREAKS) {
        return count(lexicon, doc.on_line(before_at.checked_sub(1), unit)?);
    }
    None
}

fn count(lexicon: &Lexicon, token: &Token) -> Option<u32> {
    match token.number {
        Some(number) if number.suffix == Suffix::None => Some(number.value),
        Some(_) => None,
        None if lexicon.is(token.id, Class::Count) => Some(u32::from(lexicon.value(token.id))),
        None => None,
    }
}

fn range_at(
    doc: &Doc<'_>,
    lexicon: &Lexicon,
    at: usize,
    now: i32,
) -> Option<(Point, Point, usize)> {
    let token = doc.token(at)?;
    if lexicon.is(token.id, Class::Since) {
        let from = point_at(doc, lexicon, at + 1, token, now)?;
        let until = Point { start: now, end: now + 1, is_year_only: false, next: from.next };
        return Some((from, until, from.next));
    }
    let from = point_at(doc, lexicon, at, token, now)?;
    let second = doc.on_line(Some(from.next), token)?;
    let second_at = if lexicon.is(second.id, Class::Until) {
        from.next + 1
    } else if second.before.has_any(Gap::DASH) {
        from.next
    } else {
        return None;
    };
    let word = doc.on_line(Some(second_at), token)?;
    if lexicon.is(word.id, Class::Present) {
        let until = Point { start: now, end: now + 1, is_year_only: false, next: second_at + 1 };
        return Some((from, until, until.next));
    }
    let until = point_at(doc, lexicon, second_at, token, now)
        .or_else(|| short_year_at(doc, second_at, token, from))?;
    Some((from, until, until.next))
}

/// Between bare years only their difference is known; months are counted to the last one.
fn months_end(from: Point, until: Point, now: i32) -> i32 {
    let end = if until.is_year_only { until.start } else { until.end };
    let end = if end == from.start {
        end + if from.is_year_only { MONTHS_PER_YEAR } else { 1 }
    } else {
        end
    };
    end.min(now + 1)
}

/// Reads "Jan 2020", "Jan '20", "03/2019", "2019-03" or "2019".
fn point_at(doc: &Doc<'_>, lexicon: &Lexicon, at: usize, home: &Token, now: i32) -> Option<Point> {
    let first = doc.on_line(Some(at), home)?;
    let second = doc.on_line(Some(at + 1), home);
    if lexicon.is(first.id, Class::Month) {
        let year = month_year(second?, now)?;
        return Some(month_point(year, lexicon.value(first.id), at + 2));
    }
    let number = first.number?;
    let is_glued = |token: &Token| {
        token.before.has_any(Gap::SLASH.or(Gap::DOT).or(Gap::DASH))
            && !token.before.has_any(Gap::SPACE)
    };
    let glued = second.filter(|token| is_glued(token)).and_then(|token| token.number);
    if is_year(number) {
        let month = glued.filter(|month| month.n_digits == 2 && (1..=12).contains(&month.value));
        if let Some(month) = month.and_then(|month| u8::try_from(month.value).ok()) {
            return Some(month_point(i32::try_from(number.value).ok()?, month, at + 2));
        }
        let start = month_number(i32::try_from(number.value).ok()?, 1);
        return Some(Point { start, end: start + 1, is_year_only: true, next: at + 1 });
    }
    let month = u8::try_from(number.value).ok().filter(|month| (1..=12).contains(month))?;
    let year = glued.filter(|year| is_year(*year))?;
    Some(month_point(i32::try_from(year.value).ok()?, month, at + 2))
}

/// The 22 of "2019-22".
fn short_year_at(doc: &Doc<'_>, at: usize, home: &Token, from: Point) -> Option<Point> {
    let number = doc.on_line(Some(at), home)?.number?;
    let is_short = from.is_year_only && number.n_digits == 2 && number.suffix == Suffix::None;
    let century = from.start / (100 * MONTHS_PER_YEAR) * 100;
    let year = century + i32::try_from(number.value).ok().filter(|_| is_short)?;
    let start = month_number(year, 1);
    Some(Point { start, end: start + 1, is_year_only: true, next: at + 1 })
}

fn month_year(token: &Token, now: i32) -> Option<i32> {
    let number = token.number?;
    let value = i32::try_from(number.value).ok()?;
    if is_year(number) {
        return Some(value);
    }
    let is_short = number.n_digits == 2 && token.before.has_any(Gap::APOSTROPHE);
    let recent = 2000 + value;
    is_short.then_some(if recent * MONTHS_PER_YEAR > now { 1900 + value } else { recent })
}

fn month_point(year: i32, month: u8, next: usize) -> Point {
    let start = month_number(year, month);
    Point { start, end: start + 1, is_year_only: false, next }
}

fn month_number(year: i32, month: u8) -> i32 {
    year.clamp(0, 9999) * MONTHS_PER_YEAR + i32::from(month.clamp(1, 12)) - 1
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::TABLES;
    use super::*;

    const TODAY: Today = Today { year: 2025, month: 6 };

    fn months(text: &str) -> Vec<i32> {
        let lexicon = &TABLES.lexicon;
        let doc = Doc::new(text, |word| lexicon.word_id(word));
        entries(&doc, lexicon, &[], TODAY).iter().map(|entry| entry.end - entry.start).collect()
    }

    fn counts(text: &str) -> Vec<(u32, u32)> {
        let lexicon = &TABLES.lexicon;
        let doc = Doc::new(text, |word| lexicon.word_id(word));
        year_counts(&doc, lexicon).iter().map(|count| (count.low, count.high)).collect()
    }

    #[test]
    fn ranges_are_read_in_every_common_form() {
        assert_eq!(months("2019–2022"), [36]);
        assert_eq!(months("2019 to 2022"), [36]);
        assert_eq!(months("2019-22"), [36]);
        assert_eq!(months("Jan 2020 – present"), [66]);
        assert_eq!(months("Since March 2025"), [4]);
        assert_eq!(months("03/2019 - 05/2021"), [27]);
        assert_eq!(months("03.2019 - 05.2021"), [27]);
        assert_eq!(months("2019-03 – 2021-05"), [27]);
        assert_eq!(months("Sept. '19 — Oct. '19"), [2]);
        assert_eq!(months("2021 - 2021, then Jan 2022 until Jan 2022"), [12, 1]);
    }

    #[test]
    fn impossible_ranges_are_no_entries() {
        assert!(months("2022 - 2019").is_empty());
        assert!(months("2031 - 2035").is_empty());
        assert!(months("2019, 2022").is_empty());
        assert!(months("4000 - 5000, 12-14, May").is_empty());
        assert_eq!(months("2024 - 2031"), [18]);
    }

    #[test]
    fn overlaps_count_once() {
        assert_eq!(covered_months([(0, 12), (6, 18), (20, 22), (0, 3)].into_iter()), 20);
        assert_eq!(covered_months(std::iter::empty()), 0);
    }

    #[test]
    fn counts_of_years_have_bounds() {
        assert_eq!(counts("5+ years, 3-5 yrs; 3 to 5 years"), [(5, 5), (3, 5), (3, 5)]);
        assert_eq!(counts("five years of Go, 8yrs, 2.5 years"), [(5, 5), (8, 8), (2, 2)]);
        assert!(counts("10 years ago, 30 years old, 2019 year, 0 years, 400 years").is_empty());
    }
}
