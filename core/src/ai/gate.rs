//! Who may call a provider now: a few at a time per credential, nobody while it asked for a pause.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::AiError;

/// First pause after an overload that names none (ai.md section 11); it doubles.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest pause this process keeps by itself.
const PAUSE_MOST: Duration = Duration::from_secs(60);
/// Pause after the provider asked for money.
const BILLING: Duration = Duration::from_secs(300);

/// All gates of a process, by provider and credential: one user's own key never closes another's.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

/// The gate of one credential.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    closed: Mutex<Closed>,
}

#[derive(Debug, Default)]
struct Closed {
    until: Option<Instant>,
    overloads: u32,
    /// One call tries whether the provider is back; the others wait for it.
    probing: bool,
}

/// The right to make one call. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Arc<Gate>,
    probe: bool,
    _place: OwnedSemaphorePermit,
}

impl Gates {
    /// Returns the gate of a credential.
    pub(crate) fn of(&self, credential: &str, places: usize) -> Arc<Gate> {
        let mut gates = self.gates.lock();
        if let Some(gate) = gates.get(credential) {
            return Arc::clone(gate);
        }
        // Credentials come and go with users' keys; an idle, open gate says nothing.
        if gates.len() >= 1024 {
            gates.retain(|_, gate| {
                let until = gate.closed.lock().until;
                Arc::strong_count(gate) > 1 || until.is_some_and(|until| until > Instant::now())
            });
        }
        let gate = Arc::new(Gate {
            places: Arc::new(Semaphore::new(places.max(1))),
            closed: Mutex::default(),
        });
        gates.insert(credential.to_owned(), Arc::clone(&gate));
        gate
    }
}

impl Gate {
    /// Waits for a turn, at most `wait`.
    ///
    /// # Errors
    /// `RetryLater` when the gate stays closed or full for longer.
    pub(crate) async fn turn(self: &Arc<Self>, wait: Duration) -> Result<Turn, AiError> {
        let deadline = Instant::now() + wait;
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(place) = tokio::time::timeout_at(deadline, place).await else {
            return Err(later(wait));
        };
        let place = place.map_err(|_| AiError::Cancelled)?;
        loop {
            let until = {
                let mut closed = self.closed.lock();
                match closed.until {
                    None => {
                        return Ok(Turn { gate: Arc::clone(self), probe: false, _place: place });
                    }
                    Some(until) if until <= Instant::now() && !closed.probing => {
                        closed.probing = true;
                        return Ok(Turn { gate: Arc::clone(self), probe: true, _place: place });
                    }
                    // The probe is under way: look again soon.
                    Some(until) => until.max(Instant::now() + Duration::from_millis(100)),
                }
            };
            if until > deadline {
                return Err(later(until.saturating_duration_since(Instant::now())));
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

fn later(wait: Duration) -> AiError {
    AiError::RetryLater { after_ms: i64::try_from(wait.as_millis()).unwrap_or(i64::MAX) }
}

impl Turn {
    /// Tells the gate how the call went: an overload closes it, a success opens it.
    pub(crate) fn done(self, outcome: Result<(), &AiError>) {
        let mut closed = self.gate.closed.lock();
        let asked =
            |ms: Option<i64>| ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        let pause = match outcome {
            Err(AiError::Billing) => Some(BILLING),
            Err(
                AiError::RateLimited { retry_after_ms } | AiError::Overloaded { retry_after_ms },
            ) => {
                let own = PAUSE.saturating_mul(1 << closed.overloads.min(5)).min(PAUSE_MOST);
                closed.overloads += 1;
                Some(asked(*retry_after_ms).unwrap_or(own))
            }
            _ => None,
        };
        match (outcome, pause) {
            (_, Some(pause)) => {
                let until = Instant::now() + pause;
                closed.until = Some(closed.until.map_or(until, |known| known.max(until)));
            }
            // A probe that failed otherwise says nothing about the load: the next one may try.
            (Err(_), None) => {}
            (Ok(()), None) => {
                closed.overloads = 0;
                closed.until = closed.until.filter(|until| *until > Instant::now());
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.probe {
            self.gate.closed.lock().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_closes_the_gate_of_its_credential_only() {
        let gates = Gates::default();
        let (own, operator) = (gates.of("anthropic|user", 2), gates.of("anthropic|operator", 8));
        let limited = AiError::RateLimited { retry_after_ms: Some(5_000) };
        own.turn(WAIT).await.unwrap().done(Err(&limited));
        let before = Instant::now();
        operator.turn(WAIT).await.unwrap().done(Ok(()));
        assert_eq!(before.elapsed(), Duration::ZERO);
        own.turn(WAIT).await.unwrap().done(Ok(()));
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn overloads_pause_for_longer_each_time_and_a_success_forgets_them() {
        let gate = Gates::default().of("k", 8);
        let overloaded = AiError::Overloaded { retry_after_ms: None };
        let mut pauses = Vec::new();
        for _ in 0..3 {
            gate.turn(WAIT).await.unwrap().done(Err(&overloaded));
            let closed = Instant::now();
            let turn = gate.turn(WAIT).await.unwrap();
            pauses.push(closed.elapsed().as_secs());
            drop(turn);
        }
        assert_eq!(pauses, [2, 4, 8]);
        gate.turn(WAIT).await.unwrap().done(Ok(()));
        gate.turn(WAIT).await.unwrap().done(Err(&overloaded));
        let closed = Instant::now();
        drop(gate.turn(WAIT).await.unwrap());
        assert_eq!(closed.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_probes_a_closed_gate_while_the_others_wait() {
        let gate = Gates::default().of("k", 8);
        gate.turn(WAIT).await.unwrap().done(Err(&AiError::Overloaded { retry_after_ms: None }));
        let probe = gate.turn(WAIT).await.unwrap();
        let second = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.turn(WAIT).await.map(|turn| turn.probe) }
        });
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(!second.is_finished());
        probe.done(Ok(()));
        assert_eq!(second.await.unwrap(), Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_limit_is_told_and_not_waited_for() {
        let gate = Gates::default().of("k", 1);
        gate.turn(WAIT).await.unwrap().done(Err(&AiError::Billing));
        let before = Instant::now();
        let Err(AiError::RetryLater { after_ms }) = gate.turn(WAIT).await else { panic!() };
        assert_eq!((after_ms, before.elapsed()), (300_000, Duration::ZERO));
    }
}
