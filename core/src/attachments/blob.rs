//! Files by their digest: `sha256/ab/cd/<64 hex>`. A file is written beside its place, flushed,
//! and linked in; the folder is flushed too. The same bytes are kept once.
//!
//! Invariant: whoever gives a digest a new reference holds the shared lock from before the file is
//! in place until the reference is committed; whoever removes files holds the exclusive lock. So
//! no reference ever outlives its file, in any number of processes.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    meta::{hex, unhex},
};

/// Bytes kept from the start of a file to tell its type.
const HEAD_BYTES: usize = 64 * 1024;
/// A file that was being written when a process died is removed after this time.
const LEFTOVER_SECS: u64 = 24 * 3600;

/// SHA-256 of a file.
pub(crate) type Hash = [u8; 32];

/// A folder of files named by their digest.
#[derive(Debug, Clone)]
pub(crate) struct BlobStore {
    root: Arc<Path>,
}

/// Keeps the collector away; dropped after the commit.
#[derive(Debug)]
pub(crate) struct Shared(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

/// Keeps everyone else away.
#[derive(Debug)]
pub(crate) struct Exclusive(
    #[expect(dead_code, reason = "the lock lives as long as the file")] File,
);

impl BlobStore {
    /// Opens the folder, creating it if needed, and removes old half-written files.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let op = "open the file store";
        let parts = root.join("tmp");
        crate::private::create_dir(&parts).map_err(|e| Error::io(op, e))?;
        for entry in fs::read_dir(&parts).map_err(|e| Error::io(op, e))?.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).map(|at| at.elapsed());
            if matches!(age, Ok(Ok(age)) if age.as_secs() > LEFTOVER_SECS) {
                fs::remove_file(entry.path()).map_err(|e| Error::io(op, e))?;
            }
        }
        Ok(Self { root: Arc::from(root) })
    }

    /// Starts a file; at most `limit` bytes go into it.
    pub(crate) fn create(&self, limit: u64) -> Result<BlobWriter> {
        let path = self.root.join("tmp").join(uuid::Uuid::now_v7().simple().to_string());
        let file = private_file(&path).map_err(|e| Error::io("store a file", e))?;
        Ok(BlobWriter {
            file,
            part: Part(path),
            digest: Sha256::new(),
            size: 0,
            limit,
            head: Vec::new(),
        })
    }

    /// Takes the lock under which a digest may get a new reference. Waits for a running
    /// collection, which takes milliseconds.
    pub(crate) async fn share(&self) -> Result<Shared> {
        let path = self.root.join("lock");
        tokio::task::spawn_blocking(move || {
            let file = lock_file(&path)?;
            file.lock_shared()?;
            Ok(Shared(file))
        })
        .await
        .map_err(|e| Error::internal("lock the file store", e))?
        .map_err(|e: std::io::Error| Error::io("lock the file store", e))
    }

    /// Takes the lock under which files may be removed; `None` while somebody shares it.
    pub(crate) fn exclude(&self) -> Result<Option<Exclusive>> {
        let op = "lock the file store";
        let file = lock_file(&self.root.join("lock")).map_err(|e| Error::io(op, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Exclusive(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(e)) => Err(Error::io(op, e)),
        }
    }

    /// Puts a finished file into its place. The same bytes twice are fine.
    pub(crate) fn put(&self, blob: &NewBlob, _lock: &Shared) -> Result<()> {
        let op = "store a file";
        let place = self.place(&blob.hash);
        let dir = place.parent().ok_or_else(|| Error::bug(op, "a place without a folder"))?;
        crate::private::create_dir(dir).map_err(|e| Error::io(op, e))?;
        match fs::hard_link(&blob.part.0, &place) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let size = fs::metadata(&place).map_err(|e| Error::io(op, e))?.len();
                if size != blob.size {
                    // Damage, or a crash of the machine: the new copy is whole.
                    fs::rename(&blob.part.0, &place).map_err(|e| Error::io(op, e))?;
                }
            }
            // Some file systems have no links.
            Err(_) => fs::rename(&blob.part.0, &place).map_err(|e| Error::io(op, e))?,
        }
        sync_dirs(dir, &self.root).map_err(|e| Error::io(op, e))
    }

    /// Returns where a file lies.
    pub(crate) fn place(&self, hash: &Hash) -> PathBuf {
        let name = hex(hash);
        let (a, b) = (name.get(..2).unwrap_or_default(), name.get(2..4).unwrap_or_default());
        self.root.join("sha256").join(a).join(b).join(&name)
    }

    /// Opens a file for reading.
    pub(crate) fn read(&self, hash: &Hash) -> Result<File> {
        File::open(self.place(hash)).map_err(|e| Error::io("read a file", e))
    }

    /// Returns the digests of all files in the folder. Names that are no digest are not ours.
    pub(crate) fn all(&self, _lock: &Exclusive) -> Result<Vec<Hash>> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.join("sha256")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let entry = entry.map_err(|e| Error::io("list the files", e))?;
                let kind = entry.file_type().map_err(|e| Error::io("list the files", e))?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if let Some(hash) = entry.file_name().to_str().and_then(unhex) {
                    found.push(hash);
                }
            }
        }
        Ok(found)
    }

    /// Removes a file; one that is gone is fine.
    pub(crate) fn remove(&self, hash: &Hash, _lock: &Exclusive) -> Result<()> {
        let op = "remove a file";
        let place = self.place(hash);
        match fs::remove_file(&place) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(op, e)),
            _ => match place.parent() {
                Some(dir) if dir.exists() => sync_dir(dir).map_err(|e| Error::io(op, e)),
                _ => Ok(()),
            },
        }
    }
}

