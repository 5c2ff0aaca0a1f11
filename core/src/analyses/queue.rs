//! The queue: runs that wait, runs of processes that died, and the leases of those at work.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    AnalysisRequest,
    flight::{Answer, Found, Hold, Registry, Rider, Slot, Stage},
    landing::failed,
    prepare::Work,
    store::{
        flights,
        queue::{self as waiting, Due},
        runs::{self, Finish},
    },
};
use crate::{
    ai::AiError,
    db::{Batch, Commit, Miss, Rejected},
    engine::Engine,
    enums::ResultSource,
    error::{Error, Result, UnavailableKind},
    id::AnalysisId,
    limits,
    secret::SealedColumn,
};

/// Tries of a queued run, and how often one may end its process.
const TRIES: i64 = 5;
const STALLS: i64 = 2;
/// Time until a queued run that met a full registry or a failing store is tried again.
const AGAIN_MS: i64 = 1_000;
/// Time until it is tried again where somebody has to do something first.
const MENDED_MS: i64 = 60_000;
/// Time between two looks at the queue by somebody who works on it.
const LOOK: Duration = Duration::from_secs(5);

impl Engine {
    /// Works on queued analyses that are due, of all users, until none is; returns how many. A
    /// slow one holds up its own place only.
    pub(crate) async fn drain_analyses(&self) -> Result<usize> {
        let most = self.config().ai.queue_workers.max(1);
        let mut driving = tokio::task::JoinSet::new();
        let mut done = 0;
        let mut looked = Ok(());
        loop {
            let free = most - driving.len();
            if free > 0 && looked.is_ok() && !self.shared.ai.closing.is_cancelled() {
                // Whoever is at work is waited for, whatever the database says.
                looked = self.drive_due(&mut driving, free).await;
            }
            let full = driving.len() == most;
            tokio::select! {
                ended = driving.join_next() => match ended {
                    None => return looked.map(|()| done),
                    Some(ended) => {
                        ended.map_err(|e| Error::internal("work on the queue", e))?;
                        done += 1;
                    }
                },
                () = self.shared.ai.ring.notified(), if !full => {}
                () = tokio::time::sleep(LOOK), if !full => {}
            }
        }
    }

    async fn drive_due(&self, driving: &mut tokio::task::JoinSet<()>, most: usize) -> Result<()> {
        waiting::expire(self, STALLS).await?;
        let lease_ms = self.run_lease_ms();
        for due in waiting::claim(self, self.shared.ai.owner, lease_ms, most).await? {
            self.keep_alive();
            let engine = Self::acting_as(&self.shared, due.user);
            driving.spawn(async move { engine.drive(due).await });
        }
        Ok(())
    }

    /// Starts to work on the queue, unless somebody in this process is at it.
    pub(crate) fn work_on_queue(&self) {
        let registry = Arc::clone(&self.shared.ai);
        if registry.closing.is_cancelled() {
            return;
        }
        if registry.draining.swap(true, Ordering::SeqCst) {
            registry.ring.notify_one();
            return;
        }
        let engine = self.clone();
        registry.tasks.spawn(async move {
            let drained = engine.drain_analyses().await;
            engine.shared.ai.draining.store(false, Ordering::SeqCst);
            if let Err(error) = drained {
                tracing::warn!(error = %error.chain(), "the queue is looked at again");
            }
        });
    }

    /// Works on one run and waits for its end.
    async fn drive(&self, due: Due) {
        let id = due.id;
        let outcome = Box::pin(self.try_drive(due)).await;
        let Err(error) = outcome else { return };
        let after_ms = again_after(&error);
        let mut batch = self.batch();
        if let Some(after_ms) = after_ms {
            let (owner, run_at) = (self.shared.ai.owner, self.now().plus_ms(after_ms));
            // No call was made: what stands in the way is of this engine.
            waiting::queue(&mut batch, id, owner, run_at, "retry_later", false);
        } else {
            let end =
                Finish { error: Some(("input", error.to_string())), ..failed(&AiError::Internal) };
            runs::finish(&mut batch, id, &end);
        }
        if let Err(rejected) = self.shared.store.commit(batch).await {
            tracing::warn!(error = %Error::from(rejected).chain(), "a run returns with its lease");
        }
    }

