//! Writers of real documents from one small text model.
//!
//! The sample data and the tests need files as people send them, and no file of a stranger may
//! lie in the repository. So every résumé and job description is written here from its text: the
//! same [`Document`] becomes DOCX, PDF, RTF, Markdown or plain text, and each of them holds the
//! same words in the same order.

mod cp1252;
pub mod docx;
mod markup;
pub mod pdf;
pub mod rtf;
mod widths;

#[cfg(test)]
mod tests;

use std::io;

/// A file format the writers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Office Open XML, as Word and LibreOffice write it.
    Docx,
    /// PDF 1.4 with compressed pages.
    Pdf,
    /// Rich Text Format with code page 1252.
    Rtf,
    /// Markdown.
    Md,
    /// Plain UTF-8 text.
    Txt,
}

impl Format {
    /// All formats.
    pub const ALL: &[Self] = &[Self::Docx, Self::Pdf, Self::Rtf, Self::Md, Self::Txt];

    /// Returns the file name's extension without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Docx => "docx",
            Self::Pdf => "pdf",
            Self::Rtf => "rtf",
            Self::Md => "md",
            Self::Txt => "txt",
        }
    }
}

/// A document: a title, a contact line and blocks, top to bottom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The name or headline at the top.
    pub title: String,
    /// The line below it: address, mail, telephone. Empty means none.
    pub contact: String,
    /// What follows, in reading order.
    pub blocks: Vec<Block>,
}

/// A part of a [`Document`]. Text may mark strong words as `**word**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A section heading.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// A bullet list.
    Bullets(Vec<String>),
    /// A table, row by row; the first row is its head.
    Table(Vec<Vec<String>>),
}

/// A stretch of text in one weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    pub(crate) text: &'a str,
    pub(crate) bold: bool,
}

/// Splits text at its `**` marks. Empty stretches are left out.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = Span<'_>> {
    text.split("**")
        .enumerate()
        .map(|(i, text)| Span { text, bold: i % 2 == 1 })
        .filter(|span| !span.text.is_empty())
}

/// Returns the share of each column of a table in percent of the width, by its longest cell.
///
/// A very short or very long cell does not starve the others.
pub(crate) fn column_shares(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest: Vec<usize> = (0..columns)
        .map(|i| {
            let cells = rows.iter().filter_map(|row| row.get(i));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).clamp(12, 48)
        })
        .collect();
    let total = widest.iter().sum::<usize>().max(1);
    widest.into_iter().map(|chars| chars * 100 / total).collect()
}

/// Returns the cell in the weight of its row: the first row is the head of the table.
pub(crate) fn cell_text(row: usize, cell: &str) -> String {
    if row == 0 { format!("**{}**", cell.replace("**", "")) } else { cell.to_owned() }
}

impl Document {
    /// Reads the Markdown subset of the sample data: `#` title, contact line, `##` headings,
    /// paragraphs, `-` lists and `|` tables.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        markup::parse(text)
    }

    /// Returns the document as a file of the given format.
    ///
    /// The same document gives the same bytes: no clock and no chance is asked.
    ///
    /// # Errors
    /// Only when the zip writer refuses an entry of a DOCX, which no document of sane size does.
    pub fn write(&self, format: Format) -> io::Result<Vec<u8>> {
        Ok(match format {
            Format::Docx => docx::write(self)?,
            Format::Pdf => pdf::write(self)?,
            Format::Rtf => rtf::write(self),
            Format::Md => markup::markdown(self).into_bytes(),
            Format::Txt => markup::plain(self).into_bytes(),
        })
    }

    /// Returns the words of the document in reading order, without any mark-up.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |text: &str| {
            words.extend(text.replace("**", "").split_whitespace().map(str::to_owned));
        };
        add(&self.title);
        add(&self.contact);
        for block in &self.blocks {
            match block {
                Block::Heading(text) | Block::Paragraph(text) => add(text),
                Block::Bullets(items) => items.iter().for_each(|item| add(item)),
                Block::Table(rows) => rows.iter().flatten().for_each(|cell| add(cell)),
            }
        }
        words
    }
}
