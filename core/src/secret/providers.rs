//! Keys of AI providers: set, replaced and removed, used by the engine, never readable back.

use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;

use super::{
    derive::mac,
    envelope::Place,
    store::{self, NewProviderKey},
};
use crate::{
    ai::AiError,
    db::Batch,
    engine::Engine,
    enums::{AiProvider, ChangeOp, EntityKind},
    error::{Error, Result},
    id::uuid_at,
    meta::hex,
    mutation::{Plan, WriteOptions, Written},
    net::{SetBy, check_base_url},
    time::Timestamp,
    validate::Checks,
};

/// Characters of a provider's key.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 8..=1_024;
/// Below this length the last four characters would tell too much.
const LAST4_CHARS: usize = 12;
const BASE_URL_CHARS: usize = 2_048;
/// Milliseconds between two notes that a key is used.
const TOUCH_MS: i64 = 60_000;
const FINGERPRINT: &str = "jotrack/v1/key-fingerprint";

/// What may be told of a provider's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderKey {
    /// Whose service it opens.
    pub provider: AiProvider,
    /// The key's last four characters; `****` for short ones.
    pub last4: String,
    /// Eight hex digits, the same for the same key in this database.
    pub fingerprint: String,
    /// The only address the key is sent to; the provider's public one when absent.
    pub base_url: Option<String>,
    /// When it was set.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A provider's key, for one call.
#[derive(Debug, Clone)]
pub(crate) struct ProviderSecret {
    pub(crate) secret: SecretString,
    /// The only address the key may be sent to; the provider's public one when absent.
    pub(crate) base_url: Option<String>,
    pub(crate) fingerprint: String,
}

impl Engine {
    /// Stores this user's key of a provider, sealed, in the place of an earlier one. The key is
    /// sent to `base_url` only, or to the provider's public address.
    ///
    /// # Errors
    /// `Invalid` (a key that is not 8 to 1,024 visible ASCII characters, `LOCAL`, an address that
    /// is not https, not public, or is missing for `OPENAI_COMPATIBLE`), `Unavailable` of kind KEY_UNAVAILABLE
    /// or CRYPTO.
    pub async fn set_provider_key(
        &self,
        provider: AiProvider,
        secret: &str,
        base_url: Option<&str>,
        options: &WriteOptions,
    ) -> Result<Written<AiProvider>> {
        let secret = secret.trim();
        let base_url = check(provider, secret, base_url)?;
        let (shared, user) = (&self.shared, self.user_id());
        self.refuse_closed()?;
        // Not with the secret of the idempotency keys, which lies in the database in clear.
        let mark = mac(&*shared.vault.root_key(shared, FINGERPRINT).await?, secret.as_bytes())?;
        let id = uuid_at(self.now());
        let place = Place::provider_key(user, id, provider, base_url.as_deref());
        let sealed = &shared.vault.seal(shared, &place, secret.as_bytes()).await?;
        let args = (provider, base_url.clone(), hex(&mark));
        let key = &NewProviderKey {
            id,
            provider,
            base_url,
            sealed: sealed.bytes.clone(),
            last4: last4(secret),
            fingerprint: fingerprint(&mark),
        };
        self.mutate("providerKeySet", options, &args, |snapshot| async move {
            let mut batch = snapshot.engine().batch();
            sealed.count(&mut batch);
            store::set_provider_key(&mut batch, user, key);
            batch.change(EntityKind::Account, user.as_uuid(), ChangeOp::Updated);
            Ok(Plan::write(provider, batch))
        })
        .await
    }

