//! Idempotency keys: the same key with the same input gives the first answer again.
//!
//! The row is written in the mutation's own batch. What it holds is a keyed digest of the
//! arguments, which may be private, and the ids of the answer.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

use crate::{
    db::{IdempotencyRow, Stmt, params},
    engine::{Engine, Snapshot},
    error::{ConflictKind, Error, Result},
    mutation::WriteOptions,
    time::Timestamp,
    validate,
};

static IDEMPOTENCY_GET: Stmt = Stmt::read(
    "idempotency_get",
    "SELECT digest, result, rev
     FROM idempotency
     WHERE user_id = $1 AND mutation = $2 AND key = $3 AND expires_at > $4",
);

static IDEMPOTENCY_SWEEP: Stmt = Stmt::write(
    "idempotency_sweep",
    "DELETE FROM idempotency
     WHERE expires_at <= $1",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 2] {
    [&IDEMPOTENCY_GET, &IDEMPOTENCY_SWEEP]
}

/// A key with the digest of what it was used for.
pub(crate) struct Key {
    mutation: &'static str,
    key: String,
    digest: [u8; 32],
    lifetime_ms: i64,
}

/// What is known of a key.
pub(crate) enum Guarded<T> {
    /// Nothing: do the work.
    New,
    /// The work was done; this was the answer.
    Replay { value: T, revision: Option<i64> },
}

impl Key {
    /// Reads the key out of the options; `None` when there is none.
    pub(crate) fn new(
        engine: &Engine,
        mutation: &'static str,
        options: &WriteOptions,
        args: &impl Serialize,
    ) -> Result<Option<Self>> {
        let Some(key) = &options.idempotency_key else { return Ok(None) };
        validate::idempotency_key(key)?;
        let args = serde_json::to_vec(&(args, options.expected_version))
            .map_err(|e| Error::internal("digest the arguments", e))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&engine.shared.secret)
            .map_err(|e| Error::internal("digest the arguments", e))?;
        mac.update(&args);
        Ok(Some(Self {
            mutation,
            key: key.clone(),
            digest: mac.finalize().into_bytes().into(),
            lifetime_ms: engine.shared.config.limits.idempotency_hours * 3_600_000,
        }))
    }

    /// Looks the key up. One statement.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Guarded<T>> {
        let now = snapshot.engine().now();
        let params = params![snapshot.user(), self.mutation, self.key.as_str(), now];
        let found = snapshot
            .view()
            .find(&IDEMPOTENCY_GET, params, |row| {
                Ok((row.blob(0)?.to_vec(), row.text(1)?.to_owned(), row.int(2)?))
            })
            .await?;
        let Some((digest, result, rev)) = found else { return Ok(Guarded::New) };
        if digest != self.digest {
            return Err(Error::conflict(
                ConflictKind::IdempotencyMismatch,
                "the idempotency key was used with other input; take a new key",
            ));
        }
        let value = serde_json::from_str(&result)
            .map_err(|e| Error::internal("read an earlier answer", e))?;
        Ok(Guarded::Replay { value, revision: Some(rev) })
    }

    /// Makes the row that the mutation's batch writes.
    pub(crate) fn row(&self, value: &impl Serialize, now: Timestamp) -> Result<IdempotencyRow> {
        Ok(IdempotencyRow {
            mutation: self.mutation,
            key: self.key.clone(),
            digest: self.digest,
            result: serde_json::to_string(value)
                .map_err(|e| Error::internal("keep the answer", e))?,
            expires_at: now.plus_ms(self.lifetime_ms),
        })
    }
}

/// Adds the removal of expired keys to a sweep.
pub(crate) fn sweep(batch: &mut crate::db::Batch, now: Timestamp) {
    batch.step(&IDEMPOTENCY_SWEEP, params![now]);
}
