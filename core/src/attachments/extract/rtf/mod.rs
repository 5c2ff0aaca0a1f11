//! RTF: one pass over the bytes with a stack of groups, no recursion.
//!
//! Source: Rich Text Format Specification 1.9.1, and what LibreOffice, pandoc and Word write.

mod charset;
mod output;

use std::collections::BTreeMap;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::{Collected, ExtractError, ExtractLimits};
use charset::{Charset, by_code_page, by_font_charset};
use output::Output;

/// Fonts remembered from one font table.
const FONTS_MAX: usize = 4_096;
/// Characters one `\u` may ask to skip.
const FALLBACK_MAX: u32 = 64;
/// Digits read of a number; the rest are passed over.
const DIGITS_MAX: usize = 10;

/// Groups whose content is not text of the document.
const SKIPPED: &[&str] = &[
    "author",
    "bkmkend",
    "bkmkstart",
    "category",
    "colorschememapping",
    "colortbl",
    "comment",
    "company",
    "datastore",
    "doccomm",
    "falt",
    "fldinst",
    "filetbl",
    "fontemb",
    "fontfile",
    "fonttbl",
    "generator",
    "info",
    "keywords",
    "latentstyles",
    "listoverridetable",
    "listtable",
    "listtext",
    "manager",
    "nonshppict",
    "objdata",
    "object",
    "operator",
    "panose",
    "pict",
    "pntext",
    "revtbl",
    "rsidtbl",
    "shprslt",
    "sp",
    "stylesheet",
    "subject",
    "tc",
    "template",
    "themedata",
    "title",
    "userprops",
    "xe",
    "xmlnstbl",
];

/// Groups behind `\*` that hold text all the same: text boxes, and the Unicode half of `\upr`.
const STARRED_TEXT: &[&str] = &["shpinst", "shptxt", "ud"];

/// Groups whose text follows the body, as in the other formats.
const ASIDE: &[&str] = &[
    "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
    "footnote",
];

pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Collected, ExtractError> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if !start.starts_with(b"{\\rtf") {
        return Err(ExtractError::Corrupt);
    }
    let mut parser = Parser {
        rest: start,
        groups: Vec::new(),
        group: Group::default(),
        fonts: BTreeMap::new(),
        document: WINDOWS_1252,
        default_font: 0,
        high_surrogate: None,
        out: Output::new(limits),
    };
    parser.run(limits)?;
    let (text, truncated) = parser.out.finish();
    Ok(Collected { text, page_count: None, truncated })
}

/// What a group changes and its end restores.
#[derive(Clone, Default)]
struct Group {
    skipped: bool,
    hidden: bool,
    deleted: bool,
    in_font_table: bool,
    /// The text goes behind the body.
    aside: bool,
    /// `\*` was read and the word that names the destination was not yet.
    starred: bool,
    /// The next group is the half of `\upr` that old programs read.
    ansi_half_next: bool,
    font: Option<i32>,
    /// Characters after each `\u` that stand for it in old programs; `None` is one.
    fallback: Option<u32>,
    to_skip: u32,
}

impl Group {
    fn is_text(&self) -> bool {
        !self.skipped && !self.hidden && !self.deleted
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    groups: Vec<Group>,
    group: Group,
    fonts: BTreeMap<i32, Charset>,
    document: &'static Encoding,
    default_font: i32,
    high_surrogate: Option<u32>,
    out: Output,
}

impl Parser<'_> {
    /// Reads to the end of the outermost group; a cut file ends early and keeps its text.
    fn run(&mut self, limits: &ExtractLimits) -> Result<(), ExtractError> {
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'{' => {
                    if self.groups.len() >= limits.rtf_depth {
                        return Err(ExtractError::TooComplex);
                    }
                    self.open_group();
                }
                b'}' => {
                    if !self.close_group() {
                        break;
                    }
                }
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => {}
                b'\t' => self.character('\t'),
                byte => self.byte(*byte),
            }
            if self.out.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn open_group(&mut self) {
        self.group.to_skip = 0;
        let ansi_half = std::mem::take(&mut self.group.ansi_half_next);
        let mut inner = self.group.clone();
        inner.starred = false;
        inner.skipped |= ansi_half;
        self.groups.push(std::mem::replace(&mut self.group, inner));
    }

