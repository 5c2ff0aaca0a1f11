//! Windows code page 1252, which PDF calls WinAnsi and RTF calls `\ansicpg1252`.

/// The characters of 0x80 to 0x9F; five of these bytes have no meaning.
#[rustfmt::skip]
const HIGH: [Option<char>; 32] = [
    Some('€'), None, Some('‚'), Some('ƒ'), Some('„'), Some('…'), Some('†'), Some('‡'),
    Some('ˆ'), Some('‰'), Some('Š'), Some('‹'), Some('Œ'), None, Some('Ž'), None,
    None, Some('‘'), Some('’'), Some('“'), Some('”'), Some('•'), Some('–'), Some('—'),
    Some('˜'), Some('™'), Some('š'), Some('›'), Some('œ'), None, Some('ž'), Some('Ÿ'),
];

/// Returns the byte of a printable character, or `None` when the code page lacks it.
pub(super) fn byte_of(c: char) -> Option<u8> {
    match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).ok(),
        _ => {
            let place = HIGH.iter().position(|high| *high == Some(c))?;
            u8::try_from(place + 0x80).ok()
        }
    }
}