    /// Removes this user's key of a provider. Needs no master key.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn delete_provider_key(
        &self,
        provider: AiProvider,
        options: &WriteOptions,
    ) -> Result<Written<AiProvider>> {
        let user = self.user_id();
        self.mutate("providerKeyDelete", options, &provider, |snapshot| async move {
            if !store::has_provider_key(snapshot.view(), user, provider).await? {
                return Err(Error::not_found("provider key", provider));
            }
            let mut batch = snapshot.engine().batch();
            store::delete_provider_key(&mut batch, user, provider);
            batch.change(EntityKind::Account, user.as_uuid(), ChangeOp::Updated);
            Ok(Plan::write(provider, batch))
        })
        .await
    }

    /// Returns what may be told of this user's keys, by provider. One statement; needs no master
    /// key.
    ///
    /// # Errors
    /// As every read.
    pub async fn provider_keys(&self) -> Result<Vec<ProviderKey>> {
        let snapshot = self.snapshot_of_one().await?;
        store::provider_keys(snapshot.view(), self.user_id()).await
    }

    /// Opens this user's key of a provider for one call, and notes its use once a minute.
    ///
    /// # Errors
    /// `Unavailable` of kind KEY_UNAVAILABLE or CRYPTO.
    pub(crate) async fn provider_secret(
        &self,
        provider: AiProvider,
    ) -> Result<Option<ProviderSecret>> {
        let Some(row) = store::provider_key(self, provider).await? else { return Ok(None) };
        let (shared, base_url) = (&self.shared, row.base_url.as_deref());
        let place = Place::provider_key(self.user_id(), row.id, provider, base_url);
        let secret = shared.vault.open(shared, &place, &row.sealed).await?;
        let secret = std::str::from_utf8(&secret).map_err(|_| place.context().broken())?;
        let secret = SecretString::from(secret);
        self.touch(row.id, row.last_used_at).await;
        Ok(Some(ProviderSecret { secret, base_url: row.base_url, fingerprint: row.fingerprint }))
    }

    /// Notes the use of a key. A call does not fail for want of the note.
    async fn touch(&self, id: Uuid, last: Option<Timestamp>) {
        let now = self.now();
        if last.is_some_and(|last| now < last.plus_ms(TOUCH_MS)) {
            return;
        }
        let mut batch = Batch::system(now);
        store::touch_provider_key(&mut batch, id);
        if let Err(rejected) = self.shared.store.commit(batch).await {
            tracing::debug!(?rejected, "the use of a provider's key was not noted");
        }
    }
}

/// Returns the canonical base URL.
fn check(provider: AiProvider, secret: &str, base_url: Option<&str>) -> Result<Option<String>> {
    let mut checks = Checks::default();
    if provider == AiProvider::Local {
        checks.add(&["provider"], "unknown", "LOCAL needs no key", None);
    }
    if !(SECRET_CHARS.contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic())) {
        let why = "must be 8 to 1,024 visible ASCII characters, without spaces";
        checks.add(&["secret"], "format", why, None);
    }
    let base_url = base_url.map(str::trim).filter(|text| !text.is_empty());
    let mut canonical = None;
    match base_url {
        None if provider == AiProvider::OpenAiCompatible => {
            checks.add(&["baseUrl"], "required", "say where the server listens", None);
        }
        None => {}
        Some(text) if text.chars().count() > BASE_URL_CHARS => {
            let (limit, why) = (i64::try_from(BASE_URL_CHARS).ok(), "at most 2048 characters");
            checks.add(&["baseUrl"], "too_long", why, limit);
        }
        Some(text) => match public_base_url(text) {
            Ok(url) => canonical = Some(url),
            Err(why) => checks.add(&["baseUrl"], "format", why, None),
        },
    }
    checks.finish()?;
    Ok(canonical)
}

/// Returns the address in its normal form, or what is wrong with it.
fn public_base_url(text: &str) -> std::result::Result<String, &'static str> {
    let url = match check_base_url(text, SetBy::User) {
        Ok(url) => url,
        Err(AiError::Blocked(why)) => return Err(why),
        Err(_) => return Err("it cannot be used"),
    };
    if url.query().is_some() {
        return Err("it must not hold a query");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn last4(secret: &str) -> String {
    let start = secret.len().saturating_sub(4);
    let tail = secret.get(start..).filter(|_| secret.len() >= LAST4_CHARS);
    tail.unwrap_or("****").to_owned()
}

fn fingerprint(mark: &[u8; 32]) -> String {
    let short = mark.first_chunk::<4>().map(|bytes| hex(bytes));
    short.unwrap_or_default()
}
