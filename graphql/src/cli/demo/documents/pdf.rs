//! PDF 1.4 with the two built-in weights of Helvetica, laid out with their real widths.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{Block, Document, cell_text, column_shares, cp1252, spans, widths};

const PAGE_WIDTH: f64 = 595.0;
const PAGE_HEIGHT: f64 = 842.0;
const MARGIN: f64 = 56.0;
const LEADING: f64 = 1.32;
const BODY_SIZE: f64 = 10.5;
const INDENT: f64 = 14.0;

/// Returns the document as a PDF file with as many A4 pages as it needs.
///
/// A character outside WinAnsi becomes a question mark: the built-in fonts have no glyph for it.
///
/// # Errors
/// Only when the compressor fails, which it does not for memory.
pub fn write(document: &Document) -> io::Result<Vec<u8>> {
    let mut layout = Layout::new();
    layout.text(&document.title, 20.0, true, 0.0);
    if !document.contact.is_empty() {
        layout.text(&document.contact, 9.5, false, 0.0);
    }
    for block in &document.blocks {
        layout.block(block);
    }
    assemble(document, &layout.pages)
}

/// One word with the weight it is set in, and whether a space stands before it.
struct Word<'a> {
    text: &'a str,
    bold: bool,
    space: bool,
}

/// Places lines from top to bottom and starts a page when one does not fit.
struct Layout {
    pages: Vec<String>,
    y: f64,
}

impl Layout {
    fn new() -> Self {
        Self { pages: vec![String::new()], y: PAGE_HEIGHT - MARGIN }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                // A heading alone at the foot of a page is worse than a gap there.
                self.reserve(4.0 * BODY_SIZE * LEADING);
                self.y -= 8.0;
                self.text(text, 13.0, true, 0.0);
                self.y -= 2.0;
            }
            Block::Paragraph(text) => {
                self.text(text, BODY_SIZE, false, 0.0);
                self.y -= 4.0;
            }
            Block::Bullets(items) => {
                for item in items {
                    self.reserve(BODY_SIZE * LEADING);
                    let (x, y) = (MARGIN + 2.0, self.y - BODY_SIZE * LEADING);
                    self.show(x, y, BODY_SIZE, &[Word { text: "•", bold: false, space: false }]);
                    self.text(item, BODY_SIZE, false, INDENT);
                }
                self.y -= 4.0;
            }
            Block::Table(rows) => {
                let widths: Vec<f64> = column_shares(rows)
                    .into_iter()
                    .map(|share| (PAGE_WIDTH - 2.0 * MARGIN) * points(share) / 100.0)
                    .collect();
                for (i, row) in rows.iter().enumerate() {
                    let cells: Vec<String> = row.iter().map(|cell| cell_text(i, cell)).collect();
                    self.row(&cells, &widths);
                }
            }
        }
    }

    /// Sets wrapped text at the given size; marks in the text may only make it stronger.
    fn text(&mut self, text: &str, size: f64, bold: bool, indent: f64) {
        let words = words_of(text, bold);
        for line in wrap(&words, size, PAGE_WIDTH - 2.0 * MARGIN - indent) {
            self.reserve(size * LEADING);
            self.y -= size * LEADING;
            let y = self.y;
            self.show(MARGIN + indent, y, size, line);
        }
    }

    /// Sets one table row: its cells side by side, each wrapped in its column, a rule below.
    fn row(&mut self, row: &[String], widths: &[f64]) {
        let words: Vec<Vec<Word<'_>>> = row.iter().map(|cell| words_of(cell, false)).collect();
        let cells: Vec<Vec<&[Word<'_>]>> = words
            .iter()
            .zip(widths)
            .map(|(cell, width)| wrap(cell, BODY_SIZE, width - 8.0))
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = points(lines) * BODY_SIZE * LEADING;
        self.reserve(height + 6.0);
        let mut x = MARGIN;
        for (cell, width) in cells.iter().zip(widths) {
            let mut y = self.y;
            for line in cell {
                y -= BODY_SIZE * LEADING;
                self.show(x, y, BODY_SIZE, line);
            }
            x += width;
        }
        self.y -= height + 4.0;
        let (y, right) = (self.y, PAGE_WIDTH - MARGIN);
        self.draw(&format!("0.7 G 0.5 w {MARGIN:.1} {y:.1} m {right:.1} {y:.1} l S\n"));
    }

    fn reserve(&mut self, height: f64) {
        if self.y - height < MARGIN {
            self.pages.push(String::new());
            self.y = PAGE_HEIGHT - MARGIN;
        }
    }

    /// Shows one line; words of one weight share one string, as typesetters write it.
    fn show(&mut self, x: f64, y: f64, size: f64, line: &[Word<'_>]) {
        let mut ops = format!("BT {x:.2} {y:.2} Td\n");
        let mut weight = None;
        for (i, word) in line.iter().enumerate() {
            if weight != Some(word.bold) {
                if weight.is_some() {
                    ops.push_str(") Tj\n");
                }
                ops.push_str(&format!("/F{} {size} Tf (", if word.bold { 2 } else { 1 }));
                weight = Some(word.bold);
            }
            if word.space && i > 0 {
                ops.push(' ');
            }
            push_string(&mut ops, word.text);
        }
        ops.push_str(if weight.is_some() { ") Tj ET\n" } else { "ET\n" });
        self.draw(&ops);
    }

    fn draw(&mut self, ops: &str) {
        if let Some(page) = self.pages.last_mut() {
            page.push_str(ops);
        }
    }
}

/// Returns a small count as a length.
fn points(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn words_of(text: &str, bold: bool) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut after_space = false;
    for span in spans(text) {
        after_space |= span.text.starts_with(' ');
        for word in span.text.split_whitespace() {
            words.push(Word { text: word, bold: bold || span.bold, space: after_space });
            after_space = true;
        }
        after_space = span.text.ends_with(' ');
    }
    words
}

/// Breaks words into lines no wider than `width` points; a longer word gets a line of its own.
fn wrap<'a, 'b>(words: &'b [Word<'a>], size: f64, width: f64) -> Vec<&'b [Word<'a>]> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0.0);
    for (i, word) in words.iter().enumerate() {
        let space = if word.space && i > start { widths::of(" ", word.bold) } else { 0 };
        let advance = f64::from(space + widths::of(word.text, word.bold)) * size / 1000.0;
        if i > start && word.space && used + advance > width {
            lines.extend(words.get(start..i));
            (start, used) = (i, 0.0);
        }
        used += advance;
    }
    lines.extend(words.get(start..).filter(|rest| !rest.is_empty()));
    lines
}

