//! Documents that were parsed, guarded and once executed, kept by the digest of their text.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::guard::Checked;

/// Documents kept.
const ENTRIES_MAX: usize = 1_000;

/// Memory they may take, as far as it is known.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a parsed document per byte of its text: names are shared, but each field is a node of
/// some 300 bytes and most fields are written in some 12.
const PARSED_FACTOR: usize = 25;

/// SHA-256 of a document's text.
pub(super) type DocumentHash = [u8; 32];

struct Entry {
    document: Arc<Checked>,
    bytes: usize,
    used: u64,
}

/// A cache that forgets what was used least recently.
#[derive(Default)]
pub(super) struct Documents {
    entries: HashMap<DocumentHash, Entry>,
    by_use: BTreeMap<u64, DocumentHash>,
    bytes: usize,
    clock: u64,
}

impl Documents {
    /// Returns a kept document.
    pub(super) fn get(&mut self, hash: &DocumentHash) -> Option<Arc<Checked>> {
        let entry = self.entries.get_mut(hash)?;
        self.clock += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.clock, *hash);
        entry.used = self.clock;
        Some(Arc::clone(&entry.document))
    }

    /// Keeps a document whose text has `text_bytes`.
    pub(super) fn insert(&mut self, hash: DocumentHash, document: Arc<Checked>, text_bytes: usize) {
        if self.entries.contains_key(&hash) {
            return;
        }
        self.clock += 1;
        let bytes = text_bytes.saturating_mul(PARSED_FACTOR);
        self.bytes = self.bytes.saturating_add(bytes);
        self.by_use.insert(self.clock, hash);
        self.entries.insert(hash, Entry { document, bytes, used: self.clock });
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(entry.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::Limits;

    use super::*;
    use crate::schema::guard;

    fn hash(n: usize) -> DocumentHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_be_bytes());
        hash
    }

    fn document() -> Arc<Checked> {
        Arc::new(guard::check("{ __typename }", &Limits::default()).unwrap())
    }

    #[test]
    fn the_least_recently_used_document_is_forgotten() {
        let (mut documents, document) = (Documents::default(), document());
        for n in 0..ENTRIES_MAX {
            documents.insert(hash(n), Arc::clone(&document), 1);
        }

        assert!(documents.get(&hash(0)).is_some());
        documents.insert(hash(ENTRIES_MAX), document, 1);

        assert!(documents.get(&hash(0)).is_some());
        assert!(documents.get(&hash(1)).is_none());
        assert_eq!(documents.entries.len(), ENTRIES_MAX);
        assert_eq!(documents.by_use.len(), ENTRIES_MAX);
    }

    #[test]
    fn large_documents_make_room_for_themselves() {
        let (mut documents, document) = (Documents::default(), document());
        let half = BYTES_MAX / PARSED_FACTOR / 2;

        for n in 0..3 {
            documents.insert(hash(n), Arc::clone(&document), half);
        }

        assert!(documents.get(&hash(0)).is_none());
        assert!(documents.bytes <= BYTES_MAX);
        assert_eq!(documents.entries.len(), 2);
    }

    #[test]
    fn the_same_document_is_kept_once() {
        let (mut documents, document) = (Documents::default(), document());

        documents.insert(hash(1), Arc::clone(&document), 10);
        documents.insert(hash(1), document, 10);

        assert_eq!(documents.bytes, 10 * PARSED_FACTOR);
    }
}
