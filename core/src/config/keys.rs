//! Where the master key comes from.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::validate::Checks;

/// The source of the 32-byte master key. If it fails, the engine tries no other.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// `master.key` in the data folder, made with mode 0600 when it is first needed, unless
    /// something is sealed already. An engine "in memory" takes a random key.
    #[default]
    Folder,
    /// Keys in base64, the current one first.
    Given(Vec<SecretString>),
    /// A file of base64 keys, one per line, the current one first. It is never written.
    File(PathBuf),
}

impl KeySource {
    /// Refuses keys that are none. A file is not looked at.
    pub(super) fn check(&self, checks: &mut Checks) {
        let Self::Given(keys) = self else { return };
        if keys.is_empty() {
            checks.add(&["master_key"], "required", "at least one key", None);
        }
        if !keys.iter().all(|key| crate::secret::master_key_is_valid(key.expose_secret())) {
            let why = "each key must be 32 bytes in base64, with padding";
            checks.add(&["master_key"], "format", why, None);
        }
    }
}
