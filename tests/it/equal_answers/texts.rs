//! Texts and searches: everyday words, technical names, scripts, and what is hard on an index.

use proptest::{prelude::*, sample::select};

/// Words that most texts have and most searches look for.
const COMMON: &[&str] = &[
    "rust",
    "SQL",
    "Engineer",
    "C++",
    ".NET",
    "full-stack",
    "Zürich",
    "οδός",
    "日本語",
    "remote",
    "first",
    "lead",
];

/// Words that are rarer or harder.
const WORDS: &[&str] = &[
    "rust",
    "Rust",
    "sql",
    "Engineer",
    "acme",
    "lead",
    "senior",
    "remote",
    "first",
    "team",
    "a",
    "I",
    "C++",
    "c++",
    "C#",
    "F#",
    ".NET",
    "asp.net",
    "Node.js",
    "node.js.",
    "full-stack",
    "fullstack",
    "on-call",
    "it's",
    "v1.2.3",
    "a_b",
    "e-mail@host",
    "Zürich",
    "ZÜRICH",
    "naïve",
    "résumé",
    "re\u{301}sume\u{301}",
    "Ωmega",
    "ὈΔΥΣΣΕΎΣ",
    "οδός",
    "ΟΔΟΣ",
    "οδοσ",
    "İstanbul",
    "ılık",
    "straße",
    "STRASSE",
    "ẞ",
    "ſoft",
    "ﬁnance",
    "ｆｕｌｌ",
    "ǅ",
    "日本語",
    "東京",
    "한국어",
    "ไทย",
    "क्षि",
    "العربية",
    "Ꭰ",
    "ꭰ",
    "Ა",
    "ა",
    "𐐀",
    "𞤀",
    "🅰",
    "🅰x",
    "Ⓐ",
    "Ⅷ",
    "٣",
    "²",
    "½",
    "µ",
    "K",
    "ø",
    "łódź",
    "😀",
    "x\u{200d}y",
    "\u{301}",
    "!!!",
    "-",
    "\"",
    "owner:u1",
    "u1",
    "OR",
    "NOT",
    "NEAR",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyy",
    "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
];

/// A text of a document.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Plain(String),
    /// Its last words stand past the last position that a tsvector can name.
    Far(String),
    /// One word more often than a tsvector counts it.
    Often(String),
    /// More words than the index takes.
    Beyond(String),
    /// As many words, each of them as long as the index takes.
    Wide(String),
}

impl Text {
    pub(super) fn written(&self) -> String {
        let numbered = |count: u32| (0..count).map(|i| format!("f{i} ")).collect::<String>();
        match self {
            Self::Plain(text) => text.clone(),
            Self::Far(end) => format!("{}{end}", numbered(16_500)),
            Self::Often(end) => format!("{}{end}", "spam lead ".repeat(300)),
            Self::Beyond(end) => format!("{}{end}", numbered(20_000)),
            Self::Wide(end) => {
                let words = (0..20_000).map(|i| format!("w{i:063} "));
                words.collect::<String>() + end
            }
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        14 => select(COMMON).prop_map(str::to_owned),
        10 => select(WORDS).prop_map(str::to_owned),
        1 => "\\PC{1,6}",
        1 => "[\\p{L}\\p{N}]{1,5}",
    ]
}

/// Words with spaces between.
pub(super) fn words(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(word(), 1..=most).prop_map(|words| words.join(" "))
}

pub(super) fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        20 => words(12).prop_map(Text::Plain),
        2 => select(&["!!!", "...", "-- --", "\u{301}", "😀"][..]).prop_map(|text| Text::Plain(text.to_owned())),
        1 => words(4).prop_map(Text::Far),
        1 => words(4).prop_map(Text::Often),
        1 => words(4).prop_map(Text::Beyond),
        1 => words(4).prop_map(Text::Wide),
    ]
}

fn piece() -> impl Strategy<Value = String> {
    let fields = select(&["", "", "company:", "title:"][..]);
    prop_oneof![
        6 => word(),
        4 => (word(), 1..4_usize).prop_map(|(word, n)| word.chars().take(n).collect()),
        4 => (fields.clone(), words(2)).prop_map(|(field, words)| format!("{field}\"{words}\"")),
        2 => (fields, word()).prop_map(|(field, word)| format!("{field}{word}")),
        2 => word().prop_map(|word| format!("-{word}")),
        1 => words(2).prop_map(|words| format!("-\"{words}\"")),
        1 => select(&["spam", "spam spam", "\"spam lead\"", "\"lead spam\"", "f16400", "f19999", "\"f16498 f16499\"", "\"f1 f2\"", "f1"][..]).prop_map(str::to_owned),
        2 => select(&[
            "status:applied", "status:on-radar", "status:nowhere", "has:jd", "has:resume", "has:notes",
            "has:cover_letter", "is:stale", "is:archived", "after:2026-09-20", "before:2026-10-01",
            "after:yesterday",
        ][..]).prop_map(str::to_owned),
    ]
}

/// Something to search for.
pub(super) fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        10 => piece(),
        8 => (piece(), piece()).prop_map(|(a, b)| format!("{a} {b}")),
        4 => proptest::collection::vec(piece(), 3..5).prop_map(|pieces| pieces.join(" ")),
        1 => "\\PC{0,20}",
        1 => Just("many ".repeat(21)),
    ]
}
