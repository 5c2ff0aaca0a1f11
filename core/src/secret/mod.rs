//! The key vault: what is secret at rest, and with which key.
//!
//! A master key (KEK) of 32 bytes comes from the host or from a file, never from the database. It
//! seals the root secret, one data key per user and the keys of AI providers (`envelope`,
//! algorithm 1). A user's data key seals what AI calls say about that user (`body`, algorithm 2).
//! MAC keys hang on the root secret, so a new master key breaks no MAC.
//!
//! Nothing is made before it is needed, nothing sealed is ever overwritten because it cannot be
//! opened, and no key stands in for a missing one.

mod ai_settings;
mod body;
mod derive;
mod envelope;
mod gcm;
mod providers;
mod rotate;
mod source;
mod status;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod vault;

pub use ai_settings::{AiSettings, AiSettingsPatch};
pub use providers::ProviderKey;
pub use rotate::{RotationProgress, RotationReport};
pub(crate) use source::{master_key_is_valid, probe_file};
pub use status::{KekStatus, KeysStatus};
pub(crate) use vault::Vault;

use crate::error::{Error, UnavailableKind};
use derive::KekId;

/// A column that holds sealed values. The labels are part of every sealed value: a renamed table
/// keeps its old label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedColumn {
    /// The word that proves a master key.
    KekCheck,
    /// The root secret.
    RootSecret,
    /// A user's data key.
    UserKey,
    /// A provider's key.
    ProviderKey,
    /// A kept answer of an AI call.
    AiCacheBody,
    /// What an AI call was asked.
    AiRunRequest,
    /// What an AI call answered.
    AiRunOutput,
}

impl SealedColumn {
    /// Returns the frozen labels of table and column.
    const fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::KekCheck => ("kek", "check"),
            Self::RootSecret => ("root_secret", "key"),
            Self::UserKey => ("user_key", "key"),
            Self::ProviderKey => ("provider_key", "secret"),
            Self::AiCacheBody => ("ai_cache", "body"),
            Self::AiRunRequest => ("ai_run", "request"),
            Self::AiRunOutput => ("ai_run", "output"),
        }
    }

    /// Returns both labels as one word, for messages.
    const fn name(self) -> &'static str {
        match self {
            Self::KekCheck => "kek.check",
            Self::RootSecret => "root_secret.key",
            Self::UserKey => "user_key.key",
            Self::ProviderKey => "provider_key.secret",
            Self::AiCacheBody => "ai_cache.body",
            Self::AiRunRequest => "ai_run.request",
            Self::AiRunOutput => "ai_run.output",
        }
    }
}

/// Why a secret cannot be had: the cause behind KEY_UNAVAILABLE and CRYPTO, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFault {
    /// The configured source gives no key.
    #[error("no master key from {place}: {why}")]
    Source { place: String, why: String },
    /// The source gives keys, but none that this database knows.
    #[error("the master key {kek_id} is not the one that sealed this database")]
    Wrong { kek_id: KekId },
    /// A value was sealed with a key that the source does not give.
    #[error("the master key {kek_id} is missing")]
    Missing { kek_id: KekId },
    /// The key sealed as much as one key may.
    #[error("the master key {kek_id} was used too often; rotate the keys")]
    Exhausted { kek_id: KekId },
    /// One answer for every wrong length, version, tag and place.
    #[error("the sealed value {column} of record {record} is damaged or was moved")]
    SealBroken { column: &'static str, record: String },
}

impl KeyFault {
    fn broken(column: SealedColumn, record: &[u8]) -> Self {
        Self::SealBroken { column: column.name(), record: crate::meta::hex(record) }
    }
}

impl From<KeyFault> for Error {
    fn from(fault: KeyFault) -> Self {
        let kind = match fault {
            KeyFault::SealBroken { .. } => UnavailableKind::Crypto,
            KeyFault::Source { .. }
            | KeyFault::Wrong { .. }
            | KeyFault::Missing { .. }
            | KeyFault::Exhausted { .. } => UnavailableKind::KeyUnavailable,
        };
        Self::Unavailable { kind, op: "use a secret", source: Some(std::sync::Arc::new(fault)) }
    }
}
