//! What belongs here: one AI call over a real socket, against a server that misbehaves byte by
//! byte. What is made of the answers, flights and retries are elsewhere.

mod failures;
mod phases;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use jotrack_core::{
    AiConfig, AiProvider, Clock, ManualClock, Protocol,
    ai::{
        AiError, AnswerSchema, HttpProvider, ModelEvent, ModelRequest, Phase, Provider as _,
        StopReason, TokenUsage,
    },
};
use jotrack_tests::{
    START,
    provider::{End, FaultServer, Reply, Script, Transcript},
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

const PROTOCOLS: [Protocol; 3] = [Protocol::Messages, Protocol::Chat, Protocol::Responses];
const TEXT: &str = "{\"greeting\":\"Grüße 𝄞\",\"n\":[1,2,3]}";

type Step = Result<ModelEvent, AiError>;

fn request() -> ModelRequest {
    ModelRequest {
        model: String::from("fault-model"),
        system: String::from("be brief"),
        user: String::from("a question"),
        max_tokens: 99,
        schema: Arc::new(AnswerSchema { name: "answer", schema: json!({ "type": "object" }) }),
        repair: None,
    }
}

fn config(url: String, protocol: Protocol) -> AiConfig {
    // OpenAI's own service and Anthropic's are held to the letter of their protocols.
    let provider = match protocol {
        Protocol::Messages => AiProvider::Anthropic,
        Protocol::Chat | Protocol::Responses => AiProvider::OpenAi,
    };
    AiConfig {
        provider,
        protocol,
        base_url: Some(url),
        api_key: Some("a-key".into()),
        ..AiConfig::default()
    }
}

fn provider_of(config: &AiConfig) -> HttpProvider {
    HttpProvider::operator(config, Clock::Manual(ManualClock::new(START))).unwrap()
}

fn provider(server: &FaultServer, protocol: Protocol) -> HttpProvider {
    provider_of(&config(server.url(), protocol))
}

async fn steps(provider: &HttpProvider) -> Vec<Step> {
    provider.stream(request()).collect().await
}

/// The last step of one call to a server that gives this reply.
async fn end(protocol: Protocol, reply: Reply) -> Step {
    end_with(protocol, reply, |_| {}).await
}

async fn end_with(protocol: Protocol, reply: Reply, change: impl FnOnce(&mut AiConfig)) -> Step {
    let server = FaultServer::start(Script::always(reply)).await;
    let mut config = config(server.url(), protocol);
    change(&mut config);
    let steps = steps(&provider_of(&config)).await;
    assert_eq!(server.count(), 1, "one request is one call");
    let errors = steps.iter().filter(|step| step.is_err()).count();
    assert!(errors <= 1, "{steps:?}");
    steps.last().unwrap().clone()
}

fn text(steps: &[Step]) -> String {
    let texts = steps.iter().filter_map(|step| match step {
        Ok(ModelEvent::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn is_invalid(step: &Step) -> bool {
    matches!(step, Err(AiError::Invalid(_)))
}

#[tokio::test]
async fn a_whole_answer_arrives_with_its_counts_however_it_is_cut() {
    for protocol in PROTOCOLS {
        let reply = Reply::answer(protocol, TEXT);
        let replies = [reply.clone(), reply.clone().pieces(1), reply.pieces(7)];
        let server = FaultServer::start(Script::queue(replies)).await;
        let provider = provider(&server, protocol);

        let whole = steps(&provider).await;

        assert_eq!(text(&whole), TEXT, "{protocol}");
        let started = ModelEvent::Started {
            request_id: Some(String::from("req_fault")),
            model: String::from("fault-model"),
        };
        assert_eq!(whole[0], Ok(started), "{protocol}");
        let counted = TokenUsage { input: 100, output: 50, cached: 20, estimated: false };
        assert!(whole.contains(&Ok(ModelEvent::Usage(counted))), "{protocol}: {whole:?}");
        assert_eq!(whole.last(), Some(&Ok(ModelEvent::Stop(StopReason::Natural))), "{protocol}");
        assert_eq!(steps(&provider).await, whole, "{protocol}");
        assert_eq!(steps(&provider).await, whole, "{protocol}");
    }
}

#[tokio::test]
async fn each_protocol_asks_at_its_path_with_its_key() {
    for protocol in PROTOCOLS {
        let server = FaultServer::start(Script::always(Reply::answer(protocol, TEXT))).await;
        steps(&provider(&server, protocol)).await;

        let call = server.calls().swap_remove(0);
        let (path, header, key) = match protocol {
            Protocol::Messages => ("/v1/messages", "x-api-key", "a-key"),
            Protocol::Chat => ("/chat/completions", "authorization", "Bearer a-key"),
            Protocol::Responses => ("/responses", "authorization", "Bearer a-key"),
        };
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", path));
        assert_eq!(call.headers[header], key);
        assert_eq!(call.headers["content-type"], "application/json");
        assert_eq!(call.body["stream"], true);
        assert!(call.prompt().contains("be brief\n") && call.prompt().contains("a question\n"));
    }
}

#[tokio::test]
async fn a_server_without_a_key_gets_none() {
    let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, TEXT))).await;
    let config = AiConfig {
        provider: AiProvider::OpenAiCompatible,
        api_key: None,
        ..config(server.url(), Protocol::Chat)
    };

    assert_eq!(text(&steps(&provider_of(&config)).await), TEXT);
    assert!(!server.calls()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_truncated() {
    for protocol in PROTOCOLS {
        let reply = Reply::answer(protocol, "{\"a\":1}");
        let bytes = reply.body_bytes();
        let cut = reply.clone();
        let script = Script::function(move |call| {
            cut.clone().cut(
                call.body["max_tokens"]
                    .as_u64()
                    .or(call.body["max_completion_tokens"].as_u64())
                    .or(call.body["max_output_tokens"].as_u64())
                    .unwrap() as usize,
            )
        });
        let server = FaultServer::start(script).await;
        let provider = provider(&server, protocol);
        let call = |at: usize| {
            // The place of the cut rides in the request: calls overtake each other.
            let request = ModelRequest { max_tokens: u32::try_from(at).unwrap(), ..request() };
            let provider = provider.clone();
            async move { (at, provider.stream(request).collect::<Vec<_>>().await) }
        };

        let mut calls = stream::iter((0..bytes).map(call)).buffer_unordered(16);
        while let Some((at, steps)) = calls.next().await {
            assert_eq!(steps.last(), Some(&Err(AiError::Truncated)), "{protocol} at {at}");
        }
        let (_, steps) = call(bytes).await;
        assert_eq!(steps.last(), Some(&Ok(ModelEvent::Stop(StopReason::Natural))), "{protocol}");
    }
}

#[tokio::test]
async fn a_server_sees_that_its_client_lost_interest() {
    for protocol in PROTOCOLS {
        let reply = Reply::answer(protocol, TEXT);
        let half = reply.body_bytes() / 2;
        let server = FaultServer::start(Script::always(reply.hang(half))).await;
        let provider = provider(&server, protocol);

        let mut steps = provider.stream(request());
        assert!(matches!(steps.next().await, Some(Ok(ModelEvent::Started { .. }))));
        drop(steps);

        assert_eq!(server.until_ended(0).await.end, End::ClosedByClient, "{protocol}");
    }
}

#[tokio::test]
async fn a_call_that_nobody_polls_is_not_made() {
    let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, TEXT))).await;

    drop(provider(&server, Protocol::Chat).stream(request()));

    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_connection_serves_one_answer_after_the_other() {
    let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, TEXT))).await;
    let provider = provider(&server, Protocol::Chat);

    for _ in 0..3 {
        steps(&provider).await;
    }

    let calls = server.calls();
    assert!(calls.iter().all(|call| call.connection == 0 && call.end == End::Played), "{calls:?}");
}

#[tokio::test]
async fn no_error_repeats_the_key_or_the_prompt() {
    let echo = Script::function(|call| {
        let said = json!({ "error": { "message": format!("{} {:?}", call.body, call.headers) } });
        Reply::status(400).json(&said)
    });
    let server = FaultServer::start(echo).await;

    let Some(Err(error)) = steps(&provider(&server, Protocol::Chat)).await.pop() else {
        panic!("no error");
    };

    let said = format!("{error} {error:?}");
    assert!(!said.contains("a-key") && !said.contains("question"), "{said}");
    assert_eq!(server.calls()[0].body["model"], Value::from("fault-model"));
}
