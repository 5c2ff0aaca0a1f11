//! How much two texts have in common, by their words.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::analysis::fold;

/// Shorter words and these tell nothing about what a text says.
const STOP_WORDS: [&str; 76] = [
    "about", "after", "all", "also", "and", "any", "are", "because", "been", "before", "being",
    "between", "both", "but", "can", "could", "did", "does", "down", "during", "each", "few",
    "for", "from", "had", "has", "have", "having", "her", "here", "him", "his", "how", "into",
    "its", "may", "more", "most", "nor", "not", "off", "once", "only", "other", "our", "out",
    "over", "own", "same", "she", "should", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "through", "too", "under", "until", "was",
    "were", "what", "when", "which", "who", "with", "your",
];

/// The different words of a text, as hashes: comparable within a process, and nothing of the text.
#[derive(Debug, Default)]
pub(crate) struct Words(HashSet<u64>);

impl Words {
    /// Folds `text` and keeps its words of more than two letters that are no stop words. Linear.
    pub(crate) fn of(text: &str) -> Self {
        let folded = fold(text);
        let words = folded.split(|c: char| !c.is_alphanumeric());
        let telling = words.filter(|word| {
            word.chars().nth(2).is_some() && STOP_WORDS.binary_search(word).is_err()
        });
        let hash = |word: &str| {
            let mut hasher = DefaultHasher::new();
            word.hash(&mut hasher);
            hasher.finish()
        };
        Self(telling.map(hash).collect())
    }

    /// Returns the share of words that both have among all that either has, 0 to 1; 0 for two
    /// texts without words.
    pub(crate) fn similarity(&self, other: &Self) -> f64 {
        let shared = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - shared;
        if all == 0 {
            return 0.0;
        }
        let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        number(shared) / number(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn similarity(a: &str, b: &str) -> f64 {
        Words::of(a).similarity(&Words::of(b))
    }

    #[test]
    fn stop_words_are_sorted_for_the_search() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn the_share_of_common_words_counts() {
        assert!((similarity("rust sql kafka", "rust sql redis") - 0.5).abs() < 1e-9);
        assert!((similarity("rust", "kafka")).abs() < 1e-9);
    }

    #[test]
    fn writing_order_and_repetition_do_not_count() {
        let (a, b) = ("Rust, SQL — Résumé", "re\u{301}sume\u{301}\nsql sql RUST");
        assert!((similarity(a, b) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn short_words_and_stop_words_do_not_count() {
        assert!((similarity("the rust of it", "rust with an io") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn two_texts_without_words_have_nothing_in_common() {
        assert!(similarity("", "").abs() < 1e-9);
        assert!(similarity("the a of", "- 12 -").abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn it_is_a_share_and_goes_both_ways(a in ".{0,80}", b in ".{0,80}") {
            let there = similarity(&a, &b);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert!((there - similarity(&b, &a)).abs() < 1e-9);
        }
    }
}
