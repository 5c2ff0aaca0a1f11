//! Where the master key comes from: the host, a file of the operator's, or the data folder.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{
    KeyFault,
    derive::{Kek, Key, random_key},
};
use crate::{
    config::{Config, KeySource},
    error::{Error, Result},
    private,
};

/// Most bytes of a file of keys.
const FILE_MAX: u64 = 64 * 1024;
const FILE: &str = "master.key";

/// Where the keys of one engine come from.
pub(super) enum Source {
    /// Keys the host gave, or a random one of an engine "in memory".
    Held { keys: Vec<Kek>, random: bool },
    /// A file of the operator's, which is never written.
    File(PathBuf),
    /// The data folder.
    Folder(PathBuf),
    /// Nothing: the database outlives this engine, and no place for a key was named.
    Nowhere,
}

impl Source {
    /// Reads no file.
    pub(super) fn new(config: &Config) -> Result<Self> {
        Ok(match &config.master_key {
            KeySource::Given(keys) => {
                let keys = keys.iter().map(|key| parse(key.expose_secret()));
                let keys = keys.collect::<Option<Vec<_>>>().unwrap_or_default();
                let keys = keys.iter().map(Kek::new).collect::<Result<_>>()?;
                Self::Held { keys, random: false }
            }
            KeySource::File(path) => Self::File(path.clone()),
            KeySource::Folder => match &config.data_dir {
                Some(dir) => Self::Folder(dir.clone()),
                None if config.database.is_none() && config.postgres.is_none() => {
                    Self::Held { keys: vec![Kek::new(&random_key()?)?], random: true }
                }
                None => Self::Nowhere,
            },
        })
    }

    /// Returns the frozen word for this kind of source.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Held { random: true, .. } => "memory",
            Self::Held { random: false, .. } => "given",
            Self::File(_) => "file",
            Self::Folder(_) => "folder",
            Self::Nowhere => "none",
        }
    }

    /// Returns the file of keys, where there is one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Folder(dir) => Some(dir.join(FILE)),
            Self::Held { .. } | Self::Nowhere => None,
        }
    }

    /// Returns the keys, the current one first; `None` while the data folder has no file yet.
    pub(super) fn read(&self) -> Result<Option<Vec<Kek>>> {
        let keys = match self {
            Self::Held { keys, .. } => return Ok(Some(keys.clone())),
            Self::File(path) => {
                read_file(path, false)?.ok_or_else(|| fault(path, "there is no such file"))?
            }
            Self::Folder(dir) => match read_file(&dir.join(FILE), true)? {
                Some(keys) => keys,
                None => return Ok(None),
            },
            Self::Nowhere => {
                let why = "an engine without a data folder needs a master key in its configuration";
                let (place, why) = ("the data folder".to_owned(), why.to_owned());
                return Err(KeyFault::Source { place, why }.into());
            }
        };
        keys.iter().map(Kek::new).collect::<Result<_>>().map(Some)
    }

    /// Returns the keys, and makes the data folder's file when there is none. Another process
    /// that is first is waited for, and its key is the key.
    pub(super) fn read_or_create(&self) -> Result<Vec<Kek>> {
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        let missing = || Error::bug("make a master key", "this source cannot make one");
        let Self::Folder(dir) = self else { return Err(missing()) };
        let _lock = lock(dir)?;
        if self.read()?.is_none() {
            write(dir, &[random_key()?])?;
            tracing::info!(path = %dir.join(FILE).display(), "made a master key; keep a copy");
        }
        self.read()?.ok_or_else(missing)
    }

    /// Puts a new key before the others in the data folder's file, as long as `current` is still
    /// the first. Returns all keys.
    pub(super) fn add(&self, current: super::KekId) -> Result<Vec<Kek>> {
        let Self::Folder(dir) = self else {
            return Err(Error::bug("make a master key", "this source cannot make one"));
        };
        let path = dir.join(FILE);
        let _lock = lock(dir)?;
        let mut keys = read_file(&path, true)?.ok_or_else(|| fault(&path, "the file is gone"))?;
        let first = keys.first().map(Kek::new).transpose()?;
        if first.is_some_and(|first| first.id == current) {
            keys.insert(0, random_key()?);
            write(dir, &keys)?;
        }
        keys.iter().map(Kek::new).collect()
    }
}

/// Reports whether a text is a master key: 32 bytes of base64, padded, in the standard alphabet.
pub(crate) fn master_key_is_valid(text: &str) -> bool {
    parse(text).is_some()
}

/// Reads a file of keys as [`Source::File`] does, and forgets them.
pub(crate) fn probe_file(path: &Path) -> Result<()> {
    let missing = || fault(path, "there is no such file").into();
    read_file(path, false)?.map(drop).ok_or_else(missing)
}

fn parse(text: &str) -> Option<Key> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    super::envelope::key(&bytes)
}

/// Reads one key per line; `None` when there is no such file.
fn read_file(path: &Path, must_be_private: bool) -> Result<Option<Vec<Key>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault(path, e.to_string()).into()),
    };
    if is_open_to_others(&file).map_err(|e| fault(path, e.to_string()))? {
        let why = "others than its owner can read it; its mode must be 600";
        if must_be_private {
            return Err(fault(path, why).into());
        }
        tracing::warn!(path = %path.display(), "the file of master keys: {why}");
    }
    let mut text = Zeroizing::new(String::new());
    let read = (&mut file).take(FILE_MAX).read_to_string(&mut text);
    read.map_err(|e| fault(path, e.to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let keys = lines
        .map(|(n, line)| {
            let why = || format!("line {} is not 32 bytes of base64", n.saturating_add(1));
            parse(line).ok_or_else(|| fault(path, why()))
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(fault(path, "the file is empty").into());
    }
    Ok(Some(keys))
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// Keeps other processes from changing the file at the same time: a lost key is lost data.
fn lock(dir: &Path) -> Result<File> {
    let op = "lock the master key";
    let path = dir.join("master.key.lock");
    let file = private::open_file(&path, false).map_err(|e| Error::io(op, e))?;
    file.lock().map_err(|e| Error::io(op, e))?;
    Ok(file)
}

/// Writes the whole file, or leaves it as it was. On return the keys are on the disk.
fn write(dir: &Path, keys: &[Key]) -> Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len().saturating_mul(45)));
    for key in keys {
        let line = Zeroizing::new(STANDARD.encode(**key));
        text.push_str(&line);
        text.push('\n');
    }
    private::replace_file(&dir.join(FILE), text.as_bytes())
        .map_err(|e| Error::io("write the master key", e))
}

fn fault(path: &Path, why: impl Into<String>) -> KeyFault {
    KeyFault::Source { place: path.display().to_string(), why: why.into() }
}
