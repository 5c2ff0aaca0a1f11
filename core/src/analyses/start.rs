//! The request path: known key, kept answer, somebody else's call, or a call of its own.

use std::sync::Arc;

use super::{
    Analysis, AnalysisRequest, Failure,
    flight::{Flight, Found, Rider, Slot, Stage},
    prepare::Work,
    store::runs::{self, NewRun},
};
use crate::{
    db::{IdempotencyRow, Miss, Rejected},
    engine::Engine,
    enums::{AnalysisState, ResultSource},
    error::{Error, Result, UnavailableKind},
    id::AnalysisId,
    idempotency::{Guarded, Key},
    mutation::WriteOptions,
    secret::SealedColumn,
};

/// How soon the same thing may be asked for anew.
const REFRESH_MS: i64 = 30_000;

/// What starting an analysis came to.
#[derive(Debug, Clone, PartialEq)]
pub struct StartedAnalysis {
    /// The analysis, perhaps finished already.
    pub analysis: Analysis,
    /// Where its answer comes from.
    pub source: ResultSource,
    /// True when an idempotency key gave an earlier analysis again.
    pub replayed: bool,
}

/// Why an analysis was not started.
#[derive(Debug, Clone)]
pub(crate) enum NotStarted {
    /// Two calls with one idempotency key met: the other one's analysis is the answer.
    Replayed,
    /// It cannot be.
    Failed(Error),
}

impl From<Error> for NotStarted {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Rejected> for NotStarted {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Missed(Miss::Replay, _) => Self::Replayed,
            rejected => Self::Failed(rejected.into()),
        }
    }
}

type Begun<T> = std::result::Result<T, NotStarted>;

impl Engine {
    /// Starts an analysis, joins one that is under way, or finds the answer that is kept, and
    /// returns at once. Whoever drops the returned future or handle stops nothing; follow it with
    /// [`Engine::analysis_events`], end it with [`Engine::cancel_analysis`].
    ///
    /// A kept answer costs four reads and no write. A call of its own takes one AI call of the
    /// user's allowance; kept and joined ones take none.
    ///
    /// # Errors
    /// `Invalid`, `TooLarge`, `NotFound`, `Conflict` (no text, no résumé, in the trash),
    /// `Provider` of kind `NotConfigured`, `RateLimited`, `Unavailable`.
    pub async fn start_analysis(
        &self,
        request: &AnalysisRequest,
        options: &WriteOptions,
    ) -> Result<StartedAnalysis> {
        if self.shared.ai.closing.is_cancelled() {
            return Err(Error::unavailable(UnavailableKind::Closed, "start an analysis"));
        }
        let key = Key::new(self, "analysisStart", options, request)?;
        if let Some(key) = &key
            && let Guarded::Replay { value, .. } = self.find_key(key).await?
        {
            return self.known(value).await;
        }
        let work = self.prepare(request).await?;
        if request.refresh {
            let since = self.now().plus_ms(-REFRESH_MS);
            let snapshot = self.newest().await?;
            let recent = runs::recent(&snapshot, &work.about.subject, request.kind, since).await?;
            drop(snapshot);
            if let Some(recent) = recent {
                let retry_after_ms = recent.as_ms() + REFRESH_MS - self.now().as_ms();
                return Err(Error::RateLimited { scope: "refresh", retry_after_ms });
            }
        } else if let Some(kept) = self.kept(&work).await? {
            // Made for another attachment with the same text, perhaps.
            self.apply_to(request.kind, &kept.value, work.about.attachment).await;
            let answered = self.answer_kept(&work, kept, key.as_ref()).await;
            return self.or_known(answered, key.as_ref()).await;
        }
        let id = AnalysisId::new(self.now());
        let row = key.as_ref().map(|key| key.row(&id, self.now())).transpose()?;
        let started = if request.background {
            self.enqueue(id, &work, row).await
        } else {
            Box::pin(self.embark(id, &work, row)).await
        };
        self.or_known(started, key.as_ref()).await
    }

