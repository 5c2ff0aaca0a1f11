//! Whom a user asks, with which key, and what is kept of the answers.

use async_graphql::SimpleObject;
use jotrack_core::{self as core, AiConfig, AiProvider, AnalysisKind};

use crate::schema::scalars::{ByteCount, DateTime, Url, int};

/// What the caller wishes.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct Settings {
    /// Whether the caller's own choice of a provider may be followed and their keys used. False at first: no text leaves the machine but to a provider that the operator configured.
    ai_network_enabled: bool,
    /// The provider in effect: the caller's choice where `aiNetworkEnabled` allows it, else the operator's; LOCAL by default.
    ai_provider: AiProvider,
    /// The model in effect; null for LOCAL.
    ai_model: Option<String>,
}

impl Settings {
    pub(crate) fn of(settings: &core::AiSettings, operator: &AiConfig) -> Self {
        let (ai_provider, ai_model) = settings.in_effect(operator);
        Self { ai_network_enabled: settings.network_enabled, ai_provider, ai_model }
    }
}

/// What may be told of a key; the key itself is never readable back.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ProviderKey {
    provider: AiProvider,
    /// `****` for short keys.
    last4: String,
    /// The same for the same key.
    fingerprint: String,
    /// The only address the key is sent to; the provider's public one when null.
    base_url: Option<Url>,
    created_at: DateTime,
    /// To the minute; null when it never was.
    last_used_at: Option<DateTime>,
}

impl From<core::ProviderKey> for ProviderKey {
    fn from(key: core::ProviderKey) -> Self {
        let core::ProviderKey { provider, last4, fingerprint, base_url, created_at, last_used_at } =
            key;
        Self {
            provider,
            last4,
            fingerprint,
            base_url: base_url.map(Url),
            created_at: created_at.into(),
            last_used_at: last_used_at.map(DateTime),
        }
    }
}

/// Kept answers of one kind: the caller's own and those for all users.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisCache {
    kind: AnalysisKind,
    entries: i32,
    bytes: ByteCount,
    /// Answers given from them.
    hits: i32,
    /// When the oldest was made.
    oldest: Option<DateTime>,
}

impl From<core::CacheStats> for AnalysisCache {
    fn from(stats: core::CacheStats) -> Self {
        let core::CacheStats { kind, entries, bytes, hits, oldest } = stats;
        Self {
            kind,
            entries: int(entries),
            bytes: ByteCount(bytes),
            hits: int(hits),
            oldest: oldest.map(DateTime),
        }
    }
}
