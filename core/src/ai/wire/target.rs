//! Whom to call, and how long to wait.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::super::AiError;
use crate::{
    config::{AiConfig, Caps, Protocol},
    enums::AiProvider,
    net::{self, SetBy},
};

/// One server and the credential for it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) provider: AiProvider,
    /// Anthropic's own service always speaks Messages.
    pub(crate) protocol: Protocol,
    /// As `net::check_base_url` returned it.
    pub(crate) base_url: Url,
    pub(crate) key: Option<SecretString>,
    pub(crate) caps: Caps,
}

/// How long each phase of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// Until the connection stands; a setting of the client.
    pub(crate) connect: Duration,
    /// From there until the response begins.
    pub(crate) headers: Duration,
    /// From there until the first content.
    pub(crate) first_content: Duration,
    /// Between two pieces of the body.
    pub(crate) idle: Duration,
    /// Between two pieces of content.
    pub(crate) progress: Duration,
    /// Everything.
    pub(crate) attempt: Duration,
}

impl Target {
    /// Returns the operator's.
    ///
    /// # Errors
    /// [`AiError::Blocked`] for a base URL that cannot be one, or that is missing.
    pub(crate) fn operator(config: &AiConfig) -> Result<Self, AiError> {
        let given = config.base_url.as_deref().or_else(|| public_service(config.provider));
        let given = given.ok_or(AiError::Blocked("this provider needs a base URL"))?;
        Ok(Self {
            provider: config.provider,
            protocol: config.protocol,
            base_url: net::check_base_url(given, SetBy::Operator)?,
            key: config.api_key.clone(),
            caps: config.caps,
        })
    }
}

impl Timeouts {
    /// Returns those of the settings.
    pub(crate) const fn of(config: &AiConfig) -> Self {
        Self {
            connect: Duration::from_millis(config.connect_ms),
            headers: Duration::from_millis(config.headers_ms),
            first_content: Duration::from_millis(config.first_content_ms),
            idle: Duration::from_millis(config.idle_ms),
            progress: Duration::from_millis(config.progress_ms),
            attempt: Duration::from_millis(config.attempt_ms),
        }
    }
}

/// Returns the base URL of a provider's own service; `None` where there is no such service.
pub(crate) const fn public_service(provider: AiProvider) -> Option<&'static str> {
    match provider {
        AiProvider::Anthropic => Some("https://api.anthropic.com"),
        AiProvider::OpenAi => Some("https://api.openai.com/v1"),
        AiProvider::Local | AiProvider::OpenAiCompatible => None,
    }
}
