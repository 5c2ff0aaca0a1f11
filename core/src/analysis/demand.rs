//! Tells how strongly a place in a text asks: by its sentence, else by the heading above it.

use super::lexicon::{Class, Hit, Lexicon};
use super::scanner::Gap;
use super::tokens::{Doc, Line, index};

/// A line with more tokens is no heading.
const HEADING_TOKENS_MAX: usize = 6;

/// How strongly a sentence asks for what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Demand {
    #[default]
    None,
    Nice,
    Preferred,
    Required,
}

/// The part of a text that a heading opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Section {
    #[default]
    Other,
    Required,
    Preferred,
    Nice,
    Education,
    Employment,
    /// What the employer gives: no demand on the reader.
    Offer,
}

/// Returns the section of every line, parallel to the lines of `doc`.
pub(super) fn sections(doc: &Doc<'_>, lexicon: &Lexicon, hits: &[Hit]) -> Vec<Section> {
    let heads = [
        ("head/required", Section::Required),
        ("head/preferred", Section::Preferred),
        ("head/nice", Section::Nice),
        ("head/education", Section::Education),
        ("head/employment", Section::Employment),
        ("head/offer", Section::Offer),
        ("head/other", Section::Other),
    ]
    .map(|(name, section)| (lexicon.group(name), section));
    let mut current = Section::Other;
    let mut next = 0;
    let mut sections = Vec::with_capacity(doc.lines.len());
    for line in &doc.lines {
        let mut best: Option<(u32, Section)> = None;
        while let Some(hit) = hits.get(next).filter(|hit| hit.at < line.last) {
            next += 1;
            let head = heads.iter().find(|(group, _)| *group == hit.group);
            if let Some((_, section)) = head.filter(|_| best.is_none_or(|(n, _)| hit.n_tokens > n))
            {
                best = Some((hit.n_tokens, *section));
            }
        }
        if let Some((n_tokens, section)) = best.filter(|(n, _)| is_heading(doc, line, *n)) {
            debug_assert!(n_tokens > 0);
            current = section;
        }
        sections.push(current);
    }
    sections
}

/// A heading is short and says little besides its phrase.
fn is_heading(doc: &Doc<'_>, line: &Line, n_phrase: u32) -> bool {
    let (_, tokens) = doc.line_tokens(line);
    let n_other = tokens.len().saturating_sub(index(n_phrase));
    let has_marks = tokens.iter().skip(1).any(|token| token.before.has_any(Gap::BREAKS));
    let n_other_max = if line.tail.has_any(Gap::COLON) { 3 } else { 1 };
    tokens.len() <= HEADING_TOKENS_MAX && n_other <= n_other_max && !has_marks
}

/// Returns the demand at every token, parallel to the tokens of `doc`.
pub(super) fn demands(
    doc: &Doc<'_>,
    lexicon: &Lexicon,
    hits: &[Hit],
    sections: &[Section],
) -> Vec<Demand> {
    let marks = [
        ("demand/required", Demand::Required),
        ("demand/preferred", Demand::Preferred),
        ("demand/nice", Demand::Nice),
    ]
    .map(|(name, demand)| (lexicon.group(name), demand));
    let mut own = vec![Demand::None; doc.tokens.len()];
    for hit in hits {
        let mark = marks.iter().find(|(group, _)| *group == hit.group);
        if let (Some((_, demand)), Some(slot)) = (mark, own.get_mut(index(hit.at))) {
            *slot = (*slot).max(*demand);
        }
    }
    let mut demands = Vec::with_capacity(own.len());
    let mut from = 0;
    while let Some(first) = doc.token(from) {
        let n = doc.tokens.iter().skip(from).take_while(|t| t.sentence == first.sentence).count();
        let inherited = match sections.get(index(first.line)) {
            Some(Section::Required) => Demand::Required,
            Some(Section::Preferred) => Demand::Preferred,
            Some(Section::Nice) => Demand::Nice,
            Some(Section::Other | Section::Education | Section::Employment | Section::Offer)
            | None => Demand::None,
        };
        sentence_demands(doc, lexicon, &own, from..from + n, inherited, &mut demands);
        from += n;
    }
    demands
}

fn sentence_demands(
    doc: &Doc<'_>,
    lexicon: &Lexicon,
    own: &[Demand],
    range: std::ops::Range<usize>,
    inherited: Demand,
    demands: &mut Vec<Demand>,
) {
    let marks = own.get(range.clone()).unwrap_or_default();
    let mut stated = marks.iter().copied().filter(|demand| *demand != Demand::None);
    let Some(first_stated) = stated.next() else {
        demands.extend(range.map(|_| inherited));
        return;
    };
    if stated.all(|demand| demand == first_stated) {
        demands.extend(range.map(|_| first_stated));
        return;
    }
    // "Rust is required, Kubernetes is a plus": each clause speaks for itself, a silent one goes
    // on with what was said before.
    let mut current = first_stated;
    let mut at = range.start;
    while at < range.end {
        let is_clause_end = |next: &usize| {
            doc.token(*next).is_some_and(|token| {
                token.before.has_any(Gap::COMMA.or(Gap::SEMICOLON))
                    || lexicon.is(token.id, Class::Contrast)
            })
        };
        let end = (at + 1..range.end).find(is_clause_end).unwrap_or(range.end);
        let clause = own.get(at..end).unwrap_or_default().iter().copied();
        let strongest = clause.max().filter(|demand| *demand != Demand::None);
        current = strongest.unwrap_or(current);
        demands.extend((at..end).map(|_| current));
        at = end;
    }
}
