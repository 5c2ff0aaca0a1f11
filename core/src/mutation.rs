//! The one way to write: a mutation is worked out on a snapshot, then written in one batch.

use std::{future::Future, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    db::{Batch, Commit, Miss, Rejected},
    engine::{Engine, Snapshot},
    error::{Error, Result},
    idempotency::{Guarded, Key},
    jobs::{Job, store::read_model},
    position::Position,
};

/// How a mutation is to be done.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Write only if the object still has this version.
    pub expected_version: Option<i64>,
    /// The same key with the same input gives the first answer again, for 24 hours.
    pub idempotency_key: Option<String>,
}

/// What a mutation did.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<T> {
    /// Ids of what it touched.
    pub value: T,
    /// The jobs it changed, as it left them, in no order. None that it removed, none when nothing
    /// was written or an earlier answer is given again, and none where only a text changed.
    pub jobs: Vec<Job>,
    /// Revision of the commit; `None` when there was nothing to change.
    pub revision: Option<i64>,
    /// What a reader passes to [`Engine::after`] to see the write on any replica; `None` where
    /// every reader sees it anyway.
    pub position: Option<Position>,
    /// True when an idempotency key gave an earlier answer again.
    pub replayed: bool,
}

/// A mutation worked out on a snapshot, not yet written. Working it out changes nothing: its
/// idempotency key may turn out to be known.
pub(crate) struct Plan<T> {
    value: T,
    batch: Option<Batch>,
    before: Option<Before>,
}

/// What is done outside the database, first.
type Before = Box<dyn FnOnce() -> Result<()> + Send>;

impl<T> Plan<T> {
    /// A mutation that writes `batch`.
    pub(crate) fn write(value: T, batch: Batch) -> Self {
        Self { value, batch: Some(batch), before: None }
    }

    /// A mutation that finds everything as it should be.
    pub(crate) fn nothing(value: T) -> Self {
        Self { value, batch: None, before: None }
    }

    /// Adds what must be done before the batch is written.
    pub(crate) fn after(self, before: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self { before: Some(Box::new(before)), ..self }
    }
}

/// Runs a read that only some calls need, among others that are under way; nothing stands for it
/// where it is not wanted.
pub(crate) async fn when<T: Default>(
    wanted: bool,
    read: impl Future<Output = Result<T>>,
) -> Result<T> {
    if wanted { read.await } else { Ok(T::default()) }
}

impl Engine {
    /// Runs a mutation: gives the stored answer for a known idempotency key, else works the
    /// mutation out on a snapshot and commits it, from the start again when another writer was
    /// first. `args` is everything the caller asked for; its digest tells a replay from a misuse.
    ///
    /// A `plan` that reads all it needs at once costs one round trip, the batch the other.
    pub(crate) async fn mutate<T, P>(
        &self,
        mutation: &'static str,
        options: &WriteOptions,
        args: &(impl Serialize + Sync),
        plan: impl Fn(Arc<Snapshot>) -> P + Sync,
    ) -> Result<Written<T>>
    where
        T: Serialize + DeserializeOwned,
        P: Future<Output = Result<Plan<T>>>,
    {
        let key = Key::new(self, mutation, options, args)?;
        let retries = self.shared.config.limits.conflict_retries;
        for attempt in 0.. {
            let snapshot = Arc::new(self.newest().await?);
            let Plan { value, batch, before } = match &key {
                None => plan(snapshot).await?,
                Some(key) => {
                    // Neither is given up for the other's sake: a statement that is left in the
                    // middle costs its connection.
                    let known = key.find(&snapshot);
                    let (known, plan) = tokio::join!(known, plan(Arc::clone(&snapshot)));
                    // Whoever holds a connection and waits for another may wait for ever.
                    drop(snapshot);
                    if let Guarded::Replay { value, revision } = known? {
                        // Perhaps another process wrote it.
                        self.shared.store.saw(self.user_id()).await?;
                        let revision = revision.filter(|revision| *revision > 0);
                        return Ok(Written { revision, replayed: true, ..self.unwritten(value) });
                    }
                    plan?
                }
            };
            let mut batch = match (batch, &key) {
                (Some(batch), _) => batch,
                (None, None) => {
                    // What made it needless may be another process's write.
                    if self.shared.store.has_replicas() {
                        self.shared.store.saw(self.user_id()).await?;
                    }
                    return Ok(self.unwritten(value));
                }
                // "Nothing to do" is an answer too, and the key must give it again.
                (None, Some(_)) => self.batch(),
            };
            if let Some(key) = &key {
                batch.key = Some(key.row(&value, self.now())?);
            }
            if let Some(before) = before {
                before()?;
            }
            let reads_back = read_model::read_back(&mut batch, self.user_id());
            match self.shared.store.commit(batch).await {
                Ok(Commit { rev: revision, position, rows }) => {
                    let left = rows.last().filter(|_| reads_back);
                    let jobs =
                        left.map_or_else(|| Ok(Vec::new()), |rows| read_model::jobs(rows))?;
                    return Ok(Written { value, jobs, revision, position, replayed: false });
                }
                Err(Rejected::Missed(Miss::Conflict | Miss::Replay, _)) if attempt < retries => {}
                // The key was written with the batch: looking it up tells what became of it.
                Err(Rejected::Missed(Miss::Unknown, _)) if key.is_some() && attempt < retries => {}
                Err(rejected) => return Err(rejected.into()),
            }
        }
        Err(Error::bug("write", "retries ended without an answer"))
    }

    /// The answer of a mutation that writes nothing.
    fn unwritten<T>(&self, value: T) -> Written<T> {
        let position = self.position();
        Written { value, jobs: Vec::new(), revision: None, position, replayed: false }
    }
}

impl<T> Written<T> {
    /// Returns the same about another value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Written<U> {
        let Self { value, jobs, revision, position, replayed } = self;
        Written { value: map(value), jobs, revision, position, replayed }
    }
}
