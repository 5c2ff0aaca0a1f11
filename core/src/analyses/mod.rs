//! Analyses: what users asked the engine or a model, from the request to the stored answer.
//!
//! The machinery of calls is in `ai`; here are the rows, the request path and the tasks that fly.

mod answer;
mod events;
mod flight;
mod fly;
mod gather;
mod json;
mod kept;
mod landing;
mod once;
mod prepare;
mod queue;
mod report;
mod request;
mod staleness;
mod start;
pub(crate) mod store;

use serde::Serialize;

pub use answer::AnswerJson;
pub use events::AnalysisEvents;
pub(crate) use flight::Registry;
pub use request::{AnalysisRequest, AnalysisTarget};
pub use staleness::Staleness;
pub use start::StartedAnalysis;
pub use store::cache::CacheStats;

use crate::{
    DAY_MS,
    ai::{AiError, TokenUsage},
    db::Batch,
    engine::Engine,
    enums::{AiProvider, AnalysisKind, AnalysisState, Persona, ResultSource},
    error::{ConflictKind, Error, ProviderFailure, Result},
    id::{AnalysisId, AttachmentId, JobId},
    secret::SealedColumn,
    time::Timestamp,
};

/// One request of a user for an analysis, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Its id.
    pub id: AnalysisId,
    /// What was asked.
    pub kind: AnalysisKind,
    /// How far it has come.
    pub state: AnalysisState,
    /// Where the answer came from; also set while a call is under way.
    pub source: Option<ResultSource>,
    /// Who answers.
    pub provider: AiProvider,
    /// With which model; the version of the algorithm for LOCAL.
    pub model: String,
    /// The prompt's id and version.
    pub prompt_version: String,
    /// The job it is about.
    pub job_id: Option<JobId>,
    /// The document it is about.
    pub attachment_id: Option<AttachmentId>,
    /// The company it is about, as a search key.
    pub company: Option<String>,
    /// Who asks, in interview kinds.
    pub persona: Option<Persona>,
    /// The answer, valid against the schema of its kind; `None` until it succeeded.
    pub result: Option<AnswerJson>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Tokens of its own call; zero where none was made.
    pub usage: TokenUsage,
    /// Cost of its own call in micro-units; 0 where none was made, `None` when the price is
    /// unknown.
    pub cost_micros: Option<i64>,
    /// The provider's name for the exchange.
    pub provider_request_id: Option<String>,
    /// Milliseconds to the first text.
    pub ttft_ms: Option<i64>,
    /// Milliseconds of the whole call.
    pub total_ms: Option<i64>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When work on it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When a queued one will be tried.
    pub run_at: Timestamp,
    /// When the kept answer ends.
    pub expires_at: Option<Timestamp>,
    /// Where the answer is kept.
    pub key: String,
    /// The sequence of its last event.
    pub last_sequence: u64,
    pub(crate) components: Option<String>,
    pub(crate) tries: i64,
}

/// Why an analysis failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The class: `auth`, `rate_limited`, `truncated`, `schema_mismatch` and so on.
    pub class: String,
    /// What happened, and what to do.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Who was to answer.
    pub provider: AiProvider,
}

/// Classes of failures that pass.
const TRANSIENT: [&str; 8] = [
    "rate_limited",
    "overloaded",
    "server",
    "network",
    "truncated",
    "timeout",
    "retry_later",
    "stalled",
];

impl Failure {
    pub(crate) fn stored(provider: AiProvider, class: &str, message: &str) -> Self {
        Self {
            class: class.to_owned(),
            message: message.to_owned(),
            retryable: TRANSIENT.contains(&class),
            provider,
        }
    }

    fn of(provider: AiProvider, error: &AiError) -> Self {
        let stored = Self::stored(provider, error.class(), &error.to_string());
        Self { retryable: error.is_transient(), ..stored }
    }

    /// Returns the error a caller of the analysis gets.
    pub fn error(&self) -> Error {
        match self.class.as_str() {
            "cancelled" => Error::Cancelled,
            "internal" => Error::bug("analyse", "an AI call ended badly"),
            class => Error::Provider {
                provider: self.provider,
                kind: if class == "refused" {
                    ProviderFailure::Refused
                } else {
                    ProviderFailure::Failed
                },
                retryable: self.retryable,
                retry_after_ms: None,
                what: self.message.clone(),
            },
        }
    }
}

