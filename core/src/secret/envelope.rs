//! Algorithm 1: a stored secret under a key of its own, which a master key wraps.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 5 | `JTK`, version 1, algorithm 1 |
//! | 5 | 8 | id of the master key |
//! | 13 | 12 + 48 | nonce, and the data key sealed by the master key |
//! | 73 | 12 + n + 16 | nonce, and the secret sealed by the data key |
//!
//! Both seals are bound to the place of the value ([`Context`]): a value moved to another user,
//! row, column or provider does not open. The inner seal knows no master key, so a rotation
//! rewrites the first 73 bytes only.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    KeyFault, SealedColumn,
    derive::{Kek, KekId, Key, random_key},
    gcm,
};
use crate::{
    enums::AiProvider,
    error::{Error, Result},
    id::{UserId, random_bytes},
};

/// Most bytes of a secret.
const SECRET_MAX: usize = 16_384;
const MAGIC: [u8; 5] = *b"JTK\x01\x01";
/// Whose data it is, where one database holds that of several organisations.
const TENANT: &[u8] = b"default";

/// Where a sealed value lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) user: Option<UserId>,
    pub(super) column: SealedColumn,
    /// The bytes of the row's id.
    pub(super) record: &'a [u8],
    /// The provider with its base URL; empty for other secrets.
    pub(super) provider: &'a str,
}

impl Context<'_> {
    /// Adds the place to authenticated data: each part after its length.
    pub(super) fn append_to(&self, aad: &mut Vec<u8>) -> Result<()> {
        let user = self.user.map(|user| user.as_uuid().into_bytes());
        let (table, column) = self.column.labels();
        let parts: [&[u8]; 6] = [
            TENANT,
            user.as_ref().map_or(&[], |bytes| bytes.as_slice()),
            table.as_bytes(),
            self.record,
            column.as_bytes(),
            self.provider.as_bytes(),
        ];
        for part in parts {
            let length = u32::try_from(part.len())
                .map_err(|e| Error::internal("describe a sealed value's place", e))?;
            aad.extend_from_slice(&length.to_be_bytes());
            aad.extend_from_slice(part);
        }
        Ok(())
    }

    pub(super) fn broken(&self) -> KeyFault {
        KeyFault::broken(self.column, self.record)
    }
}

/// The place of a stored secret, on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    user: Option<UserId>,
    column: SealedColumn,
    record: Vec<u8>,
    provider: String,
}

impl Place {
    /// The word that proves a master key.
    pub(super) fn kek_check(kek: KekId) -> Self {
        Self::of(None, SealedColumn::KekCheck, &kek.0)
    }

    /// A root secret; its record id is the generation, 8 bytes big-endian.
    pub(super) fn root_secret(generation: i64) -> Self {
        Self::of(None, SealedColumn::RootSecret, &generation.to_be_bytes())
    }

    /// A user's data key; its record id is the user's.
    pub(super) fn user_key(user: UserId) -> Self {
        Self::of(Some(user), SealedColumn::UserKey, user.as_uuid().as_bytes())
    }

    /// A provider's key. Its base URL is part of the place: who can write the row still cannot
    /// send the key somewhere else.
    pub(super) fn provider_key(
        user: UserId,
        id: Uuid,
        provider: AiProvider,
        base_url: Option<&str>,
    ) -> Self {
        let mut label = provider.as_str().to_ascii_lowercase();
        if let Some(base_url) = base_url {
            label.push('|');
            label.push_str(base_url);
        }
        let place = Self::of(Some(user), SealedColumn::ProviderKey, id.as_bytes());
        Self { provider: label, ..place }
    }

    fn of(user: Option<UserId>, column: SealedColumn, record: &[u8]) -> Self {
        Self { user, column, record: record.to_vec(), provider: String::new() }
    }

    pub(super) fn context(&self) -> Context<'_> {
        let Self { user, column, ref record, ref provider } = *self;
        Context { user, column, record, provider }
    }
}

/// What is random in a sealed value.
struct Fresh {
    dek: Key,
    wrap_nonce: [u8; 12],
    data_nonce: [u8; 12],
}

/// Seals a secret of 1 to 16,384 bytes.
pub(super) fn seal(kek: &Kek, context: Context<'_>, secret: &[u8]) -> Result<Vec<u8>> {
    let fresh =
        Fresh { dek: random_key()?, wrap_nonce: random_bytes()?, data_nonce: random_bytes()? };
    seal_with(kek, context, secret, &fresh)
}

