//! The key of an answer: equal exactly when nothing that shapes the answer differs.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    id::UserId,
};

/// The form of the digest's input. Any change of it, or of the golden keys, is a new version.
const FORM: &str = "jotrack-ai-key-v1";

/// In the place of a length: there is no such part.
const ABSENT: u32 = u32::MAX;

/// Whose answer it is.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Everybody's.
    Public,
    /// One user's. Without their key nobody can tell what was asked.
    User {
        /// The user.
        id: UserId,
        /// Their key for such digests.
        mac_key: &'a [u8; 32],
    },
}

/// Everything that shapes an answer.
#[derive(Clone, Copy)]
pub(crate) struct KeyParts<'a> {
    pub(crate) scope: Scope<'a>,
    /// Id of the capability.
    pub(crate) capability: &'a str,
    pub(crate) prompt_id: &'a str,
    pub(crate) prompt_version: u32,
    /// SHA-256 of the prompt's text.
    pub(crate) prompt_digest: [u8; 32],
    /// The provider's word.
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    /// RFC 8785 JSON of the sampling parameters that are set; absent when none is.
    pub(crate) sampling: Option<&'a str>,
    pub(crate) max_tokens: u32,
    /// SHA-256 of the full schema of the output, as RFC 8785 JSON.
    pub(crate) schema_digest: [u8; 32],
    /// Name of the redaction policy.
    pub(crate) redaction: &'a str,
    /// SHA-256 of the normalised input, as RFC 8785 JSON.
    pub(crate) input_digest: [u8; 32],
}

/// Returns `v1:p:<64 hex>` or `v1:u:<user, 32 hex>:<64 hex>`: a SHA-256, or an HMAC-SHA256 under
/// the user's key, over the parts in their order, each with its length before it.
pub(crate) fn key(parts: KeyParts<'_>) -> String {
    let KeyParts {
        scope,
        capability,
        prompt_id,
        prompt_version,
        prompt_digest,
        provider,
        model,
        sampling,
        max_tokens,
        schema_digest,
        redaction,
        input_digest,
    } = parts;
    let mut bytes = Vec::with_capacity(512);
    let mut part = |part: Option<&[u8]>| {
        let length = part.map_or(ABSENT, |part| u32::try_from(part.len()).unwrap_or(ABSENT - 1));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part.unwrap_or_default());
    };
    part(Some(FORM.as_bytes()));
    part(Some(capability.as_bytes()));
    part(Some(prompt_id.as_bytes()));
    part(Some(prompt_version.to_string().as_bytes()));
    part(Some(&prompt_digest));
    part(Some(provider.as_bytes()));
    part(Some(model.as_bytes()));
    part(sampling.map(str::as_bytes));
    part(Some(max_tokens.to_string().as_bytes()));
    part(Some(&schema_digest));
    part(Some(redaction.as_bytes()));
    part(Some(&input_digest));
    match scope {
        Scope::Public => format!("v1:p:{}", hex(&Sha256::digest(&bytes))),
        Scope::User { id, mac_key } => {
            // HMAC fills a key shorter than its block with zeros; given whole it cannot fail.
            let mut block = Zeroizing::new([0; 64]);
            block.iter_mut().zip(mac_key).for_each(|(to, from)| *to = *from);
            let mut mac = Hmac::<Sha256>::new((&*block).into());
            mac.update(&bytes);
            format!("v1:u:{}:{}", id.as_uuid().as_simple(), hex(&mac.finalize().into_bytes()))
        }
    }
}

/// Returns the SHA-256 of a value as RFC 8785 JSON: field order and number forms do not matter.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub(crate) fn digest(value: &(impl Serialize + ?Sized)) -> Result<[u8; 32]> {
    let json = serde_json_canonicalizer::to_vec(&value)
        .map_err(|e| Error::internal("digest an input", e))?;
    Ok(Sha256::digest(&json).into())
}

/// Returns lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

#[cfg(test)]
mod tests;
