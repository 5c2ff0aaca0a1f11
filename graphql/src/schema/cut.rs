//! Pages of lists that are loaded whole: a job's files and its history.
//!
//! Cursor format 1, base64url without padding: version (1 byte), place in the list's order (two
//! 8-byte integers, big-endian), id (16 bytes), head of the SHA-256 over list and filter (8 bytes).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jotrack_core::{self as core, Error, JobId};
use sha2::{Digest, Sha256};

use super::{connection::PageInfo, error::Result, loaders::AttachmentsKey};

/// A row of a list that is loaded whole: where it stands in the list's order, and its id.
pub(super) trait Listed {
    /// Returns the place, ascending, and the id.
    fn place(&self) -> ([i64; 2], [u8; 16]);
}

impl Listed for core::Attachment {
    fn place(&self) -> ([i64; 2], [u8; 16]) {
        ([i64::from(self.kind.number()), -self.version], *self.id.as_uuid().as_bytes())
    }
}

impl Listed for core::StatusChange {
    fn place(&self) -> ([i64; 2], [u8; 16]) {
        ([-self.at.as_ms(), 0], *self.id.as_uuid().as_bytes())
    }
}

/// Version of the cursor format.
const CURSOR_VERSION: u8 = 1;

/// Which list, so that a cursor of one is refused by another.
#[derive(Debug, Clone)]
pub(super) enum List {
    Attachments(AttachmentsKey),
    History(JobId),
}

impl List {
    /// Made only where a cursor is read or written: most pages need none.
    fn digest(&self) -> [u8; 8] {
        let name = match self {
            Self::Attachments(AttachmentsKey { job, kinds, include_trashed }) => {
                format!("attachments {job} {kinds:?} {include_trashed}")
            }
            Self::History(job) => format!("history {job}"),
        };
        Sha256::digest(name).first_chunk().copied().unwrap_or_default()
    }
}

/// One page of a list that is loaded whole.
pub(super) struct Cut<T> {
    rows: Arc<[Arc<T>]>,
    start: usize,
    end: usize,
    list: List,
}

impl<T: Listed> Cut<T> {
    pub(super) fn new(
        rows: Arc<[Arc<T>]>,
        list: List,
        first: u32,
        after: Option<&str>,
    ) -> Result<Self> {
        let start = match after {
            None => 0,
            Some(cursor) => {
                let (place, id) = decode(cursor, list.digest()).ok_or_else(|| {
                    Error::invalid(&["after"], "format", "not a cursor of this list")
                })?;
                // The row may be gone: its place still tells where the list goes on.
                match rows.iter().position(|row| row.place().1 == id) {
                    Some(position) => position + 1,
                    None => rows.partition_point(|row| row.place().0 <= place),
                }
            }
        };
        let rows_max = usize::try_from(first).unwrap_or(usize::MAX);
        let end = start.saturating_add(rows_max).min(rows.len());
        Ok(Self { rows, start, end, list })
    }

    pub(super) fn page(&self) -> &[Arc<T>] {
        self.rows.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the rows of the page with their cursors.
    pub(super) fn edges<E>(&self, edge: impl Fn(String, &Arc<T>) -> E) -> Vec<E> {
        let list = self.list.digest();
        self.page().iter().map(|row| edge(encode(row.as_ref(), list), row)).collect()
    }

    /// Returns how many rows the whole list has.
    pub(super) fn total(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn page_info(&self) -> PageInfo {
        let (page, list) = (self.page(), self.list.digest());
        PageInfo {
            has_next_page: self.end < self.rows.len(),
            has_previous_page: self.start > 0,
            start_cursor: page.first().map(|row| encode(row.as_ref(), list)),
            end_cursor: page.last().map(|row| encode(row.as_ref(), list)),
        }
    }
}

fn encode(row: &impl Listed, list: [u8; 8]) -> String {
    let ([major, minor], id) = row.place();
    let mut bytes = Vec::with_capacity(41);
    bytes.push(CURSOR_VERSION);
    bytes.extend(major.to_be_bytes());
    bytes.extend(minor.to_be_bytes());
    bytes.extend(id);
    bytes.extend(list);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(cursor: &str, list: [u8; 8]) -> Option<([i64; 2], [u8; 16])> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (major, rest) = rest.split_first_chunk::<8>()?;
    let (minor, rest) = rest.split_first_chunk::<8>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    (*version == CURSOR_VERSION && rest == list)
        .then(|| ([i64::from_be_bytes(*major), i64::from_be_bytes(*minor)], *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(i64, u8);

    impl Listed for Row {
        fn place(&self) -> ([i64; 2], [u8; 16]) {
            ([self.0, 0], [self.1; 16])
        }
    }

    fn rows(places: &[i64]) -> Arc<[Arc<Row>]> {
        let row = |(id, place): (usize, &i64)| Arc::new(Row(*place, u8::try_from(id).unwrap()));
        places.iter().enumerate().map(row).collect()
    }

    fn list(n: i64) -> List {
        List::History(JobId::from_node_id(&format!("job_{n:032x}")).unwrap())
    }

    fn ids(cut: &Cut<Row>) -> Vec<u8> {
        cut.page().iter().map(|row| row.1).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all = rows(&[1, 2, 2, 3, 4]);

        let one = Cut::new(Arc::clone(&all), list(1), 2, None).ok().unwrap();
        let end = one.page_info().end_cursor.unwrap();
        let two = Cut::new(Arc::clone(&all), list(1), 2, Some(&end)).ok().unwrap();
        let end = two.page_info().end_cursor.unwrap();
        let three = Cut::new(all, list(1), 2, Some(&end)).ok().unwrap();

        assert_eq!([ids(&one), ids(&two), ids(&three)], [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(two.page_info().has_next_page && two.page_info().has_previous_page);
        assert!(!three.page_info().has_next_page);
    }

    #[test]
    fn a_cursor_whose_row_is_gone_goes_on_at_its_place() {
        let before = Cut::new(rows(&[1, 2, 3]), list(1), 2, None).ok().unwrap();
        let cursor = encode(&Row(2, 99), before.list.digest());

        let after = Cut::new(rows(&[1, 3]), list(1), 2, Some(&cursor)).ok().unwrap();

        assert_eq!(ids(&after), [1]);
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cut = Cut::new(rows(&[1]), list(1), 1, None).ok().unwrap();
        let cursor = cut.page_info().end_cursor.unwrap();

        for cursor in [cursor.as_str(), "", "%%%", "AAAA"] {
            assert!(Cut::new(rows(&[1]), list(2), 1, Some(cursor)).is_err());
        }
    }

    #[test]
    fn an_empty_page_has_no_cursors() {
        let cut = Cut::<Row>::new(rows(&[]), list(1), 1, None).ok().unwrap();

        assert_eq!(cut.page_info().end_cursor, None);
        assert!(!cut.page_info().has_next_page);
    }
}
