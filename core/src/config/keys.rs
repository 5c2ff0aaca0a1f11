//! Where the master key comes from.

use std::path::PathBuf;

use secrecy::SecretString;

/// The source of the 32-byte master key. If it fails, the engine tries no other.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// `master.key` in the data folder, made with mode 0600 when neither it nor anything sealed
    /// exists. An engine "in memory" takes a random key.
    #[default]
    Folder,
    /// Base64 keys, the current one first.
    Given(Vec<SecretString>),
    /// A file of base64 keys, one per line, the current one first.
    File(PathBuf),
}
