//! aimock: scripted answers (`tests/foreign/aimock.json`) and a journal of what was asked.

use std::time::{Duration, Instant};

use jotrack_core::{AiConfig, Analysis, AnalysisState, Protocol, ResultSource};
use jotrack_tests::{Lab, options};
use serde_json::Value;
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

use super::{PATIENCE, PROTOCOLS, about, ai, end, get, server};

const VARIABLE: &str = "JOTRACK_TEST_AIMOCK";

/// A part of the script for one test, with its own journal.
struct Play {
    url: String,
    id: Uuid,
}

impl Play {
    fn new(url: &str) -> Self {
        let id = Uuid::from_bytes(jotrack_core::random_bytes().unwrap());
        Self { url: url.to_owned(), id }
    }

    /// An engine whose provider plays `model` of the script.
    async fn lab(&self, protocol: Protocol, model: &str, retries: u32) -> Lab {
        let base = format!("{}/v1?testId={}", self.url, self.id);
        let ai = AiConfig { retries, ..ai(base, protocol, model) };
        Lab::with(|config| config.ai = ai).await
    }

    /// What was asked so far.
    async fn journal(&self) -> Vec<Value> {
        let path = format!("/__aimock/journal?testId={}", self.id);
        let journal = get(&self.url, &path).await;
        let entries = journal.as_array().or_else(|| journal["entries"].as_array());
        entries.unwrap_or_else(|| panic!("no journal: {journal}")).clone()
    }

    async fn calls(&self) -> usize {
        self.journal().await.len()
    }
}

fn class(analysis: &Analysis) -> &str {
    let failure = analysis.error.as_ref().unwrap_or_else(|| panic!("no failure: {analysis:?}"));
    &failure.class
}

async fn is_nothing_kept(lab: &Lab) -> bool {
    lab.engine.cache_stats().await.unwrap().is_empty()
}

#[tokio::test]
async fn many_callers_make_one_call_in_every_protocol() {
    const CALLERS: usize = 40;
    let Some(url) = server(VARIABLE, "foreign::aimock::many_callers") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "truthful", 0).await;
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let engine = lab.engine.clone();
            callers.spawn(async move { engine.analyze(&about("Ruede Metals")).await });
        }

        let answers = timeout(PATIENCE, callers.join_all()).await.expect("nobody waits for ever");

        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(play.calls().await, 1, "{protocol:?}");
        for answer in &answers {
            let companies = &answer.result.as_ref().unwrap()["companies"];
            assert_eq!(companies[0]["name"], "Baumwoll Metals", "{protocol:?}");
        }
        let fresh = answers.iter().filter(|it| it.source == Some(ResultSource::Fresh)).count();
        assert_eq!(fresh, 1, "{protocol:?}: one caller's call");
        lab.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_long_as_it_says() {
    let Some(url) = server(VARIABLE, "foreign::aimock::a_rate_limit") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "limited", 2).await;
        let began = Instant::now();

        let ended = end(&lab, &about("Ruede Metals")).await;

        assert_eq!(ended.state, AnalysisState::Succeeded, "{protocol:?}: {ended:?}");
        assert!(began.elapsed() >= Duration::from_secs(1), "its Retry-After is 1");
        assert_eq!(play.calls().await, 2, "{protocol:?}");
        lab.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_overload_is_tried_again_and_never_kept() {
    let Some(url) = server(VARIABLE, "foreign::aimock::an_overload") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "overloaded", 1).await;

        let ended = end(&lab, &about("Ruede Metals")).await;

        assert_eq!(ended.state, AnalysisState::Failed, "{protocol:?}: {ended:?}");
        assert_eq!(class(&ended), "overloaded", "{protocol:?}");
        assert!(ended.error.as_ref().unwrap().retryable);
        assert_eq!(play.calls().await, 2, "{protocol:?}: the call and one more try");
        assert!(is_nothing_kept(&lab).await);
        lab.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_kept() {
    let Some(url) = server(VARIABLE, "foreign::aimock::an_answer_that_breaks_off") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "broken", 1).await;

        let broken = end(&lab, &about("Ruede Metals")).await;
        let calls = play.calls().await;
        let kept = is_nothing_kept(&lab).await;
        let whole = end(&lab, &about("Ruede Metals")).await;

        assert_eq!(broken.state, AnalysisState::Failed, "{protocol:?}: {broken:?}");
        assert!(["truncated", "network"].contains(&class(&broken)), "{protocol:?}: {broken:?}");
        assert_eq!((calls, kept), (2, true), "{protocol:?}");
        assert_eq!(whole.state, AnalysisState::Succeeded, "{protocol:?}: {whole:?}");
        assert_eq!((whole.source, play.calls().await), (Some(ResultSource::Fresh), 3));
        lab.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_its_limit_cuts_off_is_never_kept() {
    let Some(url) = server(VARIABLE, "foreign::aimock::its_limit_cuts_off") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "cut", 2).await;

        let ended = end(&lab, &about("Ruede Metals")).await;

        assert_eq!(ended.state, AnalysisState::Failed, "{protocol:?}: {ended:?}");
        assert_eq!((class(&ended), play.calls().await), ("too_long", 1), "{protocol:?}");
        assert!(is_nothing_kept(&lab).await);
        lab.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_complained_about_once_and_never_kept() {
    let Some(url) = server(VARIABLE, "foreign::aimock::another_form") else { return };
    for protocol in PROTOCOLS {
        let play = Play::new(&url);
        let lab = play.lab(protocol, "wordy", 2).await;

        let ended = end(&lab, &about("Ruede Metals")).await;

        assert_eq!(class(&ended), "schema_mismatch", "{protocol:?}");
        let journal = play.journal().await;
        assert_eq!(journal.len(), 2, "{protocol:?}");
        let asked = journal.iter().map(|entry| entry["body"].to_string());
        assert_eq!(
            asked.filter(|it| it.contains("something else")).count(),
            1,
            "{protocol:?}: the second call shows what was wrong"
        );
        assert!(is_nothing_kept(&lab).await);
        let again = lab.engine.start_analysis(&about("Ruede Metals"), &options()).await.unwrap();
        assert_eq!(again.source, ResultSource::Fresh, "{protocol:?}");
        lab.engine.close().await.unwrap();
    }
}