/// Which kept answers to remove. All absent: all of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeFilter {
    /// The one kept under this key.
    pub key: Option<String>,
    /// Those about this company, by any spelling of its name.
    pub company: Option<String>,
    /// Those of this kind.
    pub kind: Option<AnalysisKind>,
}

impl Engine {
    /// Returns an analysis. One statement.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` of kind `KeyUnavailable` when the answer cannot be unsealed.
    pub async fn analysis(&self, id: AnalysisId) -> Result<Analysis> {
        let found = self.analyses(&[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("analysis", id))
    }

    /// Returns the analyses with these ids, in no order; unknown and foreign ones are absent.
    ///
    /// # Errors
    /// As [`Engine::analysis`].
    pub async fn analyses(&self, ids: &[AnalysisId]) -> Result<Vec<Analysis>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Looked up before the rows: a flight that is written and forgotten in between would leave
        // neither the row's end nor its own.
        let flights: Vec<_> =
            ids.iter().filter_map(|id| Some((*id, self.shared.ai.flight_of(*id)?))).collect();
        let rows = store::runs::get(&self.snapshot().await?, ids).await?;
        let mut analyses = self.unseal(rows).await?;
        for analysis in analyses.iter_mut().filter(|analysis| !analysis.state.is_final()) {
            // While it is being stored the analysis runs still: whoever sees its end finds it in
            // every other read as well.
            let flight =
                flights.iter().find(|(id, flight)| *id == analysis.id && flight.log.has_ended());
            if let Some(landing) = flight.and_then(|(_, flight)| flight.landing()) {
                analysis.overlay(&landing);
            }
        }
        Ok(analyses)
    }

    /// Returns the newest analyses of a job, the newest first, at most `most`; all kinds when
    /// `kinds` is empty. Two statements.
    ///
    /// # Errors
    /// As [`Engine::analysis`].
    pub async fn analyses_of_job(
        &self,
        job: JobId,
        kinds: &[AnalysisKind],
        most: u32,
    ) -> Result<Vec<Analysis>> {
        self.analyses_of_jobs(&[job], kinds, most).await
    }

    /// Returns the newest analyses of each of these jobs, the newest first, at most `most` of a
    /// job; all kinds when `kinds` is empty. Two statements.
    ///
    /// # Errors
    /// As [`Engine::analysis`].
    pub async fn analyses_of_jobs(
        &self,
        jobs: &[JobId],
        kinds: &[AnalysisKind],
        most: u32,
    ) -> Result<Vec<Analysis>> {
        let kinds = if kinds.is_empty() { AnalysisKind::ALL } else { kinds };
        let rows =
            store::runs::of_jobs(&self.snapshot().await?, jobs, kinds, most.min(100)).await?;
        self.unseal(rows).await
    }

    /// Cancels an analysis. Others that wait for the same call keep it; a call that nobody waits
    /// for any more is ended.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` of kind `AlreadyFinished`.
    pub async fn cancel_analysis(&self, id: AnalysisId) -> Result<Analysis> {
        let row = self.run(id).await?;
        if row.analysis.state.is_final() {
            return Err(Error::conflict(
                ConflictKind::AlreadyFinished,
                "the analysis has ended already",
            ));
        }
        let flight = self.shared.ai.flight_of(id);
        // A piece of text may come while this is written: the end lies behind them all.
        let last = flight.as_ref().map_or(row.analysis.last_sequence, |flight| flight.log.beyond());
        let mut batch = self.batch();
        store::runs::finish(
            &mut batch,
            id,
            &store::runs::Finish { last_sequence: last, ..landing::failed(&AiError::Cancelled) },
        );
        self.shared.store.commit(batch).await.map_err(Error::from)?;
        // It may have been seated while this was written.
        if let Some(flight) = self.shared.ai.flight_of(id) {
            self.shared.ai.unseat(id, &flight);
            flight.leave(id);
        }
        self.analysis(id).await
    }

