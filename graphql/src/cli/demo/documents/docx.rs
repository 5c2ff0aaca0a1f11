//! DOCX with the parts a word processor writes: styles, numbering, header, footer, properties.

use std::io::{self, Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Block, Document, cell_text, column_shares, spans};

const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const R: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Width of an A4 page between its margins, in twentieths of a point.
const TEXT_TWIPS: usize = 9638;

/// Returns the document as a DOCX file.
///
/// # Errors
/// Only when the zip writer refuses an entry, which no document of sane size does.
pub fn write(document: &Document) -> io::Result<Vec<u8>> {
    let parts = [
        ("[Content_Types].xml", content_types()),
        ("_rels/.rels", package_relations()),
        ("docProps/core.xml", core_properties(document)),
        ("docProps/app.xml", app_properties()),
        ("word/document.xml", body(document)),
        ("word/_rels/document.xml.rels", document_relations()),
        ("word/styles.xml", styles()),
        ("word/numbering.xml", numbering()),
        ("word/settings.xml", settings()),
        ("word/header1.xml", header(document)),
        ("word/footer1.xml", footer()),
    ];
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, xml) in parts {
        zip.start_file(name, options)?;
        zip.write_all(xml.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

fn body(document: &Document) -> String {
    let mut xml = format!("{XML}<w:document xmlns:w=\"{W}\" xmlns:r=\"{R}\"><w:body>");
    xml.push_str(&paragraph("Title", &document.title));
    if !document.contact.is_empty() {
        xml.push_str(&paragraph("Subtitle", &document.contact));
    }
    for block in &document.blocks {
        match block {
            Block::Heading(text) => xml.push_str(&paragraph("Heading1", text)),
            Block::Paragraph(text) => xml.push_str(&paragraph("Normal", text)),
            Block::Bullets(items) => {
                items.iter().for_each(|item| xml.push_str(&paragraph("ListBullet", item)));
            }
            Block::Table(rows) => xml.push_str(&table(rows)),
        }
    }
    xml.push_str(concat!(
        "<w:sectPr><w:headerReference w:type=\"default\" r:id=\"rId4\"/>",
        "<w:footerReference w:type=\"default\" r:id=\"rId5\"/>",
        "<w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1134\" w:right=\"1134\" ",
        "w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/>",
        "</w:sectPr></w:body></w:document>",
    ));
    xml
}

fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{}</w:p>", runs(text))
}

fn runs(text: &str) -> String {
    spans(text)
        .map(|span| {
            let weight = if span.bold { "<w:rPr><w:b/></w:rPr>" } else { "" };
            let text = escaped(span.text);
            format!("<w:r>{weight}<w:t xml:space=\"preserve\">{text}</w:t></w:r>")
        })
        .collect()
}

fn table(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> =
        column_shares(rows).into_iter().map(|share| TEXT_TWIPS * share / 100).collect();
    let mut xml = String::from(concat!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"TableGrid\"/><w:tblW w:w=\"5000\" w:type=\"pct\"/>",
        "</w:tblPr><w:tblGrid>",
    ));
    for width in &widths {
        xml.push_str(&format!("<w:gridCol w:w=\"{width}\"/>"));
    }
    xml.push_str("</w:tblGrid>");
    for (i, row) in rows.iter().enumerate() {
        xml.push_str("<w:tr>");
        for (cell, width) in row.iter().zip(&widths) {
            let text = runs(&cell_text(i, cell));
            xml.push_str(&format!(
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr><w:p>{text}</w:p></w:tc>"
            ));
        }
        xml.push_str("</w:tr>");
    }
    // Two tables without a paragraph between them become one.
    xml.push_str("</w:tbl><w:p/>");
    xml
}

fn header(document: &Document) -> String {
    let title = escaped(&document.title);
    format!(
        "{XML}<w:hdr xmlns:w=\"{W}\"><w:p><w:pPr><w:pStyle w:val=\"Header\"/></w:pPr>\
         <w:r><w:t>{title}</w:t></w:r></w:p></w:hdr>"
    )
}

fn footer() -> String {
    format!(
        "{XML}<w:ftr xmlns:w=\"{W}\"><w:p><w:pPr><w:pStyle w:val=\"Footer\"/></w:pPr>\
         <w:r><w:fldChar w:fldCharType=\"begin\"/></w:r>\
         <w:r><w:instrText xml:space=\"preserve\"> PAGE </w:instrText></w:r>\
         <w:r><w:fldChar w:fldCharType=\"end\"/></w:r></w:p></w:ftr>"
    )
}

