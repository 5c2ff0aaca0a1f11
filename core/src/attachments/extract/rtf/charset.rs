//! Code pages of RTF and the encodings that read them.

use encoding_rs::*;

/// How the bytes of a font are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// As the whole document.
    Document,
    /// In an encoding of its own.
    Encoding(&'static Encoding),
    /// Pictures at code points, as in the fonts Symbol and Wingdings.
    Symbol,
}

/// The encoding of a Windows code page number, where there is one.
pub(super) fn by_code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        866 => IBM866,
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1252 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10000 => MACINTOSH,
        10007 => X_MAC_CYRILLIC,
        20866 => KOI8_R,
        21866 => KOI8_U,
        28592 => ISO_8859_2,
        28594 => ISO_8859_4,
        28595 => ISO_8859_5,
        28597 => ISO_8859_7,
        28605 => ISO_8859_15,
        51949 => EUC_KR,
        54936 => GB18030,
        65001 => UTF_8,
        _ => return None,
    })
}

/// What a font's `\fcharset` says about its bytes.
pub(super) fn by_font_charset(number: i32) -> Option<Charset> {
    Some(match number {
        0 => Charset::Encoding(WINDOWS_1252),
        1 => Charset::Document,
        2 => Charset::Symbol,
        77 => Charset::Encoding(MACINTOSH),
        78 | 128 => Charset::Encoding(SHIFT_JIS),
        79 | 129 | 130 => Charset::Encoding(EUC_KR),
        80 | 134 => Charset::Encoding(GBK),
        81 | 136 => Charset::Encoding(BIG5),
        161 => Charset::Encoding(WINDOWS_1253),
        162 => Charset::Encoding(WINDOWS_1254),
        163 => Charset::Encoding(WINDOWS_1258),
        177 | 181 => Charset::Encoding(WINDOWS_1255),
        178..=180 => Charset::Encoding(WINDOWS_1256),
        186 => Charset::Encoding(WINDOWS_1257),
        204 => Charset::Encoding(WINDOWS_1251),
        222 => Charset::Encoding(WINDOWS_874),
        238 => Charset::Encoding(WINDOWS_1250),
        _ => return None,
    })
}
