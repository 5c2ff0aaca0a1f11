//! Whole answers of each protocol, byte for byte.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{AnswerSchema, Repair, StopReason, TokenUsage},
    answer::{ANSWER_BYTES, Step},
    *,
};

const PROTOCOLS: [Protocol; 3] = [Protocol::Messages, Protocol::Chat, Protocol::Responses];

pub(super) fn request() -> ModelRequest {
    ModelRequest {
        model: String::from("asked"),
        system: String::from("be brief"),
        user: String::from("a question"),
        max_tokens: 99,
        schema: Arc::new(AnswerSchema {
            name: "answer",
            schema: json!({ "type": "object", "properties": { "a": { "type": "integer" } } }),
        }),
        repair: None,
    }
}

fn repaired(answer: &str) -> ModelRequest {
    let repair = Repair { answer: answer.to_owned(), complaint: String::from("a is missing") };
    ModelRequest { repair: Some(repair), ..request() }
}

/// Two pieces of text, a thought, signs of life, words of later versions, and all token counts.
fn whole(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Messages => concat!(
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"given\",\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":2,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}\r\n\r\n",
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"x\"}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\ndata: \"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße \"}}\n\n",
            ": a comment\n\nevent: novelty\ndata: {\"type\":\"novelty\"}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"𝄞\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        Protocol::Chat => concat!(
            "data: {\"id\":\"c1\",\"model\":\"given\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null},\"finish_reason\":null}]}\n\n",
            ": alive\n\n",
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}],\"usage\":null}\r\n\r\n",
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße \"}}]}\n\n",
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n",
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another\"}},{\"index\":0,\"delta\":{\"content\":\"𝄞\"}}]}\n\n",
            "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":5}}}\n\n",
            "data: [DONE]\n\n",
        ),
        Protocol::Responses => concat!(
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r1\",\"model\":\"given\",\"status\":\"in_progress\"}}\n\n",
            "event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r1\"}}\n\n",
            "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"reasoning\"}}\n\n",
            "event: response.reasoning_summary_text.delta\r\ndata: {\"delta\":\"hm\"}\r\n\r\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Grüße \"}\n\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"𝄞\"}\n\n",
            "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"text\":\"Grüße 𝄞\"}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"model\":\"given\",\"status\":\"completed\",\"output\":[{\"content\":[{\"type\":\"output_text\",\"text\":\"Grüße 𝄞\"}]}],\"usage\":{\"input_tokens\":10,\"output_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":5}}}}\n\n",
        ),
    }
}

fn decoded<'a>(
    protocol: Protocol,
    own: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Step> {
    let mut codec = Codec::new(protocol, own, Answer::new(&request(), None));
    for piece in pieces {
        codec.push(piece);
    }
    codec.finish();
    codec.drain().collect()
}

fn steps(protocol: Protocol, stream: &str) -> Vec<Step> {
    decoded(protocol, true, [stream.as_bytes()])
}

fn last(protocol: Protocol, stream: &str) -> Step {
    steps(protocol, stream).pop().unwrap()
}

