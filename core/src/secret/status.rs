//! How the keys are doing, for the operator.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{derive::KekId, store, vault::off_thread};
use crate::{
    engine::Engine,
    error::{Error, Result},
    time::Timestamp,
};

/// The master keys: where they come from, and what they seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysStatus {
    /// `folder`, `file`, `given` (by the host), `memory`, or `none` where no source is possible.
    pub source: &'static str,
    /// The file of keys, where the source is one.
    pub path: Option<PathBuf>,
    /// Whether every secret can be opened. A database without any needs no key.
    pub ok: bool,
    /// What stands in the way, in words for the operator, without keys.
    pub problem: Option<String>,
    /// Id of the key that seals what is new; `None` when no key can be had or none was made yet.
    pub current: Option<String>,
    /// Every key that the source gives or the database knows, the current one first.
    pub keys: Vec<KekStatus>,
}

/// One master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KekStatus {
    /// 16 hex digits, derived from the key.
    pub kek_id: String,
    /// Whether the source gives it.
    pub held: bool,
    /// Sealed values that need it.
    pub rows: u64,
    /// How often it sealed something; it seals no more at 2^31.
    pub wraps: i64,
    /// When it first sealed something.
    pub created_at: Option<Timestamp>,
}

impl Engine {
    /// Returns how the master keys are doing; makes none. Reads every sealed row's head, on a
    /// thread of its own.
    ///
    /// # Errors
    /// As every read. A missing or wrong key is no error here but the answer.
    pub async fn keys_status(&self) -> Result<KeysStatus> {
        self.refuse_closed()?;
        let (shared, vault) = (&self.shared, &self.shared.vault);
        let known = store::keks(&shared.store).await?;
        let counts = store::sealed_counts(&shared.store).await?;
        let source = Arc::clone(&vault.source);
        let ring = match off_thread(move || source.read()).await {
            Ok(None) if known.is_empty() => Ok(None),
            Ok(keys) => vault.prove(keys, &known).map(Some),
            Err(error) => Err(error),
        };
        let (ring, mut problem) = match ring {
            Ok(ring) => (ring, None),
            Err(error) => (None, Some(error)),
        };
        let held: Vec<KekId> = ring.iter().flat_map(super::vault::Ring::ids).collect();
        let lost = counts.iter().find(|(id, _)| !held.contains(id));
        if let (None, Some((kek_id, _))) = (&problem, lost) {
            problem = Some(Error::from(super::KeyFault::Missing { kek_id: *kek_id }));
        }
        let mut ids = held.clone();
        ids.extend(known.iter().map(|row| row.id));
        ids.extend(counts.iter().map(|(id, _)| *id));
        let mut keys: Vec<KekStatus> = Vec::new();
        for id in ids {
            let kek_id = id.to_string();
            if keys.iter().any(|key| key.kek_id == kek_id) {
                continue;
            }
            let row = known.iter().find(|row| row.id == id);
            keys.push(KekStatus {
                kek_id,
                held: held.contains(&id),
                rows: counts.iter().find(|count| count.0 == id).map_or(0, |count| count.1),
                wraps: row.map_or(0, |row| row.wraps),
                created_at: row.map(|row| row.created_at),
            });
        }
        Ok(KeysStatus {
            source: vault.source.word(),
            path: vault.source.path(),
            ok: problem.is_none(),
            problem: problem.map(|error| error.chain()),
            current: held.first().map(KekId::to_string),
            keys,
        })
    }
}
