//! Kept answers: found, opened, checked again, and refreshed before they end.

use sha2::{Digest, Sha256};

use super::{
    Analysis, AnswerJson,
    prepare::Work,
    start::{NotStarted, StartedAnalysis},
    store::{
        cache::{self, Entry},
        runs::{self, NewRun},
    },
};
use crate::{
    DAY_MS,
    ai::Capability,
    db::Batch,
    engine::Engine,
    enums::{AnalysisState, ResultSource},
    error::{Error, Result},
    id::AnalysisId,
    idempotency::Key,
    secret::SealedColumn,
    time::Timestamp,
};

/// How long an answer that has ended may still stand in for one that cannot be had (ai.md
/// section 9).
const STALE_MS: i64 = 7 * DAY_MS;
/// Time between two tries to refresh an answer.
pub(crate) const REFRESH_MS: i64 = 3_600_000;
/// Digests of answers that were found valid, kept in memory: 128 KiB of them.
const VALID_MOST: usize = 4_096;

/// An answer that was kept and still has the form of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) value: AnswerJson,
    pub(crate) entry: Entry,
    pub(crate) key: String,
    /// The user's run that stands for it and the same subject.
    known: Option<Box<Analysis>>,
}

impl Kept {
    fn is_public(&self) -> bool {
        self.key.starts_with("v1:p:")
    }
}

