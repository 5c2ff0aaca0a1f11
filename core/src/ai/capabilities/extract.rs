//! Picks the sentences of a text that hold most facts.

use std::{cmp::Reverse, collections::HashSet};

use super::texts::Quotable;
use crate::analysis::fold;

/// Sentences that are looked at.
const SENTENCES_MAX: usize = 2000;
/// Characters of a sentence that are kept.
const SENTENCE_CHARS: usize = 400;
/// A shorter sentence says little, in characters.
const SHORT_CHARS: usize = 15;

/// Words of the things that notes on a job are kept for.
const CUES: [&str; 30] = [
    "agreed",
    "ask",
    "benefits",
    "bonus",
    "budget",
    "call",
    "concern",
    "contact",
    "deadline",
    "decision",
    "equity",
    "expects",
    "feedback",
    "follow",
    "interview",
    "manager",
    "must",
    "next",
    "offer",
    "prepare",
    "promised",
    "recruiter",
    "referral",
    "relocation",
    "remote",
    "salary",
    "send",
    "start",
    "team",
    "visa",
];

/// Returns the sentences of a text in their order, without bullets and repetitions.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut sentences = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['-', '*', '•', ' ']);
        let mut rest = line.trim();
        while !rest.is_empty() && sentences.len() < SENTENCES_MAX {
            let (sentence, after) = split_sentence(rest);
            rest = after.trim_start();
            let is_said = sentence.contains(char::is_alphanumeric);
            if is_said && seen.insert(fold(sentence)) {
                sentences.push(shortened(sentence.trim()));
            }
        }
    }
    sentences
}

/// Returns the best sentences and the next best ones that hold any fact, both in their order. The
/// first sentences are the best ones where none holds a fact.
pub(super) fn best(
    sentences: &[String],
    keywords: &[String],
    n_best: usize,
    n_next: usize,
) -> (Vec<String>, Vec<String>) {
    let mut ranked: Vec<(usize, u32)> =
        sentences.iter().map(|sentence| facts(sentence, keywords)).enumerate().collect();
    // Of equal ones the earlier one is better.
    ranked.sort_by_key(|(at, facts)| (Reverse(*facts), *at));
    let pick = |ranked: &mut dyn Iterator<Item = &(usize, u32)>| -> Vec<String> {
        let mut places: Vec<usize> = ranked.map(|(at, _)| *at).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|at| sentences.get(at).cloned()).collect()
    };
    let best = pick(&mut ranked.iter().take(n_best));
    let next = pick(&mut ranked.iter().skip(n_best).filter(|(_, facts)| *facts > 0).take(n_next));
    (best, next)
}

/// Returns sentences as a paragraph.
pub(super) fn joined(sentences: &[String]) -> String {
    let ended = sentences.iter().map(|sentence| {
        let is_ended = sentence.ends_with(['.', '!', '?', '…', ':', ';']);
        if is_ended { sentence.clone() } else { format!("{sentence}.") }
    });
    let paragraph = ended.collect::<Vec<_>>().join(" ");
    if paragraph.is_empty() { "The notes hold no words.".to_owned() } else { paragraph }
}

/// Splits behind the first full stop, question or exclamation mark before a space.
fn split_sentence(text: &str) -> (&str, &str) {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && matches!(before, '.' | '!' | '?') {
            return text.split_at(at);
        }
        before = c;
    }
    (text, "")
}

fn shortened(sentence: &str) -> String {
    match sentence.char_indices().nth(SENTENCE_CHARS) {
        None => sentence.to_owned(),
        Some((end, _)) => {
            let head = sentence.get(..end).unwrap_or_default();
            let head = head.rsplit_once(' ').map_or(head, |(head, _)| head);
            format!("{head}…")
        }
    }
}

/// Returns how many facts a sentence holds: skills, numbers and dates, names, and cues.
fn facts(sentence: &str, keywords: &[String]) -> u32 {
    if sentence.chars().count() < SHORT_CHARS {
        return 0;
    }
    let folded = Quotable::new(sentence);
    let count = |n: usize, most: u32| u32::try_from(n).unwrap_or(most).min(most);
    let skills = keywords.iter().filter(|name| folded.has_word(name)).count();
    let cues = CUES.iter().filter(|cue| folded.has_word(cue)).count();
    let words = || sentence.split_whitespace();
    let numbers = words().filter(|word| word.contains(|c: char| c.is_ascii_digit())).count();
    // The first word is capital anyway.
    let names = words().skip(1).filter(|word| word.starts_with(char::is_uppercase)).count();
    2 * count(skills, 3) + 2 * count(cues, 3) + 2 * count(numbers, 2) + count(names, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_lines_and_full_stops() {
        let text = "- Called Ana. She likes Rust 1.9!\n\n* Call. \n...\ncalled ana.";

        assert_eq!(sentences(text), ["Called Ana.", "She likes Rust 1.9!", "Call."]);
    }

    #[test]
    fn sentences_with_facts_come_first_and_in_their_order() {
        let text = "Nice weather in the morning today.\nSalary is 90000 with a bonus of 10 %.\n\
            The coffee there was very good indeed.\nInterview with Dana Roth on 12 May about Rust.";
        let sentences = sentences(text);

        let (best, next) = best(&sentences, &["Rust".to_owned()], 2, 5);

        assert!(best[0].starts_with("Salary") && best[1].starts_with("Interview"), "{best:?}");
        assert!(next.is_empty(), "{next:?}");
    }

    #[test]
    fn a_text_without_facts_is_its_own_start() {
        let sentences = sentences("one\ntwo\nthree\nfour");

        assert_eq!(best(&sentences, &[], 2, 2).0, ["one", "two"]);
        assert_eq!(joined(&["one".to_owned(), "two!".to_owned()]), "one. two!");
    }

    #[test]
    fn a_sentence_is_cut_at_a_word() {
        let long = "wörter ".repeat(200);

        let sentences = sentences(&long);

        assert!(sentences[0].ends_with("wörter…") && sentences[0].chars().count() <= 401);
    }
}
