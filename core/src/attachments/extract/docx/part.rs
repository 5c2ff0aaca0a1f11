//! One XML part to text, in a single loop over its events.
//!
//! Only local names count: the same words stand in the Strict and the Transitional namespace,
//! under any prefix.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::normalize::RawText;
use super::super::{ExtractError, ExtractLimits};
use super::package::attribute;

/// What an open element means for the text inside it.
enum Open {
    Paragraph,
    Run,
    RunProperties,
    TabStops,
    Text,
    /// A table cell, with the length of the text before it.
    Cell(usize),
    Row(usize),
    /// `AlternateContent`, and whether one of its children was taken.
    Alternatives {
        taken: bool,
    },
    Other,
}

/// Appends the visible text of a part, its paragraphs as lines and its table cells between tabs.
pub(super) fn append_text(
    xml: &str,
    out: &mut RawText,
    limits: &ExtractLimits,
) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk { out, open: Vec::new(), skipped_from: None };
    loop {
        match reader.read_event().map_err(|_| ExtractError::Corrupt)? {
            Event::Start(element) => {
                if walk.open.len() >= limits.xml_depth {
                    return Err(ExtractError::TooComplex);
                }
                walk.start(&element);
            }
            Event::End(_) => walk.end(),
            Event::Text(text) => walk.text(&text),
            Event::CData(text) => walk.text(&text),
            Event::GeneralRef(name) => {
                let c = match &*name {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "apos" => '\'',
                    "quot" => '"',
                    _ => name.resolve_char_ref().ok().flatten().ok_or(ExtractError::Corrupt)?,
                };
                walk.text(c.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err(ExtractError::Corrupt),
            // The reader was told to answer these as a start and an end.
            Event::Empty(_) => return Err(ExtractError::Corrupt),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
        if walk.out.is_full() {
            return Ok(());
        }
    }
    if walk.open.is_empty() { Ok(()) } else { Err(ExtractError::Corrupt) }
}

struct Walk<'a> {
    out: &'a mut RawText,
    open: Vec<Open>,
    /// Number of open elements above the one whose content is skipped.
    skipped_from: Option<usize>,
}

impl Walk<'_> {
    fn start(&mut self, element: &BytesStart<'_>) {
        if self.skipped_from.is_some() {
            self.open.push(Open::Other);
            return;
        }
        let name = element.local_name();
        let opened = match name.into_inner() {
            "p" => Open::Paragraph,
            "r" => Open::Run,
            "rPr" if matches!(self.open.last(), Some(Open::Run)) => Open::RunProperties,
            "tabs" => Open::TabStops,
            "t" => Open::Text,
            "tc" => Open::Cell(self.out.len()),
            "tr" => Open::Row(self.out.len()),
            "AlternateContent" => Open::Alternatives { taken: false },
            "Choice" | "Fallback" => {
                if self.is_second_alternative() {
                    self.skipped_from = Some(self.open.len());
                }
                Open::Other
            }
            "txbxContent" => {
                self.out.end_line();
                Open::Other
            }
            "del" | "moveFrom" | "delText" | "instrText" | "delInstrText" | "rubyPr" => {
                self.skipped_from = Some(self.open.len());
                Open::Other
            }
            "footnote" | "endnote" if is_separator(element) => {
                self.skipped_from = Some(self.open.len());
                Open::Other
            }
            "vanish" => {
                self.hide_run(element);
                Open::Other
            }
            other => {
                self.character(other, element);
                Open::Other
            }
        };
        self.open.push(opened);
    }

    fn end(&mut self) {
        let Some(closed) = self.open.pop() else {
            return;
        };
        if let Some(from) = self.skipped_from {
            if self.open.len() <= from {
                self.skipped_from = None;
            }
            // The run that hid itself ends here too, and means nothing more.
            return;
        }
        match closed {
            Open::Paragraph => self.out.push('\n'),
            Open::Cell(start) => {
                self.out.trim_end_from(start, &['\n', ' ']);
                self.out.push('\t');
            }
            Open::Row(start) => {
                self.out.trim_end_from(start, &['\t', '\n']);
                self.out.push('\n');
            }
            Open::Run
            | Open::RunProperties
            | Open::TabStops
            | Open::Text
            | Open::Alternatives { .. }
            | Open::Other => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped_from.is_none() && matches!(self.open.last(), Some(Open::Text)) {
            // A line end inside a text is an artefact of the writer's own formatting.
            for c in text.chars() {
                self.out.push(if matches!(c, '\n' | '\r') { ' ' } else { c });
            }
        }
    }

    /// Elements that stand for one character.
    fn character(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            // Inside `tabs` the element is a tab stop of the paragraph's layout.
            "tab" if matches!(self.open.last(), Some(Open::TabStops)) => {}
            "tab" | "ptab" => self.out.push('\t'),
            "br" | "cr" => self.out.push('\n'),
            "noBreakHyphen" => self.out.push('-'),
            "sym" => {
                let code =
                    attribute(element, "char").and_then(|hex| u32::from_str_radix(&hex, 16).ok());
                if let Some(c) = code.and_then(char::from_u32) {
                    self.out.push(c);
                }
            }
            _ => {}
        }
    }

    /// A text box is written twice, for new and for old programs; the first alternative counts.
    fn is_second_alternative(&mut self) -> bool {
        match self.open.last_mut() {
            Some(Open::Alternatives { taken }) => std::mem::replace(taken, true),
            _ => false,
        }
    }

    /// Hides the run around the property list that is open, unless the value says no.
    fn hide_run(&mut self, element: &BytesStart<'_>) {
        let off = attribute(element, "val")
            .is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off"));
        if !off && matches!(self.open.last(), Some(Open::RunProperties)) {
            // Counted from the run, which is one above its property list.
            self.skipped_from = Some(self.open.len().saturating_sub(2));
        }
    }
}

fn is_separator(note: &BytesStart<'_>) -> bool {
    attribute(note, "type").is_some_and(|kind| {
        matches!(kind.as_str(), "separator" | "continuationSeparator" | "continuationNotice")
    })
}
