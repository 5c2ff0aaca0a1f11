use hayro_interpret::hayro_cmap::BfString;

use super::super::normalize::RawText;
use super::super::testing::pdf::{Pdf, lines, pages, with_font};
use super::super::testing::random::Random;
use super::super::testing::{SENTENCE, words};
use super::super::{DocumentKind, ExtractError, ExtractLimits, Extracted, extract};
use super::layout::{Glyph, append_page, join_hyphens};

fn read(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(DocumentKind::Pdf, bytes, &ExtractLimits::default())
}

fn text_of(bytes: &[u8]) -> String {
    read(bytes).unwrap().text
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// Lays out characters half an em wide at the given places, on a font size of 10.
fn laid_out(placed: &[(&str, f64, f64)]) -> String {
    let glyphs = placed
        .iter()
        .map(|(text, x, y)| Glyph {
            text: BfString::String((*text).to_owned()),
            start: *x,
            end: x + 5.0,
            baseline: *y,
            em: 10.0,
            turn: 0,
        })
        .collect();
    let mut out = RawText::new(&ExtractLimits::default());
    append_page(glyphs, &mut out);
    out.into_string().trim_end().to_owned()
}

#[test]
fn pages_and_lines_are_read_in_content_order() {
    let first =
        lines(&["Mira Solberg", "Observatory software, Troms\\370", "caf\\351 \\226 na\\357ve"]);
    let second = lines(&["Second page"]);

    let found = read(&pages(&[&first, &second])).unwrap();

    assert_eq!(
        found.text,
        "Mira Solberg\nObservatory software, Tromsø\ncafé – naïve\n\nSecond page"
    );
    assert_eq!((found.page_count, found.truncated), (Some(2), false));
}

#[test]
fn words_placed_without_space_glyphs_are_parted() {
    let content =
        "BT /F1 10 Tf 72 700 Td [(Placed) -300 (by) -280 (offset) -4000 (only) 30 (kerned)] TJ ET";

    assert_eq!(text_of(&pages(&[content])), "Placed by offset\tonlykerned");
}

#[test]
fn columns_follow_each_other() {
    let content = "BT /F1 10 Tf 72 700 Td (left one) Tj 0 -12 Td (left two) Tj \
                   200 12 Td (right one) Tj 0 -12 Td (right two) Tj ET";

    assert_eq!(text_of(&pages(&[content])), "left one\nleft two\nright one\nright two");
}

#[test]
fn a_wide_step_down_leaves_a_blank_line() {
    let content = "BT /F1 10 Tf 72 700 Td (first paragraph) Tj 0 -40 Td (second one) Tj ET";

    assert_eq!(text_of(&pages(&[content])), "first paragraph\n\nsecond one");
}

#[test]
fn sideways_pages_read_along_their_own_baseline() {
    let content = "BT /F1 10 Tf 0 1 -1 0 300 72 Tm (Sideways words here) Tj 0 -12 Td (and a second line) Tj ET";

    assert_eq!(text_of(&pages(&[content])), "Sideways words here\nand a second line");
}

#[test]
fn text_printed_twice_counts_once() {
    let content = format!(
        "BT /F1 11 Tf 2 Tr 72 700 Td ({SENTENCE}) Tj 0 Tr 0 -14 Td (Bold) Tj 0.3 0 Td (Bold) Tj ET"
    );

    assert_eq!(text_of(&pages(&[&content])), format!("{SENTENCE}\nBold"));
}

#[test]
fn ligatures_are_spelled_out() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding \
                /BaseEncoding /WinAnsiEncoding /Differences [ 1 /fi /fl ] >> >>";
    let content = lines(&["A \\001rst work\\002ow, twice (2\\262)"]).replace("(2\\262)", "2\\262");

    assert_eq!(text_of(&with_font(font, &[&content])), "A first workflow, twice 2²");
}

