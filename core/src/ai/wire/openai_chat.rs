//! OpenAI Chat Completions, as OpenAI and most other servers speak it.

use serde_json::{Value, json};

use super::{
    super::{AiError, ModelRequest, StopReason},
    answer::{Answer, Counts, Decode, at},
    dialect, errors,
};
use crate::config::Caps;

/// Builds the body of a request. `own` is OpenAI's own service; others may refuse what they do not
/// know.
pub(super) fn body(request: &ModelRequest, own: bool, caps: Caps) -> Value {
    let mut messages = vec![
        json!({ "role": "system", "content": request.system }),
        json!({ "role": "user", "content": request.user }),
    ];
    if let Some(repair) = &request.repair {
        if !repair.answer.trim().is_empty() {
            messages.push(json!({ "role": "assistant", "content": repair.answer }));
        }
        messages.push(json!({ "role": "user", "content": repair.complaint }));
    }
    let mut body = json!({ "model": request.model, "messages": messages, "stream": true });
    let Some(fields) = body.as_object_mut() else { return body };
    let limit =
        if own || caps.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    fields.insert(limit.to_owned(), json!(request.max_tokens));
    if own {
        fields.insert(String::from("n"), json!(1));
        fields.insert(String::from("store"), json!(false));
    }
    if caps.stream_usage {
        fields.insert(String::from("stream_options"), json!({ "include_usage": true }));
    }
    if caps.schema {
        let schema = dialect::strict(&request.schema.schema);
        let schema = json!({ "name": request.schema.name, "strict": true, "schema": schema });
        let format = json!({ "type": "json_schema", "json_schema": schema });
        fields.insert(String::from("response_format"), format);
    }
    body
}

/// Reads the chunks of an answer.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Whether the answer must end with `[DONE]`; some compatible servers only hang up.
    strict_end: bool,
    stop: Option<StopReason>,
}

impl Decoder {
    /// A decoder for OpenAI's own service, or for another one.
    pub(super) const fn new(own: bool) -> Self {
        Self { strict_end: own, stop: None }
    }
}

impl Decode for Decoder {
    fn event(&mut self, chunk: &Value, name: &str, answer: &mut Answer) {
        let error = at(chunk, "/error");
        if !error.is_null() || name == "error" {
            return answer.fail(errors::in_stream(if error.is_null() { chunk } else { error }));
        }
        answer.start(at(chunk, "/id"), at(chunk, "/model"));
        let choices = at(chunk, "/choices").as_array().into_iter().flatten();
        for choice in choices.filter(|choice| at(choice, "/index").as_u64().unwrap_or(0) == 0) {
            let delta = at(choice, "/delta");
            let thought = ["/reasoning_content", "/reasoning"]
                .iter()
                .any(|name| at(delta, name).as_str().is_some_and(|thought| !thought.is_empty()));
            if thought {
                answer.thinking();
            }
            answer.text(at(delta, "/content"));
            if at(delta, "/refusal").as_str().is_some_and(|refusal| !refusal.is_empty()) {
                answer.refused = true;
            }
            if let Some(reason) = at(choice, "/finish_reason").as_str() {
                self.stop = Some(stop_reason(reason));
            }
        }
        let usage = at(chunk, "/usage");
        answer.count(Counts {
            input: at(usage, "/prompt_tokens").as_u64(),
            output: at(usage, "/completion_tokens").as_u64(),
            cached: at(usage, "/prompt_tokens_details/cached_tokens").as_u64(),
        });
    }

    fn word(&mut self, word: &str, answer: &mut Answer) -> bool {
        if word == "[DONE]" {
            match self.stop {
                Some(reason) => answer.stop(reason),
                // Whoever ends the stream without a reason was itself cut off.
                None => answer.fail(AiError::Truncated),
            }
        }
        word == "[DONE]"
    }

    fn end(&mut self, answer: &mut Answer) {
        match self.stop {
            Some(reason) if !self.strict_end => answer.stop(reason),
            _ => answer.fail(AiError::Truncated),
        }
    }
}

fn stop_reason(word: &str) -> StopReason {
    match word {
        "stop" => StopReason::Natural,
        "length" => StopReason::MaxTokens,
        "content_filter" => StopReason::Refusal,
        _ => StopReason::Other,
    }
}
