use zip::CompressionMethod;

use super::super::testing::docx::{docx, docx_with, packed, paragraph, part, zip_of};
use super::super::testing::{SENTENCE, words};
use super::super::{DocumentKind, ExtractError, ExtractLimits, Extracted, extract};

fn read(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(DocumentKind::Docx, bytes, &ExtractLimits::default())
}

fn text_of(bytes: &[u8]) -> String {
    read(bytes).unwrap().text
}

fn run(text: &str) -> String {
    format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

fn cell(text: &str) -> String {
    format!("<w:tc>{}</w:tc>", paragraph(text))
}

#[test]
fn words_split_over_runs_stay_whole() {
    let body =
        format!("<w:p>{}{}{}</w:p>", run("Kuber"), run("netes and Post"), run("greSQL in use"));

    assert_eq!(text_of(&docx(&body)), "Kubernetes and PostgreSQL in use");
}

#[test]
fn cells_are_parted_by_tabs_and_rows_by_lines() {
    let row = |a: &str, b: &str| format!("<w:tr>{}{}</w:tr>", cell(a), cell(b));
    let body = format!(
        "{}<w:tbl>{}{}{}</w:tbl>{}",
        paragraph("Experience table"),
        row("2019", "Aurora Labs"),
        row("", "second line of the entry"),
        row("2021", ""),
        paragraph("After"),
    );

    assert_eq!(
        text_of(&docx(&body)),
        "Experience table\n2019\tAurora Labs\n\tsecond line of the entry\n2021\nAfter"
    );
}

#[test]
fn headers_footers_and_notes_follow_once() {
    let separator = "<w:footnote w:type=\"separator\" w:id=\"0\"><w:p><w:r><w:t>----</w:t></w:r></w:p></w:footnote>";
    let note =
        format!("<w:footnote w:id=\"2\">{}</w:footnote>", paragraph("A note of the author."));
    let bytes = docx_with(
        &paragraph(SENTENCE),
        &[
            ("footnotes", "footnotes.xml", part("footnotes", &format!("{separator}{note}"))),
            ("footer", "footer1.xml", part("ftr", &paragraph("Page footer"))),
            ("header", "header1.xml", part("hdr", &paragraph("Mira Solberg, Tromsø"))),
            ("header", "header2.xml", part("hdr", &paragraph("Mira Solberg, Tromsø"))),
            ("image", "media/image1.png", String::from("not xml")),
        ],
    );

    assert_eq!(
        text_of(&bytes),
        format!("{SENTENCE}\nMira Solberg, Tromsø\nPage footer\nA note of the author.")
    );
}

#[test]
fn deleted_text_goes_and_inserted_text_stays() {
    let body = format!(
        "<w:p>{}<w:ins>{}</w:ins><w:del><w:r><w:delText>removed</w:delText></w:r></w:del>\
         <w:moveFrom>{}</w:moveFrom><w:moveTo>{}</w:moveTo></w:p>",
        run("Kept for good "),
        run("inserted "),
        run("oldplace"),
        run("newplace"),
    );

    assert_eq!(text_of(&docx(&body)), "Kept for good inserted newplace");
}

#[test]
fn hidden_runs_and_field_codes_are_left_out() {
    let hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>";
    let shown = "<w:r><w:rPr><w:vanish w:val=\"0\"/></w:rPr><w:t>shown </w:t></w:r>";
    let mark = "<w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>";
    let field = "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r>";
    let body = format!(
        "<w:p>{mark}{}{hidden}{shown}{field}{}</w:p>",
        run("Visible words "),
        run("at the end")
    );

    assert_eq!(text_of(&docx(&body)), "Visible words shown at the end");
}

#[test]
fn a_text_box_counts_once() {
    let inside = |text: &str| format!("<w:txbxContent>{}</w:txbxContent>", paragraph(text));
    let body = format!(
        "<w:p>{}<w:r><mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback>\
         </mc:AlternateContent></w:r></w:p>{}",
        run("Before the box"),
        inside("Boxed words"),
        inside("Boxed words"),
        paragraph("after"),
    );

    assert_eq!(text_of(&docx(&body)), "Before the box\nBoxed words\n\nafter");
}

#[test]
fn special_characters_become_text() {
    let body = "<w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>\
        <w:r><w:sym w:font=\"Symbol\" w:char=\"F0B7\"/><w:tab/><w:t>R&amp;D &#8211; fault</w:t>\
        <w:noBreakHyphen/><w:t>tolerant</w:t><w:softHyphen/><w:t> code</w:t><w:br/>\
        <w:sym w:font=\"Wingdings\" w:char=\"F04A\"/><w:t><![CDATA[a < b]]></w:t></w:r></w:p>";

    assert_eq!(text_of(&docx(body)), "•\tR&D – fault-tolerant code\na < b");
}

#[test]
fn any_prefix_and_the_strict_namespace_are_read() {
    let xml = format!(
        "<document xmlns=\"http://purl.oclc.org/ooxml/wordprocessingml/main\"><body><p><r><t>{SENTENCE}</t>\
         </r></p></body></document>"
    );
    let bytes = packed(xml.as_bytes(), &[], CompressionMethod::Deflated);

    assert_eq!(text_of(&bytes), SENTENCE);
}

#[test]
fn a_part_in_utf_16_is_read() {
    let xml = part("document", &format!("<w:body>{}</w:body>", paragraph(SENTENCE)));
    let mut wide = b"\xff\xfe".to_vec();
    wide.extend(xml.encode_utf16().flat_map(u16::to_le_bytes));

    assert_eq!(text_of(&packed(&wide, &[], CompressionMethod::Deflated)), SENTENCE);
}

#[test]
fn a_main_part_of_another_name_is_found_through_its_relation() {
    let relations = "<Relationships><Relationship Id=\"a\" Type=\"x/officeDocument\" \
                     Target=\"/word/document2.xml\"/></Relationships>";
    let document = part("document", &format!("<w:body>{}</w:body>", paragraph(SENTENCE)));
    let bytes = zip_of(
        &[("_rels/.rels", relations.as_bytes()), ("word/document2.xml", document.as_bytes())],
        CompressionMethod::Stored,
    );

    assert_eq!(text_of(&bytes), SENTENCE);
}

#[test]
fn a_dtd_or_an_unknown_entity_is_refused() {
    let dtd =
        format!("<!DOCTYPE x [<!ENTITY a \"b\">]><w:document>{}</w:document>", paragraph(SENTENCE));
    let bytes = packed(dtd.as_bytes(), &[], CompressionMethod::Deflated);
    assert_eq!(read(&bytes), Err(ExtractError::Corrupt));

    let body = paragraph(&format!("{SENTENCE} &a;"));
    assert_eq!(read(&docx(&body)), Err(ExtractError::Corrupt));
}

#[test]
fn a_zip_bomb_is_refused() {
    let spaces = paragraph(&" ".repeat(110 * 1024 * 1024));

    assert_eq!(read(&docx(&spaces)), Err(ExtractError::TooComplex));
}

#[test]
fn a_part_that_hardly_packs_may_be_long() {
    let mut random = super::super::testing::random::Random::seeded(7);
    let body: String = (0..20_000).map(|_| paragraph(&format!("{:x}", random.next()))).collect();

    let found = read(&docx(&body)).unwrap();

    assert!(!found.truncated);
    assert_eq!(words(&found.text).len(), 20_000);
}

#[test]
fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..5_000).map(|i| format!("word/{i}.xml")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();

    assert_eq!(read(&zip_of(&parts, CompressionMethod::Stored)), Err(ExtractError::TooComplex));
}