fn seal_with(kek: &Kek, context: Context<'_>, secret: &[u8], fresh: &Fresh) -> Result<Vec<u8>> {
    if !(1..=SECRET_MAX).contains(&secret.len()) {
        return Err(Error::bug("seal a secret", "its length is not allowed"));
    }
    let mut sealed = wrap(kek, context, fresh.wrap_nonce, &fresh.dek)?;
    let text = gcm::encrypt(&fresh.dek, fresh.data_nonce, &data_aad(context)?, secret)?;
    sealed.extend_from_slice(&fresh.data_nonce);
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

/// Seals with what is random at other times.
#[cfg(test)]
pub(super) fn seal_for_test(
    kek: &Kek,
    context: Context<'_>,
    secret: &[u8],
    dek: [u8; 32],
    wrap_nonce: u8,
    data_nonce: u8,
) -> Vec<u8> {
    let (wrap_nonce, data_nonce) = ([wrap_nonce; 12], [data_nonce; 12]);
    let fresh = Fresh { dek: Zeroizing::new(dek), wrap_nonce, data_nonce };
    seal_with(kek, context, secret, &fresh).unwrap()
}

/// Opens a sealed value with the master key that it names.
pub(super) fn open(kek: &Kek, context: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let broken = || Error::from(context.broken());
    let parts = Parts::read(sealed).ok_or_else(broken)?;
    let dek = parts.unwrap(kek, context)?;
    let aad = data_aad(context)?;
    gcm::decrypt(&dek, parts.data_nonce, &aad, parts.text).ok_or_else(broken)
}

/// Puts a sealed value under another master key. The secret itself is not looked at.
pub(super) fn rewrap(old: &Kek, new: &Kek, context: Context<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
    let parts = Parts::read(sealed).ok_or_else(|| context.broken())?;
    let dek = parts.unwrap(old, context)?;
    let mut rewrapped = wrap(new, context, random_bytes()?, &dek)?;
    rewrapped.extend_from_slice(&parts.data_nonce);
    rewrapped.extend_from_slice(parts.text);
    Ok(rewrapped)
}

/// Returns which master key a value was sealed with; `None` when it is no sealed value.
pub(super) fn kek_id(sealed: &[u8]) -> Option<KekId> {
    Parts::read(sealed).map(|parts| parts.kek_id)
}

fn wrap(kek: &Kek, context: Context<'_>, nonce: [u8; 12], dek: &Key) -> Result<Vec<u8>> {
    let mut sealed = MAGIC.to_vec();
    sealed.extend_from_slice(&kek.id.0);
    let text = gcm::encrypt(&kek.wrap, nonce, &wrap_aad(kek.id, context)?, &**dek)?;
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

fn wrap_aad(kek: KekId, context: Context<'_>) -> Result<Vec<u8>> {
    let mut aad = b"W".to_vec();
    aad.extend_from_slice(&MAGIC);
    aad.extend_from_slice(&kek.0);
    context.append_to(&mut aad)?;
    Ok(aad)
}

fn data_aad(context: Context<'_>) -> Result<Vec<u8>> {
    let mut aad = b"D".to_vec();
    aad.extend_from_slice(&MAGIC);
    context.append_to(&mut aad)?;
    Ok(aad)
}

/// The fields of a sealed value.
struct Parts<'a> {
    kek_id: KekId,
    wrap_nonce: [u8; 12],
    sealed_dek: &'a [u8],
    data_nonce: [u8; 12],
    text: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(sealed: &'a [u8]) -> Option<Self> {
        let (magic, rest) = sealed.split_first_chunk::<5>()?;
        let (kek_id, rest) = rest.split_first_chunk::<8>()?;
        let (wrap_nonce, rest) = rest.split_first_chunk::<12>()?;
        let (sealed_dek, rest) = rest.split_first_chunk::<48>()?;
        let (data_nonce, text) = rest.split_first_chunk::<12>()?;
        let length = text.len().checked_sub(gcm::TAG)?;
        (*magic == MAGIC && (1..=SECRET_MAX).contains(&length)).then_some(Self {
            kek_id: KekId(*kek_id),
            wrap_nonce: *wrap_nonce,
            sealed_dek,
            data_nonce: *data_nonce,
            text,
        })
    }

    fn unwrap(&self, kek: &Kek, context: Context<'_>) -> Result<Key> {
        let broken = || Error::from(context.broken());
        if kek.id != self.kek_id {
            return Err(broken());
        }
        let aad = wrap_aad(self.kek_id, context)?;
        let dek = gcm::decrypt(&kek.wrap, self.wrap_nonce, &aad, self.sealed_dek);
        key(&dek.ok_or_else(broken)?).ok_or_else(broken)
    }
}

/// Takes opened bytes for a key; `None` unless there are 32.
pub(super) fn key(bytes: &[u8]) -> Option<Key> {
    <[u8; 32]>::try_from(bytes).ok().map(Zeroizing::new)
}
