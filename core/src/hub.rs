//! Tells subscribers of this process that a user's revision has risen.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::id::UserId;

/// One watch per user that somebody listens to. It carries the newest revision only: the change
/// log holds the changes, so a slow reader costs no memory and misses nothing.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<HashMap<UserId, watch::Sender<i64>>>);

impl Hub {
    /// Announces a committed revision. Never blocks on a reader.
    pub(crate) fn publish(&self, user: UserId, rev: i64) {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = users.get(&user) {
            if sender.receiver_count() == 0 {
                users.remove(&user);
            } else {
                sender.send_if_modified(|known| {
                    let rose = rev > *known;
                    *known = rev.max(*known);
                    rose
                });
            }
        }
    }

    /// Listens to a user's revisions.
    pub(crate) fn listen(&self, user: UserId) -> watch::Receiver<i64> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.entry(user).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Returns the users whom somebody listens to.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite is asked by each"))]
    pub(crate) fn followed(&self) -> Vec<UserId> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, sender| sender.receiver_count() > 0);
        users.keys().copied().collect()
    }

    /// Ends all listening.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
