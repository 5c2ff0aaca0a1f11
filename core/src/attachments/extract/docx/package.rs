//! The zip around a DOCX, with its bounds, and the relations between its parts.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::unstable::read::ZipIterable;

use super::super::{ExtractError, ExtractLimits};

/// Parts up to this size may be packed at any ratio: short XML repeats itself.
const RATIO_FREE_BYTES: u64 = 1024 * 1024;
/// Relations read from one part.
const RELATIONS_MAX: usize = 1_000;

/// A reference from one part to another.
pub(super) struct Relation {
    /// Last segment of the type: `header`, `officeDocument`.
    pub(super) kind: String,
    /// Name of the part, from the root of the package.
    pub(super) target: String,
}

/// The parts of a package; each is read at most once.
pub(super) struct Package<'a> {
    reader: Cursor<&'a [u8]>,
    entries: BTreeMap<String, ZipFileEntry<'static>>,
    file_bytes: u64,
    unpacked_bytes: u64,
    limits: &'a ExtractLimits,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &'a ExtractLimits) -> Result<Self, ExtractError> {
        let mut archive = ZipIterable::try_new(Cursor::new(bytes), Config::default())
            .map_err(|_| ExtractError::Corrupt)?;
        if archive.len() > limits.zip_entries {
            return Err(ExtractError::TooComplex);
        }
        let mut entries = BTreeMap::new();
        for entry in archive.files().map_err(|_| ExtractError::Corrupt)? {
            let entry = entry.map_err(|_| ExtractError::Corrupt)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            entries.insert(name, entry);
        }
        Ok(Self {
            reader: Cursor::new(bytes),
            entries,
            file_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            unpacked_bytes: 0,
            limits,
        })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Unpacks a part and decodes it; `None` if there is no such part or it was taken before.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        let Some(entry) = self.entries.remove(name) else {
            return Ok(None);
        };
        if entry.encrypted() {
            return Err(ExtractError::Encrypted);
        }
        // The directory may lie about both sizes, so bytes are counted as they come out, and no
        // part is packed smaller than the file says only up to the file itself.
        let packed = entry.compressed_size().min(self.file_bytes).max(1);
        let by_ratio = packed.saturating_mul(self.limits.unpack_ratio).max(RATIO_FREE_BYTES);
        let by_total = self.limits.unpacked_bytes.saturating_sub(self.unpacked_bytes);
        let max = by_ratio.min(by_total);

        let mut bytes = Vec::new();
        let n_read = entry
            .with_reader(&mut self.reader, ZipReadOptions::new())
            .map_err(|_| ExtractError::Corrupt)?
            .take(max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|_| ExtractError::Corrupt)?;
        let n_read = u64::try_from(n_read).unwrap_or(u64::MAX);
        if n_read > max {
            return Err(ExtractError::TooComplex);
        }
        self.unpacked_bytes += n_read;
        decode(bytes).map(Some)
    }

    /// The parts that `source` refers to; of the package itself for an empty name. Targets outside
    /// the package are left out.
    pub(super) fn relations(&mut self, source: &str) -> Result<Vec<Relation>, ExtractError> {
        let (folder, file) = source.rsplit_once('/').unwrap_or(("", source));
        let separator = if folder.is_empty() { "" } else { "/" };
        let Some(xml) = self.part(&format!("{folder}{separator}_rels/{file}.rels"))? else {
            return Ok(Vec::new());
        };
        let mut reader = Reader::from_str(&xml);
        let mut relations = Vec::new();
        while relations.len() < RELATIONS_MAX {
            match reader.read_event().map_err(|_| ExtractError::Corrupt)? {
                Event::Start(e) | Event::Empty(e)
                    if e.local_name().into_inner() == "Relationship" =>
                {
                    relations.extend(relation(folder, &e));
                }
                Event::DocType(_) => return Err(ExtractError::Corrupt),
                Event::Eof => break,
                _ => {}
            }
        }
        Ok(relations)
    }
}

fn relation(folder: &str, element: &BytesStart<'_>) -> Option<Relation> {
    if attribute(element, "TargetMode").is_some_and(|mode| mode == "External") {
        return None;
    }
    let kind = attribute(element, "Type")?;
    let kind = kind.rsplit('/').next()?.to_owned();
    let target = resolve(folder, &attribute(element, "Target")?);
    Some(Relation { kind, target })
}

/// The value of the attribute with that local name.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    // Looking for repeated names costs the square of their number.
    let mut attributes = element.attributes();
    let found = attributes
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().into_inner() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

/// The part a relative target names, as RFC 3986 resolves it.
fn resolve(folder: &str, target: &str) -> String {
    let (base, target) = match target.strip_prefix('/') {
        Some(absolute) => ("", absolute),
        None => (folder, target),
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in base.split('/').chain(target.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    segments.join("/")
}

/// XML parts are UTF-8 or UTF-16; the reader below knows only the first.
fn decode(bytes: Vec<u8>) -> Result<String, ExtractError> {
    match encoding_rs::Encoding::for_bom(&bytes) {
        None => String::from_utf8(bytes).map_err(|_| ExtractError::Corrupt),
        Some((encoding, _)) => {
            let (text, broken) = encoding.decode_with_bom_removal(&bytes);
            if broken { Err(ExtractError::Corrupt) } else { Ok(text.into_owned()) }
        }
    }
}
