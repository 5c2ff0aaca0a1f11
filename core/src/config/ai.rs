//! How AI calls are made. Naming a provider here is the operator's consent to send text to it,
//! and to reach its base URL even where that is this machine.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{between, whole};
use crate::{
    ai::{AiError, Price, Provider},
    enums::{AiProvider, Tier},
    net::{SetBy, check_base_url},
    time::Timestamp,
    validate::Checks,
};

const KEY_CHARS: usize = 1_024;
const MODEL_CHARS: usize = 200;
const PRICES: usize = 1_000;
const HOUR_MS: u64 = 3_600_000;

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
    /// Milliseconds without a sign of life after which another process may take over a call; a
    /// queued run is held twice as long. Signs of life come three times as often.
    pub lease_ms: i64,
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
            lease_ms: 15_000,
            flights: 1024,
            queue_workers: 4,
            prices: Vec::new(),
            custom: None,
        }
    }
}

impl AiConfig {
    /// Adds what is wrong with it. No message repeats a key.
    pub(super) fn check(&self, checks: &mut Checks) {
        let window = u64::try_from(self.window_ms).unwrap_or(0);
        let ranges = [
            ("window_ms", window, 1, crate::DAY_MS.unsigned_abs()),
            // The log of a window has a row for each.
            ("free_calls", u64::from(self.free_calls), 0, 10_000),
            ("pro_calls", u64::from(self.pro_calls), 0, 10_000),
            ("cache_days", u64::from(self.cache_days), 1, 3_660),
            ("retries", u64::from(self.retries), 0, 10),
            ("concurrency", whole(self.concurrency), 1, 1_000),
            ("gate_ms", self.gate_ms, 0, HOUR_MS),
            ("connect_ms", self.connect_ms, 1, HOUR_MS),
            ("headers_ms", self.headers_ms, 1, HOUR_MS),
            ("first_content_ms", self.first_content_ms, 1, HOUR_MS),
            ("idle_ms", self.idle_ms, 1, HOUR_MS),
            ("progress_ms", self.progress_ms, 1, HOUR_MS),
            ("attempt_ms", self.attempt_ms, 1, HOUR_MS),
            ("flight_ms", self.flight_ms, 1, 24 * HOUR_MS),
            ("drain_ms", self.drain_ms, 0, HOUR_MS),
            ("flights", whole(self.flights), 1, 100_000),
            ("queue_workers", whole(self.queue_workers), 1, 256),
            ("prices", whole(self.prices.len()), 0, whole(PRICES)),
        ];
        for (name, value, least, most) in ranges {
            between(checks, &["ai", name], value, least, most);
        }
        if let Some(Err(error)) = self.base_url.as_deref().map(address) {
            let why = match error {
                AiError::Blocked(why) => why,
                _ => "it is no URL",
            };
            checks.add(&["ai", "base_url"], "format", why, None);
        }
        let is_line = |text: &str| {
            (1..=MODEL_CHARS).contains(&text.chars().count())
                && text.trim() == text
                && !text.chars().any(char::is_control)
        };
        if self.model.as_deref().is_some_and(|model| !is_line(model)) {
            let why = format!("must be one line of 1 to {MODEL_CHARS} characters");
            checks.add(&["ai", "model"], "format", why, None);
        }
        let key = self.api_key.as_ref().map(ExposeSecret::expose_secret);
        let fits = |key: &str| {
            (1..=KEY_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if key.is_some_and(|key| !fits(key)) {
            let why = format!("must be 1 to {KEY_CHARS} visible ASCII characters, without spaces");
            checks.add(&["ai", "api_key"], "format", why, None);
        }
        for (place, price) in self.prices.iter().enumerate() {
            price_is_fine(checks, place, price);
        }
    }
}

fn address(text: &str) -> Result<(), AiError> {
    check_base_url(text, SetBy::Operator).map(drop)
}

fn price_is_fine(checks: &mut Checks, place: usize, price: &Price) {
    let place = place.to_string();
    let mut add = |name: &str, why: &str| {
        checks.add(&["ai", "prices", &place, name], "format", why, None);
    };
    if AiProvider::parse(&price.provider.to_ascii_uppercase()).is_none() {
        add("provider", "must be anthropic, openai or openai_compatible");
    }
    if price.model.trim().is_empty() {
        add("model", "must name a model, or the start of names followed by *");
    }
    let day = &price.valid_from;
    if day.len() != 10 || Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).is_none() {
        add("valid_from", "must be a day such as 2026-01-31");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut AiConfig)) -> String {
        let mut config = AiConfig::default();
        change(&mut config);
        let mut checks = Checks::default();
        config.check(&mut checks);
        checks.finish().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(wrong(|_| {}), "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(wrong(|ai| ai.window_ms = 0).contains("ai.window_ms: must lie between 1"));
        assert!(wrong(|ai| ai.concurrency = 0).contains("ai.concurrency"));
        assert!(wrong(|ai| ai.model = Some("a\nb".to_owned())).contains("ai.model"));
        assert!(wrong(|ai| ai.base_url = Some("ftp://a".to_owned())).contains("ai.base_url"));
        assert!(wrong(|ai| ai.base_url = Some("http://127.0.0.1:1/v1".to_owned())).is_empty());
        let price = Price {
            provider: "openai".to_owned(),
            model: "*".to_owned(),
            valid_from: "2026-02-31".to_owned(),
            input: 1,
            output: 1,
            cached: 0,
        };
        assert!(wrong(|ai| ai.prices.push(price)).contains("ai.prices.0.valid_from"));
    }

    #[test]
    fn a_wrong_key_is_not_repeated() {
        let text = wrong(|ai| ai.api_key = Some("two words".into()));

        assert!(text.contains("ai.api_key") && !text.contains("two"), "{text}");
    }
}
