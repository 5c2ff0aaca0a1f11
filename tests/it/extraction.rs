//! Texts out of documents by the real program as a child: every format gives the same words, and
//! what cannot be read ends in a typed state, harms nothing and loses nothing.

use std::{
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use jotrack_core::{
    Attachment, AttachmentId, AttachmentKind, ErrorCode, TextError, TextState, VariantSource,
    attachments::extract::{
        DocumentKind, ExtractError, ExtractLimits, Extracted, Sandbox, extract_in_child,
    },
};
use jotrack_graphql::cli::demo::documents::{Document, Format};
use jotrack_tests::{Lab, code, program::jotrack, upload};

const SENTENCE: &str = "Mira Solberg kept the observatory software running.";

const RESUME: &str = "\
# Zoë Lindqvist

Malmö · zoe@example.com

## Summary

Engineer with **nine years** of “calm” – {braces}, back\\slash, <tags> & (parentheses).

## Skills

| Area | Skills |
| --- | --- |
| Languages | Rust, C++, SQL |
| Operations | Kubernetes, full-stack tracing |

## Work

- Cut p99 latency by 87 %.
- Saved 900 € a month for **Fjordline**.
";

#[tokio::test]
async fn every_format_gives_the_same_words() {
    let document = Document::parse(RESUME);
    let lab = with_extractor().await;
    let mut read = Vec::new();
    for format in Format::ALL {
        let job = lab.job("Nightjar", format.extension()).await;
        let name = format!("cv.{}", format.extension());
        let bytes = document.write(*format).unwrap();
        read.push((format, lab.attach(job, AttachmentKind::Resume, &name, &bytes).await, bytes));
    }

    lab.engine.run_due_tasks().await.unwrap();

    for (format, id, bytes) in read {
        let (row, text) = found(&lab, id).await;
        assert_eq!((row.text_state, row.text_error), (TextState::Ready, None), "{format:?}");
        let found = words(&text.unwrap());
        let (body, margins) = found.split_at(document.words().len().min(found.len()));
        assert_eq!(body, document.words(), "{format:?}");
        let allowed = [&[][..], &["Zoë", "Lindqvist"], &["Page", "1", "of", "1"]];
        assert!(allowed.iter().any(|words| margins == *words), "{format:?}: {margins:?}");
        assert_eq!(kept(&lab, id).await, bytes, "{format:?}");
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_why_and_is_kept() {
    let document = Document::parse(RESUME);
    let [docx, pdf, rtf] =
        [Format::Docx, Format::Pdf, Format::Rtf].map(|format| document.write(format).unwrap());
    let failed = |error| (TextState::Failed, Some(error));
    let cases = [
        ("encrypted.pdf", encrypted_pdf(), failed(TextError::Encrypted)),
        ("encrypted.docx", encrypted_docx(), failed(TextError::Encrypted)),
        ("cut.pdf", pdf[..60].to_vec(), failed(TextError::Corrupt)),
        ("cut.docx", docx[..docx.len() / 2].to_vec(), failed(TextError::Corrupt)),
        ("cut.rtf", rtf[..rtf.len() - 40].to_vec(), (TextState::Ready, None)),
        ("broken.docx", packed_docx(b"<p><r></p>"), failed(TextError::Corrupt)),
        ("scan.pdf", scanned_pdf(), (TextState::Empty, None)),
        ("empty.docx", packed_docx(b"<p/>"), (TextState::Empty, None)),
        ("empty.rtf", b"{\\rtf1 }".to_vec(), (TextState::Empty, None)),
        ("blank.txt", b" \n\t\n ".repeat(9).to_vec(), (TextState::Empty, None)),
        ("bomb.pdf", bomb_pdf(), failed(TextError::TooComplex)),
        ("picture.png", PNG.to_vec(), (TextState::None, None)),
    ];
    let lab = with_extractor().await;
    let job = lab.job("Nightjar", "Engineer").await;
    let mut given = Vec::new();
    for (name, bytes, expected) in cases {
        let id = lab.attach(job, AttachmentKind::Other, name, &bytes).await;
        given.push((name, id, bytes, expected));
    }

    lab.engine.run_due_tasks().await.unwrap();

    for (name, id, bytes, expected) in given {
        let (row, text) = found(&lab, id).await;
        assert_eq!((row.text_state, row.text_error), expected, "{name}");
        assert_eq!(text.is_some(), expected.0 == TextState::Ready, "{name}");
        assert!(kept(&lab, id).await == bytes, "{name}");
    }
    assert_eq!(lab.engine.run_due_tasks().await.unwrap(), 0, "nothing is tried again");
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_file_of_no_bytes_or_of_a_program_is_refused_at_once() {
    let lab = with_extractor().await;
    let job = lab.job("Nightjar", "Engineer").await;
    let attach = async |name, bytes: &[u8]| {
        code(upload(&lab.engine, job, AttachmentKind::Resume, name, bytes).await)
    };

    assert_eq!(attach("cv.pdf", b"").await, ErrorCode::Validation);
    assert_eq!(attach("cv.pdf", b"\x7fELF\x02\x01\x01\0\0\0").await, ErrorCode::UnsupportedType);
    assert_eq!(attach("cv.zip", &zip(&[("a.txt", b"text")])).await, ErrorCode::UnsupportedType);
    assert_eq!(lab.engine.get_job(job).await.unwrap().0.attachment_count, 0);
}

#[tokio::test]
async fn every_kind_is_read_in_the_child() {
    let content = format!("BT /F1 11 Tf 72 720 Td ({SENTENCE}) Tj ET");
    let body = format!("<p><r><t>{SENTENCE}</t></r></p>");
    let documents = [
        (DocumentKind::Pdf, pdf(&stream("", content.as_bytes()), &[], "")),
        (DocumentKind::Docx, packed_docx(body.as_bytes())),
        (DocumentKind::Rtf, format!("{{\\rtf1 {SENTENCE}}}").into_bytes()),
        (DocumentKind::Markdown, SENTENCE.into()),
        (DocumentKind::Text, SENTENCE.into()),
    ];

    for (kind, document) in documents {
        let found = extract(kind, &document).await.unwrap();
        assert_eq!((found.text.as_str(), found.truncated), (SENTENCE, false), "{kind:?}");
    }
}

#[tokio::test]
async fn bombs_end_the_child_and_not_the_parent() {
    let unpacked = [b"<p><r><t>".as_slice(), &vec![b'a'; 128 * 1024 * 1024]].concat();
    let bombs = [
        (DocumentKind::Pdf, bomb_pdf()),
        (DocumentKind::Pdf, doubling_forms()),
        (DocumentKind::Docx, packed_docx(&unpacked)),
        (DocumentKind::Docx, packed_docx("<p>".repeat(100_000).as_bytes())),
        (DocumentKind::Rtf, [b"{\\rtf1 ".as_slice(), &vec![b'{'; 1_000_000]].concat()),
    ];

    for (n, (kind, bomb)) in bombs.iter().enumerate() {
        assert_eq!(extract(*kind, bomb).await, Err(ExtractError::TooComplex), "bomb {n}");
    }
    assert!(extract(DocumentKind::Text, SENTENCE.as_bytes()).await.is_ok());
}

#[tokio::test]
async fn a_child_that_takes_too_long_is_killed() {
    let limits = ExtractLimits { wall_ms: 100, ..ExtractLimits::default() };

    let found = extract_with(DocumentKind::Pdf, &doubling_forms(), &limits).await;

    assert_eq!(found, Err(ExtractError::Timeout));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_on() {
    let limits = ExtractLimits { output_bytes: 100, ..ExtractLimits::default() };
    let document = SENTENCE.repeat(30_000);

    let found = extract_with(DocumentKind::Text, document.as_bytes(), &limits).await;

    assert_eq!(found, Err(ExtractError::TooComplex));
}

#[tokio::test]
async fn many_documents_at_once_all_get_their_answer() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(jotrack().to_owned());
    let files: Vec<PathBuf> = (0..8).map(|n| folder.path().join(n.to_string())).collect();
    for (n, file) in files.iter().enumerate() {
        std::fs::write(file, format!("{SENTENCE} {n}")).unwrap();
    }

    let mut running = tokio::task::JoinSet::new();
    for (n, file) in files.into_iter().enumerate() {
        let sandbox = sandbox.clone();
        running.spawn(async move {
            let limits = ExtractLimits::default();
            (n, extract_in_child(&sandbox, DocumentKind::Text, &file, &limits).await)
        });
    }

    let answers = running.join_all().await;
    assert_eq!(answers.len(), 8);
    for (n, answer) in answers {
        assert_eq!(answer.unwrap().text, format!("{SENTENCE} {n}"));
    }
}

#[test]
fn the_child_writes_one_object_and_nothing_else() {
    let document = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(document.path(), SENTENCE).unwrap();

    let output = run_child("txt", document.path());

    let json = format!(
        "{{\"extracted\":{{\"text\":\"{SENTENCE}\",\"pageCount\":null,\"truncated\":false}}}}"
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), json);
    assert_eq!(output.stderr, b"");
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(run_child("txt", empty.path()).stdout, b"{\"error\":\"EMPTY\"}");
    let unknown = run_child("exe", document.path());
    assert!(!unknown.status.success());
    assert_eq!(unknown.stdout, b"");
}

async fn with_extractor() -> Lab {
    Lab::with(|config| config.extractor = Some(jotrack().to_owned())).await
}

/// An attachment and the text that was read from it.
async fn found(lab: &Lab, id: AttachmentId) -> (Attachment, Option<String>) {
    let snapshot = lab.engine.snapshot().await.unwrap();
    let text = snapshot.variants_of(&[id]).await.unwrap().pop();
    assert!(text.iter().all(|text| text.source == VariantSource::Extracted));
    (snapshot.get_attachment(id).await.unwrap(), text.map(|text| text.text))
}

async fn kept(lab: &Lab, id: AttachmentId) -> Vec<u8> {
    let mut reader = lab.engine.open_attachment(id).await.unwrap();
    let mut bytes = vec![0; usize::try_from(reader.size()).unwrap()];
    reader.read_at(0, &mut bytes).unwrap();
    bytes
}

/// The words of a text without what only draws: bullets, rules, the marks of Markdown.
fn words(text: &str) -> Vec<String> {
    let text = text.replace("**", "");
    let drawn = |word: &&str| !word.chars().all(|c| "-#|•".contains(c));
    text.split_whitespace().filter(drawn).map(str::to_owned).collect()
}

async fn extract(kind: DocumentKind, document: &[u8]) -> Result<Extracted, ExtractError> {
    extract_with(kind, document, &ExtractLimits::default()).await
}

async fn extract_with(
    kind: DocumentKind,
    document: &[u8],
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document).unwrap();
    extract_in_child(&Sandbox::new(jotrack().to_owned()), kind, file.path(), limits).await
}

fn run_child(kind: &str, document: &Path) -> Output {
    let document = std::fs::File::open(document).unwrap();
    let mut child = std::process::Command::new(jotrack());
    child.args(["extract", kind]).stdin(Stdio::from(document)).output().unwrap()
}

/// The smallest picture.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\0IEND\xaeB`\x82";

/// A PDF whose keys the empty password does not open.
fn encrypted_pdf() -> Vec<u8> {
    let key = "5a".repeat(32);
    let keys = format!("<< /Filter /Standard /V 1 /R 2 /P -4 /O <{key}> /U <{key}> >>");
    let content = stream("", b"BT /F1 11 Tf (secret) Tj ET");
    pdf(&content, &[keys.into_bytes()], "/Encrypt 6 0 R /ID [ <0011> <0011> ]")
}

/// A container as Word writes it around a document with a password.
fn encrypted_docx() -> Vec<u8> {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut file = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    file.resize(512, 0);
    file.extend_from_slice(&name);
    file.resize(2_048, 0);
    file
}

/// A page that shows a picture and no letter.
fn scanned_pdf() -> Vec<u8> {
    let entries = "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 \
                   /ColorSpace /DeviceGray";
    pdf(&stream("", b"q 500 0 0 700 50 50 cm /X Do Q"), &[stream(entries, b"\0\xff\xff\0")], "")
}

/// A content stream that unpacks to one and a half gibibytes.
fn bomb_pdf() -> Vec<u8> {
    let bomb = deflated_zeros(1_536 * 1024 * 1024);
    pdf(&stream("/Filter /FlateDecode", &bomb), &[], "")
}

/// Forty forms, each drawn twice by the one before it.
fn doubling_forms() -> Vec<u8> {
    let form = "/Type /XObject /Subtype /Form /BBox [0 0 9 9]";
    let mut forms: Vec<Vec<u8>> = (0..40)
        .map(|n| {
            let next = format!("{form} /Resources << /XObject << /X {} 0 R >> >>", 7 + n);
            stream(&next, b"/X Do /X Do")
        })
        .collect();
    forms.push(stream(form, b"0 0 1 1 re f"));
    pdf(&stream("", b"/X Do"), &forms, "")
}

fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< /Length {} {entries} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// A page with that content in Helvetica; further objects begin at 6, which is `/X`.
fn pdf(content: &[u8], more: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [ 3 0 R ] >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
          /Resources << /Font << /F1 5 0 R >> /XObject << /X 6 0 R >> >> >>"
            .to_vec(),
        content.to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    objects.extend_from_slice(more);
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (n, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend_from_slice(format!("{} 0 obj\n", n + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let tail = format!(
        "{table}trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{}\n%%EOF\n",
        objects.len() + 1,
        file.len()
    );
    file.extend_from_slice(tail.as_bytes());
    file
}

/// A zlib stream of that many zero bytes, taken out of a zip.
fn deflated_zeros(n_bytes: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("z", zip::write::SimpleFileOptions::default()).unwrap();
    let piece = vec![0; 1024 * 1024];
    for _ in 0..n_bytes / piece.len() {
        zip.write_all(&piece).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let entry = archive.by_index_raw(0).unwrap();
    let start = usize::try_from(entry.data_start().unwrap()).unwrap();
    let end = start + usize::try_from(entry.compressed_size()).unwrap();
    [b"\x78\x9c", &bytes[start..end]].concat()
}

fn packed_docx(body: &[u8]) -> Vec<u8> {
    let document = [b"<document><body>", body, b"</body></document>"].concat();
    zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", &document)])
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
