//! Where an engine keeps its database.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jotrack_core::Config;

/// Name of the database in a data folder.
const DATABASE: &str = "jotrack.db";

/// Returns the database file of a configuration; none where there is no file that the host knows.
pub(crate) fn database(config: &Config) -> Option<PathBuf> {
    if config.postgres.is_some() {
        return None;
    }
    let in_folder = || config.data_dir.as_ref().map(|dir| dir.join(DATABASE));
    config.database.clone().or_else(in_folder)
}

/// Returns the bytes of the database and of the log that stands beside it.
pub(crate) fn sizes(database: &Path) -> (u64, u64) {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    (bytes(database), bytes(Path::new(&log)))
}
