use jotrack_core::attachments::extract::{DocumentKind, ExtractLimits, extract};

use super::*;

const SAMPLE: &str = "\
# Zoë Lindqvist

Malmö · zoe@example.com

## Summary

Engineer with **nine years** of “calm” – {braces}, back\\slash, <tags> & (parentheses).

## Skills

| Area | Skills |
| --- | --- |
| Languages | Rust, C++, SQL |

## Work

- Cut p99 latency by 87 %.
- Saved 900 € a month.
";

#[test]
fn markdown_subset_is_read_into_blocks() {
    let document = Document::parse(SAMPLE);

    assert_eq!(document.title, "Zoë Lindqvist");
    assert_eq!(document.contact, "Malmö · zoe@example.com");
    assert_eq!(document.blocks.len(), 6);
    let rows = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        document.blocks[3],
        Block::Table(vec![rows(&["Area", "Skills"]), rows(&["Languages", "Rust, C++, SQL"])])
    );
}

#[test]
fn markdown_output_is_read_back_unchanged() {
    let document = Document::parse(SAMPLE);

    let text = String::from_utf8(document.write(Format::Md).unwrap()).unwrap();

    assert_eq!(Document::parse(&text), document);
}

#[test]
fn same_document_gives_the_same_bytes() {
    let document = Document::parse(SAMPLE);

    for format in Format::ALL {
        assert_eq!(document.write(*format).unwrap(), document.write(*format).unwrap());
    }
}

#[test]
fn every_format_gives_the_words_back_in_order() {
    for document in [Document::parse(SAMPLE), long_document()] {
        for format in [Format::Docx, Format::Pdf, Format::Rtf, Format::Txt] {
            let bytes = document.write(format).unwrap();

            let text = extract(kind_of(format), &bytes, &ExtractLimits::default()).unwrap().text;

            // The foot of the first page stands between the words of the first and the second.
            let text = text.replace("Page 1 of 2", "");
            let found: Vec<&str> =
                text.split_whitespace().filter(|word| !is_ornament(word)).collect();
            let expected = document.words();
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            let found = found.get(..expected.len()).unwrap_or(&found);
            assert_eq!(found, expected, "{format:?}");
        }
    }
}

#[test]
fn rtf_writes_characters_outside_its_code_page() {
    let document = Document {
        title: "Łódź, 東京, 🙂 and enough text".to_owned(),
        ..Document::default()
    };

    let bytes = document.write(Format::Rtf).unwrap();

    let text = extract(DocumentKind::Rtf, &bytes, &ExtractLimits::default()).unwrap().text;
    assert_eq!(text.trim(), document.title);
}

#[test]
fn long_documents_fill_several_pdf_pages() {
    let bytes = long_document().write(Format::Pdf).unwrap();

    let extracted = extract(DocumentKind::Pdf, &bytes, &ExtractLimits::default()).unwrap();

    assert_eq!(extracted.page_count, Some(2));
}

#[test]
fn pdf_offsets_point_at_their_objects() {
    let bytes = Document::parse(SAMPLE).write(Format::Pdf).unwrap();

    let text = String::from_utf8_lossy(&bytes);
    let start: usize =
        text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    let table = String::from_utf8_lossy(&bytes[start..]);
    let offsets: Vec<usize> =
        table.lines().filter_map(|line| line.strip_suffix(" 00000 n ")?.parse().ok()).collect();
    assert_eq!(offsets.len(), 7);
    for (i, offset) in offsets.iter().enumerate() {
        assert!(bytes[*offset..].starts_with(format!("{} 0 obj\n", i + 1).as_bytes()));
    }
}

fn long_document() -> Document {
    let paragraph = "Planned the move of forty services and wrote down what each of them needed.";
    Document {
        title: "A long report".to_owned(),
        contact: String::new(),
        blocks: (0..40)
            .map(|i| Block::Paragraph(format!("{i}. {paragraph} {paragraph}")))
            .collect(),
    }
}

fn kind_of(format: Format) -> DocumentKind {
    match format {
        Format::Docx => DocumentKind::Docx,
        Format::Pdf => DocumentKind::Pdf,
        Format::Rtf => DocumentKind::Rtf,
        Format::Md => DocumentKind::Markdown,
        Format::Txt => DocumentKind::Text,
    }
}

/// Bullets and rules are drawn, not said; page numbers come after the words of their page.
fn is_ornament(word: &str) -> bool {
    word == "•" || word.chars().all(|c| c == '-')
}
