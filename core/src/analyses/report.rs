//! The call of a flight: at a provider or by the engine itself, and what it brought.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{
    flight::{Answer, Flight, Landing},
    kept::{Kept, lifetime},
    landing::Reserved,
    prepare::{Work, allows_stale},
};
use crate::{
    ai::{AiError, Call, Report, TokenUsage, call},
    db::Batch,
    engine::Engine,
    enums::{AiProvider, ResultSource},
    error::{Error, Result},
    id::AnalysisId,
    limits,
};

impl Engine {
    /// Makes the call and says how it went; a panic is a failure like another.
    pub(super) async fn report(
        &self,
        flight: &Flight,
        work: &Work,
        epoch: u64,
        quota: Option<&Reserved>,
    ) -> Report {
        let Some((upstream, gate)) = &work.choice.remote else {
            return self.own_report(flight, work, epoch).await;
        };
        let Ok(canary) = self.canary(work).await else {
            return Report::failed(AiError::Internal);
        };
        let cancel = flight.cancel.child_token();
        let stop = self.shared.ai.stop.clone();
        let call = Call {
            capability: work.capability,
            input: &work.input,
            provider: work.choice.provider,
            model: &work.choice.model,
            upstream: Arc::clone(upstream),
            gate: Arc::clone(gate),
            config: &self.config().ai,
            canary: &canary,
            log: &flight.log,
            epoch,
            cancel: cancel.clone(),
            billable: &|| self.settle_soon(quota),
        };
        let calling = AssertUnwindSafe(call::call(&call)).catch_unwind();
        let stopped = async {
            stop.cancelled().await;
            cancel.cancel();
            std::future::pending::<()>().await;
        };
        let report = tokio::select! {
            report = calling => report,
            () = stopped => Ok(Report::failed(AiError::Cancelled)),
        };
        report.unwrap_or_else(|_| {
            tracing::error!(capability = work.capability.id, "a call panicked");
            Report::failed(AiError::Internal)
        })
    }

    /// Charges a call at its first output: from then on the provider does, too.
    fn settle_soon(&self, quota: Option<&Reserved>) {
        let Some(Reserved { subject, id, .. }) = quota else { return };
        let (engine, subject, id) = (self.clone(), subject.clone(), *id);
        self.shared.ai.tasks.spawn(async move {
            let mut batch = Batch::system(engine.now());
            limits::settle(&mut batch, &subject, id);
            if let Err(rejected) = engine.shared.store.commit(batch).await {
                tracing::warn!(error = %Error::from(rejected).chain(), "charged at the end instead");
            }
        });
    }

    async fn own_report(&self, flight: &Flight, work: &Work, epoch: u64) -> Report {
        let began = tokio::time::Instant::now();
        flight.log.start(epoch, AiProvider::Local, work.choice.model.clone(), "");
        let (engine, capability) = (self.clone(), work.capability);
        let input = Arc::clone(&work.input);
        let answer =
            tokio::task::spawn_blocking(move || capability.local(&input, &engine.local_context()));
        let result = match answer.await {
            Ok(Some(Ok(value))) => {
                let text = serde_json::to_string_pretty(&value).unwrap_or_default();
                match flight.log.push(&text) {
                    Ok(()) => Ok(value),
                    Err(_) => Err(AiError::Invalid("the answer is too large")),
                }
            }
            Ok(Some(Err(_)) | None) | Err(_) => Err(AiError::Internal),
        };
        let total_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Report { result, total_ms, ..Report::failed(AiError::Internal) }
    }

    /// Returns a secret word for the system prompt that no answer may hold: the same for a prompt
    /// at every call, so that providers can cache the prompt.
    async fn canary(&self, work: &Work) -> Result<String> {
        let key = self.root_mac("jotrack/v1/prompt-canary").await?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)
            .map_err(|e| Error::internal("make a canary", e))?;
        mac.update(work.capability.prompt.name().as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        Ok(crate::meta::hex(digest.get(..16).unwrap_or_default()))
    }

    /// Returns what a call brought, or an old answer where it failed in passing.
    pub(super) async fn landing_of(
        &self,
        flight: &Flight,
        work: &Work,
        report: &Report,
        run: AnalysisId,
    ) -> Landing {
        let error = match &report.result {
            Ok(value) => {
                let now = self.now();
                let usage = report.usage();
                let prices = self.shared.ai.prices();
                let cost_micros = match &work.choice.remote {
                    Some(_) => prices.cost(work.choice.provider, &work.choice.model, &usage, now),
                    None => Some(0),
                };
                let (_, end) = lifetime(&work.key, now, self.ttl_days(work));
                return Ok(Arc::new(Answer {
                    value: value.clone().into(),
                    source: ResultSource::Pooled,
                    origin: run,
                    provider: work.choice.provider,
                    model: work.choice.model.clone(),
                    prompt_version: work.capability.prompt.name(),
                    usage,
                    cost_micros,
                    created_at: now,
                    expires_at: Some(end),
                }));
            }
            Err(error) => error,
        };
        // An old answer, with its age, is better than none.
        if allows_stale(error)
            && !flight.slot.fresh
            && let Ok(Some(kept)) = self.stand_in(work).await
        {
            return Ok(Arc::new(kept_answer(&kept, ResultSource::Stale)));
        }
        Err(error.clone())
    }
}

/// Gives a kept answer as one that a flight brought.
pub(super) fn kept_answer(kept: &Kept, source: ResultSource) -> Answer {
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    Answer {
        value: kept.value.clone(),
        source,
        origin: kept.entry.run_id,
        provider: kept.entry.provider,
        model: kept.entry.model.clone(),
        prompt_version: kept.entry.prompt_version.clone(),
        usage: TokenUsage {
            input: number(kept.entry.tokens_in),
            output: number(kept.entry.tokens_out),
            ..TokenUsage::default()
        },
        cost_micros: kept.entry.cost_micros,
        created_at: kept.entry.created_at,
        expires_at: Some(kept.entry.expires_at),
    }
}