#[test]
fn fifty_thousand_nested_tables_are_refused() {
    let body = format!(
        "{}{}{}",
        "<w:tbl><w:tr><w:tc>".repeat(50_000),
        paragraph(SENTENCE),
        "</w:tc></w:tr></w:tbl>".repeat(50_000)
    );

    let xml = part("document", &body);
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let bytes = packed(xml.as_bytes(), &[], method);
        assert_eq!(read(&bytes), Err(ExtractError::TooComplex));
    }
}

#[test]
fn an_ole_container_is_encrypted() {
    assert_eq!(read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"), Err(ExtractError::Encrypted));
}

#[test]
fn cut_and_mismatched_files_are_damaged() {
    let whole = docx(&paragraph(SENTENCE));
    assert_eq!(read(&whole[..whole.len() / 2]), Err(ExtractError::Corrupt));
    assert_eq!(read(b"PK\x03\x04"), Err(ExtractError::Corrupt));
    assert_eq!(read(&docx("<w:p><w:r></w:p>")), Err(ExtractError::Corrupt));

    let open = packed(b"<document><body>", &[], CompressionMethod::Stored);
    assert_eq!(read(&open), Err(ExtractError::Corrupt));
}

#[test]
fn a_document_without_text_is_empty() {
    assert_eq!(read(&docx("<w:p/>")), Err(ExtractError::Empty));
}
