//! Background work: enqueued in the batch that needs it, claimed under a lease, settled in the
//! batch of its effect. Done twice it counts once.

mod store;

pub(crate) use store::{Claim, enqueue_extraction, statements};

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{
    attachments, changes,
    engine::{Engine, Shared},
    error::{Error, Result},
    id::LOCAL_USER,
};

/// Longest time between two looks at the queue: another process may have enqueued something.
const POLL: Duration = Duration::from_secs(5);
/// Time between two sweeps of trash, uploads, keys and logs.
const SWEEP_MS: i64 = 3_600_000;
/// How long a claim is held; a crashed worker's task returns after it.
const LEASE_MS: i64 = 60_000;

impl Engine {
    /// Does the background work that is due, of all users, and returns how many pieces it did: texts are
    /// extracted, the trash is emptied, unused uploads and old keys go. Meant for hosts and tests
    /// that switched [`crate::Config::background`] off, and for programs that want to wait.
    ///
    /// # Errors
    /// `Unavailable`; a task that fails is tried again later and is no error here.
    pub async fn run_due_tasks(&self) -> Result<usize> {
        let done = self.drain().await?;
        Ok(done + self.sweep().await?)
    }

    /// Claims and runs tasks until none is due.
    async fn drain(&self) -> Result<usize> {
        let mut done = 0;
        loop {
            let claims = store::claim(self, self.config().limits.extractions, LEASE_MS).await?;
            if claims.is_empty() {
                return Ok(done);
            }
            let mut running = tokio::task::JoinSet::new();
            for claim in claims {
                let engine = self.clone();
                running.spawn(async move { engine.run_task(claim).await });
            }
            while let Some(ended) = running.join_next().await {
                ended.map_err(|e| Error::internal("run a task", e))??;
                done += 1;
            }
        }
    }

    async fn run_task(&self, claim: Claim) -> Result<()> {
        let engine = Self::acting_as(&self.shared, claim.user);
        let outcome = attachments::extract_text(&engine, claim.subject(), &claim).await;
        let Err(error) = outcome else { return Ok(()) };
        tracing::warn!(task = %claim.id, code = error.code().name(), "a task failed");
        store::fail(self, &claim, self.config().limits.task_attempts, error.code().name()).await
    }

    /// Empties the trash of what is due, and removes what nobody needs any more.
    async fn sweep(&self) -> Result<usize> {
        let swept = self.purge_due_jobs().await? + self.sweep_uploads().await?;
        changes::prune(self).await?;
        self.collect_blobs().await?;
        Ok(swept)
    }
}

/// The worker of an engine: ends when the engine is dropped.
pub(crate) async fn work(shared: Weak<Shared>) {
    let mut next_sweep = None;
    loop {
        let Some(engine) = shared.upgrade() else { return };
        let engine = Engine::acting_as(&engine, LOCAL_USER);
        let now = engine.now();
        let first = next_sweep.is_none();
        let outcome = if next_sweep.is_none_or(|at| now >= at) {
            next_sweep = Some(now.plus_ms(SWEEP_MS));
            match engine.run_due_tasks().await {
                Ok(_) if first => engine.remove_orphaned_files().await,
                outcome => outcome,
            }
        } else {
            engine.drain().await
        };
        if let Err(error) = outcome {
            tracing::warn!(error = %error.chain(), "background work failed; it is tried again");
        }
        let shared: Arc<Shared> = Arc::clone(&engine.shared);
        drop(engine);
        let rung = tokio::time::timeout(POLL, shared.wake.notified()).await;
        tracing::trace!(rung = rung.is_ok(), "look at the queue");
    }
}
