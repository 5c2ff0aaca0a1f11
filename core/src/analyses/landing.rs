//! The end of a flight, written down: run, kept answer, attempts, charge and lease in one batch.

use super::{
    AnswerJson,
    flight::{Answer, Flight, Held, Landing, Rider},
    kept::lifetime,
    prepare::Work,
    store::{
        cache::{self, Entry, Place},
        flights::{self, Claim},
        queue,
        runs::{self, Finish},
    },
};
use crate::{
    ai::{AiError, Report, TokenUsage},
    db::{Batch, Miss, Rejected},
    engine::Engine,
    enums::{AnalysisKind, AnalysisState, ResultSource},
    error::{Error, Result},
    id::{AnalysisId, AttachmentId, UserId},
    limits::{self, Window},
    secret::SealedColumn,
    time::Timestamp,
};

/// Runs that one batch ends (ai.md section 4).
const BATCH: usize = 100;

/// The call of this process: who pays, and how it went.
pub(crate) struct Led<'a> {
    pub(crate) claim: Claim,
    pub(crate) run: AnalysisId,
    pub(crate) report: &'a Report,
    pub(crate) quota: Option<&'a Reserved>,
    pub(crate) began: Timestamp,
}

/// A call that is reserved in an allowance, and stays so while this lives.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub(crate) subject: String,
    pub(crate) id: uuid::Uuid,
    pub(crate) window: Window,
    pub(crate) _held: Held,
}

/// What of the end of a flight is still to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// All of it.
    Everything,
    /// The runs of others: the call itself is written, and would be counted twice.
    Riders,
}

/// Whether the end could be written.
#[derive(Debug)]
pub(crate) enum Written {
    /// It was.
    Done,
    /// Another process leads: nothing was written.
    FenceLost,
    /// Not now.
    Failed(Error),
}

/// Returns how a run ends that got no answer.
pub(crate) fn failed(error: &AiError) -> Finish {
    let state = match error {
        AiError::Cancelled => AnalysisState::Cancelled,
        _ => AnalysisState::Failed,
    };
    Finish {
        state,
        source: None,
        origin: None,
        output: None,
        request_id: None,
        usage: TokenUsage::default(),
        cost_micros: Some(0),
        ttft_ms: None,
        total_ms: None,
        error: Some((error.class(), error.to_string())),
        last_sequence: 0,
        expires_at: None,
    }
}

impl Engine {
    /// Writes the end of a flight that this process led: first everything about the call with the
    /// runs of the user who pays, then the runs of the others.
    pub(crate) async fn write_led(
        &self,
        flight: &Flight,
        work: &Work,
        led: &Led<'_>,
        landing: &Landing,
        riders: &[Rider],
        rest: &mut Rest,
    ) -> Written {
        if *rest == Rest::Everything {
            let batch = match self.led_batch(flight, work, led, landing, riders).await {
                Ok(batch) => batch,
                Err(error) => return Written::Failed(error),
            };
            match self.shared.store.commit(batch).await {
                Ok(_) => *rest = Rest::Riders,
                Err(Rejected::Missed(Miss::Lost, _)) => return Written::FenceLost,
                Err(rejected) => return Written::Failed(rejected.into()),
            }
        }
        let others: Vec<Rider> =
            own(riders, self.user_id()).skip(BATCH).chain(others(riders, self.user_id())).collect();
        match self.write_riders(flight, landing, &others).await {
            Ok(()) => Written::Done,
            Err(error) => Written::Failed(error),
        }
    }

    async fn led_batch(
        &self,
        flight: &Flight,
        work: &Work,
        led: &Led<'_>,
        landing: &Landing,
        riders: &[Rider],
    ) -> Result<Batch> {
        let mut batch = self.batch();
        let error = landing.as_ref().err();
        let why = error.map(|error| (error.class(), error.to_string()));
        let state = if error.is_some() { "FAILED" } else { "DONE" };
        let why = why.as_ref().map(|(class, text)| (*class, text.as_str()));
        flights::end(&mut batch, &flight.slot.lease_key(), led.claim, state, why);
        if let Ok(answer) = landing
            && answer.source != ResultSource::Stale
        {
            self.keep(&mut batch, work, led, answer).await?;
        }
        let sum = self.note_attempts(&mut batch, work, led.run, led.report);
        if let Some(quota) = led.quota {
            charge(&mut batch, quota, led.report);
        }
        for rider in own(riders, self.user_id()).take(BATCH) {
            let finish = self.finish_of(flight, &rider, landing).await?;
            runs::finish(&mut batch, rider.run, &finish);
        }
        // Also of a run that was cancelled meanwhile: what it used was paid.
        runs::account(&mut batch, led.run, led.report, sum);
        Ok(batch)
    }