/// Adds text inside a PDF string. Bytes above 0x7E are octal, so the page stays valid UTF-8 here.
fn push_string(out: &mut String, text: &str) {
    for c in text.chars() {
        match cp1252::byte_of(c).unwrap_or(b'?') {
            byte @ (b'(' | b')' | b'\\') => out.extend(['\\', char::from(byte)]),
            byte @ b' '..=b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\{byte:03o}")),
        }
    }
}

/// Writes the objects, then the cross-reference table with their true offsets.
fn assemble(document: &Document, pages: &[String]) -> io::Result<Vec<u8>> {
    const FIRST_PAGE: usize = 6;
    let kids: String = (0..pages.len()).map(|i| format!("{} 0 R ", FIRST_PAGE + 2 * i)).collect();
    let font = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
    };
    let mut title = String::new();
    push_string(&mut title, &document.title);
    let mut objects: Vec<Vec<u8>> = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en) >>".to_owned(),
        format!("<< /Type /Pages /Count {} /Kids [ {kids}] >>", pages.len()),
        font("Helvetica"),
        font("Helvetica-Bold"),
        format!("<< /Title ({title}) /Creator (JoTrack sample data) >>"),
    ]
    .map(String::into_bytes)
    .into();
    for (i, page) in pages.iter().enumerate() {
        let contents = FIRST_PAGE + 2 * i + 1;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] \
                 /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {contents} 0 R >>"
            )
            .into_bytes(),
        );
        let footer = format!(
            "0.4 g BT /F1 8 Tf {:.1} 32 Td (Page {} of {}) Tj ET\n",
            PAGE_WIDTH / 2.0 - 22.0,
            i + 1,
            pages.len()
        );
        objects.push(stream(&format!("{page}{footer}"))?);
    }
    let mut out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::with_capacity(objects.len());
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        writeln!(out, "{} 0 obj", i + 1)?;
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let xref = out.len();
    let count = objects.len() + 1;
    write!(out, "xref\n0 {count}\n0000000000 65535 f \n")?;
    for offset in offsets {
        writeln!(out, "{offset:010} 00000 n ")?;
    }
    write!(
        out,
        "trailer\n<< /Size {count} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    )?;
    Ok(out)
}

fn stream(content: &str) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes())?;
    let packed = encoder.finish()?;
    let mut object =
        format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len()).into_bytes();
    object.extend_from_slice(&packed);
    object.extend_from_slice(b"\nendstream");
    Ok(object)
}