fn styles() -> String {
    let style = |id: &str, name: &str, paragraph: &str, run: &str| {
        let based_on = if id == "Normal" { "" } else { "<w:basedOn w:val=\"Normal\"/>" };
        let default = if id == "Normal" { " w:default=\"1\"" } else { "" };
        format!(
            "<w:style w:type=\"paragraph\"{default} w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>\
             {based_on}<w:qFormat/><w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
        )
    };
    let list = "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>\
                <w:spacing w:after=\"40\"/>";
    let heading = "<w:keepNext/><w:spacing w:before=\"200\" w:after=\"80\"/>\
                   <w:outlineLvl w:val=\"0\"/>";
    let borders: String = ["top", "left", "bottom", "right", "insideH", "insideV"]
        .iter()
        .map(|side| {
            format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"A0A0A0\"/>")
        })
        .collect();
    let grey = "<w:color w:val=\"606060\"/>";
    let parts = [
        style("Normal", "Normal", "<w:spacing w:after=\"100\"/>", ""),
        style("Title", "Title", "<w:spacing w:after=\"60\"/>", "<w:b/><w:sz w:val=\"40\"/>"),
        style("Subtitle", "Subtitle", "<w:spacing w:after=\"160\"/>", grey),
        style(
            "Heading1",
            "heading 1",
            heading,
            "<w:b/><w:color w:val=\"1F3864\"/><w:sz w:val=\"26\"/>",
        ),
        style("ListBullet", "List Bullet", list, ""),
        style("Header", "header", "<w:jc w:val=\"right\"/>", grey),
        style("Footer", "footer", "<w:jc w:val=\"center\"/>", grey),
    ]
    .concat();
    format!(
        "{XML}<w:styles xmlns:w=\"{W}\"><w:docDefaults><w:rPrDefault><w:rPr>\
         <w:rFonts w:ascii=\"Calibri\" w:hAnsi=\"Calibri\" w:cs=\"Calibri\"/><w:sz w:val=\"21\"/>\
         <w:lang w:val=\"en-US\"/></w:rPr></w:rPrDefault></w:docDefaults>{parts}\
         <w:style w:type=\"table\" w:styleId=\"TableGrid\"><w:name w:val=\"Table Grid\"/>\
         <w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr></w:style></w:styles>"
    )
}

fn numbering() -> String {
    format!(
        "{XML}<w:numbering xmlns:w=\"{W}\"><w:abstractNum w:abstractNumId=\"0\">\
         <w:multiLevelType w:val=\"hybridMultilevel\"/><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/>\
         <w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"\u{2022}\"/><w:lvlJc w:val=\"left\"/>\
         <w:pPr><w:ind w:left=\"568\" w:hanging=\"284\"/></w:pPr></w:lvl></w:abstractNum>\
         <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>"
    )
}

fn settings() -> String {
    format!(
        "{XML}<w:settings xmlns:w=\"{W}\"><w:defaultTabStop w:val=\"708\"/>\
         <w:compat><w:compatSetting w:name=\"compatibilityMode\" \
         w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat></w:settings>"
    )
}

fn core_properties(document: &Document) -> String {
    let title = escaped(&document.title);
    format!(
        "{XML}<cp:coreProperties \
         xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{title}</dc:title>\
         <dc:creator>JoTrack sample data</dc:creator></cp:coreProperties>"
    )
}

fn app_properties() -> String {
    format!(
        "{XML}<Properties \
         xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties\">\
         <Application>JoTrack</Application></Properties>"
    )
}

fn content_types() -> String {
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml";
    let overrides: String = [
        ("/word/document.xml", format!("{word}.document.main+xml")),
        ("/word/styles.xml", format!("{word}.styles+xml")),
        ("/word/numbering.xml", format!("{word}.numbering+xml")),
        ("/word/settings.xml", format!("{word}.settings+xml")),
        ("/word/header1.xml", format!("{word}.header+xml")),
        ("/word/footer1.xml", format!("{word}.footer+xml")),
        (
            "/docProps/core.xml",
            "application/vnd.openxmlformats-package.core-properties+xml".to_owned(),
        ),
        (
            "/docProps/app.xml",
            "application/vnd.openxmlformats-officedocument.extended-properties+xml".to_owned(),
        ),
    ]
    .iter()
    .map(|(part, kind)| format!("<Override PartName=\"{part}\" ContentType=\"{kind}\"/>"))
    .collect();
    format!(
        "{XML}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>{overrides}</Types>"
    )
}

fn package_relations() -> String {
    let core =
        "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties";
    relations(&[
        ("rId1", format!("{R}/officeDocument"), "word/document.xml"),
        ("rId2", core.to_owned(), "docProps/core.xml"),
        ("rId3", format!("{R}/extended-properties"), "docProps/app.xml"),
    ])
}

fn document_relations() -> String {
    relations(&[
        ("rId1", format!("{R}/styles"), "styles.xml"),
        ("rId2", format!("{R}/numbering"), "numbering.xml"),
        ("rId3", format!("{R}/settings"), "settings.xml"),
        ("rId4", format!("{R}/header"), "header1.xml"),
        ("rId5", format!("{R}/footer"), "footer1.xml"),
    ])
}

fn relations(list: &[(&str, String, &str)]) -> String {
    let entries: String = list
        .iter()
        .map(|(id, kind, target)| {
            format!("<Relationship Id=\"{id}\" Type=\"{kind}\" Target=\"{target}\"/>")
        })
        .collect();
    format!(
        "{XML}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         {entries}</Relationships>"
    )
}

/// XML 1.0 has no way to write most control characters, so they are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