#[test]
fn damaged_files_are_recovered() {
    let whole = pages(&[&lines(&[SENTENCE])]);
    let length = format!("/Length {}", lines(&[SENTENCE]).len());
    let startxref = whole.windows(9).rposition(|window| window == b"startxref").unwrap();

    let damages = [
        replaced(&whole, b"startxref\n", b"startxref\n9"),
        whole[..startxref].to_vec(),
        replaced(&whole, b"0000000", b"0000099"),
        replaced(&whole, length.as_bytes(), b"/Length 0"),
        replaced(&whole, length.as_bytes(), b"/Length 3"),
        replaced(&whole, length.as_bytes(), b"/Length 99999"),
        [b"junk before\n".as_slice(), &whole, b"\njunk after"].concat(),
    ];

    for (i, damaged) in damages.iter().enumerate() {
        assert_eq!(read(damaged).map(|found| found.text), Ok(SENTENCE.to_owned()), "damage {i}");
    }
}

#[test]
fn a_cut_file_gives_the_pages_before_the_cut() {
    let content = lines(&[SENTENCE]);
    let whole = pages(&[&content, &content]);
    let second_page = whole.windows(7).position(|window| window == b"7 0 obj").unwrap();

    assert_eq!(text_of(&whole[..second_page]), SENTENCE);
}

#[test]
fn garbage_and_a_file_without_pages_are_damaged() {
    assert_eq!(read(b"%PDF-1.7\n"), Err(ExtractError::Corrupt));
    assert_eq!(read(&[0xff; 4096]), Err(ExtractError::Corrupt));
    assert_eq!(read(b""), Err(ExtractError::Corrupt));

    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    pdf.object("<< /Type /Pages /Count 0 /Kids [] >>");
    assert_eq!(read(&pdf.build(catalogue)), Err(ExtractError::Corrupt));
}

#[test]
fn a_scan_is_empty() {
    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    pdf.object("<< /Type /Pages /Count 1 /Kids [ 3 0 R ] >>");
    pdf.object(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] /Contents 4 0 R \
         /Resources << /XObject << /I 5 0 R >> >> >>",
    );
    pdf.stream("", b"10 0 0 10 0 0 cm /I Do");
    let image = "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray";
    pdf.stream(image, &[0, 255, 255, 0]);

    assert_eq!(read(&pdf.build(catalogue)), Err(ExtractError::Empty));
}

#[test]
fn a_page_tree_that_loops_ends() {
    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    pdf.object("<< /Type /Pages /Count 9 /Kids [ 2 0 R 3 0 R 2 0 R ] >>");
    pdf.object(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>",
    );
    pdf.stream("", lines(&[SENTENCE]).as_bytes());
    pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");

    assert_eq!(text_of(&pdf.build(catalogue)), SENTENCE);
}

#[test]
fn a_file_that_needs_a_password_is_encrypted() {
    // Keys that the empty password does not open are what a reader sees of any password.
    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    pdf.object("<< /Type /Pages /Count 0 /Kids [] >>");
    let key = "5a".repeat(32);
    pdf.object(&format!("<< /Filter /Standard /V 1 /R 2 /P -4 /O <{key}> /U <{key}> >>"));
    pdf.trailer("/Encrypt 3 0 R /ID [ <0011> <0011> ]");

    assert_eq!(read(&pdf.build(catalogue)), Err(ExtractError::Encrypted));
}

#[test]
fn forms_that_draw_each_other_without_end_reach_a_limit() {
    // Ten uses of the next form, twelve forms deep.
    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    pdf.object("<< /Type /Pages /Count 1 /Kids [ 3 0 R ] >>");
    pdf.object(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] /Contents 4 0 R \
         /Resources << /XObject << /X 5 0 R >> >> >>",
    );
    pdf.stream("", b"/X Do");
    for i in 0..12 {
        let entries = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {} 0 R >> >>",
            6 + i
        );
        pdf.stream(&entries, "/X Do ".repeat(10).as_bytes());
    }
    pdf.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", b"0 0 1 1 re f");
    let limits = ExtractLimits { pdf_page_calls: 20_000, ..ExtractLimits::default() };

    let found = extract(DocumentKind::Pdf, &pdf.build(catalogue), &limits);

    assert_eq!(found, Err(ExtractError::TooComplex));
}

#[test]
fn pages_beyond_the_limit_are_left_out_and_marked() {
    let content = lines(&[SENTENCE]);
    let limits = ExtractLimits { pdf_pages: 2, ..ExtractLimits::default() };

    let found =
        extract(DocumentKind::Pdf, &pages(&[&content, &content, &content]), &limits).unwrap();

    assert_eq!((found.page_count, found.truncated), (Some(3), true));
    assert_eq!(words(&found.text).len(), 2 * words(SENTENCE).len());
}

