use std::io::Cursor;

use zip::CompressionMethod;

use super::super::testing::docx::{docx, paragraph, zip_of};
use super::super::testing::{SENTENCE, pdf};
use super::super::{DocumentKind, MediaType};
use super::{Detected, UnsupportedFile, detect};

fn detect_bytes(bytes: &[u8], filename: &str) -> Result<Detected, UnsupportedFile> {
    let head = &bytes[..bytes.len().min(64 * 1024)];
    detect(head, &mut Cursor::new(bytes), filename)
}

#[track_caller]
fn assert_type(bytes: &[u8], filename: &str, media_type: MediaType) {
    assert_eq!(detect_bytes(bytes, filename), Ok(Detected { media_type, mismatch: false }));
}

#[track_caller]
fn assert_refused(bytes: &[u8], filename: &str, detected: Option<&str>) {
    assert_eq!(detect_bytes(bytes, filename).unwrap_err().detected.as_deref(), detected);
}

fn ole(stream: &str) -> Vec<u8> {
    let mut file = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    file.resize(200_000, 0);
    file.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
    file.resize(260_000, 0);
    file
}

#[test]
fn documents_are_known_by_their_bytes() {
    assert_type(&pdf::pages(&["BT ET"]), "a.pdf", MediaType::Pdf);
    assert_type(&docx(&paragraph(SENTENCE)), "a.docx", MediaType::Docx);
    assert_type(b"{\\rtf1\\ansi hello}", "a.RTF", MediaType::Rtf);
    assert_type(b"# Mira\n", "a.md", MediaType::Markdown);
    assert_type(b"plain", "a.txt", MediaType::Text);
    assert_type(b"caf\xe9 au lait", "a.txt", MediaType::Text);
    assert_type(b"\xff\xfeh\0i\0", "a.txt", MediaType::Text);
}

#[test]
fn stored_only_types_are_known_by_their_bytes() {
    let odt = [("mimetype", &b"application/vnd.oasis.opendocument.text"[..]), ("content.xml", b"")];
    assert_type(&zip_of(&odt, CompressionMethod::Stored), "a.odt", MediaType::Odt);
    assert_type(&ole("WordDocument"), "a.doc", MediaType::Doc);
    assert_type(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.png", MediaType::Png);
    assert_type(b"\xff\xd8\xff\xe0\0\x10JFIF", "a.jpeg", MediaType::Jpeg);
    assert_type(b"RIFF\x10\0\0\0WEBPVP8 ", "a.webp", MediaType::Webp);
    assert_type(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "a.ics", MediaType::Calendar);
    assert_type(b"Received: by x\r\nFrom: a@b.example\r\n\r\nhi", "a.eml", MediaType::Email);
}

#[test]
fn content_wins_over_a_wrong_extension_and_says_so() {
    let found = detect_bytes(&pdf::pages(&["BT ET"]), "cv.docx").unwrap();
    assert_eq!(found, Detected { media_type: MediaType::Pdf, mismatch: true });

    let found = detect_bytes(b"{\\rtf1 x}", "cv.doc").unwrap();
    assert_eq!(found, Detected { media_type: MediaType::Rtf, mismatch: true });

    let found = detect_bytes(&pdf::pages(&["BT ET"]), "cv").unwrap();
    assert_eq!(found, Detected { media_type: MediaType::Pdf, mismatch: false });
}

#[test]
fn a_pdf_header_may_stand_behind_junk_but_not_in_prose() {
    let mut junk = vec![b'x'; 900];
    junk.extend(pdf::pages(&["BT ET"]));
    assert_type(&junk, "a.pdf", MediaType::Pdf);

    assert_type(b"A file that begins with %PDF- is a PDF.", "a.txt", MediaType::Text);
}

#[test]
fn markup_is_refused_by_content_and_by_name() {
    assert_refused(b"<!DOCTYPE html><p>x", "cv.txt", Some("text/html"));
    assert_refused(b"\n <!-- c -->\n<HTML>", "cv.md", Some("text/html"));
    assert_refused(b"<script>alert(1)</script>%PDF-1.7", "cv.pdf", Some("text/html"));
    assert_refused(b"<?xml version='1.0'?><svg/>", "cv.txt", Some("image/svg+xml"));
    assert_refused(b"<?xml version='1.0'?><a/>", "cv.txt", Some("application/xml"));
    assert_refused(b"just words", "cv.html", Some("text/plain"));
    assert_refused(&pdf::pages(&["BT ET"]), "cv.svg", Some("application/pdf"));
    assert_type(b"<div align=\"center\">\n\n# Mira\n</div>", "cv.md", MediaType::Markdown);
}

#[test]
fn programs_and_scripts_are_refused() {
    assert_refused(b"#!/bin/sh\nrm x", "cv.txt", Some("text/x-script"));
    assert_refused(b"print('x')", "cv.py", Some("text/plain"));
    assert_refused(b"\x7fELF\x02\x01", "cv.txt", Some("application/x-executable"));
    assert_refused(b"MZ\x90\0\x03", "cv", Some("application/vnd.microsoft.portable-executable"));
    assert_refused(b"ok\0ok ok ok", "cv.txt", Some("application/octet-stream"));
    assert_refused(b"", "cv.txt", None);
}

#[test]
fn other_containers_are_refused() {
    let zip = zip_of(&[("a.txt", b"x")], CompressionMethod::Stored);
    assert_refused(&zip, "cv.docx", Some("application/zip"));

    let sheet = zip_of(
        &[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"")],
        CompressionMethod::Stored,
    );
    assert_refused(&sheet, "cv.docx", Some("application/zip"));

    let macros = zip_of(
        &[
            ("[Content_Types].xml", b"<Types/>"),
            ("word/document.xml", b""),
            ("word/vbaProject.bin", b""),
        ],
        CompressionMethod::Stored,
    );
    let detected = Some("application/vnd.ms-word.document.macroEnabled.12");
    assert_refused(&macros, "cv.docx", detected);
    assert_refused(&ole("Workbook"), "cv.xls", Some("application/x-ole-storage"));
}

