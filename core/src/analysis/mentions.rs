//! Finds where a text names skills, and tells the language Go from the verb.
//!
//! A dozen names are also plain words. Such a name counts in its capital form when the same
//! sentence supports it, and in any form as a whole item of a list of skills.

use super::dictionary::Names;
use super::lexicon::Class;
use super::scanner::{Case, Gap};
use super::tokens::{Doc, Line, Token, index, offset_of};
use crate::enums::SkillCategory;

/// Another skill supports an ambiguous name within this many tokens.
const SKILL_REACH: usize = 8;
/// A word such as "language" supports an ambiguous name within this many tokens.
const WORD_REACH: usize = 4;
/// A list speaks for an item when this many other items are skills.
const LIST_SKILLS_MIN: usize = 2;

/// A skill named in a text: tokens `first..last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) skill: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

#[derive(Clone, Copy)]
struct Candidate {
    mention: Mention,
    is_ambiguous: bool,
    is_capital: bool,
    is_accepted: bool,
}

/// Returns the mentions in token order. Linear in the text.
pub(super) fn mentions(doc: &Doc<'_>, names: &Names<'_>) -> Vec<Mention> {
    let mut candidates = candidates(doc, names);
    if candidates.iter().any(|candidate| candidate.is_ambiguous) {
        accept_list_items(doc, names, &mut candidates);
        accept_supported_by_words(doc, names, &mut candidates);
        accept_near_skills(doc, names, &mut candidates);
    }
    candidates.iter().filter(|found| found.is_accepted).map(|found| found.mention).collect()
}

fn candidates(doc: &Doc<'_>, names: &Names<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = doc.token(at) {
        let longest = if token.id == 0 { None } else { names.longest(doc, at) };
        let Some((n_tokens, alias)) = longest else {
            at += 1;
            continue;
        };
        if !alias.is_ambiguous || !is_other_meaning(doc, names, at) {
            found.push(Candidate {
                mention: Mention {
                    skill: alias.skill,
                    first: offset_of(at),
                    last: offset_of(at + n_tokens),
                },
                is_ambiguous: alias.is_ambiguous,
                is_capital: token.case == Case::Capital,
                is_accepted: !alias.is_ambiguous,
            });
        }
        at += n_tokens;
    }
    found
}

/// Recognises "go to", "Series C", "R&D", "Spring 2019" and "Oracle Inc."
fn is_other_meaning(doc: &Doc<'_>, names: &Names<'_>, at: usize) -> bool {
    let Some(token) = doc.token(at) else { return false };
    let after = doc.gap_after(at);
    let is_letter = token.end - token.start == 1;
    let glued = Gap::AMP.or(Gap::APOSTROPHE).or(Gap::DASH);
    let is_glued = |gap: Gap| gap.has_any(glued) && !gap.has_any(Gap::SPACE);
    if is_letter && (is_glued(token.before) || is_glued(after)) {
        return true;
    }
    let previous = doc.on_line(at.checked_sub(1), token);
    if is_letter
        && previous.is_some_and(|word| names.lexicon.is(word.id, Class::Label))
        && !token.before.has_any(Gap::BREAKS)
    {
        return true;
    }
    let Some(next) = doc.on_line(Some(at + 1), token) else { return false };
    if next.before.has_any(Gap::BREAKS.or(Gap::SLASH)) {
        return false;
    }
    names.lexicon.is(next.id, Class::Follower)
        || names.lexicon.is(next.id, Class::Company)
        || next.number.is_some_and(|number| number.n_digits == 4)
}

/// A list is what stands between two ends; its items stand between separators.
#[derive(Default)]
struct List {
    /// Indices of the candidates that are whole items.
    whole: Vec<usize>,
    skills: Vec<u32>,
}

impl List {
    fn close(&mut self, candidates: &mut [Candidate]) {
        let mut distinct = |keep: fn(&Candidate) -> bool| {
            self.skills.clear();
            let kept = self.whole.iter().filter_map(|at| candidates.get(*at)).filter(|c| keep(c));
            self.skills.extend(kept.map(|candidate| candidate.mention.skill));
            self.skills.sort_unstable();
            self.skills.dedup();
            self.skills.len()
        };
        let n_skills = distinct(|_| true);
        let n_plain = distinct(|candidate| !candidate.is_ambiguous);
        let n_capital = distinct(|candidate| candidate.is_ambiguous && candidate.is_capital);
        for at in self.whole.drain(..) {
            let Some(item) = candidates.get_mut(at) else { continue };
            // Plain words alone may form a list of plain words: "go, react, express yourself".
            let speaks = n_plain > 0 || (item.is_capital && n_capital > LIST_SKILLS_MIN);
            item.is_accepted |= n_skills > LIST_SKILLS_MIN && speaks;
        }
    }
}

fn accept_list_items(doc: &Doc<'_>, names: &Names<'_>, candidates: &mut [Candidate]) {
    let mut list = List::default();
    // Lines that are one skill each form a list as well.
    let mut column = List::default();
    let mut next = 0;
    for line in &doc.lines {
        let from = next;
        while candidates.get(next).is_some_and(|found| found.mention.first < line.last) {
            next += 1;
        }
        let only = candidates.get(from).filter(|_| next == from + 1).map(|found| found.mention);
        if only.is_some_and(|only| only.first == line.first && only.last == line.last) {
            column.whole.push(from);
            continue;
        }
        column.close(candidates);
        if candidates.get(from..next).is_some_and(|all| all.iter().any(|found| found.is_ambiguous))
        {
            accept_line_items(doc, names, line, from, &mut list, candidates);
        }
    }
    column.close(candidates);
}