/// When a kept answer should be made anew and when it ends: the life of its kind less 0 to 5 %, by
/// the digest in its key, so that answers made together do not end together.
pub(crate) fn lifetime(key: &str, created: Timestamp, ttl_days: u32) -> (Timestamp, Timestamp) {
    let digest = key.rsplit(':').next().and_then(|hex| hex.get(..4));
    let part = digest.and_then(|hex| i64::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let whole = i64::from(ttl_days) * DAY_MS;
    let life = whole - whole / 20 * part / 0xFFFF;
    (created.plus_ms(life / 20 * 19), created.plus_ms(life))
}

impl Engine {
    /// Finds the answer that is kept for a request, the user's own first, with the run that stands
    /// for it. Two or three statements.
    pub(crate) async fn kept(&self, work: &Work) -> Result<Option<Kept>> {
        let now = self.now();
        for key in [Some(&work.key), work.public_key.as_ref()].into_iter().flatten() {
            let snapshot = self.newest().await?;
            let Some(entry) = cache::get(&snapshot, key).await? else { continue };
            if now >= entry.expires_at {
                continue;
            }
            let subject = &work.about.subject;
            let read = work.components.as_deref();
            let known = runs::of_entry(&snapshot, key, subject, entry.run_id, read).await?;
            // Whoever holds a connection and waits for another may wait for ever.
            drop(snapshot);
            if let Some(kept) = self.open_entry(work.capability, key, entry).await? {
                let known = known.map(|row| Box::new(row.analysis));
                return Ok(Some(Kept { known, ..kept }));
            }
        }
        Ok(None)
    }

    /// Finds an answer that has ended, to stand in for one that cannot be had.
    pub(crate) async fn stand_in(&self, work: &Work) -> Result<Option<Kept>> {
        let Some(entry) = cache::get(&self.newest().await?, &work.key).await? else {
            return Ok(None);
        };
        if self.now() >= entry.expires_at.plus_ms(STALE_MS) {
            return Ok(None);
        }
        self.open_entry(work.capability, &work.key, entry).await
    }

    /// Opens an entry. One that is damaged or of an older form is removed and counts as none.
    async fn open_entry(
        &self,
        capability: &'static Capability,
        key: &str,
        entry: Entry,
    ) -> Result<Option<Kept>> {
        let opened = if entry.sealed {
            let user_key = self.user_key().await?;
            user_key.open(SealedColumn::AiCacheBody, key.as_bytes(), &entry.body).ok()
        } else {
            Some(entry.body.clone())
        };
        let text = opened.and_then(|body| String::from_utf8(body).ok());
        let value = text.and_then(|text| self.still_valid(capability, text));
        match value {
            Some(value) => Ok(Some(Kept { value, entry, key: key.to_owned(), known: None })),
            None => {
                tracing::warn!(capability = capability.id, "a kept answer is not valid; removed");
                cache::delete(self, key).await?;
                Ok(None)
            }
        }
    }

    /// Takes an answer that has the form of its kind. What was found valid is not checked again.
    fn still_valid(&self, capability: &'static Capability, text: String) -> Option<AnswerJson> {
        let digest = Sha256::new().chain_update(capability.id).chain_update(&text);
        let digest = digest.finalize().into();
        if self.shared.ai.valid.lock().contains(&digest) {
            return Some(AnswerJson::known(text));
        }
        let answer = AnswerJson::read(text).filter(|answer| capability.still_valid(answer))?;
        let mut known = self.shared.ai.valid.lock();
        if known.len() >= VALID_MOST {
            known.clear();
        }
        known.insert(digest);
        Some(answer)
    }

    /// Answers a request from what is kept. The run that made it, or the one that stood for it
    /// before, is given again; only the first hit of a user and subject writes a row.
    pub(crate) async fn answer_kept(
        &self,
        work: &Work,
        kept: Kept,
        key: Option<&Key>,
    ) -> std::result::Result<StartedAnalysis, NotStarted> {
        *self.shared.ai.hits.lock().entry(kept.key.clone()).or_insert(0) += 1;
        let soft = self.now() >= kept.entry.soft_expires_at;
        let source = match (kept.is_public(), soft && work.choice.operator) {
            (true, _) => ResultSource::Shared,
            (false, true) => ResultSource::Stale,
            (false, false) => ResultSource::Cache,
        };
        if soft && work.choice.operator {
            self.refresh_soon(work, &kept).await?;
        }
        let origin = kept.entry.run_id;
        let mut batch = self.batch();
        let id = match kept.known {
            Some(known) if key.is_none() => {
                let analysis = Analysis { result: Some(kept.value), ..*known };
                return Ok(StartedAnalysis { analysis, source, replayed: false });
            }
            Some(known) => known.id,
            None => {
                let id = AnalysisId::new(self.now());
                let output = self.seal_output(id, &kept.value).await?;
                runs::insert(
                    &mut batch,
                    &NewRun {
                        state: AnalysisState::Succeeded,
                        source: Some(source),
                        origin: Some(origin),
                        key: kept.key.clone(),
                        provider: kept.entry.provider,
                        model: kept.entry.model.clone(),
                        prompt_version: kept.entry.prompt_version.clone(),
                        output: Some(output),
                        cost_micros: Some(0),
                        expires_at: Some(kept.entry.expires_at),
                        ..self.new_run(id, work)?
                    },
                );
                id
            }
        };
        if let Some(key) = key {
            batch.key = Some(key.row(&id, self.now())?);
        }
        self.shared.store.commit(batch).await?;
        Ok(StartedAnalysis { analysis: self.analysis(id).await?, source, replayed: false })
    }

    /// Starts the one refresh of an answer that is near its end; of all who see it one does.
    async fn refresh_soon(&self, work: &Work, kept: &Kept) -> Result<()> {
        let (seen, next) = (kept.entry.soft_expires_at, self.now().plus_ms(REFRESH_MS));
        if !cache::soften(self, &kept.key, seen, next).await? {
            return Ok(());
        }
        self.fly_unasked(work.clone());
        Ok(())
    }

    /// Seals an answer for a run of this user.
    pub(crate) async fn seal_output(&self, id: AnalysisId, answer: &AnswerJson) -> Result<Vec<u8>> {
        let key = self.user_key().await?;
        let record = id.as_uuid().into_bytes();
        key.seal(SealedColumn::AiRunOutput, &record, answer.text().as_bytes())
    }

    /// Writes down the hits counted since the last time. One batch; nothing when there are none.
    pub(crate) async fn write_hits(&self) -> Result<()> {
        let hits = std::mem::take(&mut *self.shared.ai.hits.lock());
        if hits.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::system(self.now());
        for (key, hits) in &hits {
            cache::hit(&mut batch, key, *hits);
        }
        self.shared.store.commit(batch).await.map_err(Error::from)?;
        Ok(())
    }

    /// Removes answers that nobody may use any more; returns how many.
    pub(crate) async fn sweep_answers(&self) -> Result<usize> {
        const BATCH: usize = 500;
        let before = self.now().plus_ms(-STALE_MS);
        let mut swept = 0;
        loop {
            let removed = cache::sweep(self, before, BATCH).await?;
            swept += removed;
            if removed < BATCH {
                break;
            }
        }
        let mut batch = Batch::system(self.now());
        super::store::flights::sweep(&mut batch, before);
        self.shared.store.commit(batch).await.map_err(Error::from)?;
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_an_answer_is_shortened_by_up_to_a_twentieth_and_always_the_same() {
        let created = Timestamp::from_ms(1_000);
        let days = |digits: &str| {
            let (soft, end) = lifetime(&format!("v1:p:{digits}"), created, 90);
            (
                (soft.as_ms() - 1_000) as f64 / DAY_MS as f64,
                (end.as_ms() - 1_000) as f64 / DAY_MS as f64,
            )
        };
        assert_eq!(days("0000aa").1, 90.0);
        assert!((days("ffffaa").1 - 85.5).abs() < 0.001);
        let (soft, end) = days("8000aa");
        assert!(end > 85.5 && end < 90.0);
        assert!((soft / end - 0.95).abs() < 0.001);
        assert_eq!(days("8000aa"), days("8000bb"), "only the digest's head counts");
    }
}