#[test]
fn too_many_objects_are_refused() {
    let limits = ExtractLimits { pdf_objects: 4, ..ExtractLimits::default() };

    let found = extract(DocumentKind::Pdf, &pages(&[&lines(&[SENTENCE])]), &limits);

    assert_eq!(found, Err(ExtractError::TooComplex));
}

#[test]
fn loose_accents_join_their_letter() {
    assert_eq!(
        laid_out(&[("M", 0.0, 0.0), ("¨", 5.0, 0.0), ("u", 5.2, 0.0), ("l", 10.0, 0.0)]),
        "Mül"
    );
    assert_eq!(laid_out(&[("c", 0.0, 0.0), ("¸", 0.3, 0.0), ("a", 5.0, 0.0)]), "ça");
    assert_eq!(laid_out(&[("´", 0.0, 0.0), ("ı", 0.0, 0.0)]), "í");
    assert_eq!(laid_out(&[("\u{337}", 0.0, 0.0), ("L", 0.5, 0.0), ("o", 5.0, 0.0)]), "Ło");
    assert_eq!(laid_out(&[("a", 0.0, 0.0), ("~", 5.0, 0.0), ("b", 10.0, 0.0)]), "a~b");
}

#[test]
fn right_to_left_words_drawn_left_to_right_are_turned() {
    let visual = [("د", 0.0, 0.0), ("م", 5.0, 0.0), ("ح", 10.0, 0.0), ("أ", 15.0, 0.0)];
    assert_eq!(laid_out(&visual), "أحمد");

    let logical = [("أ", 15.0, 0.0), ("ح", 10.0, 0.0), ("م", 5.0, 0.0), ("د", 0.0, 0.0)];
    assert_eq!(laid_out(&logical), "أحمد");

    let mixed =
        [("A", 0.0, 0.0), ("ب", 8.0, 0.0), ("1", 13.0, 0.0), ("2", 18.0, 0.0), ("أ", 23.0, 0.0)];
    assert_eq!(laid_out(&mixed), "A أ12ب");
}

#[test]
fn exponents_stay_in_their_line() {
    assert_eq!(laid_out(&[("m", 0.0, 0.0), ("2", 5.0, 3.5), ("x", 10.0, 0.0)]), "m2x");
}

#[test]
fn presentation_forms_and_radicals_become_letters() {
    assert_eq!(laid_out(&[("ﬃ", 0.0, 0.0), ("™", 5.0, 0.0), ("\u{ad}", 10.0, 0.0)]), "ffi™");
    assert_eq!(laid_out(&[("⻓", 0.0, 0.0), ("⼯", 5.0, 0.0), ("ﻻ", 20.0, 0.0)]), "长工\u{20}لا");
}

#[test]
fn divided_words_join_only_where_the_whole_word_is_known() {
    assert_eq!(join_hyphens("observ-\natory and observatory"), "observatory and observatory");
    assert_eq!(join_hyphens("a fault-\ntolerant design"), "a fault-tolerant design");
    assert_eq!(join_hyphens("2019-\n2021\nA-\nB"), "2019-\n2021\nA-\nB");
    assert_eq!(join_hyphens("one-\n\ntwo"), "one-\n\ntwo");
}

#[test]
fn any_positions_are_laid_out() {
    let mut random = Random::seeded(11);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1e300, 1e300, 5.0, 7.5];
    let texts = ["a", "´", "ب", " ", "", "ffi", "-", "1"];
    for _ in 0..2_000 {
        let glyphs: Vec<Glyph> = (0..random.below(40))
            .map(|_| Glyph {
                text: BfString::String(texts[random.below(8)].to_owned()),
                start: odd[random.below(8)],
                end: odd[random.below(8)],
                baseline: odd[random.below(8)],
                em: [1.0, 1e-300, 1e300][random.below(3)],
                turn: u8::try_from(random.below(4)).unwrap(),
            })
            .collect();
        let n_letters =
            glyphs.iter().filter(|glyph| glyph.text == BfString::String("a".into())).count();
        let mut out = RawText::new(&ExtractLimits::default());

        append_page(glyphs, &mut out);

        // Letters may have gained an accent, and none is lost.
        let found = out.as_str().chars().filter(|c| matches!(c, 'a' | 'á')).count();
        assert_eq!(found, n_letters);
    }
}
