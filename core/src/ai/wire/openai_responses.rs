//! OpenAI Responses.

use serde_json::{Value, json};

use super::{
    super::{ModelRequest, StopReason},
    answer::{Answer, Counts, Decode, at},
    dialect, errors,
};

/// Builds the body of a request; the schema goes along if the server takes it.
pub(super) fn body(request: &ModelRequest, schema: bool) -> Value {
    let mut input = vec![json!({ "role": "user", "content": request.user })];
    if let Some(repair) = &request.repair {
        if !repair.answer.trim().is_empty() {
            // The long form of a turn of the model: llama.cpp knows no other.
            let content = json!([{ "type": "output_text", "text": repair.answer }]);
            input.push(json!({ "type": "message", "role": "assistant", "content": content }));
        }
        input.push(json!({ "role": "user", "content": repair.complaint }));
    }
    let mut body = json!({
        "model": request.model,
        "instructions": request.system,
        "input": input,
        "max_output_tokens": request.max_tokens,
        "stream": true,
        "store": false,
    });
    if schema && let Some(body) = body.as_object_mut() {
        let schema = dialect::strict(&request.schema.schema);
        let format = json!({ "type": "json_schema", "name": request.schema.name,
            "strict": true, "schema": schema });
        body.insert(String::from("text"), json!({ "format": format }));
    }
    body
}

/// Reads the events of an answer.
#[derive(Debug, Default)]
pub(super) struct Decoder;

impl Decode for Decoder {
    fn event(&mut self, event: &Value, name: &str, answer: &mut Answer) {
        let response = at(event, "/response");
        match at(event, "/type").as_str().unwrap_or(name) {
            "response.created" | "response.in_progress" | "response.queued" => {
                answer.start(at(response, "/id"), at(response, "/model"));
            }
            "response.output_text.delta" => answer.text(at(event, "/delta")),
            "response.refusal.delta" | "response.refusal.done" => answer.refused = true,
            "response.output_item.added" if at(event, "/item/type") == "reasoning" => {
                answer.thinking();
            }
            "response.completed" => {
                closing(response, answer);
                // Some servers name an answer that was cut off so only here.
                let whole = at(response, "/status") != "incomplete";
                answer.stop(if whole { StopReason::Natural } else { StopReason::MaxTokens });
            }
            "response.incomplete" => {
                closing(response, answer);
                answer.stop(match at(response, "/incomplete_details/reason").as_str() {
                    Some("max_output_tokens") => StopReason::MaxTokens,
                    Some("content_filter") => StopReason::Refusal,
                    _ => StopReason::Other,
                });
            }
            "response.failed" => answer.fail(errors::in_stream(at(response, "/error"))),
            "response.cancelled" => answer.fail(errors::FAILED),
            "error" => {
                let error = at(event, "/error");
                answer.fail(errors::in_stream(if error.is_null() { event } else { error }));
            }
            kind if kind.starts_with("response.reasoning") && kind.ends_with(".delta") => {
                answer.thinking();
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str, _answer: &mut Answer) -> bool {
        // Some servers end every stream with it; here it means nothing.
        word == "[DONE]"
    }
}

/// Takes from a last event what was said nowhere else.
fn closing(response: &Value, answer: &mut Answer) {
    answer.start(at(response, "/id"), at(response, "/model"));
    let had_text = answer.has_text();
    let items = at(response, "/output").as_array().into_iter().flatten();
    for content in items.flat_map(|item| at(item, "/content").as_array().into_iter().flatten()) {
        match at(content, "/type").as_str() {
            Some("output_text") if !had_text => answer.text(at(content, "/text")),
            Some("refusal") => answer.refused = true,
            _ => {}
        }
    }
    let usage = at(response, "/usage");
    answer.count(Counts {
        input: at(usage, "/input_tokens").as_u64(),
        output: at(usage, "/output_tokens").as_u64(),
        cached: at(usage, "/input_tokens_details/cached_tokens").as_u64(),
    });
}
