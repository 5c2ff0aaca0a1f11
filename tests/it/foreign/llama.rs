//! llama.cpp's server: random words in three protocols, and a grammar that makes them fit.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use jotrack_core::{
    AnalysisState, Caps, Clock, Protocol, ResultSource,
    ai::{
        AiError, AnswerSchema, EventData, HttpProvider, ModelEvent, ModelRequest, Provider,
        StopReason,
    },
};
use jotrack_tests::{Lab, options};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{PATIENCE, PROTOCOLS, about, ai, end, get, server};

const VARIABLE: &str = "JOTRACK_TEST_LLAMA";
/// Most tokens of the analysis that is asked for.
const TOKENS_MOST: u64 = 8_000;
/// The state of the server is looked at: one test at a time.
static TURN: Mutex<()> = Mutex::const_new(());

fn request(user: &str, max_tokens: u32) -> ModelRequest {
    let schema = AnswerSchema { name: "nothing", schema: json!({ "type": "object" }) };
    ModelRequest {
        model: String::from("random"),
        system: String::from("Answer."),
        user: user.to_owned(),
        max_tokens,
        schema: Arc::new(schema),
        repair: None,
    }
}

/// One exchange without a schema, to its end.
async fn exchange(
    url: &str,
    protocol: Protocol,
    request: ModelRequest,
) -> Vec<Result<ModelEvent, AiError>> {
    let caps = Caps { schema: false, ..Caps::default() };
    let config = jotrack_core::AiConfig { caps, ..ai(format!("{url}/v1"), protocol, "random") };
    let provider = HttpProvider::operator(&config, Clock::System).unwrap();
    timeout(PATIENCE, provider.stream(request).collect()).await.expect("an end in time")
}

#[tokio::test]
async fn all_three_protocols_are_read_to_their_ends() {
    let Some(url) = server(VARIABLE, "foreign::llama::all_three_protocols") else { return };
    let _turn = TURN.lock().await;
    for protocol in PROTOCOLS {
        let events = exchange(&url, protocol, request("Say something.", 24)).await;

        let events: Vec<_> = events.into_iter().map(Result::unwrap).collect();
        assert!(matches!(events[0], ModelEvent::Started { .. }), "{protocol:?}: {events:?}");
        let texts = events.iter().filter(|event| matches!(event, ModelEvent::Text(_))).count();
        assert!(texts > 3, "{protocol:?} streams: {events:?}");
        let usage = events.iter().rev().find_map(|event| match event {
            ModelEvent::Usage(usage) => Some(*usage),
            _ => None,
        });
        let usage = usage.expect("token counts");
        assert_eq!((usage.output, usage.estimated), (24, false), "{protocol:?}");
        assert!(usage.input > 20, "{protocol:?}: {usage:?}");
        let stop = match protocol {
            // This server calls an answer completed that its limit cut off: only the check of the
            // form tells.
            Protocol::Responses => StopReason::Natural,
            Protocol::Chat | Protocol::Messages => StopReason::MaxTokens,
        };
        assert_eq!(*events.last().unwrap(), ModelEvent::Stop(stop), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_request_that_it_refuses_is_wrong_and_not_tried_again() {
    let Some(url) = server(VARIABLE, "foreign::llama::a_request_that_it_refuses") else { return };
    let _turn = TURN.lock().await;
    for protocol in PROTOCOLS {
        let too_long = request(&"word ".repeat(8_000), 24);

        let events = exchange(&url, protocol, too_long).await;

        let error = events.last().unwrap().clone().unwrap_err();
        assert!(matches!(error, AiError::Invalid(_)), "{protocol:?}: {error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn its_grammar_makes_an_answer_that_fits_and_is_kept() {
    let Some(url) = server(VARIABLE, "foreign::llama::its_grammar") else { return };
    let _turn = TURN.lock().await;
    let config = ai(format!("{url}/v1"), Protocol::Chat, "random");
    let lab = Lab::with(|engine| engine.ai = config).await;

    let first = end(&lab, &about("Ruede Metals")).await;
    let second = lab.engine.start_analysis(&about("  ruede  METALS "), &options()).await.unwrap();

    assert_eq!(first.state, AnalysisState::Succeeded, "{first:?}");
    assert_eq!(first.source, Some(ResultSource::Fresh));
    assert!(first.result.as_ref().unwrap()["companies"].is_array());
    assert!(first.usage.input > 500 && first.usage.output > 5, "{:?}", first.usage);
    assert!(first.ttft_ms.is_some() && first.ttft_ms <= first.total_ms);
    assert_eq!((second.source, second.analysis.result), (ResultSource::Shared, first.result));
}

#[tokio::test]
async fn words_arrive_as_they_are_made_and_a_cancel_reaches_it() {
    let Some(url) = server(VARIABLE, "foreign::llama::a_cancel_reaches_it") else { return };
    let _turn = TURN.lock().await;
    for protocol in PROTOCOLS {
        let mut config = ai(format!("{url}/v1"), protocol, "random");
        // Without a grammar only the limit on tokens ends what it says.
        config.caps.schema = false;
        let lab = Lab::with(|engine| engine.ai = config).await;
        let started = lab.engine.start_analysis(&about("Endless"), &options()).await.unwrap();
        let id = started.analysis.id;
        let mut events = lab.engine.analysis_events(id, None).await.unwrap();
        let mut deltas = 0;
        while deltas < 5 {
            let event = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
            let event = event.expect("the answer has not ended");
            deltas += usize::from(matches!(event.data, EventData::Delta(_)));
        }
        let busy = slot(&url, true).await;
        let prompt = number(&busy["n_prompt_tokens"]) - decoded(&busy);

        let cancelled = lab.engine.cancel_analysis(id).await.unwrap();

        assert_eq!(cancelled.state, AnalysisState::Cancelled, "{protocol:?}");
        let idle = slot(&url, false).await;
        assert_eq!(idle["id_task"], busy["id_task"], "{protocol:?}: no other call");
        let made = number(&idle["n_prompt_tokens"]) - prompt;
        assert!((1..TOKENS_MOST).contains(&made), "{protocol:?}: {made} tokens were made");
        assert!(lab.engine.cache_stats().await.unwrap().is_empty());
        lab.engine.close().await.unwrap();
    }
}

/// Waits until the server works, or none of its slots does; returns the slot of the last call.
async fn slot(url: &str, working: bool) -> Value {
    let look = async {
        loop {
            let slots = get(url, "/slots").await;
            let slots = slots.as_array().unwrap();
            if slots.iter().any(|slot| slot["is_processing"] == true) == working {
                let used = slots.iter().filter(|slot| slot["id_task"].is_u64());
                return used.max_by_key(|slot| slot["id_task"].as_u64()).unwrap().clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, look).await.expect("the server sees it in time")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn decoded(slot: &Value) -> u64 {
    number(&slot["next_token"][0]["n_decoded"])
}
