//! A file's type from its bytes. The client's media type is never asked.
//!
//! A name only narrows: it tells Markdown from plain text, and an extension that an operating
//! system runs or a browser renders is refused whatever the bytes, because a saved copy would be
//! opened by its name.

use std::io::{Read, Seek, SeekFrom};

use encoding_rs::{Encoding, UTF_8};
use zip::read::Config;
use zip::unstable::read::ZipIterable;

use super::MediaType;
use super::docx::has_ole_header;

/// Bytes of the file's start that `head` should hold.
const HEAD_BYTES: usize = 64 * 1024;
/// `%PDF-` may stand this far into a file.
const PDF_HEADER_WITHIN: usize = 1024;
/// A zip with more entries than a document ever has is not looked through.
const ZIP_ENTRIES: usize = 2_000;
/// Name of the stream that holds an encrypted Office document, in the order an OLE directory
/// spells names (UTF-16, little end first).
const OLE_ENCRYPTED: &str = "EncryptedPackage";
/// Name of the main stream of a Word 97-2003 file.
const OLE_WORD: &str = "WordDocument";

/// Extensions that are run or rendered when a saved file is opened.
const REFUSED_EXTENSIONS: &str = "\
    action apk app applescript asp aspx bash bat bin cgi chm cjs cmd com command cpl csh deb \
    desktop dll dmg dylib exe fish gadget hta htm html inf iqy iso jar js jse jsp ksh lnk lua \
    mht mhtml mjs ms msc msi osascript php phtml pif pl ps1 psd1 psm1 py pyc pyw rb reg rpm \
    scf scpt scr sct settingcontent-ms sh shb shs shtml slk so svg svgz swf terminal url vb \
    vbe vbs wasm webloc workflow ws wsc wsf wsh xht xhtml xll xml xsl xslt zsh";

/// A reader that can seek; the whole uploaded file.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// An accepted file's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The type the bytes show.
    pub media_type: MediaType,
    /// Whether the name's extension says another type.
    pub mismatch: bool,
}

/// A file the engine does not store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this type of file is not accepted")]
pub struct UnsupportedFile {
    /// The type the bytes show, where it is known.
    pub detected: Option<String>,
    /// The name's extension in lower case, without the dot.
    pub extension: Option<String>,
}

/// Decides the type of a file.
///
/// `head` is the start of the file (64 KiB, or all of a shorter one); `whole` reads all of it and
/// is asked only where the start does not decide: the directory of a zip, and plain text, which is
/// read through once in small pieces. Failing reads count as an unknown type.
///
/// # Errors
/// [`UnsupportedFile`] for every type not in [`MediaType`].
pub fn detect(
    head: &[u8],
    whole: &mut dyn ReadSeek,
    filename: &str,
) -> Result<Detected, UnsupportedFile> {
    let extension = extension_of(filename);
    let extension = extension.as_deref();
    let refuse = |detected: Option<&str>| UnsupportedFile {
        detected: detected.map(str::to_owned),
        extension: extension.map(str::to_owned),
    };
    let media_type = by_content(head, whole, extension).map_err(refuse)?;
    if extension.is_some_and(|e| REFUSED_EXTENSIONS.split(' ').any(|refused| refused == e)) {
        return Err(refuse(Some(media_type.as_str())));
    }
    let mismatch = extension.is_some_and(|e| !media_type.has_extension(e));
    Ok(Detected { media_type, mismatch })
}

/// The last extension of a file name, in lower case.
fn extension_of(filename: &str) -> Option<String> {
    let (stem, extension) = filename.trim_end_matches([' ', '.']).rsplit_once('.')?;
    let sane = !stem.is_empty()
        && (1..=20).contains(&extension.len())
        && extension.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    sane.then(|| extension.to_lowercase())
}

type Verdict = Result<MediaType, Option<&'static str>>;

fn by_content(head: &[u8], whole: &mut dyn ReadSeek, extension: Option<&str>) -> Verdict {
    if head.is_empty() {
        return Err(None);
    }
    if let Some(verdict) = by_magic(head) {
        return verdict;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return by_zip_directory(head, whole, extension);
    }
    if has_ole_header(head) {
        return by_ole_streams(whole, extension);
    }
    let text = trim_text_start(head);
    if text.starts_with(b"{\\rtf") {
        return Ok(MediaType::Rtf);
    }
    if let Some(markup) = markup_type(text) {
        return Err(Some(markup));
    }
    if has_pdf_header(head) {
        return Ok(MediaType::Pdf);
    }
    by_text(text, whole, extension)
}

