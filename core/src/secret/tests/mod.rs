//! Facts about the vault: its bytes, and what an engine does with them.

mod formats;
mod source;
mod vault;

use super::derive::{Kek, Key};

/// The master key whose bytes count up from `first`.
fn kek(first: u8) -> Kek {
    Kek::new(&counting(first)).unwrap()
}

fn counting(first: u8) -> Key {
    zeroize::Zeroizing::new(std::array::from_fn(|i| first.wrapping_add(u8::try_from(i).unwrap())))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
