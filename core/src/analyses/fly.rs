//! The task that flies: claim the key, reserve, call, write, and be forgotten.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{
    flight::{Flight, Found, Hold, Landing, Rider, Seat, Slot, Stage},
    landing::{Led, Reserved, Rest, Written, foreign_error},
    prepare::Work,
    report::kept_answer,
    start::NotStarted,
    store::{
        flights::{self, Claim},
        queue as waiting,
        runs::NewRun,
    },
};
use crate::{
    ai::{AiError, EPOCHS, EventData, KEPT_MS, Report},
    db::{Batch, IdempotencyRow},
    engine::Engine,
    enums::ResultSource,
    error::{Error, Result},
    id::AnalysisId,
    limits,
    time::Timestamp,
};

/// How long a reservation stands without being renewed (ai.md section 10).
pub(crate) const RESERVED_MS: i64 = 60_000;
/// First and longest pause between two looks at another process's call.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Why somebody waits who is not at fault.
const AGAIN: &str = "its turn comes again";
/// How long the end of a flight is tried to be written.
const WRITE_TRIES: Duration = Duration::from_secs(600);

/// The run that starts a flight, if a user asked for one.
pub(crate) type First = (NewRun, Option<IdempotencyRow>);

/// What became of leading or following.
enum Flown {
    Landed,
    /// Nobody leads any more, or another process does.
    Again,
}

impl Engine {
    /// Starts the task of a new flight. It belongs to the registry: who waits may go.
    pub(crate) fn take_off(&self, flight: &Arc<Flight>, work: &Work, first: Option<First>) {
        self.launch(flight, work, first, false);
    }

