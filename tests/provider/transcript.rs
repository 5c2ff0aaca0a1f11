//! Streams as the three protocols send them, event by event, made here and copied from nobody.

use jotrack_core::Protocol;
use serde_json::{Value, json};

const MODEL: &str = "fault-model";
/// Characters of one piece of an answer.
const PIECE: usize = 12;

/// The events of one answer, each with the bytes it is sent as. Built step by step: `start`, any
/// of `text`, `thinking`, `ping`, `error` and `raw`, then `usage_and_stop`.
#[derive(Debug, Clone)]
pub struct Transcript {
    protocol: Protocol,
    frames: Vec<Vec<u8>>,
    text: String,
}

impl Transcript {
    /// A complete answer: 100 tokens in, 20 of them cached, 50 out.
    pub fn answer(protocol: Protocol, text: &str) -> Self {
        let pieces: Vec<char> = text.chars().collect();
        pieces
            .chunks(PIECE)
            .fold(Self::start(protocol), |all, piece| all.text(&String::from_iter(piece)))
            .usage_and_stop(Self::natural(protocol))
    }

    /// The word for a natural end.
    pub fn natural(protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Messages => "end_turn",
            Protocol::Chat => "stop",
            Protocol::Responses => "completed",
        }
    }

    /// The word for an end at the token limit.
    pub fn max_tokens(protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Messages => "max_tokens",
            Protocol::Chat => "length",
            Protocol::Responses => "max_output_tokens",
        }
    }

    /// The word for a refusal.
    pub fn refusal(protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::Messages => "refusal",
            Protocol::Chat | Protocol::Responses => "content_filter",
        }
    }

    /// The first events of an answer.
    pub fn start(protocol: Protocol) -> Self {
        let empty = Self { protocol, frames: Vec::new(), text: String::new() };
        match protocol {
            Protocol::Messages => {
                let usage = json!({ "input_tokens": 70, "cache_creation_input_tokens": 10,
                    "cache_read_input_tokens": 20, "output_tokens": 1 });
                let message = json!({ "id": "msg_fault", "type": "message", "role": "assistant",
                    "model": MODEL, "content": [], "stop_reason": null, "usage": usage });
                let block = json!({ "type": "text", "text": "" });
                empty
                    .event(&json!({ "type": "message_start", "message": message }))
                    .event(&json!({ "type": "content_block_start", "index": 0,
                        "content_block": block }))
            }
            Protocol::Chat => {
                empty.chunk(&json!({ "role": "assistant", "content": null }), &Value::Null)
            }
            Protocol::Responses => empty
                .event(&json!({ "type": "response.created", "response": response("in_progress") }))
                .event(&json!({ "type": "response.in_progress",
                    "response": response("in_progress") })),
        }
    }

    /// The next piece of the text.
    pub fn text(mut self, piece: &str) -> Self {
        self.text.push_str(piece);
        match self.protocol {
            Protocol::Messages => self.event(&json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": piece } })),
            Protocol::Chat => self.chunk(&json!({ "content": piece }), &Value::Null),
            Protocol::Responses => self.event(&json!({ "type": "response.output_text.delta",
                "item_id": "item_fault", "content_index": 0, "delta": piece })),
        }
    }

    /// A piece of the model's thoughts.
    pub fn thinking(self) -> Self {
        match self.protocol {
            Protocol::Messages => self.event(&json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "thinking_delta", "thinking": "hm" } })),
            Protocol::Chat => self.chunk(&json!({ "reasoning_content": "hm" }), &Value::Null),
            Protocol::Responses => self.event(&json!({
                "type": "response.reasoning_summary_text.delta", "delta": "hm" })),
        }
    }

    /// A sign of life without content.
    pub fn ping(self) -> Self {
        match self.protocol {
            Protocol::Messages => self.event(&json!({ "type": "ping" })),
            Protocol::Chat | Protocol::Responses => self.raw(b": alive\n\n"),
        }
    }

    /// An error inside the stream; `kind` is its type, and for OpenAI its code too.
    pub fn error(self, kind: &str) -> Self {
        let error = json!({ "type": kind, "code": kind, "message": "as scripted" });
        match self.protocol {
            Protocol::Messages => self.event(&json!({ "type": "error",
                    "error": { "type": kind, "message": "as scripted" } })),
            Protocol::Chat => self.data(&json!({ "error": error })),
            Protocol::Responses => self.event(&json!({ "type": "error", "code": kind,
                "message": "as scripted", "param": null })),
        }
    }

    /// Any bytes.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.frames.push(bytes.to_vec());
        self
    }

    /// The last events: token counts and why the model stopped, in the protocol's word.
    pub fn usage_and_stop(self, reason: &str) -> Self {
        match self.protocol {
            Protocol::Messages => self
                .event(&json!({ "type": "content_block_stop", "index": 0 }))
                .event(&json!({ "type": "message_delta",
                    "delta": { "stop_reason": reason, "stop_sequence": null },
                    "usage": { "output_tokens": 50 } }))
                .event(&json!({ "type": "message_stop" })),
            Protocol::Chat => {
                let usage = json!({ "prompt_tokens": 100, "completion_tokens": 50,
                    "prompt_tokens_details": { "cached_tokens": 20 } });
                self.chunk(&json!({}), &json!(reason))
                    .data(&json!({ "id": "chat_fault", "object": "chat.completion.chunk",
                        "model": MODEL, "choices": [], "usage": usage }))
                    .raw(b"data: [DONE]\n\n")
            }
            Protocol::Responses => {
                let text = self.text.clone();
                let done = self.event(&json!({ "type": "response.output_text.done",
                    "item_id": "item_fault", "text": text }));
                let (status, details) = match reason {
                    "completed" => ("completed", Value::Null),
                    other => ("incomplete", json!({ "reason": other })),
                };
                let mut last = response(status);
                last["incomplete_details"] = details;
                last["usage"] = json!({ "input_tokens": 100, "output_tokens": 50,
                    "input_tokens_details": { "cached_tokens": 20 } });
                let kind = format!("response.{status}");
                done.event(&json!({ "type": kind, "response": last }))
            }
        }
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The bytes of each event.
    pub fn frames(&self) -> &[Vec<u8>] {
        &self.frames
    }

    /// All bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.frames.concat()
    }

    /// A named event, as Anthropic Messages and OpenAI Responses send it.
    fn event(self, data: &Value) -> Self {
        let name = data["type"].as_str().unwrap().to_owned();
        self.raw(format!("event: {name}\ndata: {data}\n\n").as_bytes())
    }

    fn data(self, data: &Value) -> Self {
        self.raw(format!("data: {data}\n\n").as_bytes())
    }

    fn chunk(self, delta: &Value, finish: &Value) -> Self {
        self.data(&json!({ "id": "chat_fault", "object": "chat.completion.chunk",
            "model": MODEL,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] }))
    }
}

fn response(status: &str) -> Value {
    json!({ "id": "resp_fault", "object": "response", "model": MODEL, "status": status,
        "output": [] })
}