/// Headers that stand at the first byte.
fn by_magic(head: &[u8]) -> Option<Verdict> {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    };
    let verdict = if at(0, b"\x89PNG\r\n\x1a\n") {
        Ok(MediaType::Png)
    } else if at(0, b"\xff\xd8\xff") {
        Ok(MediaType::Jpeg)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Ok(MediaType::Webp)
    } else if at(0, b"%PDF-") {
        Ok(MediaType::Pdf)
    } else if at(0, b"\x7fELF") || at(0, b"\xcf\xfa\xed\xfe") || at(0, b"\xca\xfe\xba\xbe") {
        Err(Some("application/x-executable"))
    } else if at(0, b"MZ") && head.contains(&0) {
        Err(Some("application/vnd.microsoft.portable-executable"))
    } else if at(0, b"GIF8") {
        Err(Some("image/gif"))
    } else if at(0, b"\x1f\x8b") {
        Err(Some("application/gzip"))
    } else if at(0, b"7z\xbc\xaf\x27\x1c") {
        Err(Some("application/x-7z-compressed"))
    } else if at(0, b"Rar!\x1a\x07") {
        Err(Some("application/vnd.rar"))
    } else if at(0, b"#!/") {
        Err(Some("text/x-script"))
    } else {
        return None;
    };
    Some(verdict)
}

/// A header behind junk must carry a version, so that a text about PDF stays a text.
fn has_pdf_header(head: &[u8]) -> bool {
    let start = head.get(..PDF_HEADER_WITHIN.min(head.len())).unwrap_or_default();
    start.windows(8).any(|window| {
        matches!(window, [b'%', b'P', b'D', b'F', b'-', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit())
    })
}

/// A zip is what its directory lists. A DOCX that was cut has lost it, and stays a DOCX so that its
/// reader can say that it is damaged.
fn by_zip_directory(head: &[u8], mut whole: &mut dyn ReadSeek, extension: Option<&str>) -> Verdict {
    const OTHER_ZIP: Verdict = Err(Some("application/zip"));
    let Ok(mut archive) = ZipIterable::try_new(&mut *whole, Config::default()) else {
        let mark = b"[Content_Types].xml";
        let begins_well = head.windows(mark.len()).any(|bytes| bytes == mark);
        let was_docx = begins_well && extension == Some("docx");
        return if was_docx { Ok(MediaType::Docx) } else { OTHER_ZIP };
    };
    if archive.len() > ZIP_ENTRIES {
        return OTHER_ZIP;
    }
    let Ok(files) = archive.files() else {
        return OTHER_ZIP;
    };
    let mut content_types = false;
    let mut word_part = false;
    let mut macros = false;
    let mut open_document = None;
    for entry in files {
        let Ok(entry) = entry else {
            return OTHER_ZIP;
        };
        match entry.name_raw() {
            b"[Content_Types].xml" => content_types = true,
            b"word/vbaProject.bin" => macros = true,
            b"mimetype" => open_document = Some(entry),
            name if name.starts_with(b"word/document") && name.ends_with(b".xml") => {
                word_part = true;
            }
            _ => {}
        }
    }
    if let Some(entry) = open_document {
        let mut media_type = Vec::new();
        let read = entry
            .with_reader(&mut whole, zip::ZipReadOptions::new())
            .map(|file| file.take(128).read_to_end(&mut media_type).is_ok())
            .unwrap_or(false);
        return if read && media_type == MediaType::Odt.as_str().as_bytes() {
            Ok(MediaType::Odt)
        } else {
            OTHER_ZIP
        };
    }
    match (content_types && word_part, macros) {
        (true, false) => Ok(MediaType::Docx),
        (true, true) => Err(Some("application/vnd.ms-word.document.macroEnabled.12")),
        (false, _) => OTHER_ZIP,
    }
}

/// Word 97-2003 files, and the container of an encrypted DOCX, which stays a DOCX so that its
/// reader can say why there is no text.
fn by_ole_streams(whole: &mut dyn ReadSeek, extension: Option<&str>) -> Verdict {
    let word = extension == Some("doc") || contains_ole_name(whole, OLE_WORD);
    let encrypted = contains_ole_name(whole, OLE_ENCRYPTED);
    match extension {
        Some("docx") if encrypted => Ok(MediaType::Docx),
        Some("doc" | "docx") if word && !encrypted => Ok(MediaType::Doc),
        _ => Err(Some("application/x-ole-storage")),
    }
}

fn contains_ole_name(whole: &mut dyn ReadSeek, name: &str) -> bool {
    let needle: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut carried = Vec::with_capacity(HEAD_BYTES + needle.len());
    let found = for_each_piece(whole, |piece| {
        carried.extend_from_slice(piece);
        let found = carried.windows(needle.len()).any(|window| window == needle);
        let keep = carried.len().saturating_sub(needle.len());
        carried.drain(..keep);
        !found
    });
    found == Some(false)
}

/// Reads all of `whole` in small pieces until `go_on` says no; `None` if a read failed, else
/// whether it went through to the end.
fn for_each_piece(whole: &mut dyn ReadSeek, mut go_on: impl FnMut(&[u8]) -> bool) -> Option<bool> {
    whole.seek(SeekFrom::Start(0)).ok()?;
    let mut piece = vec![0; HEAD_BYTES];
    loop {
        let n = match whole.read(&mut piece) {
            Ok(0) => return Some(true),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        if !go_on(piece.get(..n)?) {
            return Some(false);
        }
    }
}

/// Skips a UTF-8 byte order mark and white space.
fn trim_text_start(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}

/// Markup a browser would run. Markdown may begin with an inline tag, so only what begins a
/// document counts.
fn markup_type(text: &[u8]) -> Option<&'static str> {
    let mut rest = text;
    while let Some(comment) = rest.strip_prefix(b"<!--") {
        let end = comment.windows(3).position(|window| window == b"-->")?;
        rest = comment.get(end + 3..)?.trim_ascii_start();
    }
    let opens = |tag: &[u8]| {
        rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag))
            && rest.get(tag.len()).is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    if opens(b"<?xml") || opens(b"<!doctype svg") || opens(b"<svg") {
        let svg = rest.windows(4).take(4096).any(|w| w.eq_ignore_ascii_case(b"<svg"));
        return Some(if svg { "image/svg+xml" } else { "application/xml" });
    }
    if opens(b"<?php") {
        return Some("text/x-script");
    }
    [&b"<!doctype"[..], b"<html", b"<head", b"<body", b"<script", b"<iframe"]
        .into_iter()
        .any(opens)
        .then_some("text/html")
}

