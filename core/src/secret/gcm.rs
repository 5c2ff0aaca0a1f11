//! AES-256-GCM, as both formats use it.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes of an authentication tag.
pub(super) const TAG: usize = 16;

/// Encrypts; the tag comes last.
pub(super) fn encrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], msg: &[u8]) -> Result<Vec<u8>> {
    Aes256Gcm::new(key.into())
        .encrypt(&Nonce::from(nonce), Payload { msg, aad })
        .map_err(|_| Error::bug("seal a secret", "the cipher refused"))
}

/// Decrypts; `None` when key, nonce, text or `aad` are not those of the encryption.
pub(super) fn decrypt(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    msg: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    Aes256Gcm::new(key.into())
        .decrypt(&Nonce::from(nonce), Payload { msg, aad })
        .ok()
        .map(Zeroizing::new)
}