    /// Starts an analysis and waits for its end.
    ///
    /// # Errors
    /// As [`Engine::start_analysis`], and `Provider`, `Cancelled` or `Internal` when it failed.
    pub async fn analyze(&self, request: &AnalysisRequest) -> Result<Analysis> {
        let started = self.start_analysis(request, &WriteOptions::default()).await?.analysis;
        // One that is stored may still be about to do what it is for; its flight's log ends after.
        if !started.state.is_final() || self.shared.ai.flight_of(started.id).is_some() {
            let mut events = self.analysis_events(started.id, None).await?;
            while events.next().await?.is_some() {}
        }
        let ended = self.analysis(started.id).await?;
        match &ended.error {
            Some(failure) if ended.state == AnalysisState::Failed => Err(failure.error()),
            _ if ended.state == AnalysisState::Cancelled => Err(Error::Cancelled),
            _ => Ok(ended),
        }
    }

    async fn find_key(&self, key: &Key) -> Result<Guarded<AnalysisId>> {
        key.find(&self.newest().await?).await
    }

    async fn known(&self, id: AnalysisId) -> Result<StartedAnalysis> {
        let analysis = self.analysis(id).await?;
        let source = analysis.source.unwrap_or(ResultSource::Fresh);
        Ok(StartedAnalysis { analysis, source, replayed: true })
    }

    /// Gives the analysis of another call with the same key, where that one was first.
    async fn or_known(
        &self,
        started: Begun<StartedAnalysis>,
        key: Option<&Key>,
    ) -> Result<StartedAnalysis> {
        match (started, key) {
            (Ok(started), _) => Ok(started),
            (Err(NotStarted::Failed(error)), _) => Err(error),
            (Err(NotStarted::Replayed), Some(key)) => match self.find_key(key).await? {
                Guarded::Replay { value, .. } => self.known(value).await,
                Guarded::New => Err(Error::bug("start an analysis", "a key came and went")),
            },
            (Err(NotStarted::Replayed), None) => {
                Err(Error::bug("start an analysis", "a replay without a key"))
            }
        }
    }

    async fn enqueue(
        &self,
        id: AnalysisId,
        work: &Work,
        key: Option<IdempotencyRow>,
    ) -> Begun<StartedAnalysis> {
        let run = NewRun {
            state: AnalysisState::Queued,
            source: None,
            request: Some(self.seal_request(id, work).await?),
            ..self.new_run(id, work)?
        };
        self.insert_run(&run, key).await?;
        self.shared.wake.notify_one();
        Ok(self.started(id, ResultSource::Fresh).await?)
    }

    /// Boards the flight for a key, or starts one.
    pub(crate) async fn embark(
        &self,
        id: AnalysisId,
        work: &Work,
        key: Option<IdempotencyRow>,
    ) -> Begun<StartedAnalysis> {
        let slot = Slot { key: work.key.clone(), fresh: work.request.refresh };
        // Nothing may fail or be dropped between making a flight and starting its task: nobody
        // else would.
        let request = Some(self.seal_request(id, work).await?);
        let run = NewRun { request, ..self.new_run(id, work)? };
        loop {
            let (flight, first) = match self.shared.ai.find(&slot) {
                Found::Full => return self.enqueue(id, work, key).await,
                Found::New(flight) => {
                    self.take_off(&flight, work, Some((run.clone(), key.clone())));
                    (flight, true)
                }
                Found::Known(flight) => (flight, false),
            };
            let mut stage = flight.stage();
            let reached = stage.wait_for(|stage| !matches!(stage, Stage::Boarding)).await;
            let reached = reached.map_err(|_| Error::bug("analyse", "a flight was lost"))?.clone();
            match reached {
                Stage::Refused(_, error) if first => return Err(error),
                // One allowance holds for all calls of a user; other reasons were the first one's.
                Stage::Refused(user, NotStarted::Failed(error @ Error::RateLimited { .. }))
                    if user == self.user_id() =>
                {
                    return Err(error.into());
                }
                Stage::Refused(..) => {
                    self.shared.ai.forget(&flight);
                    continue;
                }
                Stage::Boarding => continue,
                Stage::Flying | Stage::Landed => {}
            }
            // Its run is written, unless there was a kept answer after all; by now it may have landed,
            // or have been cancelled.
            if first {
                match self.started(id, ResultSource::Fresh).await {
                    Err(Error::NotFound { .. }) => {}
                    started => return Ok(started?),
                }
            }
            match self.join(run.clone(), work, &flight, key.clone()).await? {
                Some(started) => return Ok(started),
                None => self.shared.ai.forget(&flight),
            }
        }
    }