/// A file being written. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    file: File,
    part: Part,
    digest: Sha256,
    size: u64,
    limit: u64,
    head: Vec<u8>,
}

/// A finished file that is not in its place yet. Dropping it removes the part.
#[derive(Debug)]
pub(crate) struct NewBlob {
    part: Part,
    pub(crate) hash: Hash,
    pub(crate) size: u64,
    /// The first 64 KiB.
    pub(crate) head: Vec<u8>,
}

/// The name of a part; removed with it.
#[derive(Debug)]
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "a part file stays until the next start");
        }
    }
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// `TooLarge` above the limit; nothing is kept then.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.limit {
            return Err(Error::TooLarge { what: "the file", limit_bytes: self.limit });
        }
        let room = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.digest.update(bytes);
        self.file.write_all(bytes).map_err(|e| Error::io("store a file", e))
    }

    /// Flushes the file to the disk.
    pub(crate) fn finish(self) -> Result<NewBlob> {
        self.file.sync_all().map_err(|e| Error::io("store a file", e))?;
        Ok(NewBlob {
            part: self.part,
            hash: self.digest.finalize().into(),
            size: self.size,
            head: self.head,
        })
    }
}

impl NewBlob {
    /// Opens the part for a look at its content.
    pub(crate) fn open(&self) -> Result<File> {
        File::open(&self.part.0).map_err(|e| Error::io("read a file", e))
    }
}

/// Reads a stored file at any place. Survives a purge: the bytes go when it is dropped.
#[derive(Debug)]
pub struct BlobReader {
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) media_type: String,
    pub(crate) filename: String,
}

impl BlobReader {
    /// Returns the file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the type found from the content.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Returns the name, for display only.
    pub fn filename(&self) -> &str {
        &self.filename
    }

    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end. Reads from the disk.
    ///
    /// # Errors
    /// `Unavailable` of kind IO.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let op = "read a file";
        self.file.seek(SeekFrom::Start(offset)).map_err(|e| Error::io(op, e))?;
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.file.read(room) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(op, e)),
            }
        }
        Ok(filled)
    }
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Flushes the folders from `dir` up to `root`: a new name is on the disk only then.
fn sync_dirs(dir: &Path, root: &Path) -> std::io::Result<()> {
    for dir in dir.ancestors().take_while(|dir| dir.starts_with(root)) {
        sync_dir(dir)?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Other systems flush names with the file.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn stored(store: &BlobStore, bytes: &[u8]) -> NewBlob {
        let mut writer = store.create(1_000).unwrap();
        writer.write(bytes).unwrap();
        let blob = writer.finish().unwrap();
        let lock = store.share().await.unwrap();
        store.put(&blob, &lock).unwrap();
        blob
    }

    fn files(dir: &Path) -> usize {
        let Ok(entries) = fs::read_dir(dir) else { return 1 };
        entries.flatten().map(|entry| files(&entry.path())).sum()
    }

    #[tokio::test]
    async fn the_same_bytes_are_kept_once_and_parts_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();

        let first = stored(&store, b"hello").await;
        let second = stored(&store, b"hello").await;

        assert_eq!(first.hash, second.hash);
        drop((first, second));
        assert_eq!(files(&dir.path().join("sha256")), 1);
        assert_eq!(files(&dir.path().join("tmp")), 0);
    }

    #[tokio::test]
    async fn a_damaged_copy_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let blob = stored(&store, b"hello").await;
        fs::write(store.place(&blob.hash), "hel").unwrap();

        stored(&store, b"hello").await;

        assert_eq!(fs::read(store.place(&blob.hash)).unwrap(), b"hello");
    }

    #[tokio::test]
    async fn nobody_collects_while_a_reference_is_being_made() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();

        let shared = store.share().await.unwrap();
        assert!(store.exclude().unwrap().is_none());
        drop(shared);
        assert!(store.exclude().unwrap().is_some());
    }

    #[test]
    fn a_file_above_the_limit_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();

        let mut writer = store.create(4).unwrap();
        assert!(writer.write(b"hell").is_ok());
        assert!(matches!(writer.write(b"o"), Err(Error::TooLarge { limit_bytes: 4, .. })));
        drop(writer);

        assert_eq!(files(&dir.path().join("tmp")), 0);
    }
}