    /// Returns whether a group is still open.
    fn close_group(&mut self) -> bool {
        let Some(outer) = self.groups.pop() else {
            return false;
        };
        if self.group.aside && !outer.aside {
            self.out.end_aside();
        }
        self.group = outer;
        self.group.to_skip = 0;
        !self.groups.is_empty()
    }

    fn control(&mut self) {
        let Some((symbol, rest)) = self.rest.split_first() else {
            return;
        };
        if symbol.is_ascii_alphabetic() {
            let (word, number) = self.take_word();
            self.word(word, number);
            return;
        }
        self.rest = rest;
        match symbol {
            b'\'' => {
                if let Some((byte, rest)) = hex_byte(rest) {
                    self.rest = rest;
                    self.byte(byte);
                } else if rest.len() < 2 {
                    self.rest = &[];
                }
            }
            b'*' => self.group.starred = true,
            b'~' => self.character('\u{a0}'),
            b'_' => self.character('-'),
            b'\r' | b'\n' => self.character('\n'),
            b'\t' => self.character('\t'),
            b'{' | b'}' | b'\\' => self.byte(*symbol),
            // Optional hyphens, index marks and symbols nobody defined.
            _ => {
                self.is_fallback();
            }
        }
    }

    /// Takes the letters of a control word, its number, and the one space that ends it.
    fn take_word(&mut self) -> (&'static str, Option<i32>) {
        let n_letters = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (letters, rest) = self.rest.split_at(n_letters);
        let (negative, digits) = match rest {
            [b'-', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => (true, digits),
            digits => (false, digits),
        };
        let n_digits = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = digits.split_at(n_digits);
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);

        let number =
            digits.iter().take(DIGITS_MAX).fold(0_i64, |n, digit| n * 10 + i64::from(digit - b'0'));
        let number = if negative { -number } else { number };
        let number = (n_digits > 0)
            .then(|| i32::try_from(number).unwrap_or(if negative { i32::MIN } else { i32::MAX }));
        (known_word(letters), number)
    }

    fn word(&mut self, word: &'static str, number: Option<i32>) {
        // Some writers leave the fallback out, so another `\u` is never taken for one.
        if word != "u" && self.is_fallback() {
            if word == "bin" {
                self.skip_binary(number);
            }
            return;
        }
        if std::mem::take(&mut self.group.starred) && !STARRED_TEXT.contains(&word) {
            self.group.skipped = true;
        }
        let is_on = number != Some(0);
        match word {
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => {
                let n = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
                self.group.fallback = Some(n.min(FALLBACK_MAX));
            }
            "bin" => self.skip_binary(number),
            "upr" => self.group.ansi_half_next = true,
            "v" => self.group.hidden = is_on,
            "deleted" => self.group.deleted = is_on,
            "plain" => {
                self.group.hidden = false;
                self.group.font = None;
            }
            "ansicpg" => {
                if let Some(encoding) = number.and_then(by_code_page) {
                    self.document = encoding;
                }
            }
            "mac" => self.document = encoding_rs::MACINTOSH,
            "deff" => self.default_font = number.unwrap_or(0),
            "f" => self.group.font = number,
            "fcharset" => self.font_charset(number.and_then(by_font_charset)),
            "cpg" => self.font_charset(number.and_then(by_code_page).map(Charset::Encoding)),
            "fonttbl" => {
                self.group.in_font_table = true;
                self.group.skipped = true;
            }
            "par" | "line" | "sect" | "page" | "row" | "nestrow" | "column" => self.character('\n'),
            "cell" | "nestcell" | "tab" => self.character('\t'),
            "emdash" => self.character('—'),
            "endash" => self.character('–'),
            "bullet" => self.character('•'),
            "lquote" => self.character('‘'),
            "rquote" => self.character('’'),
            "ldblquote" => self.character('“'),
            "rdblquote" => self.character('”'),
            "emspace" | "enspace" | "qmspace" => self.character(' '),
            word if ASIDE.contains(&word) => self.group.aside = true,
            word if SKIPPED.contains(&word) => self.group.skipped = true,
            _ => {}
        }
    }

