//! Reads a person's or a posting's level, degree, company sizes and ways of working.

use super::dates::{Entry, covered_months};
use super::facts::{Facts, Usage};
use super::lexicon::{Class, GroupId, Hit, Lexicon};
use super::scanner::{Gap, Suffix};
use super::tokens::{Doc, index, offset_of};

/// A level stands at most this many tokens before the role it qualifies.
const ROLE_REACH: usize = 3;
/// A posting's first lines name the role.
const TITLE_LINES: usize = 5;
/// The head of a dated job reaches this many lines above and below its dates.
const HEAD_LINES: usize = 2;
/// The level of a role without any mark of level.
const PLAIN_LEVEL: u8 = 2;

/// A degree that is not named is a bachelor's.
const UNNAMED_DEGREE: u8 = 2;

/// A level or degree and the token that states it.
pub(super) type Stated = (u8, u32);

/// The level a posting asks for: in its first lines, else on a line about the opening.
pub(super) fn posted_level(facts: &Facts<'_>, lexicon: &Lexicon) -> Option<Stated> {
    let levels = LineLevels::new(facts, lexicon).stated;
    let is_about_opening = |n: usize| {
        n < TITLE_LINES
            || facts.doc.lines.get(n).is_some_and(|line| {
                let (_, tokens) = facts.doc.line_tokens(line);
                tokens.iter().any(|token| lexicon.is(token.id, Class::Hiring))
            })
    };
    let mut found = levels.iter().enumerate().filter_map(|(n, level)| Some((n, (*level)?)));
    found.find(|(n, _)| is_about_opening(*n)).map(|(_, level)| level)
}

/// The level a resume shows: in the latest dated job, else the first stated one, else plain.
pub(super) fn shown_level(facts: &Facts<'_>, lexicon: &Lexicon) -> Option<Stated> {
    let levels = LineLevels::new(facts, lexicon);
    let latest =
        jobs(facts).max_by_key(|entry| (entry.end, entry.start, std::cmp::Reverse(entry.at)));
    latest
        .and_then(|entry| levels.of_entry(&entry))
        .or_else(|| levels.stated.iter().copied().flatten().next())
        .or_else(|| levels.plain.iter().copied().flatten().next())
}

/// Levels of the dated jobs from the earliest to the latest, those that show one.
pub(super) fn levels_over_time(facts: &Facts<'_>, lexicon: &Lexicon) -> Vec<Stated> {
    let levels = LineLevels::new(facts, lexicon);
    let mut entries: Vec<Entry> = jobs(facts).collect();
    entries.sort_by_key(|entry| (entry.start, entry.end, std::cmp::Reverse(entry.at)));
    entries.iter().filter_map(|entry| levels.of_entry(entry)).collect()
}

/// The dated entries that are not education.
pub(super) fn jobs(facts: &Facts<'_>) -> impl Iterator<Item = Entry> + Clone {
    facts.entries.iter().copied().filter(|entry| !entry.is_education)
}

/// Months of the dated jobs whose part of the text passes `keeps`, given lines `first..last`.
pub(super) fn months_where(facts: &Facts<'_>, mut keeps: impl FnMut(u32, u32) -> bool) -> i32 {
    let n_lines = u32::try_from(facts.doc.lines.len()).unwrap_or(u32::MAX);
    let mut bounds = facts.entries.iter().map(|entry| entry.line).skip(1);
    let ranges: Vec<(i32, i32)> = facts
        .entries
        .iter()
        .filter_map(|entry| {
            let next = bounds.next().unwrap_or(n_lines).max(entry.line + 1);
            let is_job = !entry.is_education && keeps(entry.line, next);
            is_job.then_some((entry.start, entry.end))
        })
        .collect();
    covered_months(ranges.into_iter())
}

/// Degrees of a text: the lowest and the highest.
pub(super) fn degrees(facts: &Facts<'_>, lexicon: &Lexicon) -> Option<(Stated, Stated)> {
    let stated = |(group, name): (GroupId, &str)| {
        Some((name.parse::<u8>().ok()?, facts.usage(group).first?))
    };
    let found: Vec<Stated> = lexicon.family("degree").filter_map(stated).collect();
    let unnamed = || Some((UNNAMED_DEGREE, facts.usage(lexicon.group("degree/any")).first?));
    let (lowest, highest) = (found.iter().min().copied(), found.iter().max().copied());
    Some((lowest.or_else(unnamed)?, highest.or_else(unnamed)?))
}

/// Names of a family that a text uses, in the order of the file, and the use of all together.
pub(super) fn family_usage<'l>(
    facts: &Facts<'_>,
    lexicon: &'l Lexicon,
    family: &'l str,
) -> (Vec<&'l str>, Usage) {
    let mut names = Vec::new();
    let mut all = Usage::default();
    for (group, name) in lexicon.family(family) {
        let usage = facts.usage(group);
        if usage.count > 0 {
            names.push(name);
            all = all.merge(usage);
        }
    }
    (names, all)
}

/// The company sizes a text states, in words or as a count of employees.
pub(super) fn company_sizes<'l>(facts: &Facts<'_>, lexicon: &'l Lexicon) -> (Vec<&'l str>, Usage) {
    let (mut names, mut usage) = family_usage(facts, lexicon, "size");
    let employees = [lexicon.word_id("employee"), lexicon.word_id("employees")];
    for (at, token) in facts.doc.tokens.iter().enumerate() {
        if token.id == 0 || !employees.contains(&token.id) || token.before.has_any(Gap::BREAKS) {
            continue;
        }
        let Some(n_employees) = at.checked_sub(1).and_then(|at| whole_number(&facts.doc, at))
        else {
            continue;
        };
        let name = match n_employees {
            0..50 => "startup",
            50..1000 => "mid",
            1000.. => "enterprise",
        };
        if !names.contains(&name) {
            names.push(name);
        }
        let at = offset_of(at);
        let found =
            Usage { count: 1, demand: facts.demand_at(at), first: Some(at), ..Usage::default() };
        usage = usage.merge(found);
    }
    (names, usage)
}

