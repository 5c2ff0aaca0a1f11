//! Files beside the database: who has it open, and on what kind of disk it lies.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::error::{Error, Result};

/// A locked file in `run/` that says "this process has the database open". The operating system
/// drops the lock when a process dies, so a leftover that can be locked tells of an unclean end.
#[derive(Debug)]
pub(super) struct Presence {
    path: PathBuf,
    _locked: File,
}

impl Presence {
    /// Writes the own file; the second value says whether an earlier process ended uncleanly.
    pub(super) fn announce(run: &Path) -> Result<(Self, bool)> {
        let op = "announce the process";
        crate::private::create_dir(run).map_err(|e| Error::io(op, e))?;
        let mut unclean = false;
        for entry in fs::read_dir(run).map_err(|e| Error::io(op, e))?.flatten() {
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                unclean = true;
                fs::remove_file(&path).or_else(ignore_missing).map_err(|e| Error::io(op, e))?;
            }
        }
        let path = run.join(Uuid::now_v7().to_string());
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| Error::io(op, e))?;
        file.try_lock().map_err(|e| Error::internal(op, e))?;
        Ok((Self { path, _locked: file }, unclean))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path).or_else(ignore_missing) {
            tracing::debug!(%error, "run file stays; the next start removes it");
        }
    }
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Makes sure that the database file exists and that only its owner can read it. SQLite gives the
/// files beside it the same rights.
pub(super) fn create_private(path: &Path) -> Result<()> {
    let op = "create the database file";
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| Error::io(op, e))?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|e| Error::io(op, e))?;
    drop(file);
    Ok(())
}

/// Refuses a folder on a network file system: its locks cannot be trusted, and two processes
/// would damage the file. Only Linux tells.
pub(super) fn refuse_network_file_system(dir: &Path) -> Result<()> {
    let (Ok(mounts), Ok(dir)) = (fs::read_to_string("/proc/self/mountinfo"), fs::canonicalize(dir))
    else {
        return Ok(());
    };
    let deepest = mounts
        .lines()
        .filter_map(|line| {
            let (fields, tail) = line.split_once(" - ")?;
            let mount = fields.split(' ').nth(4)?;
            Some((Path::new(mount), tail.split(' ').next()?))
        })
        .filter(|(mount, _)| dir.starts_with(mount))
        .max_by_key(|(mount, _)| mount.as_os_str().len());
    match deepest {
        Some((_, kind)) if is_network(kind) => Err(Error::argument(format!(
            "the data folder lies on a network file system ({kind}); choose a local folder, or set \
             storage.allow_network_fs if only one program ever opens it"
        ))),
        _ => Ok(()),
    }
}

fn is_network(kind: &str) -> bool {
    matches!(kind, "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "fuse.sshfs" | "afs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leftover_tells_of_an_unclean_end_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("leftover"), "").unwrap();

        let (first, unclean) = Presence::announce(dir.path()).unwrap();
        let (second, again) = Presence::announce(dir.path()).unwrap();

        assert!(unclean);
        assert!(!again);
        drop((first, second));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
