//! A connection on loan, and statements that travel together.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use deadpool_postgres::{Object, Pool, PoolError, TimeoutType};
use futures_util::FutureExt;
use tokio_postgres::{Client, Row as PgRow};

use super::{
    address::Address,
    exec::{self, Trouble, describe, trouble},
};
use crate::{
    db::Value,
    error::{Error, Result, UnavailableKind},
};

/// Pause between two attempts to connect to a server that restarts.
pub(super) const RECONNECT: Duration = Duration::from_millis(50);

/// Longest time a cancel request may take.
const CANCEL: Duration = Duration::from_secs(5);

/// A pool with the address it connects to.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) address: Address,
    pub(super) pool: Pool,
    /// Whether a pooler stands between. To that no cancel request is sent: PgBouncer 1.18 can die
    /// of one whose statement has just ended ("bad client state"). It closes the server's side of a
    /// connection that its client left, and the guards end what runs there.
    pub(super) pooled: bool,
    /// Settings of a transaction that end a statement which nobody waits for.
    pub(super) guards: Arc<str>,
}

/// A connection on loan. It goes back only when nothing is under way on it: one whose user left in
/// the middle is cancelled and closed.
pub(super) struct Lease {
    client: Option<Object>,
    source: Source,
    /// A statement was given up before its answer came.
    torn: AtomicBool,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.source.address).finish()
    }
}

impl Source {
    /// Borrows a connection; while the server restarts it is tried again until the deadline.
    pub(super) async fn lease(&self, op: &'static str, within: Duration) -> Result<Lease> {
        let started = Instant::now();
        loop {
            let error = match self.pool.get().await {
                Ok(client) => {
                    let source = self.clone();
                    return Ok(Lease {
                        client: Some(client),
                        source,
                        torn: AtomicBool::new(false),
                    });
                }
                Err(PoolError::Timeout(TimeoutType::Wait)) => {
                    return Err(Error::unavailable(UnavailableKind::Busy, op));
                }
                Err(PoolError::Closed) => {
                    return Err(Error::unavailable(UnavailableKind::Closed, op));
                }
                Err(PoolError::Backend(e)) => {
                    if !is_passing(&e) {
                        return Err(unreachable(op, &self.address, &describe(&e)));
                    }
                    describe(&e)
                }
                Err(other) => other.to_string(),
            };
            if started.elapsed() + RECONNECT > within {
                return Err(unreachable(op, &self.address, &error));
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }
}

fn unreachable(op: &'static str, address: &Address, why: &str) -> Error {
    let why = format!("PostgreSQL at {}: {why}", address.name);
    Error::unavailable_because(UnavailableKind::Storage, op, why)
}

/// Reports whether connecting may succeed a moment later.
pub(super) fn is_passing(error: &tokio_postgres::Error) -> bool {
    matches!(trouble(error), Trouble::Lost | Trouble::Refused)
        || (error.code().is_none() && exec::find_io(error).is_some())
        || error.to_string().contains("timeout")
        // What a standby answers that is about to take over.
        || describe(error).contains("does not allow writes")
}

impl Lease {
    /// Returns what belongs behind BEGIN on this connection.
    pub(super) fn guards(&self) -> &str {
        &self.source.guards
    }

    /// Returns the connection.
    pub(super) fn client(&self) -> Result<&Client> {
        self.client
            .as_ref()
            .map(|object| &***object)
            .ok_or_else(|| Error::bug("use a connection", "it went back already"))
    }

    /// Runs a statement that must end by itself within `deadline`.
    ///
    /// # Cancel safety
    /// A dropped future marks the connection; it is then cancelled and closed, not reused.
    pub(super) async fn run(
        &self,
        op: &'static str,
        sql: &str,
        params: &[Value],
        deadline: Duration,
    ) -> Result<std::result::Result<Vec<PgRow>, tokio_postgres::Error>> {
        self.within(op, deadline, exec::run(self.client()?, sql, params)).await
    }

    /// Waits for what was sent on this connection.
    pub(super) async fn within<T>(
        &self,
        op: &'static str,
        deadline: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        let mut mark = Mark { torn: &self.torn, done: false };
        let outcome = tokio::time::timeout(deadline, work).await;
        mark.done = outcome.is_ok();
        outcome.map_err(|_| Error::Timeout { op })
    }

    /// Sends a command whose answer nobody waits for: answers come in order, so whoever uses the
    /// connection next is served after it.
    pub(super) fn send(&self, sql: &'static str) {
        if let Ok(client) = self.client() {
            drop(client.batch_execute(sql).now_or_never());
        }
    }

    /// Reports whether a statement was given up in the middle.
    pub(super) fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }

    /// Keeps the connection from being used again.
    pub(super) fn tear(&self) {
        self.torn.store(true, Ordering::Relaxed);
    }
}

struct Mark<'a> {
    torn: &'a AtomicBool,
    done: bool,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.torn.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.client.take() else { return };
        if !self.is_torn() {
            return;
        }
        let client = Object::take(object);
        if self.source.pooled {
            return;
        }
        let (token, tls) = (client.cancel_token(), self.source.address.tls.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            match tokio::time::timeout(CANCEL, token.cancel_query(tls)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(error = %describe(&error), "a statement was not cancelled");
                }
                Err(_elapsed) => tracing::debug!("a statement was not cancelled in time"),
            }
            drop(client);
        });
    }
}

/// A future among others that are sent together.
pub(super) type Sent<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends everything before it waits for anything, and returns the answers in order. The
/// connection writes in the order of the first polls.
pub(super) async fn together<T>(mut futures: Vec<Sent<'_, T>>) -> Vec<T> {
    let mut answers: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let (mut sent, mut next) = (false, 0);
    poll_fn(|context| {
        for (i, (future, answer)) in futures.iter_mut().zip(&mut answers).enumerate() {
            if answer.is_some() || (sent && i < next) {
                continue;
            }
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *answer = Some(value),
                // Later answers cannot come before this one.
                Poll::Pending if sent => return Poll::Pending,
                Poll::Pending => {}
            }
            if sent {
                next = i + 1;
            }
        }
        sent = true;
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_is_begun_before_anything_ends_and_answers_keep_their_order() {
        let log = std::sync::Mutex::new(Vec::new());
        let step = |name: &'static str, log: &std::sync::Mutex<Vec<String>>| {
            log.lock().unwrap().push(format!("sent {name}"));
        };
        let futures: Vec<Sent<'_, &str>> = ["a", "b", "c"]
            .into_iter()
            .map(|name| -> Sent<'_, &str> {
                let log = &log;
                Box::pin(async move {
                    step(name, log);
                    tokio::task::yield_now().await;
                    log.lock().unwrap().push(format!("got {name}"));
                    name
                })
            })
            .collect();

        let answers = together(futures).await;

        assert_eq!(answers, ["a", "b", "c"]);
        assert_eq!(*log.lock().unwrap(), ["sent a", "sent b", "sent c", "got a", "got b", "got c"]);
    }
}