    /// Adds what was sent for a run, and returns what it cost, in micro-units; `None` when a price
    /// is not known.
    pub(crate) fn note_attempts(
        &self,
        batch: &mut Batch,
        work: &Work,
        run: AnalysisId,
        report: &Report,
    ) -> Option<i64> {
        let (prices, day) = (self.shared.ai.prices(), self.now());
        let mut sum = Some(0_i64);
        for attempt in &report.attempts {
            let cost = work.choice.remote.as_ref().map_or(Some(0), |_| {
                prices.cost(work.choice.provider, &work.choice.model, &attempt.usage, day)
            });
            sum = sum.zip(cost).map(|(sum, cost)| sum.saturating_add(cost));
            runs::attempt(batch, run, attempt, cost);
        }
        sum
    }

    async fn keep(
        &self,
        batch: &mut Batch,
        work: &Work,
        led: &Led<'_>,
        answer: &Answer,
    ) -> Result<()> {
        let plain = answer.value.text().as_bytes();
        let public = work.is_public();
        let body = if public {
            plain.to_vec()
        } else {
            let key = self.user_key().await?;
            key.seal(SealedColumn::AiCacheBody, work.key.as_bytes(), plain)?
        };
        let (soft, end) = lifetime(&work.key, answer.created_at, self.ttl_days(work));
        let place = Place {
            key: &work.key,
            owner: (!public).then(|| self.user_id()),
            kind: work.request.kind,
            company: work.about.company.as_deref(),
            started_at: led.began,
        };
        let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        cache::put(
            batch,
            &place,
            &Entry {
                sealed: !public,
                body,
                provider: answer.provider,
                model: answer.model.clone(),
                prompt_version: answer.prompt_version.clone(),
                tokens_in: tokens(answer.usage.input),
                tokens_out: tokens(answer.usage.output),
                cost_micros: answer.cost_micros,
                run_id: led.run,
                created_at: answer.created_at,
                soft_expires_at: soft,
                expires_at: end,
            },
        );
        Ok(())
    }

    /// Returns how many days an answer is kept: the shorter of its kind's and the operator's.
    pub(crate) fn ttl_days(&self, work: &Work) -> u32 {
        work.capability.ttl_days.min(self.config().ai.cache_days)
    }

    /// Writes the end of runs that only waited, user by user.
    pub(crate) async fn write_riders(
        &self,
        flight: &Flight,
        landing: &Landing,
        riders: &[Rider],
    ) -> Result<()> {
        let mut users: Vec<UserId> = riders.iter().map(|rider| rider.user).collect();
        users.sort_unstable();
        users.dedup();
        for user in users {
            let engine = Self::acting_as(&self.shared, user);
            let own: Vec<Rider> = own(riders, user).collect();
            for some in own.chunks(BATCH) {
                let mut batch = engine.batch();
                for rider in some {
                    let finish = engine.finish_of(flight, rider, landing).await?;
                    runs::finish(&mut batch, rider.run, &finish);
                }
                engine.shared.store.commit(batch).await.map_err(Error::from)?;
            }
        }
        Ok(())
    }

    /// Does what the answer is for, and writes the end of a run that boarded too late. One that
    /// missed a call which others cancelled, or which waits, goes into the queue.
    pub(crate) async fn finish_late(
        &self,
        work: &Work,
        rider: &Rider,
        landing: &Landing,
        last_sequence: u64,
    ) -> Result<()> {
        if let Ok(answer) = landing {
            self.apply_to(work.request.kind, &answer.value, work.about.attachment).await;
        }
        let mut batch = self.batch();
        let again = match landing {
            Err(AiError::Cancelled) => Some(0),
            Err(AiError::RetryLater { after_ms }) => Some(*after_ms),
            _ => None,
        };
        if let Some(after_ms) = again {
            let (owner, run_at) = (self.shared.ai.owner, batch.at.plus_ms(after_ms));
            queue::queue(&mut batch, rider.run, owner, run_at, "retry_later", false);
            self.shared.wake.notify_one();
        } else {
            let finish = Finish { last_sequence, ..self.finish(rider, landing).await? };
            runs::finish(&mut batch, rider.run, &finish);
        }
        self.shared.store.commit(batch).await.map_err(Error::from)?;
        Ok(())
    }

    async fn finish_of(&self, flight: &Flight, rider: &Rider, landing: &Landing) -> Result<Finish> {
        let last_sequence = flight.log.last();
        Ok(Finish { last_sequence, ..self.finish(rider, landing).await? })
    }