    fn font_charset(&mut self, charset: Option<Charset>) {
        if let (true, Some(charset)) = (self.group.in_font_table, charset)
            && self.fonts.len() < FONTS_MAX
        {
            self.fonts.insert(self.group.font.unwrap_or(self.default_font), charset);
        }
    }

    fn skip_binary(&mut self, number: Option<i32>) {
        let n = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// Takes one of the characters that stand for the last `\u`, if any are left.
    fn is_fallback(&mut self) -> bool {
        let skipped = self.group.to_skip > 0;
        self.group.to_skip = self.group.to_skip.saturating_sub(1);
        skipped
    }

    fn byte(&mut self, byte: u8) {
        if self.is_fallback() || !self.group.is_text() {
            return;
        }
        self.high_surrogate = None;
        let font = self.group.font.unwrap_or(self.default_font);
        match self.fonts.get(&font) {
            Some(Charset::Symbol) => {
                let c = char::from_u32(0xf000 + u32::from(byte)).unwrap_or(' ');
                self.out.character(c, self.group.aside);
            }
            Some(Charset::Encoding(encoding)) => self.out.byte(byte, encoding, self.group.aside),
            Some(Charset::Document) | None => self.out.byte(byte, self.document, self.group.aside),
        }
    }

    fn character(&mut self, c: char) {
        if self.is_fallback() || !self.group.is_text() {
            return;
        }
        self.high_surrogate = None;
        self.out.character(c, self.group.aside);
    }

    fn unicode(&mut self, number: i32) {
        self.group.to_skip = self.group.fallback.unwrap_or(1);
        if !self.group.is_text() {
            return;
        }
        // The number is a signed 16-bit word, so everything above U+7FFF is negative.
        let wrapped = if number < 0 { number.saturating_add(0x1_0000) } else { number };
        let Ok(unit) = u32::try_from(wrapped) else {
            return;
        };
        let high = self.high_surrogate.take();
        match unit {
            0xd800..=0xdbff => self.high_surrogate = Some(unit),
            0xdc00..=0xdfff => {
                let code = high.map(|high| 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
                if let Some(c) = code.and_then(char::from_u32) {
                    self.out.character(c, self.group.aside);
                }
            }
            unit => {
                if let Some(c) = char::from_u32(unit) {
                    self.out.character(c, self.group.aside);
                }
            }
        }
    }
}

fn hex_byte(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = rest.split_at_checked(2)?;
    let digits = std::str::from_utf8(digits).ok()?;
    // `from_str_radix` would take a sign.
    let sane = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = u8::from_str_radix(digits, 16).ok()?;
    sane.then_some((byte, rest))
}

/// The word as a constant; an empty one if it means nothing here.
fn known_word(letters: &[u8]) -> &'static str {
    const MEANT: &[&str] = &[
        "ansicpg",
        "bin",
        "bullet",
        "cell",
        "column",
        "cpg",
        "deff",
        "deleted",
        "emdash",
        "emspace",
        "endash",
        "enspace",
        "f",
        "fcharset",
        "fonttbl",
        "ldblquote",
        "line",
        "lquote",
        "mac",
        "nestcell",
        "nestrow",
        "page",
        "par",
        "plain",
        "qmspace",
        "rdblquote",
        "row",
        "rquote",
        "sect",
        "tab",
        "u",
        "uc",
        "upr",
        "v",
    ];
    [MEANT, ASIDE, SKIPPED, STARRED_TEXT]
        .into_iter()
        .flatten()
        .find(|word| word.as_bytes() == letters)
        .copied()
        .unwrap_or("")
}

#[cfg(test)]
mod tests;