    async fn try_drive(&self, due: Due) -> Result<()> {
        if due.attempts >= TRIES {
            let mut batch = self.batch();
            let later = AiError::Server { retry_after_ms: None, should_retry: None };
            runs::finish(&mut batch, due.id, &failed(&later));
            self.shared.store.commit(batch).await.map_err(Error::from)?;
            return Ok(());
        }
        let request = self.unseal_request(&due).await?;
        let work = self.prepare(&request).await?;
        let mut batch = self.batch();
        waiting::retarget(&mut batch, &self.new_run(due.id, &work)?);
        match self.shared.store.commit(batch).await {
            Ok(_) => {}
            // It was cancelled meanwhile.
            Err(Rejected::Missed(Miss::Lost, _)) => return Ok(()),
            Err(rejected) => return Err(rejected.into()),
        }
        if !request.refresh
            && let Some(kept) = self.kept(&work).await?
        {
            let source = if work.is_public() { ResultSource::Shared } else { ResultSource::Cache };
            let answer: Answer = super::report::kept_answer(&kept, source);
            let landing = Ok(Arc::new(answer));
            let rider = self.rider(due.id, source);
            return self.finish_late(&work, &rider, &landing, 0).await;
        }
        self.ride(due.id, &work).await
    }

    /// Boards a flight with a run that has its row, and waits for the landing.
    async fn ride(&self, id: AnalysisId, work: &Work) -> Result<()> {
        let slot = Slot { key: work.key.clone(), fresh: work.request.refresh };
        loop {
            let flight = match self.shared.ai.find(&slot) {
                Found::Full => {
                    return Err(Error::unavailable(UnavailableKind::Busy, "analyse"));
                }
                Found::New(flight) => {
                    self.shared.ai.seat(id, &flight);
                    // Nobody else can have landed it.
                    drop(flight.board(self.rider(id, ResultSource::Fresh)));
                    self.take_off(&flight, work, None);
                    flight
                }
                Found::Known(flight) => {
                    let rider = self.rider(id, ResultSource::Pooled);
                    self.shared.ai.seat(id, &flight);
                    match flight.board(rider.clone()) {
                        Ok(()) => flight,
                        Err(landing) => {
                            self.shared.ai.unseat(id, &flight);
                            if landing.as_ref().err().is_some_and(|error| error.kept_ms() == 0) {
                                self.shared.ai.forget(&flight);
                                continue;
                            }
                            let last = flight.log.last();
                            return self.finish_late(work, &rider, &landing, last).await;
                        }
                    }
                }
            };
            // It may have been cancelled before it was seated, when nobody could tell the flight.
            if self.run(id).await.is_ok_and(|row| row.analysis.state.is_final()) {
                self.shared.ai.unseat(id, &flight);
                flight.leave(id);
                return Ok(());
            }
            let mut stage = flight.stage();
            let over = |stage: &Stage| matches!(stage, Stage::Landed | Stage::Refused(..));
            drop(stage.wait_for(over).await);
            return Ok(());
        }
    }

    fn rider(&self, run: AnalysisId, source: ResultSource) -> Rider {
        Rider {
            run,
            user: self.user_id(),
            source,
            cancelled: CancellationToken::new(),
            unasked: false,
        }
    }

    async fn unseal_request(&self, due: &Due) -> Result<AnalysisRequest> {
        let sealed = due.request.as_deref();
        let sealed = sealed.ok_or_else(|| Error::bug("work on the queue", "no request"))?;
        let key = self.user_key().await?;
        let record = due.id.as_uuid().into_bytes();
        let plain = key.open(SealedColumn::AiRunRequest, &record, sealed)?;
        serde_json::from_slice(&plain).map_err(|e| Error::internal("read a request", e))
    }