fn accept_line_items(
    doc: &Doc<'_>,
    names: &Names<'_>,
    line: &Line,
    from: usize,
    list: &mut List,
    candidates: &mut [Candidate],
) {
    let (first, tokens) = doc.line_tokens(line);
    let mut current = from;
    let (mut item_first, mut item) = (first, None);
    for (n, token) in tokens.iter().enumerate() {
        let at = first + n;
        while candidates.get(current).is_some_and(|found| index(found.mention.last) <= at) {
            current += 1;
        }
        let is_inside =
            candidates.get(current).is_some_and(|found| index(found.mention.first) < at);
        let is_join = !is_inside && names.lexicon.is(token.id, Class::Join);
        let is_end = !is_inside && n > 0 && is_list_end(token.before);
        if is_join || is_end || (!is_inside && is_separator(token.before)) {
            list.whole.extend(item.filter(|whole| ends_at(candidates, *whole, at)));
            (item_first, item) = (if is_join { at + 1 } else { at }, None);
        }
        if is_end {
            list.close(candidates);
        }
        if at == item_first {
            item = candidates
                .get(current)
                .filter(|found| index(found.mention.first) == at)
                .map(|_| current);
        }
    }
    list.whole.extend(item.filter(|whole| ends_at(candidates, *whole, first + tokens.len())));
    list.close(candidates);
}

fn ends_at(candidates: &[Candidate], candidate: usize, at: usize) -> bool {
    candidates.get(candidate).is_some_and(|found| index(found.mention.last) == at)
}

fn is_separator(gap: Gap) -> bool {
    let marks = Gap::COMMA.or(Gap::SLASH).or(Gap::PIPE).or(Gap::SEMICOLON).or(Gap::BULLET);
    gap.has_any(marks) || (gap.has_any(Gap::AMP) && gap.has_any(Gap::SPACE))
}

fn is_list_end(gap: Gap) -> bool {
    gap.has_any(Gap::SENTENCE.or(Gap::COLON).or(Gap::PAREN))
        || (gap.has_any(Gap::DASH) && gap.has_any(Gap::SPACE))
}

fn accept_supported_by_words(doc: &Doc<'_>, names: &Names<'_>, candidates: &mut [Candidate]) {
    for found in candidates.iter_mut().filter(|found| !found.is_accepted && found.is_capital) {
        let (first, last) = (index(found.mention.first), index(found.mention.last));
        let Some(token) = doc.token(first) else { continue };
        let in_sentence = |at: Option<usize>| {
            at.and_then(|at| doc.token(at)).filter(|word| word.sentence == token.sentence)
        };
        let is = |word: &Token, class: Class| names.lexicon.is(word.id, class);
        let mut is_object = false;
        for reach in 1..=WORD_REACH {
            if in_sentence(Some(last - 1 + reach)).is_some_and(|word| is(word, Class::Support)) {
                found.is_accepted = true;
            }
            let Some(before) = in_sentence(first.checked_sub(reach)) else { continue };
            is_object |= is(before, Class::Preposition);
            // "Experience with Go" names a thing one can know; "Experience: Oracle" an employer.
            found.is_accepted |=
                is(before, Class::Support) || (is_object && is(before, Class::Competence));
        }
    }
}

/// Accepts what stands near a skill that was accepted before, never near one accepted here, so
/// that the result does not depend on order.
fn accept_near_skills(doc: &Doc<'_>, names: &Names<'_>, candidates: &mut [Candidate]) {
    let near: Vec<usize> = (0..candidates.len())
        .filter(|at| {
            let Some(found) = candidates.get(*at) else { return false };
            !found.is_accepted && found.is_capital && {
                let earlier = candidates.get(..*at).unwrap_or_default().iter().rev();
                let later = candidates.get(at + 1..).unwrap_or_default().iter();
                has_neighbour(doc, names, found, earlier) || has_neighbour(doc, names, found, later)
            }
        })
        .collect();
    for at in near {
        if let Some(found) = candidates.get_mut(at) {
            found.is_accepted = true;
        }
    }
}

fn has_neighbour<'c>(
    doc: &Doc<'_>,
    names: &Names<'_>,
    found: &Candidate,
    others: impl Iterator<Item = &'c Candidate>,
) -> bool {
    let sentence = |at: u32| doc.token(index(at)).map(|token| token.sentence);
    let home = sentence(found.mention.first);
    others
        .take_while(|other| {
            let before = found.mention.first.checked_sub(other.mention.last);
            let gap = before.or(other.mention.first.checked_sub(found.mention.last));
            gap.is_some_and(|gap| index(gap) < SKILL_REACH) && sentence(other.mention.first) == home
        })
        .any(|other| {
            let category = names.skill(index(other.mention.skill)).map(|skill| skill.category);
            other.is_accepted
                && other.mention.skill != found.mention.skill
                && category != Some(SkillCategory::Soft)
        })
}
