//! File names are text to show, never part of a path.

use unicode_normalization::UnicodeNormalization;

const BYTES: usize = 255;
/// Names that Windows takes for devices, with any extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Makes a name safe to show and to save under: NFC, separators and controls become `_`, outer
/// dots and spaces go, at most 255 bytes with the extension kept, never empty.
pub(super) fn clean(name: &str) -> String {
    let name: String =
        name.chars().take(4 * BYTES).nfc().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    let name = name.trim_matches(['.', ' ']);
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let name =
        if DEVICES.contains(&stem.trim_end()) { format!("_{name}") } else { name.to_owned() };
    if name.is_empty() {
        return String::from("file");
    }
    if name.len() <= BYTES {
        return name;
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 20 => (stem, format!(".{extension}")),
        _ => (name.as_str(), String::new()),
    };
    let room = stem.floor_char_boundary(BYTES - extension.len());
    format!("{}{extension}", stem.get(..room).unwrap_or_default())
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '/' | '\\' | ':' | '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{061C}'
        )
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_plain_ones() {
        for (given, shown) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\cv.pdf", "C__cv.pdf"),
            ("cv\u{202E}fdp.exe", "cv_fdp.exe"),
            ("a\nb\0.txt", "a_b_.txt"),
            (" .. ", "file"),
            ("", "file"),
            ("CON.txt", "_CON.txt"),
            ("résumé.pdf", "résumé.pdf"),
        ] {
            assert_eq!(clean(given), shown);
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = clean(&format!("{}.docx", "é".repeat(300)));
        assert!(name.len() <= BYTES && name.ends_with("é.docx"));
    }
}
