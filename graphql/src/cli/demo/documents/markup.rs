//! The Markdown subset of the sample data, and the two formats that are only text.

use super::{Block, Document};

/// Reads the subset described at [`Document::parse`]. Anything it does not know is a paragraph.
pub(super) fn parse(text: &str) -> Document {
    let mut document = Document::default();
    let mut paragraph = String::new();
    for line in text.lines().map(str::trim) {
        let starts_block = line.is_empty()
            || line.starts_with('#')
            || line.starts_with("- ")
            || line.starts_with('|');
        if !starts_block {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
            continue;
        }
        flush(&mut document, &mut paragraph);
        if let Some(heading) = line.strip_prefix("## ") {
            document.blocks.push(Block::Heading(heading.trim().to_owned()));
        } else if let Some(title) = line.strip_prefix("# ") {
            document.title = title.trim().to_owned();
        } else if let Some(item) = line.strip_prefix("- ") {
            match document.blocks.last_mut() {
                Some(Block::Bullets(items)) => items.push(item.trim().to_owned()),
                _ => document.blocks.push(Block::Bullets(vec![item.trim().to_owned()])),
            }
        } else if line.starts_with('|') {
            table_row(&mut document, line);
        }
    }
    flush(&mut document, &mut paragraph);
    document
}

/// Ends the open paragraph. The first one before any block is the contact line.
fn flush(document: &mut Document, paragraph: &mut String) {
    if paragraph.is_empty() {
        return;
    }
    let text = std::mem::take(paragraph);
    let below_title = document.blocks.is_empty() && document.contact.is_empty();
    if below_title && !document.title.is_empty() {
        document.contact = text;
    } else {
        document.blocks.push(Block::Paragraph(text));
    }
}

fn table_row(document: &mut Document, line: &str) {
    let cells: Vec<String> =
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let is_rule = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':')));
    match document.blocks.last_mut() {
        _ if is_rule => {}
        Some(Block::Table(rows)) => rows.push(cells),
        _ => document.blocks.push(Block::Table(vec![cells])),
    }
}

/// Returns the document as Markdown; [`parse`] reads it back unchanged.
pub(super) fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n", document.title);
    if !document.contact.is_empty() {
        out.push_str(&format!("\n{}\n", document.contact));
    }
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading(text) => out.push_str(&format!("## {text}\n")),
            Block::Paragraph(text) => out.push_str(&format!("{text}\n")),
            Block::Bullets(items) => {
                items.iter().for_each(|item| out.push_str(&format!("- {item}\n")));
            }
            Block::Table(rows) => {
                for (i, row) in rows.iter().enumerate() {
                    out.push_str(&format!("| {} |\n", row.join(" | ")));
                    if i == 0 {
                        out.push_str(&format!("|{}\n", " --- |".repeat(row.len())));
                    }
                }
            }
        }
    }
    out
}

/// Returns the document as text a person would paste into a mail.
pub(super) fn plain(document: &Document) -> String {
    let mut out = format!("{}\n", document.title);
    if !document.contact.is_empty() {
        out.push_str(&format!("{}\n", document.contact));
    }
    for block in &document.blocks {
        match block {
            Block::Heading(text) => {
                let rule = "-".repeat(text.chars().count());
                out.push_str(&format!("\n{text}\n{rule}\n"));
            }
            Block::Paragraph(text) => out.push_str(&format!("\n{}\n", text.replace("**", ""))),
            Block::Bullets(items) => {
                items.iter().for_each(|i| out.push_str(&format!("- {}\n", i.replace("**", ""))));
            }
            Block::Table(rows) => {
                for row in rows {
                    out.push_str(&format!("{}\n", row.join("\t").replace("**", "")));
                }
            }
        }
    }
    out
}
