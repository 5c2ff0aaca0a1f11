//! Providers over HTTP: three protocols, always streamed. The codecs know bytes only; `exchange`
//! is the one that reads sockets and clocks.

mod answer;
mod anthropic;
mod codec;
mod dialect;
mod errors;
mod exchange;
mod openai_chat;
mod openai_responses;
mod sse;
mod target;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, fmt, sync::Arc};

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

pub(crate) use target::{Target, Timeouts, public_service};

use self::{
    answer::Answer,
    codec::Codec,
    exchange::{Exchange, Opening},
};
use super::{AiError, ModelEvent, ModelRequest, Provider};
use crate::{
    config::{AiConfig, Caps, Protocol},
    enums::AiProvider,
    net,
    time::Clock,
};

/// A provider that is reached over HTTP. One request is one exchange: it is never repeated here.
#[derive(Clone)]
pub struct HttpProvider {
    inner: Arc<Inner>,
}

/// What every exchange needs.
struct Inner {
    provider: AiProvider,
    protocol: Protocol,
    caps: Caps,
    url: Url,
    headers: HeaderMap,
    timeouts: Timeouts,
    client: reqwest::Client,
    clock: Clock,
}

impl HttpProvider {
    /// Makes the provider that the operator's settings name. Reads the system's certificates,
    /// which takes some milliseconds; nothing is sent.
    ///
    /// # Errors
    /// [`AiError::Blocked`] for a base URL that is no address of a server, or none where one is
    /// needed; [`AiError::Auth`] for a key that no header can carry.
    pub fn operator(config: &AiConfig, clock: Clock) -> Result<Self, AiError> {
        let timeouts = Timeouts::of(config);
        let client = net::client(net::SetBy::Operator, timeouts.connect)?;
        Self::new(Target::operator(config)?, timeouts, client, clock)
    }

    /// Makes a provider out of its parts; the client must be the one for whoever set the base URL.
    ///
    /// # Errors
    /// [`AiError::Auth`] for a key that no header can carry, [`AiError::Blocked`] for a base URL
    /// that no path can be put on.
    pub(crate) fn new(
        target: Target,
        timeouts: Timeouts,
        client: reqwest::Client,
        clock: Clock,
    ) -> Result<Self, AiError> {
        let Target { provider, protocol, base_url, key, caps } = target;
        let protocol =
            if provider == AiProvider::Anthropic { Protocol::Messages } else { protocol };
        let mut headers = fixed_headers(protocol);
        if let Some(key) = key {
            let (name, text) = match protocol {
                Protocol::Messages => {
                    (HeaderName::from_static("x-api-key"), key.expose_secret().to_owned())
                }
                Protocol::Chat | Protocol::Responses => {
                    (AUTHORIZATION, format!("Bearer {}", key.expose_secret()))
                }
            };
            let text = zeroize::Zeroizing::new(text);
            let mut value = HeaderValue::from_str(&text).map_err(|_| AiError::Auth)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let url = endpoint(base_url, protocol)?;
        let inner = Inner { provider, protocol, caps, url, headers, timeouts, client, clock };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Provider for HttpProvider {
    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, AiError>> {
        let opening = Opening { provider: Arc::clone(&self.inner), request };
        let exchange = Exchange { opening: Some(opening), reading: None, steps: VecDeque::new() };
        stream::unfold(exchange, |mut exchange| async {
            let step = exchange.next().await?;
            Some((step, exchange))
        })
        .boxed()
    }
}

// The address may carry what nobody should read, the headers do.
impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider")
            .field("provider", &self.inner.provider)
            .field("protocol", &self.inner.protocol)
            .field("host", &self.inner.url.host_str())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn body(&self, request: &ModelRequest) -> Value {
        let own = self.provider == AiProvider::OpenAi;
        match self.protocol {
            Protocol::Messages => anthropic::body(request, self.caps.schema),
            Protocol::Chat => openai_chat::body(request, own, self.caps),
            Protocol::Responses => openai_responses::body(request, self.caps.schema),
        }
    }

    fn codec(&self, answer: Answer) -> Codec {
        Codec::new(self.protocol, self.provider == AiProvider::OpenAi, answer)
    }
}

fn fixed_headers(protocol: Protocol) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if protocol == Protocol::Messages {
        let version = HeaderValue::from_static(anthropic::VERSION);
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    headers
}

/// Returns where a protocol listens below a base URL, whose query is kept.
fn endpoint(mut base: Url, protocol: Protocol) -> Result<Url, AiError> {
    let versioned = base.path().trim_end_matches('/').ends_with("/v1");
    let path: &[&str] = match protocol {
        // The base URL of Anthropic's is written without the version; of others often with it.
        Protocol::Messages if versioned => &["messages"],
        Protocol::Messages => &["v1", "messages"],
        Protocol::Chat => &["chat", "completions"],
        Protocol::Responses => &["responses"],
    };
    base.path_segments_mut()
        .map_err(|()| AiError::Blocked("it is no address of a server"))?
        .pop_if_empty()
        .extend(path);
    Ok(base)
}
