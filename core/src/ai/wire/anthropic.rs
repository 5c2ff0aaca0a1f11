//! Anthropic Messages.

use serde_json::{Value, json};

use super::{
    super::{ModelRequest, StopReason},
    answer::{Answer, Counts, Decode, at},
    dialect, errors,
};

/// The version of the protocol that is spoken.
pub(super) const VERSION: &str = "2023-06-01";

/// Builds the body of a request; the schema goes along if the server takes it.
pub(super) fn body(request: &ModelRequest, schema: bool) -> Value {
    let mut messages = vec![json!({ "role": "user", "content": request.user })];
    if let Some(repair) = &request.repair {
        // An empty turn is refused.
        if !repair.answer.trim().is_empty() {
            messages.push(json!({ "role": "assistant", "content": repair.answer }));
        }
        messages.push(json!({ "role": "user", "content": repair.complaint }));
    }
    let mut body = json!({
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": request.system,
        "messages": messages,
        "stream": true,
    });
    if schema && let Some(body) = body.as_object_mut() {
        let schema = dialect::anthropic(&request.schema.schema);
        let format = json!({ "type": "json_schema", "schema": schema });
        body.insert(String::from("output_config"), json!({ "format": format }));
    }
    body
}

/// Reads the events of an answer.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    stop: Option<StopReason>,
}

impl Decode for Decoder {
    fn event(&mut self, event: &Value, name: &str, answer: &mut Answer) {
        match at(event, "/type").as_str().unwrap_or(name) {
            "message_start" => {
                let message = at(event, "/message");
                answer.start(at(message, "/id"), at(message, "/model"));
                // The count of the output is not final here, and may never become so.
                answer.count(Counts { output: None, ..counts(at(message, "/usage")) });
            }
            "content_block_start" => match at(event, "/content_block/type").as_str() {
                Some("text") => answer.text(at(event, "/content_block/text")),
                Some("thinking" | "redacted_thinking") => answer.thinking(),
                _ => {}
            },
            "content_block_delta" => match at(event, "/delta/type").as_str() {
                Some("text_delta") => answer.text(at(event, "/delta/text")),
                Some("thinking_delta" | "signature_delta") => answer.thinking(),
                _ => {}
            },
            "message_delta" => {
                if let Some(reason) = at(event, "/delta/stop_reason").as_str() {
                    self.stop = Some(stop_reason(reason));
                }
                answer.count(counts(at(event, "/usage")));
            }
            // Without a reason it is not known to be whole.
            "message_stop" => answer.stop(self.stop.unwrap_or(StopReason::Other)),
            "ping" => answer.ping(),
            "error" => answer.fail(errors::in_stream(at(event, "/error"))),
            _ => {}
        }
    }
}

fn stop_reason(word: &str) -> StopReason {
    match word {
        "end_turn" | "stop_sequence" => StopReason::Natural,
        "max_tokens" | "model_context_window_exceeded" => StopReason::MaxTokens,
        "refusal" => StopReason::Refusal,
        _ => StopReason::Other,
    }
}

/// What came so far; what an event leaves out stands.
fn counts(usage: &Value) -> Counts {
    let cached = at(usage, "/cache_read_input_tokens").as_u64();
    let written = at(usage, "/cache_creation_input_tokens").as_u64();
    let input = at(usage, "/input_tokens").as_u64();
    let input = input.map(|fresh| {
        fresh.saturating_add(written.unwrap_or_default()).saturating_add(cached.unwrap_or_default())
    });
    Counts { input, output: at(usage, "/output_tokens").as_u64(), cached }
}
