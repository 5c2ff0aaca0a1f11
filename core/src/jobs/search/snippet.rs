//! Short pieces of text around a match, cut from the rows of one page.

use std::collections::HashMap;

use crate::{
    engine::Snapshot,
    error::Result,
    id::JobId,
    jobs::{search::Query, store::search as store, tokens},
};

/// Characters of a snippet.
const CHARS: usize = 160;
/// Characters shown before the match.
const BEFORE: usize = 60;

/// Returns a snippet for each job in whose notes or documents a word was found. One statement.
pub(super) async fn of(
    snapshot: &Snapshot,
    ids: &[JobId],
    query: &Query,
) -> Result<HashMap<JobId, String>> {
    let mut snippets = HashMap::new();
    if ids.is_empty() {
        return Ok(snippets);
    }
    for (job, text) in store::heads(snapshot, ids).await? {
        if !snippets.contains_key(&job)
            && let Some(snippet) = cut(&text, query)
        {
            snippets.insert(job, snippet);
        }
    }
    Ok(snippets)
}

fn cut(text: &str, query: &Query) -> Option<String> {
    let (mut scanner, mut word) = (tokens::Scanner::new(text), String::new());
    let found = loop {
        let (start, _) = scanner.next_into(&mut word)?;
        if query.asks_for(&word) {
            break start;
        }
    };
    let before = text.get(..found)?;
    let start = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(i, _)| i);
    let piece: String = text.get(start..)?.chars().take(CHARS).collect();
    let piece = piece.split_whitespace().collect::<Vec<_>>().join(" ");
    (!piece.is_empty()).then_some(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn a_snippet_holds_the_match_and_is_short() {
        let text = format!("{} Kubernetes {}", "wörd ".repeat(80), "tail ".repeat(80));
        let query = Query::parse("kuber", &Limits::default()).unwrap();

        let snippet = cut(&text, &query).unwrap();

        assert!(snippet.contains("Kubernetes"));
        assert!(snippet.chars().count() <= CHARS);
        assert_eq!(cut("nothing here", &query), None);
    }
}
