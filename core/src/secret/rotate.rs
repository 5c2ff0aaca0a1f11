//! A new master key for everything that is sealed.
//!
//! The new key is on the disk before it seals anything, old keys stay where they are, and each
//! sealed value is rewritten on its own terms: what somebody set meanwhile wins. Killed at any
//! point, the next rotation goes on where this one stood.

use std::sync::Arc;

use serde::Serialize;

use super::{
    KeyFault,
    derive::{Kek, KekId},
    envelope,
    source::Source,
    store::{self, SealedTable},
    vault::{Ring, check_value, off_thread},
};
use crate::{
    db::Batch,
    engine::Engine,
    error::{Error, Result},
};

/// Sealed values rewritten in one batch.
const BATCH: u32 = 500;
/// Passes over all tables: another process may seal with an old key meanwhile.
const PASSES: usize = 3;

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationProgress {
    /// Sealed values that have the new key.
    pub done: u64,
    /// Sealed values that needed it when the rotation began.
    pub total: u64,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationReport {
    /// Id of the key that everything has now; `None` when nothing was ever sealed.
    pub current: Option<String>,
    /// Whether this rotation made that key. False when it went on with an earlier rotation, or
    /// when the operator gives the keys.
    pub made: bool,
    /// Values it rewrote.
    pub rewrapped: u64,
    /// Values that are damaged and were left as they are.
    pub damaged: u64,
    /// Values that still need an old key: damaged ones, and those that others sealed meanwhile.
    pub remaining: u64,
    /// Ids of keys of the source that seal nothing any more. They open earlier backups only, and
    /// may be removed from the source when no process has them as its current one.
    pub removable: Vec<String>,
}

impl Engine {
    /// Puts everything that is sealed under a new master key. In the data folder the key is made
    /// here and becomes the first line of `master.key`; where the operator gives the keys, the
    /// first of them is the new one. `progress` is called after every 500 values.
    ///
    /// # Errors
    /// `Unavailable` of kind KEY_UNAVAILABLE when a key is missing that something needs: nothing
    /// is changed then. What was rewritten before another error stays so.
    pub async fn rotate_keys(
        &self,
        mut progress: impl FnMut(RotationProgress) + Send,
    ) -> Result<RotationReport> {
        self.refuse_closed()?;
        let shared = &self.shared;
        if store::keks(&shared.store).await?.is_empty() {
            return Ok(RotationReport {
                current: None,
                made: false,
                rewrapped: 0,
                damaged: 0,
                remaining: 0,
                removable: Vec::new(),
            });
        }
        let ring = shared.vault.reread(shared).await?;
        let old = self.others(ring.current()?.id).await?;
        if let Some((kek_id, _)) = old.iter().find(|(id, _)| ring.find(*id).is_none()) {
            return Err(KeyFault::Missing { kek_id: *kek_id }.into());
        }
        let (ring, made) = if old.is_empty() { self.next(ring).await? } else { (ring, false) };
        let current = ring.current()?;
        let total = self.others(current.id).await?.iter().map(|(_, rows)| *rows).sum();
        let mut tally = Tally { rewrapped: 0, damaged: 0, total };
        let mut remaining = total;
        for _ in 0..PASSES {
            tally.damaged = 0;
            for table in SealedTable::ALL {
                self.rewrap(table, &ring, &mut tally, &mut progress).await?;
            }
            remaining = self.others(current.id).await?.iter().map(|(_, rows)| *rows).sum();
            if remaining <= tally.damaged {
                break;
            }
        }
        let removable = self.retire(&ring).await?;
        Ok(RotationReport {
            current: Some(current.id.to_string()),
            made,
            rewrapped: tally.rewrapped,
            damaged: tally.damaged,
            remaining,
            removable,
        })
    }

    /// Returns how many values other keys than `current` seal.
    async fn others(&self, current: KekId) -> Result<Vec<(KekId, u64)>> {
        let mut counts = store::sealed_counts(&self.shared.store).await?;
        counts.retain(|(id, rows)| *id != current && *rows > 0);
        Ok(counts)
    }

    /// Returns the keys with a new one before them, where keys are made here.
    async fn next(&self, ring: Ring) -> Result<(Ring, bool)> {
        let (vault, before) = (&self.shared.vault, ring.current()?.id);
        if !matches!(*vault.source, Source::Folder(_)) {
            return Ok((ring, false));
        }
        let source = Arc::clone(&vault.source);
        off_thread(move || source.add(before)).await?;
        // What is on the disk counts, also where another process was first.
        let ring = vault.reread(&self.shared).await?;
        let made = ring.current()?.id != before;
        Ok((ring, made))
    }

    /// Puts one table under the current key.
    async fn rewrap(
        &self,
        table: SealedTable,
        ring: &Ring,
        tally: &mut Tally,
        progress: &mut (impl FnMut(RotationProgress) + Send),
    ) -> Result<()> {
        let (store, current) = (&self.shared.store, ring.current()?);
        let mut after = None;
        loop {
            let page = table.page(store, after, BATCH).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key());
            let mut batch = Batch::system(self.now());
            for row in &page {
                match rewrapped(ring, current, row) {
                    Ok(None) => {}
                    Ok(Some(sealed)) => row.replace(&mut batch, table, &sealed),
                    Err(error) => {
                        tracing::warn!(error = %error.chain(), "left as it is");
                        tally.damaged = tally.damaged.saturating_add(1);
                    }
                }
            }
            let rows = batch.steps.len();
            if rows == 0 {
                continue;
            }
            store::count_wraps(&mut batch, current.id, &check_value(current)?, rows);
            let commit = store.commit(batch).await.map_err(Error::from)?;
            let written = commit.rows.iter().map(Vec::len).sum::<usize>();
            tally.rewrapped = tally.rewrapped.saturating_add(u64::try_from(written).unwrap_or(0));
            progress(RotationProgress { done: tally.rewrapped, total: tally.total });
        }
    }

    /// Notes which keys seal nothing any more, and returns those that the source still gives.
    async fn retire(&self, ring: &Ring) -> Result<Vec<String>> {
        let current = ring.current()?.id;
        let needed = self.others(current).await?;
        let idle = |id: &KekId| *id != current && !needed.iter().any(|(other, _)| other == id);
        let known = store::keks(&self.shared.store).await?;
        let mut batch = Batch::system(self.now());
        for row in known.iter().filter(|row| idle(&row.id)) {
            store::retire(&mut batch, row.id);
        }
        if !batch.steps.is_empty() {
            self.shared.store.commit(batch).await.map_err(Error::from)?;
        }
        Ok(ring.ids().filter(idle).map(|id| id.to_string()).collect())
    }
}

/// What was done so far.
struct Tally {
    rewrapped: u64,
    damaged: u64,
    total: u64,
}

/// Returns a value under the current key; `None` when it has that already.
fn rewrapped(ring: &Ring, current: &Kek, row: &store::SealedRow) -> Result<Option<Vec<u8>>> {
    let context = row.place.context();
    let id = envelope::kek_id(&row.sealed).ok_or_else(|| context.broken())?;
    if id == current.id {
        return Ok(None);
    }
    let old = ring.find(id).ok_or(KeyFault::Missing { kek_id: id })?;
    envelope::rewrap(old, current, context, &row.sealed).map(Some)
}
