//! The words and terms that rules look for, read from `data/signals.txt`.

use std::collections::HashMap;

use super::scanner::table_tokens;
use super::tokens::{Doc, index, offset_of};
use super::trie::Trie;

/// The text of the lexicons; its version is part of [`super::ANALYSIS_VERSION`]'s meaning.
const SIGNALS: &str = include_str!("../../data/signals.txt");

/// A property of a single word. Each has a `words` or `values` line in the data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    Follower,
    Support,
    Competence,
    Preposition,
    Join,
    Label,
    Company,
    Month,
    Count,
    Present,
    Until,
    Since,
    Year,
    Past,
    Experience,
    Magnitude,
    Scale,
    Measure,
    Contrast,
    Hiring,
    Role,
    Deflect,
}

impl Class {
    pub(super) const ALL: [(&'static str, Self); 22] = [
        ("follower", Self::Follower),
        ("support", Self::Support),
        ("competence", Self::Competence),
        ("preposition", Self::Preposition),
        ("join", Self::Join),
        ("label", Self::Label),
        ("company", Self::Company),
        ("month", Self::Month),
        ("count", Self::Count),
        ("present", Self::Present),
        ("until", Self::Until),
        ("since", Self::Since),
        ("year", Self::Year),
        ("past", Self::Past),
        ("experience", Self::Experience),
        ("magnitude", Self::Magnitude),
        ("scale", Self::Scale),
        ("measure", Self::Measure),
        ("contrast", Self::Contrast),
        ("hiring", Self::Hiring),
        ("role", Self::Role),
        ("deflect", Self::Deflect),
    ];

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A list of terms that count as one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupId(u32);

impl GroupId {
    pub(super) fn idx(self) -> usize {
        index(self.0)
    }
}

/// A term of a group found in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    /// Index of the first token.
    pub(super) at: u32,
    pub(super) n_tokens: u32,
    pub(super) group: GroupId,
}

#[derive(Clone, Copy)]
struct Term {
    group: GroupId,
    /// False for a term that is read over so that a shorter one inside it does not count.
    counts: bool,
}

/// Words, their classes, and groups of terms.
#[derive(Default)]
pub(super) struct Lexicon {
    words: HashMap<String, u32>,
    classes: Vec<u32>,
    values: Vec<u8>,
    groups: Vec<String>,
    terms: Trie<Term>,
    pub(super) version: u32,
}

impl Lexicon {
    /// Reads the built-in file.
    pub(super) fn built_in() -> Result<Self, String> {
        let mut lexicon = Self::default();
        // Groups come first: their words also carry plural forms, which later lines then share.
        for (kind, name, items) in lines(SIGNALS)? {
            if kind == "group" {
                lexicon.add_group(name, items)?;
            }
        }
        for (kind, name, items) in lines(SIGNALS)? {
            match kind {
                "version" => lexicon.version = name.parse().map_err(|_| "version".to_owned())?,
                "words" => lexicon.add_words(class_named(name)?, items),
                "values" => lexicon.add_values(class_named(name)?, items)?,
                "group" => {}
                _ => return Err(format!("unknown kind of line: {kind}")),
            }
        }
        Ok(lexicon)
    }

    /// The id of a folded word; 0 when no table knows it.
    pub(super) fn word_id(&self, word: &str) -> u32 {
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Makes a word known and returns its id.
    pub(super) fn add_word(&mut self, word: &str) -> u32 {
        let fresh = offset_of(self.words.len() + 1);
        *self.words.entry(word.to_owned()).or_insert(fresh)
    }

    /// The smallest id that is free.
    pub(super) fn next_id(&self) -> u32 {
        offset_of(self.words.len() + 1)
    }

    pub(super) fn is(&self, id: u32, class: Class) -> bool {
        id != 0 && self.classes.get(index(id)).is_some_and(|bits| bits & class.bit() != 0)
    }

    /// The number behind a month's name or a count in words; 0 for other words.
    pub(super) fn value(&self, id: u32) -> u8 {
        self.values.get(index(id)).copied().unwrap_or(0)
    }

    pub(super) fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// The group of that name; one without terms when there is none, which a test rules out.
    pub(super) fn group(&self, name: &str) -> GroupId {
        let at = self.groups.iter().position(|group| group == name);
        GroupId(offset_of(at.unwrap_or(self.groups.len())))
    }

    /// The name of a group.
    #[cfg(test)]
    pub(super) fn group_name(&self, group: GroupId) -> &str {
        self.groups.get(group.idx()).map_or("", String::as_str)
    }

    /// Reports whether a group holds the terms of a signal rather than a member of a family.
    pub(super) fn is_signal(&self, group: GroupId) -> bool {
        self.groups.get(group.idx()).is_some_and(|name| !name.contains('/'))
    }

    /// The groups named `FAMILY/…`, in the order of the file.
    pub(super) fn family<'s>(
        &'s self,
        family: &'s str,
    ) -> impl Iterator<Item = (GroupId, &'s str)> {
        self.groups.iter().enumerate().filter_map(move |(at, name)| {
            let member = name.strip_prefix(family)?.strip_prefix('/')?;
            Some((GroupId(offset_of(at)), member))
        })
    }

