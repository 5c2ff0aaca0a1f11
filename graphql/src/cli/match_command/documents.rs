//! The two files of `match`: read, recognised and turned into text by a limited child process.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jotrack_core::attachments::extract::{
    DocumentKind, ExtractError, ExtractLimits, Extracted, Sandbox, detect, extract_in_child,
};

use crate::cli::failure::Failure;

/// Bytes looked at to recognise a file.
const HEAD_BYTES: u64 = 64 * 1024;

/// Reads the text of the file given with `option`.
///
/// # Errors
/// `Failure::Input` naming the option and the file, never a word of what is in it.
pub(super) async fn read(
    option: &str,
    path: &Path,
    sandbox: &Sandbox,
) -> Result<Extracted, Failure> {
    let refuse = |why: &str| Failure::Input(format!("{option} {}: {why}", path.display()));
    let limits = ExtractLimits::default();
    let kind = kind_of(path, &limits).map_err(|why| refuse(&why))?;
    match extract_in_child(sandbox, kind, path, &limits).await {
        Ok(extracted) => Ok(extracted),
        Err(ExtractError::Unavailable) => Err(Failure::Other(anyhow::anyhow!(
            "{option} {}: the extractor did not run; try again",
            path.display()
        ))),
        Err(error) => Err(refuse(advice(error))),
    }
}

/// Recognises the file by its bytes; its name only tells Markdown from plain text.
fn kind_of(path: &Path, limits: &ExtractLimits) -> Result<DocumentKind, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err("this is not a file".to_owned());
    }
    if meta.len() == 0 {
        return Err("the file is empty".to_owned());
    }
    if meta.len() > limits.input_bytes {
        let limit = limits.input_bytes / (1024 * 1024);
        return Err(format!("the file is larger than {limit} MiB"));
    }
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let detected = detect(&head, &mut file, name.as_deref().unwrap_or_default());
    let kind = detected.ok().and_then(|detected| detected.media_type.text_kind());
    kind.ok_or_else(|| {
        "this type of file has no readable text; use PDF, DOCX, RTF, MD or TXT".to_owned()
    })
}

fn advice(error: ExtractError) -> &'static str {
    match error {
        ExtractError::Corrupt => "the file is damaged; save it again and retry",
        ExtractError::Encrypted => "the file is encrypted; save it without a password",
        ExtractError::Empty => "the file holds no text; a scan must be converted to text first",
        ExtractError::TooComplex => "the file is too large or too deeply nested to be read",
        ExtractError::Timeout => "reading the file took too long",
        ExtractError::Unsupported => "this type of file cannot be read here",
        ExtractError::Unavailable => "the extractor did not run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_compared_are_refused_before_the_child_runs() {
        let dir = tempfile::tempdir().unwrap();
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
        let cases: [(&str, &[u8], &str); 3] = [
            ("empty.txt", b"", "the file is empty"),
            ("picture.png", png, "has no readable text"),
            ("program.txt", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", "has no readable text"),
        ];
        for (name, bytes, expected) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();

            let why = kind_of(&path, &ExtractLimits::default()).unwrap_err();

            assert!(why.contains(expected), "{name}: {why}");
        }
        let missing = kind_of(&dir.path().join("none.txt"), &ExtractLimits::default());
        assert_eq!(missing.unwrap_err(), "there is no such file");
        assert_eq!(
            kind_of(dir.path(), &ExtractLimits::default()).unwrap_err(),
            "this is not a file"
        );
    }
}