#[test]
fn an_encrypted_docx_stays_a_docx() {
    assert_type(&ole("EncryptedPackage"), "cv.docx", MediaType::Docx);

    let old = detect_bytes(&ole("WordDocument"), "cv.docx").unwrap();
    assert_eq!(old, Detected { media_type: MediaType::Doc, mismatch: true });
}

#[test]
fn a_cut_docx_stays_a_docx() {
    let whole = docx(&paragraph(SENTENCE));
    let cut = &whole[..whole.len() / 2];

    assert_type(cut, "cv.docx", MediaType::Docx);
    assert_refused(cut, "cv.zip", Some("application/zip"));
    assert_refused(b"PK\x03\x04 and no more", "cv.docx", Some("application/zip"));
}

#[test]
fn controls_far_behind_the_head_still_count() {
    let mut text = vec![b'a'; 300_000];
    assert_type(&text, "a.txt", MediaType::Text);

    text[299_000] = 0;
    assert_refused(&text, "a.txt", Some("application/octet-stream"));

    let mut text = vec![b'a'; 300_000];
    text[200_000..204_000].fill(1);
    assert_refused(&text, "a.txt", Some("application/octet-stream"));
}

#[test]
fn a_letter_with_header_lines_is_text() {
    let letter = b"From: Mira\nTo: Hiring team\nDate: today\nSubject: role\n\nDear team,";
    assert_type(letter, "letter.txt", MediaType::Text);
}

#[test]
fn media_types_and_kinds_are_spelled_once() {
    for media_type in MediaType::ALL {
        assert_eq!(MediaType::parse(media_type.as_str()), Some(*media_type));
        assert!(media_type.has_extension(media_type.extension()));
    }
    for kind in DocumentKind::ALL {
        assert_eq!(DocumentKind::parse(kind.as_str()), Some(*kind));
    }
    assert_eq!(MediaType::parse("text/html"), None);
    assert_eq!(MediaType::Odt.text_kind(), None);
}
