//! Texts that are generated and committed: compared, and rewritten with `UPDATE=1`.

use std::fs;

use crate::c::repository;

/// Asserts that the file at `path` (from the root of the repository) holds `generated`, which
/// `source` makes; with `UPDATE=1` the file is written first.
pub fn assert_committed(path: &str, generated: &str, source: &str) {
    let file = repository(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, generated).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    let differs = committed.lines().zip(generated.lines()).find(|(have, want)| have != want);
    assert!(
        committed == generated,
        "{path} is not what {source} says; run with UPDATE=1. First difference: {differs:?}"
    );
}
