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
    limits,
};

/// Longest time between two looks at the queue: another process may have enqueued something.
const POLL: Duration = Duration::from_secs(5);
/// Time between two sweeps of trash, uploads, keys and logs.
const SWEEP_MS: i64 = 3_600_000;
/// Time until a sweep that failed is tried again.
const RETRY_MS: i64 = 60_000;
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
        let done = self.drain().await;
        let analysed = self.drain_analyses().await;
        let swept = self.sweep().await;
        Ok(done? + analysed? + swept?)
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

    /// Empties the trash of what is due, and removes what nobody needs any more. Every step is
    /// tried, also after one that failed; the first error is answered.
    async fn sweep(&self) -> Result<usize> {
        let purged = self.purge_due_jobs().await;
        let uploads = self.sweep_uploads().await;
        let pruned = changes::prune(self).await;
        let collected = self.collect_blobs().await;
        let forgotten = limits::sweep(self).await;
        let answers = self.sweep_answers().await;
        pruned?;
        collected?;
        forgotten?;
        answers?;
        Ok(purged? + uploads?)
    }
}

/// The worker of an engine: ends when the engine is dropped.
pub(crate) async fn work(shared: Weak<Shared>) {
    let mut next_sweep = None;
    let mut orphans_left = true;
    loop {
        let Some(engine) = shared.upgrade() else { return };
        let engine = Engine::acting_as(&engine, LOCAL_USER);
        let now = engine.now();
        let mut outcomes = vec![engine.drain().await.map(|_| ())];
        engine.work_on_queue();
        outcomes.push(engine.write_hits().await);
        if next_sweep.is_none_or(|at| now >= at) {
            let swept = engine.sweep().await;
            let pause_ms = if swept.is_ok() { SWEEP_MS } else { RETRY_MS };
            next_sweep = Some(now.plus_ms(pause_ms));
            outcomes.push(swept.map(|_| ()));
        } else {
            outcomes.push(engine.collect_blobs().await.map(|_| ()));
        }
        if orphans_left {
            let removed = engine.remove_orphaned_files().await;
            orphans_left = removed.is_err();
            outcomes.push(removed.map(|_| ()));
        }
        for error in outcomes.into_iter().filter_map(Result::err) {
            tracing::warn!(error = %error.chain(), "background work failed; it is tried again");
        }
        let shared: Arc<Shared> = Arc::clone(&engine.shared);
        drop(engine);
        let rung = tokio::time::timeout(POLL, shared.wake.notified()).await;
        tracing::trace!(rung = rung.is_ok(), "look at the queue");
    }
}
