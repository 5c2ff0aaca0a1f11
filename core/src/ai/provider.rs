//! What a provider is to the engine: something that streams the answer to one request.

use std::{fmt, sync::Arc};

use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AiError;

/// Someone who answers requests. Hosts may add their own; the engine's are in `wire` and `local`.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Sends one request and returns its answer as it arrives. The stream ends after
    /// [`ModelEvent::Stop`]; an end before it is read as [`AiError::Truncated`]. Dropping the
    /// stream stops the call.
    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, AiError>>;
}

/// One request to a model.
#[derive(Clone)]
pub struct ModelRequest {
    /// The model's name, as the provider knows it.
    pub model: String,
    /// The engine's own words: what to do, and that delimited text is data.
    pub system: String,
    /// The user turn: delimited data.
    pub user: String,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// The form of the answer.
    pub schema: Arc<AnswerSchema>,
    /// Set for the one repair: the answer that was wrong, and what was wrong with it.
    pub repair: Option<Repair>,
}

/// The form an answer must have.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerSchema {
    /// A name for the provider: lower-case letters, digits and underscores.
    pub name: &'static str,
    /// The full JSON schema; a provider gets a dialect of it.
    pub schema: Value,
}

/// A second try at the form of an answer.
#[derive(Debug, Clone)]
pub struct Repair {
    /// The answer that was wrong.
    pub answer: String,
    /// What was wrong: paths and rules, without values.
    pub complaint: String,
}

// The texts are private.
impl fmt::Debug for ModelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelRequest")
            .field("model", &self.model)
            .field("system_bytes", &self.system.len())
            .field("user_bytes", &self.user.len())
            .field("max_tokens", &self.max_tokens)
            .finish_non_exhaustive()
    }
}

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The provider took the request.
    Started {
        /// The provider's name for the exchange, for its support.
        request_id: Option<String>,
        /// The model that answers.
        model: String,
    },
    /// The next piece of the answer.
    Text(String),
    /// The model thinks; counts as progress.
    Thinking,
    /// The connection lives; no progress.
    Ping,
    /// What the call has used so far: replaces what was said before.
    Usage(TokenUsage),
    /// The answer is complete, as its terminal event says.
    Stop(StopReason),
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It was done.
    Natural,
    /// It hit the token limit.
    MaxTokens,
    /// It refused.
    Refusal,
    /// Something this engine does not ask for (tools, a pause).
    Other,
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// Tokens read, cached ones included.
    pub input: u64,
    /// Tokens written, thinking included.
    pub output: u64,
    /// Part of `input` that the provider had in its own cache.
    pub cached: u64,
    /// The provider sent no numbers: counted as one token per four bytes.
    pub estimated: bool,
}
