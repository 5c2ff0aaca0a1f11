//! Where the master key comes from.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::{
    error::{Error, Result},
    validate::Checks,
};

const RULE: &str = "a master key is 32 bytes in base64, 44 characters with the last `=`";

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
    /// Reads keys as they are written in an environment variable: the current one first, spaces or
    /// commas between them.
    ///
    /// # Errors
    /// `Misuse` when one of them is not 32 bytes in base64 with its padding, or when there is none.
    pub fn given(text: &str) -> Result<Self> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        let keys: Vec<_> = words.filter(|word| !word.is_empty()).map(SecretString::from).collect();
        let source = Self::Given(keys);
        let mut checks = Checks::default();
        source.check(&mut checks);
        checks.finish().map_err(|_| Error::argument(RULE))?;
        Ok(source)
    }

    /// Reads the keys once and forgets them, so that a program can refuse to start. The data
    /// folder, where a key may be missing, is not looked at.
    ///
    /// # Errors
    /// `Unavailable` of kind KEY_UNAVAILABLE when a file cannot be read or holds something else.
    pub fn probe(&self) -> Result<()> {
        match self {
            Self::File(path) => crate::secret::probe_file(path),
            Self::Folder | Self::Given(_) => Ok(()),
        }
    }

    /// Refuses keys that are none. A file is not looked at.
    pub(super) fn check(&self, checks: &mut Checks) {
        let Self::Given(keys) = self else { return };
        if keys.is_empty() {
            checks.add(&["master_key"], "required", "at least one key", None);
        }
        if !keys.iter().all(|key| crate::secret::master_key_is_valid(key.expose_secret())) {
            checks.add(&["master_key"], "format", RULE, None);
        }
    }
}
