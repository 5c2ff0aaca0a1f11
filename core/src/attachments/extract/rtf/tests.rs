use super::super::testing::SENTENCE;
use super::super::{DocumentKind, ExtractError, ExtractLimits, Extracted, extract};

fn read(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(DocumentKind::Rtf, bytes, &ExtractLimits::default())
}

fn text_of(rtf: &str) -> String {
    read(rtf.as_bytes()).unwrap().text
}

/// A whole file around `inner`; the sentence keeps it from counting as empty.
fn body(inner: &str) -> String {
    let text = text_of(&format!("{{\\rtf1\\ansi\\ansicpg1252 {SENTENCE}\\par {inner}}}"));
    text.strip_prefix(SENTENCE).unwrap().trim_start_matches('\n').to_owned()
}

#[test]
fn the_code_page_of_the_document_reads_its_bytes() {
    assert_eq!(body(r"r\'e9sum\'e9 \'96 na\'efve"), "résumé – naïve");
    let text = text_of(&format!(r"{{\rtf1\ansi\ansicpg1250 {SENTENCE}\par \'a3\'f3d\'9f}}"));
    assert!(text.ends_with("Łódź"), "{text}");
}

#[test]
fn the_font_overrides_the_code_page_until_plain() {
    let rtf = format!(
        r"{{\rtf1\ansi\ansicpg1252\deff0{{\fonttbl{{\f0\fcharset0 Arial;}}{{\f1\fcharset204 Arial Cyr;}}{{\f2\fcharset128 MS Gothic;}}}}{SENTENCE}\par \f1 \'cc\'e8\'f0\'e0\plain  \'e9 {{\f2 \'83\'67\'83\'89}}\'e9}}"
    );

    assert!(text_of(&rtf).ends_with("Мира é トラé"), "{}", text_of(&rtf));
}

#[test]
fn unicode_escapes_replace_their_fallback() {
    assert_eq!(body(r"\u8212-\u8211 -x"), "—–x");
    assert_eq!(body(r"{\uc2\u26085 \'93\'fa}\u-3914?y"), "日y");
    assert_eq!(body(r"{\uc0\u322}\u322 l"), "łł");
    assert_eq!(body(r"\u-10179?\u-8704?"), "😀");
    assert_eq!(body(r"{\uc1\u233{e}}z"), "éez");
    assert_eq!(body(r"\u233\'e9\u99999999999999 x ok"), "é ok");
}

#[test]
fn destinations_without_text_are_skipped() {
    let inner = concat!(
        r"{\info{\title Hidden title}}{\stylesheet{\s0 Normal;}}{\colortbl;\red0;}",
        r"{\*\generator Writer;}{\*\unknown words}{\pict\pngblip 89504e47}",
        r"{\field{\*\fldinst HYPERLINK x}{\fldrslt linked}}{\listtext 1.\tab}",
        r"{\*\shppict{\pict 00}}{\nonshppict words}{\*\bkmkstart a}{\bkmkend a}",
    );

    assert_eq!(body(inner), "linked");
}

#[test]
fn text_boxes_and_the_unicode_half_of_a_pair_are_kept() {
    let shape = concat!(
        r"{\shp{\*\shpinst\shpleft1{\sp{\sn shapeType}{\sv 202}}{\shptxt Boxed\par}}",
        r"{\shprslt{\*\do Boxed\par}}}",
    );
    assert_eq!(body(shape), "Boxed");
    assert_eq!(body(r"{\upr{ansi}{\*\ud{\uc0\u322 \u243}}}"), "łó");
}

#[test]
fn hidden_and_deleted_text_is_skipped_until_switched_off() {
    assert_eq!(
        body(r"a{\v secret}b\v secret\v0 c{\deleted gone}d\deleted gone\deleted0 e"),
        "abcde"
    );
}

#[test]
fn breaks_tabs_and_symbols_become_text() {
    assert_eq!(
        body(r"a\tab b\cell c\row d\line \bullet\~e\_f\-g \{h\} \\ \emdash\rquote"),
        "a\tb\tc\nd\n•\u{a0}e-fg {h} \\ —’"
    );
    assert_eq!(body("one\\\ntwo"), "one\ntwo");
    let symbols = r"{\fonttbl{\f9\fcharset2 Symbol;}}{\f9 \'b7}\tab item";
    assert_eq!(body(symbols), "•\titem");
    assert_eq!(body(r"\u-3913\'b7 item"), "• item");
}

#[test]
fn headers_and_notes_follow_the_body_once() {
    let inner = concat!(
        r"{\header Mira S.\par}{\headerf Mira S.\par}The{\footnote A note.\par} end",
        r"{\footer Page\par}",
    );

    assert_eq!(body(inner), "The end\nMira S.\nA note.\nPage");
}

#[test]
fn binary_data_is_stepped_over_and_clamped() {
    assert_eq!(body(r"a{\bin3 }}}b}c"), "abc");
    assert_eq!(body(r"tail\bin99999999999 lost"), "tail");
}

#[test]
fn groups_nest_to_a_limit() {
    let nested = |n: usize| format!("{{\\rtf1 {}{SENTENCE}{}}}", "{".repeat(n), "}".repeat(n));
    assert_eq!(text_of(&nested(200)), SENTENCE);
    assert_eq!(read(nested(256).as_bytes()), Err(ExtractError::TooComplex));
    assert_eq!(read(nested(1_000_000).as_bytes()), Err(ExtractError::TooComplex));
}

#[test]
fn a_cut_file_gives_what_was_read() {
    let text = text_of(&format!("{{\\rtf1 {SENTENCE}\\par {{\\b half a wo"));
    assert_eq!(text, format!("{SENTENCE}\nhalf a wo"));
    let ends = ["\\", "\\u", "\\'", "\\'e", "\\u-", "{", "\\bin", "\\*"];
    for end in ends {
        assert_eq!(text_of(&format!("{{\\rtf1 {SENTENCE}{end}")), SENTENCE);
    }
}

#[test]
fn text_after_the_document_is_not_part_of_it() {
    assert_eq!(text_of(&format!("{{\\rtf1 {SENTENCE}}} {{more}} }}")), SENTENCE);
}

#[test]
fn other_bytes_are_damaged_and_no_text_is_empty() {
    assert_eq!(read(SENTENCE.as_bytes()), Err(ExtractError::Corrupt));
    assert_eq!(read(b"{\\rtf1\\par}"), Err(ExtractError::Empty));
}
