//! Algorithm 2: what AI calls say about one user, under that user's data key.
//!
//! `JTK`, version 1, algorithm 2, 8 bytes of key id, a nonce of 12, the text, a tag of 16. Deleting
//! the user's data key makes all of it unreadable, in backups that lack the key too.

use std::fmt;

use super::{
    SealedColumn,
    derive::{Key, derive},
    envelope::Context,
    gcm,
};
use crate::{
    error::{Error, Result},
    id::{UserId, random_bytes},
};

/// Most bytes of a body: 2 MiB.
const BODY_MAX: usize = 2 * 1024 * 1024;
const MAGIC: [u8; 5] = *b"JTK\x01\x02";

/// What a user's data key is used for.
pub(crate) struct UserKey {
    user: UserId,
    id: [u8; 8],
    body: Key,
    mac: Key,
}

impl UserKey {
    pub(super) fn new(user: UserId, key: &Key) -> Result<Self> {
        Ok(Self {
            user,
            id: *derive(key, "jotrack/v1/user-key-id")?,
            body: derive(key, "jotrack/v1/ai-body")?,
            mac: derive(key, "jotrack/v1/ai-key-mac")?,
        })
    }

    /// Returns the key of the MACs that name this user's answers in the cache.
    pub(crate) fn mac_key(&self) -> &[u8; 32] {
        &self.mac
    }

    /// Seals a body of at most 2 MiB for one place: the column, and the bytes of the row's id.
    pub(crate) fn seal(
        &self,
        column: SealedColumn,
        record: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>> {
        if plain.len() > BODY_MAX {
            let limit_bytes = u64::try_from(BODY_MAX).unwrap_or(u64::MAX);
            return Err(Error::TooLarge { what: "an AI answer", limit_bytes });
        }
        let (mut sealed, nonce) = (self.head(), random_bytes()?);
        let text = gcm::encrypt(&self.body, nonce, &self.aad(column, record)?, plain)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what [`Self::seal`] made for the same place.
    ///
    /// # Errors
    /// `Unavailable` of kind CRYPTO when it is damaged, was moved, or is another user's.
    pub(crate) fn open(
        &self,
        column: SealedColumn,
        record: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>> {
        let opened = self.try_open(sealed, &self.aad(column, record)?);
        opened.ok_or_else(|| super::KeyFault::broken(column, record).into())
    }

    fn try_open(&self, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = sealed.split_first_chunk::<13>()?;
        let (nonce, text) = rest.split_first_chunk::<12>()?;
        if *head != *self.head() || text.len() > BODY_MAX.saturating_add(gcm::TAG) {
            return None;
        }
        gcm::decrypt(&self.body, *nonce, aad, text).map(|mut plain| std::mem::take(&mut *plain))
    }

    fn head(&self) -> Vec<u8> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&self.id);
        head
    }

    fn aad(&self, column: SealedColumn, record: &[u8]) -> Result<Vec<u8>> {
        let mut aad = b"B".to_vec();
        aad.extend_from_slice(&self.head());
        let context = Context { user: Some(self.user), column, record, provider: "" };
        context.append_to(&mut aad)?;
        Ok(aad)
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKey").field("user", &self.user).finish_non_exhaustive()
    }
}