    /// Boards a flight that somebody else started. `None` when it failed in passing: the next one
    /// may do better.
    async fn join(
        &self,
        run: NewRun,
        work: &Work,
        flight: &Arc<Flight>,
        key: Option<IdempotencyRow>,
    ) -> Begun<Option<StartedAnalysis>> {
        let id = run.id;
        let (run, source) = match flight.landing() {
            None => {
                let source = ResultSource::Pooled;
                (NewRun { source: Some(source), ..run }, source)
            }
            // Kept for a moment longer than the answer lives.
            Some(Ok(answer)) if answer.expires_at.is_some_and(|end| end <= self.now()) => {
                return Ok(None);
            }
            Some(Ok(answer)) => {
                let source = answer.source;
                let run = NewRun {
                    state: AnalysisState::Succeeded,
                    source: Some(source),
                    origin: Some(answer.origin),
                    request: None,
                    provider: answer.provider,
                    model: answer.model.clone(),
                    prompt_version: answer.prompt_version.clone(),
                    output: Some(self.seal_output(id, &answer.value).await?),
                    cost_micros: Some(0),
                    expires_at: answer.expires_at,
                    ..run
                };
                (run, source)
            }
            Some(Err(error)) if error.kept_ms() == 0 => return Ok(None),
            // What cannot be helped by trying again is not tried again.
            Some(Err(error)) => {
                return Err(Failure::of(work.choice.provider, &error).error().into());
            }
        };
        self.insert_run(&run, key).await?;
        if run.state == AnalysisState::Running {
            let rider = Rider {
                run: id,
                user: self.user_id(),
                source,
                cancelled: tokio_util::sync::CancellationToken::new(),
                unasked: false,
            };
            self.shared.ai.seat(id, flight);
            if let Err(landing) = flight.board(rider.clone()) {
                // It landed between the look and the boarding.
                self.shared.ai.unseat(id, flight);
                self.finish_late(work, &rider, &landing, flight.log.last()).await?;
            }
        } else if let Some(Ok(answer)) = flight.landing() {
            self.apply_to(run.kind, &answer.value, run.attachment).await;
        }
        Ok(Some(self.started(id, source).await?))
    }

    pub(crate) async fn started(
        &self,
        id: AnalysisId,
        source: ResultSource,
    ) -> Result<StartedAnalysis> {
        let analysis = self.analysis(id).await?;
        // The row knows better: another process may have been at it already.
        let source = analysis.source.unwrap_or(source);
        Ok(StartedAnalysis { analysis, source, replayed: false })
    }

    /// Returns a run that begins now in this process, about what `work` is about.
    pub(crate) fn new_run(&self, id: AnalysisId, work: &Work) -> Result<NewRun> {
        let now = self.now();
        let about = &work.about;
        Ok(NewRun {
            id,
            user: self.user_id(),
            job: about.job,
            attachment: about.attachment,
            company: about.company.clone(),
            persona: work.request.persona,
            subject: about.subject.clone(),
            kind: work.request.kind,
            key: work.key.clone(),
            state: AnalysisState::Running,
            source: Some(ResultSource::Fresh),
            origin: None,
            provider: work.choice.provider,
            model: work.choice.model.clone(),
            prompt_version: work.capability.prompt.name(),
            components: work.components.clone(),
            run_at: now,
            worker: Some(self.shared.ai.owner),
            lease_until: Some(now.plus_ms(self.run_lease_ms())),
            request: None,
            output: None,
            cost_micros: None,
            expires_at: None,
        })
    }

    pub(crate) async fn insert_run(&self, run: &NewRun, key: Option<IdempotencyRow>) -> Begun<()> {
        let mut batch = self.batch();
        let (worker, lease_until) = match run.state {
            AnalysisState::Running => (run.worker, run.lease_until),
            _ => (None, None),
        };
        runs::insert(&mut batch, &NewRun { worker, lease_until, ..run.clone() });
        batch.key = key;
        self.shared.store.commit(batch).await?;
        Ok(())
    }

    async fn seal_request(&self, id: AnalysisId, work: &Work) -> Result<Vec<u8>> {
        let plain =
            serde_json::to_vec(&work.request).map_err(|e| Error::internal("keep a request", e))?;
        let key = self.user_key().await?;
        key.seal(SealedColumn::AiRunRequest, &id.as_uuid().into_bytes(), &plain)
    }
}