fn by_text(text: &[u8], whole: &mut dyn ReadSeek, extension: Option<&str>) -> Verdict {
    if !is_text(whole) {
        return Err(Some("application/octet-stream"));
    }
    if starts_with_ignore_case(text, b"BEGIN:VCALENDAR") {
        return Ok(MediaType::Calendar);
    }
    if is_email(text, extension) {
        return Ok(MediaType::Email);
    }
    match extension {
        Some(e) if MediaType::Markdown.has_extension(e) => Ok(MediaType::Markdown),
        _ => Ok(MediaType::Text),
    }
}

/// No NUL, and under one control character in a hundred.
fn is_text(whole: &mut dyn ReadSeek) -> bool {
    let mut decoder = None;
    let mut decoded = String::with_capacity(2 * HEAD_BYTES);
    let mut n_chars = 0_u64;
    let mut n_controls = 0_u64;
    let through = for_each_piece(whole, |piece| {
        let wide = decoder.get_or_insert_with(|| {
            Encoding::for_bom(piece)
                .filter(|(encoding, _)| *encoding != UTF_8)
                .map(|(encoding, _)| encoding.new_decoder_with_bom_removal())
        });
        let mut count = |code: u32| {
            n_chars += 1;
            let control = code < 0x20 && !matches!(code, 0x09 | 0x0a | 0x0c | 0x0d);
            n_controls += u64::from(control || code == 0x7f);
            code != 0
        };
        match wide {
            None => piece.iter().all(|byte| count(u32::from(*byte))),
            Some(decoder) => {
                decoded.clear();
                decoded.reserve(decoder.max_utf8_buffer_length(piece.len()).unwrap_or(0));
                // The buffer has room for all of the piece, so the decoder never asks for more.
                let (_, _, _) = decoder.decode_to_string(piece, &mut decoded, false);
                decoded.chars().all(|c| count(u32::from(c)))
            }
        }
    });
    through == Some(true) && n_chars > 0 && n_controls * 100 < n_chars.max(1)
}

fn starts_with_ignore_case(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A message begins with header lines. A letter written as text may begin with From, To and Date
/// too, so without the extension one header is asked for that only mail programs write.
fn is_email(text: &[u8], extension: Option<&str>) -> bool {
    const BY_PROGRAMS: [&[u8]; 6] = [
        b"received",
        b"message-id",
        b"mime-version",
        b"return-path",
        b"delivered-to",
        b"dkim-signature",
    ];
    let mut by_program = extension == Some("eml");
    let mut from = false;
    for line in text.split(|b| *b == b'\n') {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            return false;
        };
        let name = line.get(..colon).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_graphic()) {
            return false;
        }
        from |= name.eq_ignore_ascii_case(b"from");
        by_program |= BY_PROGRAMS.iter().any(|header| name.eq_ignore_ascii_case(header));
    }
    from && by_program
}

#[cfg(test)]
mod tests;
