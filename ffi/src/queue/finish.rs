//! How an operation ended, for those who wait for it instead of being called.

use std::{sync::Arc, time::Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::Outcome;

/// The end of one operation: set once, looked at as often as one likes, also after the engine is
/// closed.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    outcome: Mutex<Option<Arc<Outcome>>>,
    set: Condvar,
    over: Notify,
}

impl Finish {
    pub(super) fn set(&self, outcome: &Arc<Outcome>) {
        self.outcome.lock().get_or_insert_with(|| Arc::clone(outcome));
        self.set.notify_all();
        self.over.notify_one();
    }

    /// Reports whether the end is known.
    pub(crate) fn is_set(&self) -> bool {
        self.outcome.lock().is_some()
    }

    /// Waits until the end is known, or `deadline` (`None`: for ever) has passed.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Arc<Outcome>> {
        let mut outcome = self.outcome.lock();
        while outcome.is_none() {
            let timed_out = match deadline {
                Some(deadline) => self.set.wait_until(&mut outcome, deadline).timed_out(),
                None => {
                    self.set.wait(&mut outcome);
                    false
                }
            };
            if timed_out {
                break;
            }
        }
        outcome.clone()
    }

    /// Waits until the end is known, whoever brought it about. For one task: that of the operation.
    #[cfg_attr(not(feature = "graphql"), allow(dead_code, reason = "only GraphQL drops work"))]
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }
}
