//! How AI calls are made. Naming a provider here is the operator's consent to send text to it,
//! and to reach its base URL even where that is this machine.

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    ai::{Price, Provider},
    enums::{AiProvider, Tier},
};

/// The operator's provider and the rules of all AI calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AiConfig {
    /// Who answers; `LOCAL`, the engine's own analysis, needs nothing else and sends nothing.
    #[serde(deserialize_with = "provider_word")]
    pub provider: AiProvider,
    /// Where the provider listens, without the protocol's own path. Required for
    /// `OPENAI_COMPATIBLE`; the public service when absent.
    pub base_url: Option<String>,
    /// The model asked for. Required for every provider but `LOCAL`.
    pub model: Option<String>,
    /// The operator's key. A compatible server may need none.
    pub api_key: Option<SecretString>,
    /// How an OpenAI or compatible server is spoken to.
    pub protocol: Protocol,
    /// What a compatible server can do.
    pub caps: Caps,
    /// Whether the plan of the local owner limits AI calls, and to which number.
    pub local_tier: Tier,
    /// Calls that the plan FREE allows per window.
    pub free_calls: u32,
    /// Calls that the plan PRO allows per window.
    pub pro_calls: u32,
    /// Milliseconds of the window of calls, at most a day.
    pub window_ms: i64,
    /// Days an answer is kept, where its kind has no shorter life of its own.
    pub cache_days: u32,
    /// Tries after the first one of a call that failed in passing.
    pub retries: u32,
    /// Calls to the operator's provider at a time.
    pub concurrency: usize,
    /// Milliseconds a call may wait for its turn before it is queued.
    pub gate_ms: u64,
    /// Milliseconds until the connection must stand.
    pub connect_ms: u64,
    /// Milliseconds until the response must begin.
    pub headers_ms: u64,
    /// Milliseconds until the first content.
    pub first_content_ms: u64,
    /// Milliseconds a stream may be silent.
    pub idle_ms: u64,
    /// Milliseconds a stream may bring no content.
    pub progress_ms: u64,
    /// Milliseconds one exchange may take.
    pub attempt_ms: u64,
    /// Milliseconds one answer may take, waits and repair included.
    pub flight_ms: u64,
    /// Milliseconds that calls under way are waited for when the engine closes.
    pub drain_ms: u64,
    /// Calls under way at a time; more are queued.
    pub flights: usize,
    /// Runs of the queue worked on at a time.
    pub queue_workers: usize,
    /// Prices that replace or add to the built-in table.
    pub prices: Vec<Price>,
    /// A provider of the host's own, which answers in the place of the one named by `provider`.
    #[serde(skip)]
    pub custom: Option<Arc<dyn Provider>>,
}

/// The wire protocol of OpenAI's own and of compatible servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Chat Completions: what most servers speak.
    #[default]
    Chat,
    /// Responses.
    Responses,
    /// Anthropic Messages: always used for `ANTHROPIC`, possible for a compatible server.
    Messages,
}

/// What a server can do (its capability record).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Whether the JSON schema is sent along. It is checked here in any case.
    pub schema: bool,
    /// Whether the limit on tokens is called `max_completion_tokens` and not `max_tokens`
    /// (Chat Completions).
    pub max_completion_tokens: bool,
    /// Whether token counts of a stream may be asked for (Chat Completions).
    pub stream_usage: bool,
}

impl Default for Caps {
    fn default() -> Self {
        Self { schema: true, max_completion_tokens: false, stream_usage: true }
    }
}

impl Default for AiConfig {
    fn default() -> Self {
        Self {
            provider: AiProvider::Local,
            base_url: None,
            model: None,
            api_key: None,
            protocol: Protocol::default(),
            caps: Caps::default(),
            local_tier: Tier::Enterprise,
            free_calls: 10,
            pro_calls: 100,
            window_ms: 3_600_000,
            cache_days: 90,
            retries: 2,
            concurrency: 8,
            gate_ms: 30_000,
            connect_ms: 5_000,
            headers_ms: 30_000,
            first_content_ms: 60_000,
            idle_ms: 30_000,
            progress_ms: 90_000,
            attempt_ms: 300_000,
            flight_ms: 600_000,
            drain_ms: 20_000,
            flights: 1024,
            queue_workers: 4,
            prices: Vec::new(),
            custom: None,
        }
    }
}

/// Reads `local`, `anthropic`, `openai` or `openai_compatible`, in any case.
fn provider_word<'de, D: serde::Deserializer<'de>>(from: D) -> Result<AiProvider, D::Error> {
    let word = String::deserialize(from)?;
    AiProvider::parse(&word.to_ascii_uppercase()).ok_or_else(|| {
        let words = "local, anthropic, openai or openai_compatible";
        serde::de::Error::custom(format!("the AI provider must be {words}"))
    })
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        })
    }
}
