//! What changed: the change log read by revision, and followed live.
//!
//! Invariant: a reader that has seen revision N is never later shown a change at or below N that
//! it missed: revisions are taken under the user's row lock, in commit order.

mod store;

pub(crate) use store::{prune, statements};

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    engine::Engine,
    enums::{ChangeOp, EntityKind},
    error::{Error, Result, UnavailableKind},
};

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Its place in the owner's log.
    pub revision: i64,
    /// What changed.
    pub entity: EntityKind,
    /// Its id; a COACH_STATE carries its job's.
    pub id: Uuid,
    /// How.
    pub op: ChangeOp,
}

/// Changes, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeBatch {
    /// The changes.
    pub changes: Vec<Change>,
    /// Pass it as the next `since`.
    pub revision: i64,
    /// Whether more wait.
    pub has_more: bool,
    /// `since` is older than the log, or the reader fell behind: read everything again.
    pub resync: bool,
}

impl Engine {
    /// Returns the user's newest revision, 0 before the first write. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn revision(&self) -> Result<i64> {
        Ok(store::head(self).await?.rev)
    }

    /// Returns changes after `since`. Two statements.
    ///
    /// # Errors
    /// `Invalid` for a size outside 1 to [`crate::Limits::changes_page`] or a negative revision.
    pub async fn changes_since(
        &self,
        since: i64,
        first: u32,
        entities: &[EntityKind],
    ) -> Result<ChangeBatch> {
        let most = self.config().limits.changes_page;
        if !(1..=most).contains(&first) {
            return Err(Error::invalid(
                &["first"],
                "range",
                format!("must lie between 1 and {most}"),
            ));
        }
        if since < 0 {
            return Err(Error::invalid(&["since"], "range", "must not be negative"));
        }
        // One snapshot: what is cut off between two looks would be missed without a resync.
        let snapshot = self.newest().await?;
        let head = store::head_in(&snapshot).await?;
        // A revision from the future belongs to another database.
        if since < head.floor || since > head.rev {
            return Ok(ChangeBatch { revision: head.rev, resync: true, ..ChangeBatch::default() });
        }
        let entities = if entities.is_empty() { EntityKind::ALL } else { entities };
        let mut changes = store::after(&snapshot, since, head.rev, entities, first + 1).await?;
        let has_more = changes.len() > usize::try_from(first).unwrap_or(usize::MAX);
        if has_more {
            changes.pop();
        }
        let revision = match changes.last() {
            Some(last) if has_more => last.revision,
            _ => head.rev,
        };
        Ok(ChangeBatch { changes, revision, has_more, resync: false })
    }

    /// Follows changes after `since`, from now on when absent.
    pub fn subscribe(&self, since: Option<i64>, entities: &[EntityKind]) -> ChangeStream {
        ChangeStream {
            engine: self.clone(),
            entities: entities.to_vec(),
            seen: since,
            heard: self.shared.hub.listen(self.user_id()),
            last: None,
        }
    }
}

/// Changes as they happen: one entry per object and batch with its latest op, at most one batch
/// per [`crate::Limits::subscription_pace_ms`].
#[derive(Debug)]
pub struct ChangeStream {
    engine: Engine,
    entities: Vec<EntityKind>,
    /// The revision delivered up to; `None` until the stream has looked.
    seen: Option<i64>,
    heard: watch::Receiver<i64>,
    last: Option<Instant>,
}

impl ChangeStream {
    /// Fixes "from now on" at the present revision. [`Self::next`] does it by itself; a host that
    /// must not miss a write between subscribing and the first `next` calls it at once.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn start(&mut self) -> Result<i64> {
        match self.seen {
            Some(seen) => Ok(seen),
            None => {
                let rev = self.engine.revision().await?;
                self.seen = Some(rev);
                Ok(rev)
            }
        }
    }

    /// Waits for the next batch. A reader that fell behind by more than
    /// [`crate::Limits::subscription_events`] changes gets one batch with `resync` instead.
    ///
    /// # Errors
    /// `Unavailable` of kind CLOSED when the engine closes.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<ChangeBatch> {
        let limits = &self.engine.config().limits;
        let (pace, most) =
            (Duration::from_millis(limits.subscription_pace_ms), limits.subscription_events);
        loop {
            let seen = self.start().await?;
            if let Some(wait) = self.last.and_then(|last| pace.checked_sub(last.elapsed())) {
                tokio::time::sleep(wait).await;
            }
            self.heard.mark_unchanged();
            let mut batch = self.engine.changes_since(seen, most, &self.entities).await?;
            if batch.has_more {
                let revision = self.engine.revision().await?;
                batch = ChangeBatch { revision, resync: true, ..ChangeBatch::default() };
            }
            self.seen = Some(batch.revision);
            if batch.resync || !batch.changes.is_empty() {
                self.last = Some(Instant::now());
                coalesce(&mut batch.changes);
                return Ok(batch);
            }
            self.wait(batch.revision).await?;
        }
    }

    /// Waits until this process publishes a revision or, with a shared file, until another
    /// process may have written one.
    async fn wait(&mut self, seen: i64) -> Result<()> {
        let closed = || Error::unavailable(UnavailableKind::Closed, "follow changes");
        let Some(every) = self.engine.shared.store.watch_ms(self.engine.config()) else {
            return self.heard.changed().await.map_err(|_| closed());
        };
        let every = Duration::from_millis(every);
        loop {
            match tokio::time::timeout(every, self.heard.changed()).await {
                Ok(heard) => return heard.map_err(|_| closed()),
                Err(_elapsed) => {
                    if self.engine.revision().await? != seen {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Keeps the latest change of each object; what was created in the same batch stays created.
fn coalesce(changes: &mut Vec<Change>) {
    let mut first: HashMap<(EntityKind, Uuid), ChangeOp> = HashMap::new();
    let mut last: HashMap<(EntityKind, Uuid), i64> = HashMap::new();
    for change in changes.iter() {
        first.entry((change.entity, change.id)).or_insert(change.op);
        last.insert((change.entity, change.id), change.revision);
    }
    changes.retain_mut(|change| {
        let key = (change.entity, change.id);
        if last.get(&key) != Some(&change.revision) {
            return false;
        }
        if change.op == ChangeOp::Updated && first.get(&key) == Some(&ChangeOp::Created) {
            change.op = ChangeOp::Created;
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_per_object_with_its_latest_op() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let change = |revision, id, op| Change { revision, entity: EntityKind::Job, id, op };
        let mut changes = vec![
            change(1, a, ChangeOp::Created),
            change(2, b, ChangeOp::Updated),
            change(3, a, ChangeOp::Updated),
            change(4, b, ChangeOp::Deleted),
        ];

        coalesce(&mut changes);

        assert_eq!(changes, [change(3, a, ChangeOp::Created), change(4, b, ChangeOp::Deleted)]);
    }
}
