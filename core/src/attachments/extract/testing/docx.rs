//! DOCX packages.

use std::io::{Cursor, Write};

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

const NAMESPACES: &str = concat!(
    r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" "#,
    r#"xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006""#
);

/// A zip of the given parts, in this order.
pub(in super::super) fn zip_of(parts: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A part whose root holds `inner`.
pub(in super::super) fn part(root: &str, inner: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<w:{root} {NAMESPACES}>{inner}</w:{root}>")
}

/// A paragraph of one run.
pub(in super::super) fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

/// A whole file whose body holds `inner`.
pub(in super::super) fn docx(inner: &str) -> Vec<u8> {
    docx_with(inner, &[])
}

/// A whole file with further parts: relation, name below `word/`, and XML.
pub(in super::super) fn docx_with(inner: &str, more: &[(&str, &str, String)]) -> Vec<u8> {
    let document = part("document", &format!("<w:body>{inner}</w:body>"));
    packed(document.as_bytes(), more, CompressionMethod::Deflated)
}

/// The same around any bytes as the main part.
pub(in super::super) fn packed(
    document: &[u8],
    more: &[(&str, &str, String)],
    method: CompressionMethod,
) -> Vec<u8> {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inner: String| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             {inner}</Relationships>"
        )
    };
    let root = relations(relation(0, "officeDocument", "word/document.xml"));
    let own: String =
        more.iter().enumerate().map(|(i, (kind, name, _))| relation(i, kind, name)).collect();
    let own = relations(own);
    let names: Vec<String> = more.iter().map(|(_, name, _)| format!("word/{name}")).collect();

    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", root.as_bytes()),
        ("word/document.xml", document),
        ("word/_rels/document.xml.rels", own.as_bytes()),
    ];
    parts
        .extend(more.iter().zip(&names).map(|((_, _, xml), name)| (name.as_str(), xml.as_bytes())));
    zip_of(&parts, method)
}
