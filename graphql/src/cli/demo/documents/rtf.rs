//! RTF as word processors write it: code page 1252 with `\'hh`, `\uN` for everything else.

use super::{Block, Document, cell_text, column_shares, cp1252, spans};

const PROLOGUE: &str = concat!(
    "{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0\\deflang1033\n",
    "{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}{\\f1\\fnil\\fcharset2 Symbol;}}\n",
    "{\\colortbl;\\red31\\green56\\blue100;\\red96\\green96\\blue96;}\n",
    "{\\stylesheet{\\s0\\fs21 Normal;}{\\s1\\b\\fs26\\cf1 heading 1;}{\\s2\\b\\fs40 Title;}}\n",
    "{\\*\\generator JoTrack sample data;}\n",
);

/// Width of an A4 page between its margins, in twentieths of a point.
const TEXT_TWIPS: usize = 9638;

/// Returns the document as an RTF file.
#[must_use]
pub fn write(document: &Document) -> Vec<u8> {
    let mut out = String::from(PROLOGUE);
    let title = escaped(&document.title);
    out.push_str(&format!("{{\\info{{\\title {title}}}{{\\author JoTrack}}}}\n"));
    out.push_str("\\paperw11906\\paperh16838\\margl1134\\margr1134\\margt1134\\margb1134\n");
    out.push_str("{\\footer\\pard\\qc\\cf2\\fs16 \\chpgn\\par}\n");
    out.push_str(&format!("\\pard\\plain\\s2\\sa60\\b\\fs40 {title}\\par\n"));
    if !document.contact.is_empty() {
        let contact = runs(&document.contact);
        out.push_str(&format!("\\pard\\plain\\s0\\sa160\\cf2\\fs19 {contact}\\par\n"));
    }
    for block in &document.blocks {
        write_block(&mut out, block);
    }
    out.push_str("}\n");
    out.into_bytes()
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => {
            let text = escaped(text);
            out.push_str(&format!(
                "\\pard\\plain\\s1\\keepn\\sb200\\sa80\\b\\fs26\\cf1 {text}\\par\n"
            ));
        }
        Block::Paragraph(text) => {
            out.push_str(&format!("\\pard\\plain\\s0\\sa100\\fs21 {}\\par\n", runs(text)));
        }
        Block::Bullets(items) => {
            for item in items {
                let item = runs(item);
                out.push_str(&format!(
                    "\\pard\\plain\\s0\\fi-284\\li568\\sa40\\fs21 \\'95\\tab {item}\\par\n"
                ));
            }
        }
        Block::Table(rows) => {
            let shares = column_shares(rows);
            for (i, row) in rows.iter().enumerate() {
                write_row(out, i, row, &shares);
            }
        }
    }
}

fn write_row(out: &mut String, index: usize, row: &[String], shares: &[usize]) {
    out.push_str("\\trowd\\trgaph108");
    let mut right = 0;
    for share in shares.iter().take(row.len()) {
        right += TEXT_TWIPS * share / 100;
        out.push_str(&format!("\\clbrdrb\\brdrs\\brdrw10\\cellx{right}"));
    }
    out.push('\n');
    for cell in row {
        let text = runs(&cell_text(index, cell));
        out.push_str(&format!("\\pard\\plain\\s0\\intbl\\fs21 {text}\\cell\n"));
    }
    out.push_str("\\row\n");
}

/// Returns inline text with its strong stretches as groups.
fn runs(text: &str) -> String {
    spans(text)
        .map(|span| {
            let text = escaped(span.text);
            if span.bold { format!("{{\\b {text}}}") } else { text }
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '{' | '}' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => match cp1252::byte_of(c) {
                Some(byte) => out.push_str(&format!("\\'{byte:02x}")),
                None => push_unicode(&mut out, c),
            },
        }
    }
    out
}

/// RTF numbers are signed 16-bit, and a character above U+FFFF is two of them.
fn push_unicode(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let signed = i16::from_ne_bytes(unit.to_ne_bytes());
        out.push_str(&format!("\\u{signed}?"));
    }
}
