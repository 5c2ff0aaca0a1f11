//! Finds names of several tokens in one walk.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::scanner::Gap;
use super::tokens::{Doc, index, offset_of};

/// Names over token ids; every name carries a `T`.
pub(super) struct Trie<T> {
    /// By node and word, see [`edge`].
    children: HashMap<u64, u32, BuildHasherDefault<EdgeHasher>>,
    /// Per node, the names that end there. Node 0 is the root.
    ends: Vec<Vec<T>>,
}

// A derive would ask for `T: Default`.
impl<T> Default for Trie<T> {
    fn default() -> Self {
        Self { children: HashMap::default(), ends: Vec::new() }
    }
}

impl<T> Trie<T> {
    /// Adds a name. Several names may end at one node.
    pub(super) fn insert(&mut self, ids: &[u32], end: T) {
        if self.ends.is_empty() {
            self.ends.push(Vec::new());
        }
        let mut node = 0;
        for id in ids {
            let fresh = offset_of(self.ends.len());
            node = *self.children.entry(edge(node, *id)).or_insert(fresh);
            if node == fresh {
                self.ends.push(Vec::new());
            }
        }
        if let Some(ends) = self.ends.get_mut(index(node)) {
            ends.push(end);
        }
    }

    /// Reports whether a name made of exactly these ids exists.
    pub(super) fn contains(&self, ids: &[u32]) -> bool {
        let mut node = 0;
        for id in ids {
            match self.children.get(&edge(node, *id)) {
                Some(next) => node = *next,
                None => return false,
            }
        }
        !self.ends_at(node).is_empty()
    }

    /// Calls `found` with token count and names for every name that begins at token `at`, the
    /// shortest first. A name stays on one line and reaches over no [`Gap::BREAKS`].
    ///
    /// Costs at most one lookup per token of the longest name.
    pub(super) fn walk<'s>(
        &'s self,
        doc: &Doc<'_>,
        at: usize,
        mut found: impl FnMut(usize, &'s [T]),
    ) {
        let Some(first) = doc.token(at) else { return };
        let mut node = 0;
        let mut id = first.id;
        let mut n_tokens = 0;
        while id != 0 {
            match self.children.get(&edge(node, id)) {
                Some(next) => node = *next,
                None => return,
            }
            n_tokens += 1;
            let ends = self.ends_at(node);
            if !ends.is_empty() {
                found(n_tokens, ends);
            }
            id = match doc.token(at + n_tokens) {
                Some(next) if next.line == first.line && !next.before.has_any(Gap::BREAKS) => {
                    next.id
                }
                _ => 0,
            };
        }
    }

    fn ends_at(&self, node: u32) -> &[T] {
        self.ends.get(index(node)).map_or(&[], Vec::as_slice)
    }
}

fn edge(node: u32, id: u32) -> u64 {
    u64::from(node) << 32 | u64::from(id)
}

/// One multiplication per edge: the walk looks up every known token of a text. Both halves of a key
/// are numbers that the tables count up, so no text can choose keys that collide.
#[derive(Default)]
struct EdgeHasher(u64);

impl Hasher for EdgeHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        // The golden ratio; the map reads the high bits and the low ones.
        let mixed = (self.0 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
