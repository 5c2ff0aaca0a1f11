//! The token of the local mode and the file that keeps it.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jotrack_core::{Error, Result, random_bytes};
use sha2::{Digest, Sha256};

/// Name of the file in the data folder.
const FILE: &str = "token";

/// The secret of the local mode: 256 random bits as text. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// Makes a token that is kept nowhere.
    ///
    /// # Errors
    /// `Internal` when the operating system gives no random bytes.
    pub fn random() -> Result<Self> {
        Ok(Self(random_text()?))
    }

    /// Reads the token of a data folder, or makes it at the first start, readable by its owner only.
    ///
    /// # Errors
    /// `Misuse` when the file is no token or open to others, `Unavailable` when it cannot be used.
    pub fn load_or_create(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(FILE);
        match load(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                create(data_dir, &path).map_err(|e| Error::io("create the token file", e))?;
                load(&path)
            }
            loaded => loaded,
        }
        .map_err(|e| Error::io("read the token file", e))?
        .ok_or_else(|| {
            Error::argument(
                "the file `token` of the data folder must hold one token and be readable by its \
                 owner only; remove it to get a new one",
            )
        })
    }

    /// Returns the token itself, to be shown to the person at the terminal and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that tells nothing about the token.
    pub(super) fn matches(&self, offered: &str) -> bool {
        let (own, offered) = (Sha256::digest(&self.0), Sha256::digest(offered));
        own.iter().zip(offered.iter()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

/// Makes 256 random bits as text.
pub(super) fn random_text() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))
}

/// Returns `None` for a file that must not be trusted.
fn load(path: &Path) -> io::Result<Option<Token>> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || is_open_to_others(&metadata) {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(128).read_to_string(&mut text)?;
    let text = text.trim_end();
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    Ok((bytes.len() == 32).then(|| Token(text.to_owned())))
}

/// Writes the whole file under another name first: whoever finds the token finds all of it, and of
/// two processes that start together one wins.
fn create(dir: &Path, path: &Path) -> io::Result<()> {
    let token = random_text().map_err(io::Error::other)?;
    let draft = dir.join(format!(".{FILE}-{}", random_text().map_err(io::Error::other)?));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        writeln!(file, "{token}")?;
        file.sync_all()
    });
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    fs::remove_file(&draft)?;
    linked?;
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_metadata: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();

        let first = Token::load_or_create(dir.path()).unwrap();
        let second = Token::load_or_create(dir.path()).unwrap();

        assert_eq!(first.reveal(), second.reveal());
        assert_eq!(URL_SAFE_NO_PAD.decode(first.reveal()).unwrap().len(), 32);
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["token"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_token_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        Token::load_or_create(dir.path()).unwrap();
        let path = dir.path().join("token");

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Token::load_or_create(dir.path()), Err(Error::Misuse { .. })));
    }

    #[test]
    fn a_file_that_holds_no_token_is_refused_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        Token::load_or_create(dir.path()).unwrap();
        for text in ["", "c2hvcnQ", "not base64 at all!", &"A".repeat(200)] {
            fs::write(dir.path().join("token"), text).unwrap();

            assert!(matches!(Token::load_or_create(dir.path()), Err(Error::Misuse { .. })));
            assert_eq!(fs::read_to_string(dir.path().join("token")).unwrap(), text);
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::random().unwrap();

        assert!(!format!("{token:?}").contains(token.reveal()));
    }

    #[test]
    fn only_the_whole_token_matches() {
        let token = Token::random().unwrap();
        let text = token.reveal();

        assert!(token.matches(text));
        for wrong in
            ["", "x", &text.to_uppercase(), &format!("{text}="), text.trim_end_matches(|_| true)]
        {
            assert!(!token.matches(wrong), "{wrong}");
        }
    }
}
