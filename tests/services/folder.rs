//! Folders of servers: owned by whom the servers run as, and removed also after a kill.

use std::{
    env, fs,
    fs::File,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    sync::Once,
};

use super::{is_root, server_user};

const PREFIX: &str = "jt-";
/// The file that is locked for as long as the folder is in use.
const IN_USE: &str = "in-use";

/// A folder that is removed when this is dropped.
pub(super) struct Folder {
    dir: tempfile::TempDir,
    _lock: File,
}

impl Folder {
    /// Makes a folder that the servers own and through which others may pass.
    pub(super) fn new(within: Option<&Path>) -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        let dir = within.map_or_else(|| builder.tempdir(), |within| builder.tempdir_in(within));
        let dir = dir.unwrap();
        // Locked before it has its name: nobody may take it for a file that nobody locks.
        let unnamed = dir.path().join("lock");
        let lock = File::create(&unnamed).unwrap();
        lock.lock().unwrap();
        fs::rename(unnamed, dir.path().join(IN_USE)).unwrap();
        hand_over(dir.path(), 0o711);
        Self { dir, _lock: lock }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file that only the servers may read.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::write(&path, bytes).unwrap();
        hand_over(&path, 0o600);
    }
}

/// Removes folders whose process was killed before it could.
fn sweep() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let is_left =
            File::open(entry.path().join(IN_USE)).is_ok_and(|file| file.try_lock().is_ok());
        if is_left && let Err(error) = fs::remove_dir_all(entry.path()) {
            eprintln!("{}: {error}", entry.path().display());
        }
    }
}

/// Gives a folder that exists to the servers.
pub(super) fn hand_over(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if is_root() {
        let (user, group) = server_user().expect("`missing` was asked");
        chown(path, Some(user), Some(group)).unwrap();
    }
}
