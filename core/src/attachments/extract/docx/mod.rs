//! DOCX: the main part, then headers, footers, footnotes and endnotes.

mod package;
mod part;

use super::normalize::RawText;
use super::{Collected, ExtractError, ExtractLimits};
use package::{Package, Relation};

/// First bytes of an OLE container: Word 97-2003, and the wrapper of an encrypted DOCX.
const OLE_HEADER: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Main part of a package that does not name one.
const MAIN_PART: &str = "word/document.xml";

/// Relations whose parts are appended, in this order.
const APPENDED: [&str; 4] = ["header", "footer", "footnotes", "endnotes"];

pub(super) fn has_ole_header(head: &[u8]) -> bool {
    head.starts_with(OLE_HEADER)
}

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Collected, ExtractError> {
    if has_ole_header(bytes) {
        return Err(ExtractError::Encrypted);
    }
    let mut package = Package::open(bytes, limits)?;
    let named = package
        .relations("")?
        .into_iter()
        .find(|relation| relation.kind == "officeDocument")
        .map(|relation| relation.target);
    let main = match named {
        Some(name) if package.contains(&name) => name,
        _ => MAIN_PART.to_owned(),
    };

    let mut out = RawText::new(limits);
    let body = package.part(&main)?.ok_or(ExtractError::Corrupt)?;
    part::append_text(&body, &mut out, limits)?;
    drop(body);

    let relations = package.relations(&main)?;
    let mut seen: Vec<String> = Vec::new();
    for kind in APPENDED {
        for Relation { target, .. } in relations.iter().filter(|relation| relation.kind == kind) {
            // A part named twice is taken from the package once and is absent after that.
            let Some(xml) = package.part(target)? else {
                continue;
            };
            let mut aside = RawText::new(limits);
            part::append_text(&xml, &mut aside, limits)?;
            let text = aside.as_str().trim();
            if out.is_full() || text.is_empty() || seen.iter().any(|other| other == text) {
                continue;
            }
            out.end_line();
            out.push_str(text);
            seen.push(text.to_owned());
        }
    }
    Ok(Collected { truncated: out.is_full(), text: out.into_string(), page_count: None })
}

#[cfg(test)]
mod tests;
