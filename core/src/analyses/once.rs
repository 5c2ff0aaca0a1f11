//! Calls about analyses under an idempotency key. Their effects may be repeated without harm, so
//! the key is written after them: what a crash comes between is done again, and a count is then of
//! what was left to do.

use serde::{Serialize, de::DeserializeOwned};

use super::{Analysis, PurgeFilter};
use crate::{
    db::{Miss, Rejected},
    engine::Engine,
    enums::{AnalysisKind, AnalysisState},
    error::{ConflictKind, Error, Result},
    id::AnalysisId,
    idempotency::{Guarded, Key},
    mutation::WriteOptions,
};

impl Engine {
    /// As [`Engine::cancel_analysis`]; the same idempotency key gives the same analysis again.
    ///
    /// # Errors
    /// As there, and `Conflict` of kind `IdempotencyMismatch`.
    pub async fn cancel_analysis_once(
        &self,
        id: AnalysisId,
        options: &WriteOptions,
    ) -> Result<Analysis> {
        let work = async {
            match self.cancel_analysis(id).await {
                // Perhaps by this very call, before it could say so.
                Err(Error::Conflict { kind: ConflictKind::AlreadyFinished, .. })
                    if options.idempotency_key.is_some()
                        && self.analysis(id).await?.state == AnalysisState::Cancelled =>
                {
                    Ok(id)
                }
                cancelled => Ok(cancelled?.id),
            }
        };
        let id = self.once("analysisCancel", options, &id, work).await?;
        self.analysis(id).await
    }

    /// As [`Engine::invalidate_analysis`]; the same idempotency key does it once.
    ///
    /// # Errors
    /// As there, and `Conflict` of kind `IdempotencyMismatch`.
    pub async fn invalidate_analysis_once(
        &self,
        id: AnalysisId,
        options: &WriteOptions,
    ) -> Result<Analysis> {
        let work = async { Ok(self.invalidate_analysis(id).await?.id) };
        let id = self.once("analysisInvalidate", options, &id, work).await?;
        self.analysis(id).await
    }

    /// As [`Engine::purge_answers`] of the user's own answers; the same idempotency key gives the
    /// same count again.
    ///
    /// # Errors
    /// As there, and `Conflict` of kind `IdempotencyMismatch`.
    pub async fn purge_answers_once(
        &self,
        filter: &PurgeFilter,
        options: &WriteOptions,
    ) -> Result<usize> {
        let args = (&filter.key, &filter.company, filter.kind.map(AnalysisKind::as_str));
        self.once("answersPurge", options, &args, self.purge_answers(filter, false)).await
    }

    async fn once<T: Serialize + DeserializeOwned>(
        &self,
        mutation: &'static str,
        options: &WriteOptions,
        args: &(impl Serialize + Sync),
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let Some(key) = Key::new(self, mutation, options, args)? else { return work.await };
        if let Guarded::Replay { value, .. } = key.find(&self.newest().await?).await? {
            return Ok(value);
        }
        let value = work.await?;
        let mut batch = self.batch();
        batch.key = Some(key.row(&value, self.now())?);
        match self.shared.store.commit(batch).await {
            Ok(_) | Err(Rejected::Missed(Miss::Replay, _)) => Ok(value),
            Err(rejected) => Err(Error::from(rejected)),
        }
    }
}