    async fn finish(&self, rider: &Rider, landing: &Landing) -> Result<Finish> {
        let answer = match landing {
            Ok(answer) => answer,
            Err(error) => {
                return Ok(Finish { source: Some(rider.source), ..failed(error) });
            }
        };
        let source = match (rider.source, answer.source) {
            (ResultSource::Fresh, ResultSource::Pooled) => ResultSource::Fresh,
            (_, source) => source,
        };
        Ok(Finish {
            state: AnalysisState::Succeeded,
            source: Some(source),
            origin: (answer.origin != rider.run).then_some(answer.origin),
            output: Some(self.seal_output(rider.run, &answer.value).await?),
            request_id: None,
            usage: TokenUsage::default(),
            cost_micros: Some(0),
            ttft_ms: None,
            total_ms: None,
            error: None,
            last_sequence: 0,
            expires_at: answer.expires_at,
        })
    }

    /// Does what an answer is for, besides being read, for all of this user who are aboard.
    pub(crate) async fn apply(&self, work: &Work, landing: &Landing, riders: &[Rider]) {
        let (AnalysisKind::DocumentNormalize, Ok(answer)) = (work.request.kind, landing) else {
            return;
        };
        // The same text may be in several attachments, and each of them was asked about. A key of
        // this kind holds the user, so all aboard are of one.
        let runs: Vec<_> = own(riders, self.user_id()).map(|rider| rider.run).collect();
        let about = async { runs::get(&self.newest().await?, &runs).await };
        let mut about: Vec<_> = match about.await {
            Ok(rows) => rows.into_iter().filter_map(|row| row.analysis.attachment_id).collect(),
            Err(error) => {
                tracing::warn!(error = %error.chain(), "normalised texts were not stored");
                return;
            }
        };
        about.sort_unstable();
        about.dedup();
        for attachment in about {
            self.apply_to(work.request.kind, &answer.value, Some(attachment)).await;
        }
    }

    /// Does what an answer is for, besides being read: a normalised text becomes the document's.
    pub(crate) async fn apply_to(
        &self,
        kind: AnalysisKind,
        answer: &AnswerJson,
        attachment: Option<AttachmentId>,
    ) {
        let (AnalysisKind::DocumentNormalize, Some(attachment)) = (kind, attachment) else {
            return;
        };
        let Some(text) = answer.get("text").and_then(serde_json::Value::as_str) else { return };
        if let Err(error) = self.set_normalised(attachment, text).await {
            tracing::warn!(%attachment, error = %error.chain(), "a normalised text was not stored");
        }
    }
}

fn own(riders: &[Rider], user: UserId) -> impl Iterator<Item = Rider> {
    riders.iter().filter(move |rider| rider.user == user).cloned()
}

fn others(riders: &[Rider], user: UserId) -> impl Iterator<Item = Rider> {
    riders.iter().filter(move |rider| rider.user != user).cloned()
}

/// Charges or gives back a reserved call (ai.md section 10): nothing came, nothing is due; what
/// the caller or the model's refusal ended is due; what broke is given back a few times.
fn charge(batch: &mut Batch, quota: &Reserved, report: &Report) {
    let Reserved { subject, id, window, .. } = quota;
    match &report.result {
        Ok(_) => limits::settle(batch, subject, *id),
        Err(_) if !report.billed => limits::refund(batch, subject, *id),
        Err(AiError::Cancelled | AiError::Refused(_)) => limits::settle(batch, subject, *id),
        Err(_) => limits::refund_after_output(batch, subject, *id, *window),
    }
}

/// Names a failure for those who joined a call of another process.
pub(crate) fn foreign_error(class: &str) -> AiError {
    match class {
        "auth" => AiError::Auth,
        "billing" => AiError::Billing,
        "invalid" => AiError::Invalid("see the log of the process that called"),
        "rate_limited" => AiError::RateLimited { retry_after_ms: None },
        "overloaded" => AiError::Overloaded { retry_after_ms: None },
        "network" => AiError::Network("see the log of the process that called"),
        "blocked" => AiError::Blocked("see the log of the process that called"),
        "truncated" => AiError::Truncated,
        "timeout" => AiError::Timeout(crate::ai::Phase::Attempt),
        "refused" => AiError::Refused(crate::ai::Refusal::Model),
        "schema_mismatch" => AiError::SchemaMismatch,
        "too_long" => AiError::TooLong,
        "internal" => AiError::Internal,
        _ => AiError::Server { retry_after_ms: None, should_retry: None },
    }
}
