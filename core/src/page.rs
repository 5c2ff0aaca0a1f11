//! Pages by keyset: a cursor names a place in an order, never a count of rows to skip.
//!
//! Cursor format 1, base64url without padding: version (1 byte), tag (8 bytes), group (1 byte),
//! kind (0 number, 1 text), id (16 bytes), sort value (8 bytes big-endian, or UTF-8). The tag is
//! the head of the SHA-256 over filter and order, so that a cursor fits one list only.

use std::hash::{Hash, Hasher};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{Error, Result};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 27;
/// Longer text cannot be a cursor of ours: titles and names have at most 200 characters.
const CURSOR_CHARS: usize = 4096;

/// Which page of a list is wanted: `first` with `after`, or `last` with `before`, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows from the start, or after `after`.
    pub first: Option<u32>,
    /// A cursor of an earlier page of the same list.
    pub after: Option<String>,
    /// How many rows before the end, or before `before`.
    pub last: Option<u32>,
    /// A cursor of an earlier page of the same list.
    pub before: Option<String>,
}

impl PageRequest {
    /// The first `n` rows.
    pub fn first(n: u32) -> Self {
        Self { first: Some(n), ..Self::default() }
    }

    /// The `n` rows after a cursor.
    pub fn after(n: u32, cursor: impl Into<String>) -> Self {
        Self { first: Some(n), after: Some(cursor.into()), ..Self::default() }
    }
}

/// A checked request.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) rows: u32,
    pub(crate) backwards: bool,
    pub(crate) from: Option<Spot>,
}

/// A place in an order: sort value and id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) value: SortValue,
    pub(crate) id: Uuid,
}

/// What rows are sorted by.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum SortValue {
    /// Times.
    Number(i64),
    /// Names.
    Text(String),
}

/// A place in a list that may have several groups, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spot {
    pub(crate) group: u8,
    pub(crate) place: Place,
}

/// Rows of one list, with the way to the next ones.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in list order.
    pub items: Vec<T>,
    /// Whether there may be rows after these. Under a filter without an index a page may be short
    /// although this is true.
    pub has_next: bool,
    /// Whether there may be rows before these.
    pub has_previous: bool,
    spots: Vec<Spot>,
    start: Option<Spot>,
    end: Option<Spot>,
    tag: [u8; 8],
}

impl<T> Page<T> {
    pub(crate) fn new(
        items: Vec<T>,
        spots: Vec<Spot>,
        tag: [u8; 8],
        has_next: bool,
        has_previous: bool,
    ) -> Self {
        let (start, end) = (spots.first().cloned(), spots.last().cloned());
        Self { items, has_next, has_previous, spots, start, end, tag }
    }

    /// Moves the end to a row that was looked at but did not match.
    pub(crate) fn ends_at(&mut self, spot: Spot, backwards: bool) {
        if backwards {
            self.start = Some(spot);
        } else {
            self.end = Some(spot);
        }
    }

    /// Returns the cursor of the row at `i`; empty for a row that is not there.
    pub fn cursor(&self, i: usize) -> String {
        self.spots.get(i).map(|spot| encode(spot, self.tag)).unwrap_or_default()
    }

    /// Returns the cursor to go backwards from.
    pub fn start_cursor(&self) -> Option<String> {
        self.start.as_ref().map(|spot| encode(spot, self.tag))
    }

    /// Returns the cursor to go on from.
    pub fn end_cursor(&self) -> Option<String> {
        self.end.as_ref().map(|spot| encode(spot, self.tag))
    }
}

/// Returns the tag of a list: whatever picks and orders its rows, hashed by its own derive so that
/// no field is forgotten.
pub(crate) fn tag(list: &impl Hash) -> [u8; 8] {
    let mut feed = Feed(Sha256::new());
    list.hash(&mut feed);
    let digest: [u8; 32] = feed.0.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// Hands what a derived `Hash` writes to SHA-256: cheaper than a text form, and every list of an
/// engine asks for it.
struct Feed(Sha256);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        u64::from_be_bytes(self.0.clone().finalize().first_chunk().copied().unwrap_or_default())
    }
}