/// Reads the number that ends at token `at`: "1,200" is two tokens, "5k" is one.
fn whole_number(doc: &Doc<'_>, at: usize) -> Option<u64> {
    let token = doc.token(at)?;
    let number = token.number?;
    let thousands = if number.suffix == Suffix::Magnitude { 1000 } else { 1 };
    let is_glued = token.before.has_any(Gap::COMMA) && !token.before.has_any(Gap::SPACE);
    let leading = at
        .checked_sub(1)
        .and_then(|at| doc.on_line(Some(at), token))
        .filter(|_| is_glued && number.n_digits == 3)
        .and_then(|leading| leading.number);
    let high = leading.map_or(0, |leading| u64::from(leading.value) * 1000);
    Some((high + u64::from(number.value)) * thousands)
}

/// What every line says about a level, parallel to the lines.
struct LineLevels {
    /// The highest level stated.
    stated: Vec<Option<Stated>>,
    /// The plain level, where a role is named.
    plain: Vec<Option<Stated>>,
    /// The line may belong to the head of a dated job: it has no dates of its own, which would
    /// make it another job's, and no bullet.
    is_head: Vec<bool>,
}

impl LineLevels {
    fn new(facts: &Facts<'_>, lexicon: &Lexicon) -> Self {
        let value = |(group, name): (GroupId, &str)| Some((group, name.parse::<u8>().ok()?));
        let qualifiers: Vec<(GroupId, u8)> = lexicon.family("level").filter_map(value).collect();
        let titles: Vec<(GroupId, u8)> = lexicon.family("title").filter_map(value).collect();
        let find = |all: &[(GroupId, u8)], hit: &Hit| {
            all.iter().find(|(group, _)| *group == hit.group).map(|(_, level)| *level)
        };
        let doc = &facts.doc;
        let mut stated: Vec<Option<Stated>> = vec![None; doc.lines.len()];
        for hit in &facts.hits {
            let qualifier = || find(&qualifiers, hit).filter(|_| qualifies_role(doc, lexicon, hit));
            let level = find(&titles, hit).or_else(qualifier);
            let Some(level) = level.filter(|_| !is_deflected(doc, lexicon, hit)) else { continue };
            let line = facts.line_of(hit.at).map(index);
            let slot = line.and_then(|line| stated.get_mut(line));
            if let Some(slot) = slot.filter(|slot| slot.is_none_or(|(best, _)| level > best)) {
                *slot = Some((level, hit.at));
            }
        }
        let plain = doc
            .lines
            .iter()
            .map(|line| {
                let (_, tokens) = doc.line_tokens(line);
                let role = tokens.iter().position(|token| lexicon.is(token.id, Class::Role))?;
                Some((PLAIN_LEVEL, line.first + offset_of(role)))
            })
            .collect();
        let mut is_head: Vec<bool> = doc
            .lines
            .iter()
            .map(|line| {
                let text = doc.text.get(index(line.start)..index(line.end)).unwrap_or_default();
                !text.starts_with(['-', '*', '+', '–', '•', '·', '▪', '●', '◦', '‣'])
            })
            .collect();
        for entry in &facts.entries {
            if let Some(slot) = is_head.get_mut(index(entry.line)) {
                *slot = false;
            }
        }
        Self { stated, plain, is_head }
    }

    /// The level of a dated job: on the line of its dates, else just above, else just below.
    fn of_entry(&self, entry: &Entry) -> Option<Stated> {
        let line = index(entry.line);
        let look = |line: usize| {
            let stated = self.stated.get(line).copied().flatten();
            stated.or_else(|| self.plain.get(line).copied().flatten())
        };
        let is_open = |line: &usize| self.is_head.get(*line) == Some(&true);
        let above = (1..=HEAD_LINES).map_while(|n| line.checked_sub(n).filter(is_open));
        let below = (1..=HEAD_LINES).map_while(|n| Some(line + n).filter(is_open));
        look(line).or_else(|| above.chain(below).find_map(look))
    }
}

fn qualifies_role(doc: &Doc<'_>, lexicon: &Lexicon, hit: &Hit) -> bool {
    let Some(token) = doc.token(index(hit.at)) else { return false };
    let is_role = |at: Option<usize>| {
        doc.on_line(at, token)
            .is_some_and(|word| word.sentence == token.sentence && lexicon.is(word.id, Class::Role))
    };
    let after = index(hit.at) + index(hit.n_tokens);
    (after..after + ROLE_REACH).any(|at| is_role(Some(at))) || is_role(index(hit.at).checked_sub(1))
}

/// "Reports to the director" and "mentored junior engineers" are about somebody else.
fn is_deflected(doc: &Doc<'_>, lexicon: &Lexicon, hit: &Hit) -> bool {
    let at = index(hit.at);
    let Some(token) = doc.token(at) else { return false };
    (at.saturating_sub(ROLE_REACH)..at).any(|before| {
        doc.token(before).is_some_and(|word| {
            word.sentence == token.sentence && lexicon.is(word.id, Class::Deflect)
        })
    })
}
