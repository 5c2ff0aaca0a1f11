//! A window of the host's own.

use uuid::Uuid;

use super::{RateState, Taken, Window, store};
use crate::{
    db::Batch,
    engine::Engine,
    error::{Error, Result},
    validate::{Checks, TextRule},
};

/// An exact sliding window of the host's own, kept in the engine's database: no number of processes
/// together lets through one call too many. Every method but [`Quota::state`] is one batch.
///
/// Calls have ids, which a host makes at random. Asking again with the same id is free, so a caller
/// that does not know what came of its request repeats it.
#[derive(Debug, Clone)]
pub struct Quota {
    engine: Engine,
    subject: String,
    window: Window,
}

impl Engine {
    /// Returns the window of `name`, which the host chooses: a line of at most 200 characters. All
    /// users of the engine share it. Nothing is written before the first call.
    ///
    /// # Errors
    /// `Invalid` for an empty or over-long name, or a window that is not 1 ms to a day long.
    pub fn quota(&self, name: &str, window: Window) -> Result<Quota> {
        let mut checks = Checks::default();
        let name = checks.required(&["name"], name, TextRule::line(200));
        if !(1..=crate::DAY_MS).contains(&window.span_ms) {
            checks.add(&["window"], "range", "must be 1 ms to a day long", Some(crate::DAY_MS));
        }
        checks.finish()?;
        Ok(Quota { engine: self.clone(), subject: format!("host:{name}"), window })
    }
}

impl Quota {
    /// Takes a place for a call, if there is one. With `reserve_ms` it is a reservation, which ends
    /// by itself that many milliseconds later unless it is extended or settled: so a crash gives
    /// it back.
    ///
    /// # Errors
    /// `Unavailable`: it is not known whether the call counts; ask again with the same id.
    pub async fn take(&self, id: Uuid, reserve_ms: Option<i64>) -> Result<Taken> {
        store::take(&self.engine, &self.subject, id, self.window, reserve_ms).await
    }

    /// Returns how full the window is. Two statements.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn state(&self) -> Result<RateState> {
        store::state(&self.engine, &self.subject, self.window).await
    }

    /// Makes a reservation a charge, which keeps the time of its call.
    ///
    /// # Errors
    /// `Unavailable`; it may be repeated.
    pub async fn settle(&self, id: Uuid) -> Result<()> {
        self.write(|batch| store::settle(batch, &self.subject, id)).await
    }

    /// Lets a reservation end `for_ms` milliseconds from now.
    ///
    /// # Errors
    /// `Unavailable`; it may be repeated.
    pub async fn extend(&self, id: Uuid, for_ms: i64) -> Result<()> {
        self.write(|batch| store::extend(batch, &self.subject, id, for_ms)).await
    }

    /// Gives a place back, reserved or charged.
    ///
    /// # Errors
    /// `Unavailable`; it may be repeated.
    pub async fn refund(&self, id: Uuid) -> Result<()> {
        self.write(|batch| store::refund(batch, &self.subject, id)).await
    }

    /// Gives a place back at most three times per window; later ones are charged, so that nobody
    /// gets work for nothing by making it fail.
    ///
    /// # Errors
    /// `Unavailable`; it may be repeated.
    pub async fn refund_after_output(&self, id: Uuid) -> Result<()> {
        let add = |batch: &mut Batch| {
            store::refund_after_output(batch, &self.subject, id, self.window);
        };
        self.write(add).await
    }

    async fn write(&self, add: impl FnOnce(&mut Batch)) -> Result<()> {
        let mut batch = Batch::system(self.engine.now());
        add(&mut batch);
        self.engine.shared.store.commit(batch).await.map(|_| ()).map_err(Error::from)
    }
}