fn text(steps: &[Step]) -> String {
    let texts = steps.iter().filter_map(|step| match step {
        Ok(ModelEvent::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn usage(steps: &[Step]) -> TokenUsage {
    let counts = steps.iter().rev().find_map(|step| match step {
        Ok(ModelEvent::Usage(usage)) => Some(*usage),
        _ => None,
    });
    counts.unwrap()
}

#[test]
fn each_protocol_tells_the_same_story() {
    for protocol in PROTOCOLS {
        let steps = steps(protocol, whole(protocol));

        let Ok(ModelEvent::Started { request_id: Some(_), model }) = &steps[0] else {
            panic!("{protocol}: {steps:?}");
        };
        assert_eq!(model, "given", "{protocol}");
        assert_eq!(text(&steps), "Grüße 𝄞", "{protocol}");
        assert!(steps.contains(&Ok(ModelEvent::Thinking)), "{protocol}");
        let counted = TokenUsage { input: 10, output: 7, cached: 5, estimated: false };
        assert_eq!(usage(&steps), counted, "{protocol}");
        assert_eq!(steps.last(), Some(&Ok(ModelEvent::Stop(StopReason::Natural))), "{protocol}");
        assert!(steps.iter().all(Result::is_ok), "{protocol}");
    }
}

#[test]
fn every_split_point_gives_the_same_steps() {
    for protocol in PROTOCOLS {
        let stream = whole(protocol).as_bytes();
        let expected = decoded(protocol, true, [stream]);

        for at in 0..=stream.len() {
            let (first, rest) = stream.split_at(at);
            assert_eq!(decoded(protocol, true, [first, rest]), expected, "{protocol} at {at}");
        }
        assert_eq!(decoded(protocol, true, stream.chunks(1)), expected, "{protocol} by bytes");
    }
}

#[test]
fn an_answer_cut_anywhere_never_ends_naturally() {
    for protocol in PROTOCOLS {
        let stream = whole(protocol).as_bytes();
        // The last line feed ends the terminal event.
        for at in 0..stream.len() {
            let steps = decoded(protocol, true, [&stream[..at]]);

            assert_eq!(steps.last(), Some(&Err(AiError::Truncated)), "{protocol} at {at}");
            let stops = steps.iter().filter(|step| matches!(step, Ok(ModelEvent::Stop(_))));
            assert_eq!(stops.count(), 0, "{protocol} at {at}");
        }
    }
}

#[test]
fn a_compatible_server_may_hang_up_after_its_finish_reason_only() {
    let stream = whole(Protocol::Chat);
    let reason = stream.find("\"finish_reason\":\"stop\"}]}\n\n").unwrap();
    let complete = reason + "\"finish_reason\":\"stop\"}]}\n\n".len();

    for at in 0..stream.len() {
        let steps = decoded(Protocol::Chat, false, [&stream.as_bytes()[..at]]);
        if at < complete {
            assert_eq!(steps.last(), Some(&Err(AiError::Truncated)), "at {at}");
        } else {
            assert_eq!(steps.last(), Some(&Ok(ModelEvent::Stop(StopReason::Natural))), "at {at}");
            assert_eq!(text(&steps), "Grüße 𝄞", "at {at}");
        }
    }
}

proptest! {
    #[test]
    fn cuts_anywhere_give_the_same_steps(
        which in 0_usize..3,
        mut cuts in proptest::collection::vec(0.0..1.0_f64, 0..12),
    ) {
        let stream = whole(PROTOCOLS[which]).as_bytes();
        cuts.sort_by(f64::total_cmp);
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss,
                clippy::cast_precision_loss, reason = "a place in a short text")]
            let at = (cut * stream.len() as f64) as usize;
            pieces.push(&stream[from..at]);
            from = at;
        }
        pieces.push(&stream[from..]);

        let expected = decoded(PROTOCOLS[which], true, [stream]);
        prop_assert_eq!(decoded(PROTOCOLS[which], true, pieces), expected);
    }

    #[test]
    fn any_bytes_end_in_one_error_or_one_stop(
        which in 0_usize..3,
        own: bool,
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        at in 0_usize..1_000,
    ) {
        // Rubbish in the middle of an answer.
        let stream = whole(PROTOCOLS[which]).as_bytes();
        let at = at % stream.len();
        let pieces = [&stream[..at], &bytes, &stream[at..]];

        let steps = decoded(PROTOCOLS[which], own, pieces);

        let ends = steps.iter().filter(|step| matches!(step, Err(_) | Ok(ModelEvent::Stop(_))));
        prop_assert_eq!(ends.count(), 1);
        prop_assert!(matches!(steps.last(), Some(Err(_) | Ok(ModelEvent::Stop(_)))));
    }
}

#[test]
fn nothing_is_said_after_the_end() {
    for protocol in PROTOCOLS {
        let twice = format!("{}{}", whole(protocol), whole(protocol));

        assert_eq!(steps(protocol, &twice), steps(protocol, whole(protocol)), "{protocol}");
    }
}

#[test]
fn reasons_to_stop_are_told_apart() {
    let cases = [
        ("end_turn", "max_tokens", "refusal", "pause_turn"),
        ("\"stop\"", "\"length\"", "\"content_filter\"", "\"tool_calls\""),
    ];
    for (protocol, words) in [Protocol::Messages, Protocol::Chat].into_iter().zip(cases) {
        let ends = [
            (words.1, StopReason::MaxTokens),
            (words.2, StopReason::Refusal),
            (words.3, StopReason::Other),
        ];
        for (word, reason) in ends {
            let stream = whole(protocol).replace(words.0, word);
            assert_eq!(last(protocol, &stream), Ok(ModelEvent::Stop(reason)), "{protocol}: {word}");
        }
    }
    let ends = [
        ("max_output_tokens", StopReason::MaxTokens),
        ("content_filter", StopReason::Refusal),
        ("novelty", StopReason::Other),
    ];
    for (word, reason) in ends {
        let details = format!("\"incomplete_details\":{{\"reason\":\"{word}\"}},\"usage\"");
        let stream = whole(Protocol::Responses)
            .replace("response.completed", "response.incomplete")
            .replace("\"usage\"", &details);
        assert_eq!(last(Protocol::Responses, &stream), Ok(ModelEvent::Stop(reason)), "{word}");
    }
    // As aimock 1.43.0 sends it.
    let stream = whole(Protocol::Responses).replace("\"completed\"", "\"incomplete\"");
    assert_eq!(last(Protocol::Responses, &stream), Ok(ModelEvent::Stop(StopReason::MaxTokens)));
}

#[test]
fn a_refusal_in_words_is_a_refusal_and_no_text() {
    let chat = whole(Protocol::Chat).replace("\"content\":\"Grüße \"", "\"refusal\":\"No.\"");
    let responses = whole(Protocol::Responses)
        .replace("\"type\":\"response.output_text.delta\"", "\"type\":\"response.refusal.delta\"")
        .replace("\"type\":\"output_text\"", "\"type\":\"refusal\"");

    assert_eq!(last(Protocol::Chat, &chat), Ok(ModelEvent::Stop(StopReason::Refusal)));
    let steps = steps(Protocol::Responses, &responses);
    assert_eq!(steps.last(), Some(&Ok(ModelEvent::Stop(StopReason::Refusal))));
    assert_eq!(text(&steps), "");
}

#[test]
fn text_that_only_the_last_event_holds_is_taken_from_there() {
    let stream = whole(Protocol::Responses);
    let (_, end) = stream.split_once("event: response.completed").unwrap();

    assert_eq!(text(&steps(Protocol::Responses, &format!("event: x{end}"))), "Grüße 𝄞");
}

#[test]
fn missing_counts_are_estimated_before_the_end() {
    let cases = [
        (Protocol::Messages, whole(Protocol::Messages).replace("\"usage\"", "\"unused\"")),
        (Protocol::Chat, whole(Protocol::Chat).replace("\"usage\"", "\"unused\"")),
        (Protocol::Responses, whole(Protocol::Responses).replace("\"usage\"", "\"unused\"")),
    ];
    for (protocol, stream) in cases {
        let steps = steps(protocol, &stream);

        // 18 bytes in, 12 out.
        let counted = TokenUsage { input: 5, output: 3, cached: 0, estimated: true };
        assert_eq!(steps[steps.len() - 2], Ok(ModelEvent::Usage(counted)), "{protocol}");
    }
    let half = whole(Protocol::Messages).replace(",\"usage\":{\"output_tokens\":7}", "");
    let counted = TokenUsage { input: 10, output: 3, cached: 5, estimated: true };
    assert_eq!(usage(&steps(Protocol::Messages, &half)), counted);
}

#[test]
fn counts_of_a_stream_replace_each_other() {
    let stream = whole(Protocol::Messages).replace(
        "event: message_stop",
        "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop",
    );

    let counted = TokenUsage { input: 10, output: 9, cached: 5, estimated: false };
    assert_eq!(usage(&steps(Protocol::Messages, &stream)), counted);
}

#[test]
fn half_an_event_is_a_failure_of_the_server() {
    for protocol in PROTOCOLS {
        for bad in ["data: {\"type\":\n\n", "data: []\n\n", "data: 7\n\n", "data: [DONE\n\n"] {
            assert_eq!(last(protocol, bad), Err(errors::FAILED), "{protocol}: {bad}");
        }
    }
}

#[test]
fn done_without_a_reason_is_no_end() {
    assert_eq!(last(Protocol::Chat, "data: [DONE]\n\n"), Err(AiError::Truncated));
    assert_eq!(last(Protocol::Responses, "data: [DONE]\n\n"), Err(AiError::Truncated));
}

#[test]
fn a_field_named_error_ends_the_answer() {
    let stream = "error: {\"code\":503,\"message\":\"loading\",\"type\":\"unavailable_error\"}\n\n";

    for protocol in PROTOCOLS {
        let overloaded = AiError::Overloaded { retry_after_ms: None };
        assert_eq!(last(protocol, stream), Err(overloaded), "{protocol}");
    }
    assert_eq!(last(Protocol::Chat, "error: half {\n\n"), Err(errors::FAILED));
}

#[test]
fn an_answer_of_more_than_two_mebibytes_is_refused() {
    let piece = "x".repeat(ANSWER_BYTES / 4);
    let delta = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n");
    let steps = steps(Protocol::Chat, &delta.repeat(5));

    assert_eq!(text(&steps).len(), ANSWER_BYTES);
    assert!(matches!(steps.last(), Some(Err(AiError::Invalid(_)))));
}

#[test]
fn a_server_without_a_name_starts_under_the_model_asked_for() {
    let steps = steps(Protocol::Chat, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");

    let start = ModelEvent::Started { request_id: None, model: String::from("asked") };
    assert_eq!(steps[0], Ok(start));
}

#[test]
fn a_repair_is_the_answer_and_the_complaint_after_it() {
    let caps = Caps::default();
    let roles = |turns: &Value| -> Vec<String> {
        let turns = turns.as_array().unwrap().iter();
        turns.map(|turn| turn["role"].as_str().unwrap().to_owned()).collect()
    };

    let (good, empty) = (repaired("{}"), repaired(" "));
    for request in [&good, &empty] {
        let turns: &[&str] = if request.repair.as_ref().unwrap().answer == "{}" {
            &["user", "assistant", "user"]
        } else {
            &["user", "user"]
        };
        assert_eq!(roles(&anthropic::body(request, true)["messages"]), turns);
        assert_eq!(roles(&openai_chat::body(request, true, caps)["messages"])[1..], *turns);
        assert_eq!(roles(&openai_responses::body(request, true)["input"]), turns);
    }
}

#[test]
fn bodies_hold_what_each_protocol_calls_it() {
    let caps = Caps { stream_usage: false, ..Caps::default() };
    let messages = anthropic::body(&request(), true);
    let own = openai_chat::body(&request(), true, Caps::default());
    let other = openai_chat::body(&request(), false, caps);
    let responses = openai_responses::body(&request(), true);

    assert_eq!(messages["system"], "be brief");
    assert_eq!(messages["max_tokens"], 99);
    assert_eq!(messages["output_config"]["format"]["type"], "json_schema");
    assert_eq!(own["max_completion_tokens"], 99);
    assert_eq!(own["stream_options"]["include_usage"], true);
    assert_eq!(own["store"], false);
    assert_eq!(own["response_format"]["json_schema"]["strict"], true);
    assert_eq!(other["max_tokens"], 99);
    assert!(other.get("store").is_none() && other.get("stream_options").is_none());
    assert_eq!(responses["instructions"], "be brief");
    assert_eq!(responses["max_output_tokens"], 99);
    assert_eq!(responses["store"], false);
    assert_eq!(responses["text"]["format"]["name"], "answer");
    for body in [messages, own, other, responses] {
        assert_eq!(body["stream"], true);
        assert_eq!(body["model"], "asked");
    }
}

#[test]
fn a_server_without_schemas_gets_none() {
    let caps = Caps { schema: false, ..Caps::default() };
    let bodies = [
        anthropic::body(&request(), false),
        openai_chat::body(&request(), false, caps),
        openai_responses::body(&request(), false),
    ];

    for body in bodies {
        assert!(!body.to_string().contains("json_schema"), "{body}");
    }
}

#[test]
fn paths_are_put_below_the_base_url() {
    let at =
        |base: &str, protocol| endpoint(Url::parse(base).unwrap(), protocol).unwrap().to_string();
    let base = "http://127.0.0.1:1";

    assert_eq!(at(base, Protocol::Messages), format!("{base}/v1/messages"));
    assert_eq!(at(&format!("{base}/v1/"), Protocol::Messages), format!("{base}/v1/messages"));
    assert_eq!(at(&format!("{base}/v1"), Protocol::Chat), format!("{base}/v1/chat/completions"));
    assert_eq!(
        at(&format!("{base}/x/?v=1"), Protocol::Responses),
        format!("{base}/x/responses?v=1")
    );
}

#[test]
fn neither_key_nor_prompt_nor_query_is_shown() {
    let config = AiConfig {
        provider: AiProvider::OpenAiCompatible,
        base_url: Some(String::from("http://127.0.0.1:1/v1?token=hidden")),
        api_key: Some(secrecy::SecretString::from("hidden")),
        ..AiConfig::default()
    };
    let provider = HttpProvider::operator(&config, Clock::System).unwrap();
    let request = ModelRequest { user: String::from("hidden"), ..repaired("hidden") };

    assert!(!format!("{provider:?} {:?} {request:?}", provider.inner.headers).contains("hidden"));
}

#[test]
fn a_key_that_no_header_can_carry_is_refused() {
    let config = AiConfig {
        provider: AiProvider::Anthropic,
        api_key: Some(secrecy::SecretString::from("two\nlines")),
        ..AiConfig::default()
    };

    assert_eq!(HttpProvider::operator(&config, Clock::System).unwrap_err(), AiError::Auth);
}

#[test]
fn a_compatible_server_needs_a_base_url() {
    let config = AiConfig { provider: AiProvider::OpenAiCompatible, ..AiConfig::default() };

    let refused = HttpProvider::operator(&config, Clock::System);
    assert!(matches!(refused, Err(AiError::Blocked(_))));
}