    /// Reports an answer as bad: the user's own kept answer is removed, one that is kept for all
    /// users is made anew at the next request, unless it is less than an hour old. The analysis
    /// itself stays. Returns it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn invalidate_analysis(&self, id: AnalysisId) -> Result<Analysis> {
        let row = self.run(id).await?;
        let key = row.analysis.key.as_str();
        if key.starts_with("v1:p:") {
            let entry = store::cache::get(&self.newest().await?, key).await?;
            // Making it anew is free: not more often than an answer is refreshed by itself.
            let old = |entry: &store::cache::Entry| {
                self.now() >= entry.created_at.plus_ms(kept::REFRESH_MS)
            };
            if let Some(entry) = entry.filter(old) {
                let mut batch = Batch::system(self.now());
                store::cache::expire_soft(&mut batch, key, entry.soft_expires_at);
                self.shared.store.commit(batch).await.map_err(Error::from)?;
            }
        } else {
            store::cache::delete(self, key).await?;
        }
        self.shared.ai.forget_landed(key);
        self.analysis(id).await
    }

    /// Removes kept answers of the user that match; returns how many. With `shared` also those
    /// kept for all users: an operator's right.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn purge_answers(&self, filter: &PurgeFilter, shared: bool) -> Result<usize> {
        let company = filter.company.as_deref().map(crate::companies::company_key);
        let purged = store::cache::purge(
            self,
            shared,
            filter.key.as_deref().unwrap_or_default(),
            company.as_deref().unwrap_or_default(),
            filter.kind.map_or("", AnalysisKind::as_str),
        )
        .await?;
        let own = format!("v1:u:{}:", self.user_id().as_uuid().as_simple());
        self.shared.ai.forget_landed(if shared { "" } else { &own });
        Ok(purged)
    }

    /// Counts the kept answers by kind: the user's own and those for all users.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn cache_stats(&self) -> Result<Vec<CacheStats>> {
        self.write_hits().await?;
        store::cache::stats(&self.newest().await?).await
    }

    /// Sums up tokens and cost of the user's own calls since the first of this month (UTC); no
    /// cost when one of them is unknown.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn tokens_this_month(&self) -> Result<(TokenUsage, Option<i64>)> {
        let day_of_month =
            self.now().to_rfc3339().get(8..10).and_then(|day| day.parse::<i64>().ok()).unwrap_or(1);
        let today = self.now().as_ms() - self.now().as_ms().rem_euclid(DAY_MS);
        let since = Timestamp::from_ms(today - (day_of_month - 1) * DAY_MS);
        store::runs::tokens(&self.snapshot().await?, since).await
    }

    async fn run(&self, id: AnalysisId) -> Result<store::runs::RunRow> {
        let found = store::runs::get(&self.newest().await?, &[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("analysis", id))
    }

    /// Opens the answers of rows.
    async fn unseal(&self, rows: Vec<store::runs::RunRow>) -> Result<Vec<Analysis>> {
        let mut analyses = Vec::with_capacity(rows.len());
        for row in rows {
            let mut analysis = row.analysis;
            if let Some(sealed) = row.output {
                let record = analysis.id.as_uuid().into_bytes();
                let key = self.user_key().await?;
                let plain = key.open(SealedColumn::AiRunOutput, &record, &sealed)?;
                let answer = String::from_utf8(plain).ok().and_then(AnswerJson::read);
                let broken = || Error::bug("read an answer", "it is not JSON");
                analysis.result = Some(answer.ok_or_else(broken)?);
            }
            analyses.push(analysis);
        }
        Ok(analyses)
    }
}

impl Analysis {
    /// An answer that has come but could not be stored yet is given all the same.
    fn overlay(&mut self, landing: &flight::Landing) {
        match landing {
            Ok(answer) => {
                self.state = AnalysisState::Succeeded;
                self.result = Some(answer.value.clone());
                self.expires_at = answer.expires_at;
            }
            Err(AiError::RetryLater { .. }) => {}
            Err(error) => {
                self.state = AnalysisState::Failed;
                self.error = Some(Failure::of(self.provider, error));
            }
        }
    }
}
