//! Single characters a PDF spells in its own way.

use unicode_normalization::UnicodeNormalization;

/// Appends `c` as a reader of text would write it: ligatures spelled out, presentation forms and
/// radicals as letters, invisible characters dropped.
///
/// Whole texts are never folded like this: ², ™ and ½ must stay.
pub(super) fn append(c: char, out: &mut String) {
    match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
        '\u{fb00}'..='\u{fb06}'
        | '\u{fb13}'..='\u{fb17}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}'
        | '\u{2f00}'..='\u{2fdf}'
        | '\u{f900}'..='\u{faff}' => out.extend(std::iter::once(c).nfkc()),
        '\u{2e80}'..='\u{2ef3}' => out.push(radical(c)),
        c => out.push(c),
    }
}

/// Fonts share one glyph between a character and the radical that looks the same, and some
/// producers record the radical. Most of this block has no decomposition in Unicode.
fn radical(c: char) -> char {
    match c {
        '⺟' => '母',
        '⻄' => '西',
        '⻅' => '见',
        '⻆' => '角',
        '⻉' => '贝',
        '⻋' => '车',
        '⻑' => '長',
        '⻓' => '长',
        '⻔' => '门',
        '⻗' => '雨',
        '⻘' => '青',
        '⻙' => '韦',
        '⻚' => '页',
        '⻛' => '风',
        '⻜' => '飞',
        '⻝' => '食',
        '⻢' => '马',
        '⻣' => '骨',
        '⻤' => '鬼',
        '⻥' => '鱼',
        '⻦' => '鸟',
        '⻧' => '卤',
        '⻨' => '麦',
        '⻩' => '黄',
        '⻪' => '黾',
        '⻬' => '齐',
        '⻮' => '齿',
        '⻰' => '龙',
        '⻳' => '龟',
        other => other,
    }
}

/// The combining mark a spacing accent stands for when it is drawn over a letter.
pub(super) fn combining_mark(accent: char) -> Option<char> {
    Some(match accent {
        '`' | '\u{2cb}' => '\u{300}',
        '´' | '\u{2ca}' => '\u{301}',
        '^' | 'ˆ' => '\u{302}',
        '~' | '˜' => '\u{303}',
        '¯' | '\u{2c9}' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' => '\u{30a}',
        '˝' => '\u{30b}',
        'ˇ' => '\u{30c}',
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        '\u{300}'..='\u{36f}' => accent,
        _ => return None,
    })
}

/// `letter` with `mark` over it; the dotless letters regain their dot, which the mark replaces.
pub(super) fn with_mark(letter: char, mark: char) -> String {
    let stroked = match (letter, mark) {
        ('L', '\u{337}' | '\u{338}') => Some('Ł'),
        ('l', '\u{337}' | '\u{338}') => Some('ł'),
        ('O', '\u{337}' | '\u{338}') => Some('Ø'),
        ('o', '\u{337}' | '\u{338}') => Some('ø'),
        _ => None,
    };
    if let Some(letter) = stroked {
        return letter.to_string();
    }
    let letter = match letter {
        'ı' => 'i',
        'ȷ' => 'j',
        other => other,
    };
    [letter, mark].into_iter().nfc().collect()
}

/// Reports whether `c` is written from right to left.
pub(super) fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && !matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

/// Reports whether `c` has a direction of its own, so that it ends a stretch of the other one.
pub(super) fn is_left_to_right(c: char) -> bool {
    c.is_alphabetic() && !is_right_to_left(c)
}