    /// How long a run is held without a sign of life (ai.md section 17).
    pub(crate) fn run_lease_ms(&self) -> i64 {
        self.config().ai.lease_ms * 2
    }

    /// Renews what this process holds while it has something under way. A run or key that no
    /// flight holds any more ends with its lease, and is done again.
    pub(crate) fn keep_alive(&self) {
        let registry = Arc::clone(&self.shared.ai);
        if registry.beating.swap(true, Ordering::SeqCst) {
            return;
        }
        let engine = self.clone();
        let beat = u64::try_from(self.config().ai.lease_ms / 3).unwrap_or(1).max(1);
        let beat = Duration::from_millis(beat);
        registry.tasks.spawn(async move {
            let registry = &engine.shared.ai;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(beat) => {}
                    () = registry.stop.cancelled() => break,
                }
                if !registry.is_busy() {
                    break;
                }
                let mut batch = Batch::system(engine.now());
                let (now, lease_ms) = (batch.at, engine.config().ai.lease_ms);
                for hold in registry.held() {
                    match hold {
                        Hold::Key(key) => {
                            let until = now.plus_ms(lease_ms);
                            flights::renew(&mut batch, registry.owner, until, &key);
                        }
                        Hold::Call(subject, id) => {
                            limits::extend(&mut batch, &subject, id, super::fly::RESERVED_MS);
                        }
                    }
                }
                let until = now.plus_ms(engine.run_lease_ms());
                let runs = registry.runs();
                waiting::renew(&mut batch, registry.owner, until, &runs);
                match engine.shared.store.commit(batch).await {
                    Ok(commit) => registry.leave_ended(&runs, &commit),
                    Err(rejected) => {
                        let error = Error::from(rejected);
                        tracing::warn!(error = %error.chain(), "leases were not renewed");
                    }
                }
            }
            registry.beating.store(false, Ordering::SeqCst);
            if registry.is_busy() && !registry.stop.is_cancelled() {
                engine.keep_alive();
            }
        });
    }

    /// Begins nothing new, waits for what is under way, and puts the rest back into the queue.
    pub(crate) async fn close_analyses(&self, drain: Duration) {
        let registry = &self.shared.ai;
        registry.closing.cancel();
        registry.tasks.close();
        let flown = async {
            while registry.is_busy() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(drain, flown).await.is_err() {
            tracing::warn!("analyses under way return to the queue");
        }
        registry.stop.cancel();
        registry.tasks.wait().await;
        if let Err(error) = self.write_hits().await {
            tracing::debug!(error = %error.chain(), "some hits are not counted");
        }
    }
}

impl Registry {
    /// Takes runs off that somebody else ended, perhaps in another process.
    fn leave_ended(&self, asked: &[AnalysisId], commit: &Commit) {
        let Ok(left) = waiting::renewed(commit) else { return };
        let left: HashSet<AnalysisId> = left.into_iter().collect();
        for run in asked.iter().filter(|run| !left.contains(run)) {
            let flight = self.flight_of(*run).filter(|flight| flight.landing().is_none());
            if let Some(flight) = flight {
                self.unseat(*run, &flight);
                flight.leave(*run);
            }
        }
    }
}

/// Returns when a run is tried again that could not be worked on; `None` when that is no use.
fn again_after(error: &Error) -> Option<i64> {
    use UnavailableKind::{Corrupt, Crypto, Io, KeyUnavailable, SchemaTooNew, StorageFull};
    let least = match error {
        Error::Unavailable { kind: Crypto | Corrupt | SchemaTooNew, .. } => return None,
        Error::Unavailable { kind: KeyUnavailable | StorageFull | Io, .. } => MENDED_MS,
        Error::Unavailable { .. } => AGAIN_MS,
        error if error.retryable() => AGAIN_MS,
        _ => return None,
    };
    Some(error.retry_after_ms().unwrap_or(least).max(least))
}