    /// Makes a kept answer anew, at nobody's cost, unless somebody is at it.
    pub(crate) fn fly_unasked(&self, mut work: Work) {
        work.request.refresh = true;
        let slot = Slot { key: work.key.clone(), fresh: true };
        let Found::New(flight) = self.shared.ai.find(&slot) else { return };
        let id = AnalysisId::new(self.now());
        match self.new_run(id, &work) {
            Ok(run) => self.launch(&flight, &work, Some((run, None)), true),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "an answer is not refreshed");
                self.shared.ai.forget(&flight);
            }
        }
    }

    fn launch(&self, flight: &Arc<Flight>, work: &Work, first: Option<First>, free: bool) {
        let registry = Arc::clone(&self.shared.ai);
        let seat = Seat { registry: Arc::clone(&registry), flight: Arc::clone(flight) };
        let (engine, work) = (self.clone(), work.clone());
        registry.tasks.spawn(async move {
            let Seat { registry, flight } = &seat;
            let flown = AssertUnwindSafe(engine.fly(flight, &work, first, free)).catch_unwind();
            if flown.await.is_err() {
                tracing::error!(capability = work.capability.id, "a flight panicked");
                engine.crash(flight, &work).await;
            }
            let kept = match flight.landing() {
                Some(Ok(_)) => KEPT_MS,
                Some(Err(error)) => error.kept_ms(),
                None => 0,
            };
            if kept > 0 {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(kept)) => {}
                    () = registry.closing.cancelled() => {}
                }
            }
        });
    }

    async fn fly(&self, flight: &Arc<Flight>, work: &Work, mut first: Option<First>, free: bool) {
        let key = flight.slot.lease_key();
        let asked = first.as_ref().map(|(run, _)| run.id);
        loop {
            let now = self.now();
            let owner = self.shared.ai.owner;
            let claimed =
                flights::claim(&self.shared, &key, owner, now, self.config().ai.lease_ms).await;
            let flown = match claimed {
                Err(error) => return self.refuse(flight, work, error.into()).await,
                Ok(Some(claim)) => {
                    let _held = self.shared.ai.hold(Hold::Key(key.clone()));
                    match self.admit(flight, work, claim, &mut first, free).await {
                        Err(error) => {
                            self.release(flight, claim).await;
                            return self.refuse(flight, work, error).await;
                        }
                        Ok(Admitted::Kept) => return,
                        Ok(Admitted::Call(quota)) => {
                            match flight.depart(Some(self.user_id()), asked) {
                                Some(run) => self.lead(flight, work, (claim, run), quota).await,
                                // Whoever asked went before it began; others call for themselves.
                                None => {
                                    let back = Back { after_ms: 0, reason: AGAIN, counts: false };
                                    let spent = (quota.as_ref(), None);
                                    return self.put_back(flight, work, claim, back, spent).await;
                                }
                            }
                        }
                    }
                }
                Ok(None) => {
                    flight.led_by(None);
                    if let Some(mut first) = first.take() {
                        first.0.source = Some(ResultSource::Pooled);
                        if let Err(error) = self.board_first(flight, first, free).await {
                            return self.refuse(flight, work, error).await;
                        }
                    }
                    flight.depart(None, None);
                    self.follow(flight, work, &key).await
                }
            };
            if matches!(flown, Flown::Landed) {
                return;
            }
        }
    }

    /// Looks once more for a kept answer, reserves the call, and writes the first run.
    async fn admit(
        &self,
        flight: &Arc<Flight>,
        work: &Work,
        claim: Claim,
        first: &mut Option<First>,
        free: bool,
    ) -> std::result::Result<Admitted, NotStarted> {
        if !flight.slot.fresh
            && let Some(kept) = self.kept(work).await?
        {
            let source = if work.is_public() { ResultSource::Shared } else { ResultSource::Cache };
            let landing = Ok(Arc::new(kept_answer(&kept, source)));
            self.release(flight, claim).await;
            self.land_as_rider(flight, work, &landing).await;
            return Ok(Admitted::Kept);
        }
        let quota = if free || work.choice.remote.is_none() {
            None
        } else {
            Some(self.reserve(work).await?)
        };
        if let Some(taken) = first.take()
            && let Err(error) = self.board_first(flight, taken, free).await
        {
            if let Some(quota) = &quota {
                self.give_back(quota).await;
            }
            return Err(error);
        }
        self.keep_alive();
        Ok(Admitted::Call(quota))
    }

    async fn board_first(
        &self,
        flight: &Arc<Flight>,
        first: First,
        unasked: bool,
    ) -> std::result::Result<(), NotStarted> {
        let (run, key) = first;
        self.insert_run(&run, key).await?;
        let rider = Rider {
            run: run.id,
            user: run.user,
            source: run.source.unwrap_or(ResultSource::Fresh),
            cancelled: CancellationToken::new(),
            unasked,
        };
        self.shared.ai.seat(run.id, flight);
        // Nobody but this task lands the flight, and while it boards nobody ends it.
        drop(flight.board(rider));
        Ok(())
    }

    async fn reserve(&self, work: &Work) -> Result<Reserved> {
        let window = self.tier_window(self.tier().await?);
        let subject = limits::ai_subject(self.user_id());
        let id = crate::id::uuid_at(self.now());
        let taken = limits::take(self, &subject, id, window, Some(RESERVED_MS)).await?;
        if !taken.is_admitted() {
            let retry_after_ms = taken.state().retry_after_ms;
            return Err(AiError::Quota { retry_after_ms }.public(work.choice.provider));
        }
        let held = self.shared.ai.hold(Hold::Call(subject.clone(), id));
        Ok(Reserved { subject, id, window, _held: held })
    }

    async fn give_back(&self, quota: &Reserved) {
        let mut batch = Batch::system(self.now());
        limits::refund(&mut batch, &quota.subject, quota.id);
        if let Err(rejected) = self.shared.store.commit(batch).await {
            tracing::warn!(error = %Error::from(rejected).chain(), "a reservation ends by itself");
        }
    }

    async fn release(&self, flight: &Flight, claim: Claim) {
        let mut batch = Batch::system(self.now());
        flights::end(&mut batch, &flight.slot.lease_key(), claim, "RELEASED", None);
        if let Err(rejected) = self.shared.store.commit(batch).await {
            tracing::warn!(error = %Error::from(rejected).chain(), "a lease ends by itself");
        }
    }

    /// Ends a flight that never flew: its callers are told why, and may try for themselves. What
    /// stood in the way of one user is nothing to the others aboard.
    async fn refuse(&self, flight: &Arc<Flight>, work: &Work, why: NotStarted) {
        self.shared.ai.forget(flight);
        flight.reach(Stage::Refused(self.user_id(), why.clone()));
        let riders = flight.land(Err(AiError::RetryLater { after_ms: 0 }));
        // Runs that were taken from the queue or from another process go back and wait.
        let (own, others): (Vec<_>, Vec<_>) =
            riders.into_iter().partition(|rider| rider.user == self.user_id());
        self.requeue(flight, &others, self.now(), false).await;
        let after_ms = match &why {
            NotStarted::Replayed => Some(0),
            NotStarted::Failed(error) => {
                error.retry_after_ms().or(error.retryable().then_some(1_000))
            }
        };
        if let Some(after_ms) = after_ms {
            return self.requeue(flight, &own, self.now().plus_ms(after_ms), false).await;
        }
        tracing::warn!(capability = work.capability.id, "an analysis cannot be started");
        if let Err(error) = self.write_riders(flight, &Err(AiError::Internal), &own).await {
            tracing::warn!(error = %error.chain(), "runs return with their leases");
        }
    }

    /// Calls, and writes down how it went.
    async fn lead(
        &self,
        flight: &Arc<Flight>,
        work: &Work,
        (claim, run): (Claim, AnalysisId),
        quota: Option<Reserved>,
    ) -> Flown {
        flight.led_by(Some(run));
        let began = self.now();
        let epoch = u64::try_from(claim.fence).unwrap_or(1).saturating_mul(EPOCHS);
        let report = self.report(flight, work, epoch, quota.as_ref()).await;
        let stopping = self.shared.ai.stop.is_cancelled();
        let again = match &report.result {
            Err(AiError::Cancelled) if stopping && !flight.riders().is_empty() => Some(0),
            Err(AiError::RetryLater { after_ms }) => Some(*after_ms),
            _ => None,
        };
        if let Some(after_ms) = again {
            // Only what the provider asked for is a try.
            let counts = !stopping && !report.attempts.is_empty();
            let reason = if counts { "the provider asks to come back later" } else { AGAIN };
            let back = Back { after_ms, reason, counts };
            self.put_back(flight, work, claim, back, (quota.as_ref(), Some((run, &report)))).await;
            return Flown::Landed;
        }
        let landing = self.landing_of(flight, work, &report, run).await;
        let riders = flight.land(landing.clone());
        let led = Led { claim, run, report: &report, quota: quota.as_ref(), began };
        let deadline = tokio::time::Instant::now() + WRITE_TRIES;
        let mut pause = Duration::from_secs(1);
        let mut rest = Rest::Everything;
        loop {
            match self.write_led(flight, work, &led, &landing, &riders, &mut rest).await {
                Written::Done => break,
                // The answer was given out: it stands, whoever leads now.
                Written::FenceLost if flight.log.has_ended() => {
                    if let Err(error) = self.write_riders(flight, &landing, &riders).await {
                        tracing::warn!(error = %error.chain(), "runs return with their leases");
                    }
                    break;
                }
                Written::FenceLost => {
                    tracing::warn!(capability = work.capability.id, "another process took over");
                    flight.take_off_again();
                    return Flown::Again;
                }
                Written::Failed(error) => {
                    tracing::warn!(error = %error.chain(), "an answer is not stored yet");
                    // The answer was paid: it is given out now, and stored when that is possible.
                    flight.log.end(end_of(work, &landing));
                    let stop = self.shared.ai.stop.cancelled();
                    if tokio::time::Instant::now() + pause > deadline
                        || tokio::time::timeout(pause, stop).await.is_ok()
                    {
                        break;
                    }
                    pause = (pause * 2).min(Duration::from_secs(30));
                }
            }
        }
        self.apply(work, &landing, &riders).await;
        self.touch_down(flight, work, &landing);
        Flown::Landed
    }

    fn touch_down(&self, flight: &Flight, work: &Work, landing: &Landing) {
        if landing.as_ref().err().is_some_and(|error| error.kept_ms() == 0) {
            self.shared.ai.forget(flight);
        }
        flight.log.end(end_of(work, landing));
        flight.reach(Stage::Landed);
    }

    /// Puts everybody aboard back into the queue. A reserved call is given back; what a call has
    /// used is written down.
    async fn put_back(
        &self,
        flight: &Flight,
        work: &Work,
        claim: Claim,
        back: Back,
        (quota, spent): (Option<&Reserved>, Option<(AnalysisId, &Report)>),
    ) {
        let mut batch = Batch::system(self.now());
        flights::end(&mut batch, &flight.slot.lease_key(), claim, "RELEASED", None);
        if let Some(quota) = quota {
            limits::refund(&mut batch, &quota.subject, quota.id);
        }
        if let Some((run, report)) = spent {
            self.note_attempts(&mut batch, work, run, report);
        }
        if let Err(rejected) = self.shared.store.commit(batch).await {
            tracing::warn!(error = %Error::from(rejected).chain(), "a lease ends by itself");
        }
        let run_at = self.now().plus_ms(back.after_ms);
        let riders = flight.land(Err(AiError::RetryLater { after_ms: back.after_ms }));
        self.requeue(flight, &riders, run_at, back.counts).await;
        self.shared.ai.forget(flight);
        flight.log.end(EventData::Queued { run_at, reason: back.reason });
        flight.reach(Stage::Landed);
    }

    /// Puts runs into the queue; one that nobody asked for ends.
    async fn requeue(&self, flight: &Flight, riders: &[Rider], run_at: Timestamp, counts: bool) {
        let (unasked, asked): (Vec<Rider>, Vec<Rider>) =
            riders.iter().cloned().partition(|rider| rider.unasked);
        let ended = self.write_riders(flight, &Err(AiError::Cancelled), &unasked).await;
        if let Err(error) = ended {
            tracing::warn!(error = %error.chain(), "a refresh ends with its lease");
        }
        for rider in &asked {
            let mut batch = Batch::user(rider.user, self.now());
            let owner = self.shared.ai.owner;
            waiting::queue(&mut batch, rider.run, owner, run_at, "retry_later", counts);
            if let Err(rejected) = self.shared.store.commit(batch).await {
                tracing::warn!(error = %Error::from(rejected).chain(), "a run returns with its lease");
            }
        }
    }

    /// Waits for another process's call.
    async fn follow(&self, flight: &Arc<Flight>, work: &Work, key: &str) -> Flown {
        let (mut pause, longest) = POLL;
        let mut fence = 0;
        self.keep_alive();
        loop {
            tokio::select! {
                () = flight.cancel.cancelled() => {
                    self.land_as_rider(flight, work, &Err(AiError::Cancelled)).await;
                    return Flown::Landed;
                }
                () = self.shared.ai.stop.cancelled() => {
                    let error = AiError::RetryLater { after_ms: 0 };
                    let riders = flight.land(Err(error));
                    self.requeue(flight, &riders, self.now(), false).await;
                    flight.reach(Stage::Landed);
                    return Flown::Landed;
                }
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 3 / 2).min(longest);
            let foreign = match flights::get(self, key).await {
                Ok(Some(foreign)) => foreign,
                Ok(None) => return Flown::Again,
                Err(error) => {
                    tracing::debug!(error = %error.chain(), "another process's call is looked for again");
                    continue;
                }
            };
            let landing = match foreign.state.as_str() {
                "RUNNING" if foreign.lease_until > self.now() => {
                    if foreign.fence > fence {
                        fence = foreign.fence;
                        let epoch = u64::try_from(fence).unwrap_or(1).saturating_mul(EPOCHS);
                        let model = work.choice.model.clone();
                        let why = "another process took over";
                        flight.log.start(epoch, work.choice.provider, model, why);
                    }
                    continue;
                }
                "DONE" => match self.kept(work).await {
                    Ok(Some(kept)) => Ok(Arc::new(kept_answer(&kept, ResultSource::Pooled))),
                    Ok(None) => return Flown::Again,
                    Err(_) => continue,
                },
                "FAILED" => {
                    let class = foreign.error.map_or_else(String::new, |(class, _)| class);
                    // Their cancelling is not ours.
                    if class == "cancelled" {
                        return Flown::Again;
                    }
                    Err(foreign_error(&class))
                }
                _ => return Flown::Again,
            };
            self.land_as_rider(flight, work, &landing).await;
            return Flown::Landed;
        }
    }

    /// Lands a flight whose call was not this process's.
    async fn land_as_rider(&self, flight: &Arc<Flight>, work: &Work, landing: &Landing) {
        let riders = flight.land(landing.clone());
        if let Err(error) = self.write_riders(flight, landing, &riders).await {
            tracing::warn!(error = %error.chain(), "runs return with their leases");
        }
        if !riders.is_empty() {
            self.apply(work, landing, &riders).await;
        }
        self.touch_down(flight, work, landing);
    }

    /// Ends a flight whose task panicked: nobody waits for ever.
    async fn crash(&self, flight: &Arc<Flight>, work: &Work) {
        self.shared.ai.forget(flight);
        self.land_as_rider(flight, work, &Err(AiError::Internal)).await;
    }
}

/// How a flight that cannot go on returns to the queue.
struct Back {
    after_ms: i64,
    reason: &'static str,
    /// Whether it was a try.
    counts: bool,
}

/// How a flight begins.
enum Admitted {
    /// There was an answer after all.
    Kept,
    /// A call, with what it takes of an allowance.
    Call(Option<Reserved>),
}

fn end_of(work: &Work, landing: &Landing) -> EventData {
    match landing {
        Ok(_) => EventData::Done,
        Err(AiError::Cancelled) => EventData::Cancelled,
        Err(error) => EventData::Failed(error.public(work.choice.provider)),
    }
}
