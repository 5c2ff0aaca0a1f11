use std::time::{Duration, Instant};

use super::testing::docx::{docx_with, paragraph, part};
use super::testing::random::Random;
use super::testing::{SENTENCE, words};
use super::{DocumentKind, ExtractError, ExtractLimits, Extracted, extract};

/// Mutants read per format; each must answer within the time below even on a busy machine.
const MUTANTS: u64 = 300;
const MUTANT_TIME: Duration = Duration::from_secs(5);

fn read(kind: DocumentKind, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(kind, bytes, &ExtractLimits::default())
}

fn plain(bytes: &[u8]) -> String {
    read(DocumentKind::Text, bytes).unwrap().text
}

fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn text_is_utf_8_or_else_windows_1252() {
    assert_eq!(plain("Tromsø – „Łódź“ 日本, twelve".as_bytes()), "Tromsø – „Łódź“ 日本, twelve");
    assert_eq!(
        plain(b"Caf\xe9 \x96 na\xefve r\xe9sum\xe9s and more"),
        "Café – naïve résumés and more"
    );
}

#[test]
fn a_byte_order_mark_decides_and_goes() {
    let text = "Zwölf Boxkämpfer jagen Viktor";

    assert_eq!(plain(&[b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat()), text);
    assert_eq!(plain(&[b"\xff\xfe".as_slice(), &wide(text, u16::to_le_bytes)].concat()), text);
    assert_eq!(plain(&[b"\xfe\xff".as_slice(), &wide(text, u16::to_be_bytes)].concat()), text);
}

#[test]
fn a_text_with_nul_is_damaged() {
    let bytes = format!("{SENTENCE}\0");

    assert_eq!(read(DocumentKind::Text, bytes.as_bytes()), Err(ExtractError::Corrupt));
}

#[test]
fn output_is_composed_and_free_of_controls() {
    assert_eq!(
        plain("e\u{301}te\u{301}\r\nline\rend\u{1b}[0m\u{7}\u{85}next\u{2028}last\tone".as_bytes()),
        "été\nline\nend[0m\nnext\nlast\tone"
    );
}

#[test]
fn at_most_two_blank_lines_stay_in_a_row() {
    let text = plain(format!("\n\n \n{SENTENCE}\n \n\t\n\n\n\nend\n\n").as_bytes());

    assert_eq!(text, format!("{SENTENCE}\n\n\nend"));
}

#[test]
fn markdown_keeps_the_white_space_that_means_something() {
    let text = "    code block that is long  \n- item";

    assert_eq!(read(DocumentKind::Markdown, text.as_bytes()).unwrap().text, text);
}

#[test]
fn a_long_text_is_cut_at_a_character_and_marked() {
    let limits = ExtractLimits { text_bytes: 1_001, ..ExtractLimits::default() };

    let found = extract(DocumentKind::Text, "é".repeat(5_000).as_bytes(), &limits).unwrap();
    assert_eq!((found.text.len(), found.truncated), (1_000, true));

    let found = extract(DocumentKind::Text, "é".repeat(500).as_bytes(), &limits).unwrap();
    assert_eq!((found.text.len(), found.truncated), (1_000, false));

    let rtf = format!("{{\\rtf1 {}}}", "word ".repeat(5_000));
    let found = extract(DocumentKind::Rtf, rtf.as_bytes(), &limits).unwrap();
    assert!(found.truncated && found.text.len() <= 1_001);

    let bytes = docx_with(&paragraph(&"word ".repeat(5_000)), &[]);
    let found = extract(DocumentKind::Docx, &bytes, &limits).unwrap();
    assert!(found.truncated && found.text.len() <= 1_001);
}

#[test]
fn fewer_than_twenty_visible_characters_of_a_document_are_empty_and_of_plain_text_are_not() {
    assert_eq!(read(DocumentKind::Rtf, b"{\\rtf1 nineteen visible ch}"), Err(ExtractError::Empty));
    assert!(read(DocumentKind::Rtf, b"{\\rtf1 twenty visible characters}").is_ok());
    assert!(read(DocumentKind::Text, b"short").is_ok());
    assert_eq!(read(DocumentKind::Text, b""), Err(ExtractError::Empty));
    let invisible = "\u{200b}\u{ad}\u{a0}".repeat(100);
    assert_eq!(read(DocumentKind::Text, invisible.as_bytes()), Err(ExtractError::Empty));
}

#[test]
fn an_oversized_document_is_not_read() {
    let limits = ExtractLimits { input_bytes: 10, ..ExtractLimits::default() };

    let found = extract(DocumentKind::Text, SENTENCE.as_bytes(), &limits);

    assert_eq!(found, Err(ExtractError::TooComplex));
}

#[test]
#[cfg(not(feature = "pdf"))]
fn a_pdf_is_unsupported_without_the_reader() {
    assert_eq!(read(DocumentKind::Pdf, b"%PDF-1.7"), Err(ExtractError::Unsupported));
}

#[test]
fn one_document_gives_the_same_words_in_every_format() {
    let source = ["Mira Solberg", "Observatory engineer in Tromsø", "Rust and C++ since 2014"];
    let mut texts = vec![plain(source.join("\n").as_bytes())];
    let body: String = source.iter().map(|line| paragraph(line)).collect();
    texts.push(read(DocumentKind::Docx, &docx_with(&body, &[])).unwrap().text);
    let rtf = format!("{{\\rtf1\\ansi {}}}", source.join("\\par ").replace('ø', "\\'f8"));
    texts.push(read(DocumentKind::Rtf, rtf.as_bytes()).unwrap().text);
    #[cfg(feature = "pdf")]
    {
        use super::testing::pdf::{lines, pages};
        let content = lines(&source).replace('ø', "\\370");
        texts.push(read(DocumentKind::Pdf, &pages(&[&content])).unwrap().text);
    }

    for text in &texts {
        assert_eq!(words(text), words(&texts[0]));
    }
}

fn assert_mutants_end(kind: DocumentKind, whole: &[u8]) {
    let limits = ExtractLimits::default();
    assert!(read(kind, whole).is_ok());
    for seed in 0..MUTANTS {
        let mutant = Random::seeded(seed).damaged(whole);
        let started = Instant::now();

        // `extract` would catch a panic and call it damage, so the reader runs without it.
        let found = super::collect(kind, &mutant, &limits)
            .and_then(|collected| super::normalize::finish(kind, collected, &limits));

        assert!(started.elapsed() < MUTANT_TIME, "seed {seed} took {:?}", started.elapsed());
        if let Ok(found) = found {
            assert!(!found.text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
        }
    }
}

#[test]
fn damaged_docx_files_end_in_an_answer() {
    let more = [("header", "header1.xml", part("hdr", &paragraph("Header of the page")))];
    let body = format!(
        "{}<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>",
        paragraph(SENTENCE),
        paragraph("x")
    );
    assert_mutants_end(DocumentKind::Docx, &docx_with(&body, &more));
}

#[test]
fn damaged_docx_parts_end_in_an_answer() {
    let xml = part("document", &format!("<w:body>{}</w:body>", paragraph(SENTENCE).repeat(5)));
    for seed in 0..MUTANTS {
        let mutant = Random::seeded(seed).damaged(xml.as_bytes());
        let bytes = super::testing::docx::packed(&mutant, &[], zip::CompressionMethod::Stored);

        let found = super::collect(DocumentKind::Docx, &bytes, &ExtractLimits::default());

        assert!(found.is_ok() || matches!(found, Err(ExtractError::Corrupt)), "seed {seed}");
    }
}

#[test]
fn damaged_rtf_files_end_in_an_answer() {
    let rtf = format!(
        "{{\\rtf1\\ansi\\ansicpg1250\\deff0{{\\fonttbl{{\\f0\\fcharset238 A;}}}}{{\\*\\generator x}}\
         {SENTENCE}\\par \\u322?\\'f3{{\\b bold\\bin3 abc}}{{\\header top}}{{\\upr{{a}}{{\\*\\ud b}}}}\\cell}}"
    );
    assert_mutants_end(DocumentKind::Rtf, rtf.as_bytes());
}

#[test]
fn damaged_texts_end_in_an_answer() {
    assert_mutants_end(DocumentKind::Text, format!("{SENTENCE}\n").repeat(20).as_bytes());
}

#[test]
#[cfg(feature = "pdf")]
fn damaged_pdf_files_end_in_an_answer() {
    use super::testing::pdf::{lines, pages};
    assert_mutants_end(
        DocumentKind::Pdf,
        &pages(&[&lines(&[SENTENCE, "Second"]), &lines(&["Page"])]),
    );
}
