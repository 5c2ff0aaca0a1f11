//! Keys that are derived from keys: HKDF-SHA-256 with an empty salt and a frozen purpose.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// 32 secret bytes that are wiped when they are dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Which master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KekId(pub(super) [u8; 8]);

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::meta::hex(&self.0))
    }
}

/// A master key, as far as the vault needs it: the key that wraps, and its id.
#[derive(Clone)]
pub(super) struct Kek {
    pub(super) id: KekId,
    pub(super) wrap: Key,
}

impl Kek {
    /// Derives what is needed from the master key's own bytes.
    pub(super) fn new(master: &Key) -> Result<Self> {
        let id = *derive::<8>(master, "jotrack/v1/kek-id")?;
        Ok(Self { id: KekId(id), wrap: derive(master, "jotrack/v1/kek-wrap")? })
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kek({})", self.id)
    }
}

/// Derives `N` bytes for one purpose.
pub(super) fn derive<const N: usize>(from: &Key, info: &str) -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, &**from)
        .expand(info.as_bytes(), &mut *bytes)
        .map_err(|_| Error::bug("derive a key", "too many bytes asked for"))?;
    Ok(bytes)
}

/// Returns the HMAC-SHA-256 of a text.
pub(super) fn mac(key: &[u8; 32], text: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|e| Error::internal("take a digest with a key", e))?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

/// Returns 32 fresh bytes of the operating system.
pub(super) fn random_key() -> Result<Key> {
    Ok(Zeroizing::new(crate::id::random_bytes()?))
}
