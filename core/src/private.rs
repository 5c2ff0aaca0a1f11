//! Folders that only their owner can look into.

use std::{fs::DirBuilder, io, path::Path};

/// Makes a folder and what is missing above it. On Unix new ones have mode 0700; those that exist
/// stay as they are.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