    /// Finds every term in token order. Within a group the longest wins and none overlap.
    pub(super) fn hits(&self, doc: &Doc<'_>) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut free_from = vec![0; self.groups.len()];
        let mut found: Vec<(usize, Term)> = Vec::new();
        for at in 0..doc.tokens.len() {
            found.clear();
            self.terms.walk(doc, at, |n, terms| found.extend(terms.iter().map(|term| (n, *term))));
            for (n, term) in found.iter().rev() {
                let Some(free) = free_from.get_mut(term.group.idx()) else { continue };
                if *free > at {
                    continue;
                }
                *free = at + n;
                if term.counts {
                    hits.push(Hit {
                        at: offset_of(at),
                        n_tokens: offset_of(*n),
                        group: term.group,
                    });
                }
            }
        }
        hits
    }

    fn add_group(&mut self, name: &str, items: &str) -> Result<(), String> {
        if self.groups.iter().any(|group| group == name) {
            return Err(format!("two groups named {name}"));
        }
        let group = GroupId(offset_of(self.groups.len()));
        self.groups.push(name.to_owned());
        for item in items.split(',').map(str::trim) {
            let (item, counts) = match item.strip_prefix('!') {
                Some(item) => (item, false),
                None => (item, true),
            };
            let words = table_tokens(item);
            if words.is_empty() || words.len() > 4 {
                return Err(format!("not 1 to 4 tokens: {item} in {name}"));
            }
            let ids: Vec<u32> = words.iter().map(|word| self.add_countable(word)).collect();
            self.terms.insert(&ids, Term { group, counts });
        }
        Ok(())
    }

    /// Adds a word together with its plural, under one id.
    fn add_countable(&mut self, word: &str) -> u32 {
        let id = self.add_word(word);
        // Short words are articles and prepositions: "as" is no plural of "a".
        if word.len() >= 3 && !word.ends_with('s') && word.bytes().all(|b| b.is_ascii_lowercase()) {
            self.words.entry(format!("{word}s")).or_insert(id);
            if let Some(stem) = word.strip_suffix('y') {
                self.words.entry(format!("{stem}ies")).or_insert(id);
            }
        }
        id
    }

    fn add_words(&mut self, class: Class, items: &str) {
        for word in items.split(',') {
            self.classify(word.trim(), class);
        }
    }

    fn add_values(&mut self, class: Class, items: &str) -> Result<(), String> {
        for item in items.split(',') {
            let (word, value) = item.trim().split_once(' ').ok_or_else(|| item.to_owned())?;
            let id = self.classify(word, class);
            let value = value.parse().map_err(|_| item.to_owned())?;
            set_at(&mut self.values, index(id), |slot| *slot = value);
        }
        Ok(())
    }

    fn classify(&mut self, word: &str, class: Class) -> u32 {
        let id = self.add_word(word);
        set_at(&mut self.classes, index(id), |slot| *slot |= class.bit());
        id
    }
}

fn set_at<T: Default + Clone>(slots: &mut Vec<T>, at: usize, set: impl FnOnce(&mut T)) {
    if slots.len() <= at {
        slots.resize(at + 1, T::default());
    }
    if let Some(slot) = slots.get_mut(at) {
        set(slot);
    }
}

fn class_named(name: &str) -> Result<Class, String> {
    let class = Class::ALL.iter().find(|(word, _)| *word == name);
    class.map(|(_, class)| *class).ok_or_else(|| format!("unknown class: {name}"))
}

/// Cuts the file into `kind name = items`.
fn lines(text: &str) -> Result<Vec<(&str, &str, &str)>, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (head, items) = line.split_once('=').unwrap_or((line, ""));
            let (kind, name) = head.trim().split_once(' ').ok_or_else(|| line.to_owned())?;
            Ok((kind, name.trim(), items.trim()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let lexicon = Lexicon::built_in().unwrap();
        let doc = Doc::new(text, |word| lexicon.word_id(word));
        lexicon.hits(&doc).iter().map(|hit| lexicon.group_name(hit.group).to_owned()).collect()
    }

    #[test]
    fn every_class_has_words() {
        let lexicon = Lexicon::built_in().unwrap();

        for (name, class) in Class::ALL {
            assert!(lexicon.classes.iter().any(|bits| bits & class.bit() != 0), "{name}");
        }
        assert!(lexicon.version >= 1);
        assert_eq!(lexicon.value(lexicon.word_id("sept")), 9);
    }

    #[test]
    fn plurals_fold_and_the_longest_term_wins() {
        assert_eq!(names("deadlines"), ["soft_8"]);
        assert!(names("Remote procedure calls").is_empty());
        assert!(names("not required").contains(&"demand/nice".to_owned()));
        assert!(!names("not required").contains(&"demand/required".to_owned()));
        assert!(!names("nice, to, have").contains(&"demand/nice".to_owned()));
    }
}