/// Checks a request against the limits and reads its cursor.
pub(crate) fn check(
    request: &PageRequest,
    tag: [u8; 8],
    default: u32,
    most: u32,
) -> Result<Wanted> {
    let PageRequest { first, after, last, before } = request;
    let both = |path, why: &str| Err(Error::invalid(&[path], "range", why));
    if first.is_some() && last.is_some() {
        return both("last", "give either first or last");
    }
    if after.is_some() && before.is_some() {
        return both("before", "give either after or before");
    }
    let backwards = last.is_some() || (before.is_some() && first.is_none());
    if (backwards && after.is_some()) || (!backwards && before.is_some()) {
        return both("before", "first goes with after, last with before");
    }
    let (path, rows) = if backwards { ("last", last) } else { ("first", first) };
    let rows = rows.unwrap_or(default);
    if !(1..=most).contains(&rows) {
        return both(path, &format!("must lie between 1 and {most}"));
    }
    let (path, cursor) = if backwards { ("before", before) } else { ("after", after) };
    let from = match cursor {
        None => None,
        Some(text) => Some(decode(text, tag).ok_or_else(|| {
            Error::invalid(&[path], "format", "is not a cursor of this list with this filter")
        })?),
    };
    Ok(Wanted { rows, backwards, from })
}

fn encode(spot: &Spot, tag: [u8; 8]) -> String {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + 8);
    bytes.push(VERSION);
    bytes.extend_from_slice(&tag);
    bytes.push(spot.group);
    bytes.push(match spot.place.value {
        SortValue::Number(_) => 0,
        SortValue::Text(_) => 1,
    });
    bytes.extend_from_slice(spot.place.id.as_bytes());
    match &spot.place.value {
        SortValue::Number(number) => bytes.extend_from_slice(&number.to_be_bytes()),
        SortValue::Text(text) => bytes.extend_from_slice(text.as_bytes()),
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str, tag: [u8; 8]) -> Option<Spot> {
    if text.len() > CURSOR_CHARS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (head, value) = bytes.split_at_checked(HEAD_BYTES)?;
    let (&version, rest) = head.split_first()?;
    let (own, rest) = rest.split_at_checked(8)?;
    let (&group, rest) = rest.split_first()?;
    let (&kind, id) = rest.split_first()?;
    if version != VERSION || own != tag {
        return None;
    }
    let value = match kind {
        0 => SortValue::Number(i64::from_be_bytes(value.try_into().ok()?)),
        1 => SortValue::Text(std::str::from_utf8(value).ok()?.to_owned()),
        _ => return None,
    };
    Some(Spot { group, place: Place { value, id: Uuid::from_slice(id).ok()? } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spot(value: SortValue) -> Spot {
        Spot { group: 3, place: Place { value, id: Uuid::from_u128(7) } }
    }

    proptest! {
        #[test]
        fn cursors_round_trip(number: i64, text in ".{0,40}") {
            for value in [SortValue::Number(number), SortValue::Text(text.clone())] {
                let tag = tag(&"list");
                prop_assert_eq!(decode(&encode(&spot(value.clone()), tag), tag), Some(spot(value)));
            }
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in ".{0,80}") {
            prop_assert_eq!(decode(&text, tag(&"a")), None);
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = encode(&spot(SortValue::Number(1)), tag(&"one"));
        let request = PageRequest::after(10, cursor);

        assert!(check(&request, tag(&"two"), 20, 100).is_err());
        assert!(check(&request, tag(&"one"), 20, 100).is_ok());
    }

    #[test]
    fn sizes_outside_the_limit_are_refused_not_clamped() {
        for first in [0, 101, u32::MAX] {
            assert!(check(&PageRequest::first(first), tag(&"x"), 20, 100).is_err(), "{first}");
        }
    }
}
