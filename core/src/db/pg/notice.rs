//! How processes on one database hear of each other's writes.
//!
//! The change log holds the changes; what travels here is only "look again", so a lost notice
//! delays and never loses. It is sent after the commit and for many commits at once, because a
//! NOTIFY inside a transaction takes a lock over all committing transactions of the database until
//! it is on the disk (PreCommit_Notify in PostgreSQL's async.c).

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;

use super::{
    address::Address,
    exec::{describe, storage},
    lease::Source,
};
use crate::{db::Value, error::Result, hub::Hub, id::UserId};

const CHANNEL: &str = "jotrack";
/// Users in one notice: its text must stay below 8,000 bytes.
const USERS: usize = 120;
/// How long notices are gathered after one was sent.
const GATHER: Duration = Duration::from_millis(5);
/// How often the newest revisions are looked up although notices arrive.
const NET: Duration = Duration::from_secs(10);
/// Longest time that looking revisions up may take.
const LOOK: Duration = Duration::from_secs(2);
/// Pause before the listening connection is made anew.
const AGAIN: Duration = Duration::from_millis(250);

/// What this process has written and others should know.
#[derive(Debug, Default)]
pub(super) struct Notice {
    waiting: Mutex<HashMap<UserId, i64>>,
    rung: Notify,
    /// Whether a listening connection stands.
    heard: AtomicBool,
}

impl Notice {
    /// Notes a committed revision for the others.
    pub(super) fn tell(&self, user: UserId, rev: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = waiting.entry(user).or_insert(rev);
        *newest = rev.max(*newest);
        self.rung.notify_one();
    }

    /// Reports whether other processes' writes are heard of at once.
    fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    fn set_heard(&self, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<(UserId, i64)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let some: Vec<_> = waiting.iter().take(USERS).map(|(user, rev)| (*user, *rev)).collect();
        for (user, _) in &some {
            waiting.remove(user);
        }
        if !waiting.is_empty() {
            self.rung.notify_one();
        }
        some
    }
}

/// Sends what was told, many users at a time.
pub(super) async fn send(source: Source, notice: Arc<Notice>, within: Duration) {
    loop {
        notice.rung.notified().await;
        let some = notice.take();
        if some.is_empty() {
            continue;
        }
        if let Err(error) = notify(&source, &written(&some), within).await {
            tracing::debug!(error = %error.chain(), "a notice was not sent; it is sent again");
            for (user, rev) in some {
                notice.tell(user, rev);
            }
            tokio::time::sleep(AGAIN).await;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Sends what was told last, before the connections close.
pub(super) async fn send_rest(source: &Source, notice: &Notice, within: Duration) {
    let rest = notice.take();
    if !rest.is_empty()
        && let Err(error) = notify(source, &written(&rest), within).await
    {
        // Others find it at their next look.
        tracing::debug!(error = %error.chain(), "a notice was not sent");
    }
}

async fn notify(source: &Source, text: &str, within: Duration) -> Result<()> {
    let op = "tell other processes";
    let lease = source.lease(op, within).await?;
    let params = [Value::from(CHANNEL), Value::from(text)];
    // pg_notify returns void; the cast makes it a type that rows may have.
    let sql = "SELECT CAST(pg_notify($1, $2) AS TEXT)";
    lease.run(op, sql, &params, within).await?.map(drop).map_err(|e| storage(op, &e))
}

fn written(users: &[(UserId, i64)]) -> String {
    let mut text = String::new();
    for (user, rev) in users {
        text.push_str(&format!("{}:{rev} ", user.as_uuid().simple()));
    }
    text
}

fn read(text: &str) -> impl Iterator<Item = (UserId, i64)> {
    text.split_whitespace().filter_map(|part| {
        let (user, rev) = part.split_once(':')?;
        Some((UserId::from_uuid(uuid::Uuid::try_parse(user).ok()?), rev.parse().ok()?))
    })
}

/// Listens on a connection of its own, again and again, and tells the hub. Only for a server's own
/// address: a pooler takes LISTEN, forgets it, and leaves it behind on a connection of others.
pub(super) async fn listen(direct: Address, source: Source, notice: Arc<Notice>, hub: Arc<Hub>) {
    loop {
        let ended = listen_once(&direct, &source, &notice, &hub).await;
        notice.set_heard(false);
        tracing::debug!(ended, "the listening connection ended; it is made anew");
        tokio::time::sleep(AGAIN).await;
    }
}

/// Listens until the connection ends and says why it did.
async fn listen_once(direct: &Address, source: &Source, notice: &Notice, hub: &Hub) -> String {
    let (client, mut connection) = match direct.config.connect(direct.tls.clone()).await {
        Ok(connected) => connected,
        Err(error) => return describe(&error),
    };
    let driver = async {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(found))) => {
                    for (user, rev) in read(found.payload()) {
                        hub.publish(user, rev);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return describe(&error),
                None => return String::from("the server closed it"),
            }
        }
    };
    let start = async {
        if let Err(error) = client.batch_execute(&format!("LISTEN {CHANNEL}")).await {
            return describe(&error);
        }
        // What was said before the connection stood is in the database.
        if let Err(error) = look_up(source, hub).await {
            return error.chain();
        }
        notice.set_heard(true);
        std::future::pending().await
    };
    tokio::select! {
        ended = driver => ended,
        ended = start => ended,
    }
}

/// Looks the newest revisions up while somebody follows: each `every` when notices do not arrive,
/// else rarely, as a net.
pub(super) async fn watch(source: Source, notice: Arc<Notice>, hub: Arc<Hub>, every: Duration) {
    let mut looked = Instant::now();
    loop {
        tokio::time::sleep(every).await;
        if notice.is_heard() && looked.elapsed() < NET {
            continue;
        }
        looked = Instant::now();
        if let Err(error) = look_up(&source, &hub).await {
            tracing::debug!(error = %error.chain(), "revisions were not looked up");
        }
    }
}

/// Publishes the newest revisions of all users whom somebody follows. One statement.
async fn look_up(source: &Source, hub: &Hub) -> Result<()> {
    let op = "look revisions up";
    let users = hub.followed();
    if users.is_empty() {
        return Ok(());
    }
    let lease = source.lease(op, LOOK).await?;
    let users: Vec<_> = users.into_iter().map(|user| user.as_uuid()).collect();
    let sql = "SELECT user_id, rev FROM user_rev WHERE user_id = ANY($1)";
    let rows = lease.run(op, sql, &[Value::from(users)], LOOK).await?;
    for row in rows.map_err(|e| storage(op, &e))? {
        let row: &dyn crate::db::Row = &row;
        hub.publish(UserId::from_uuid(row.id(0)?), row.int(1)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written_and_stays_short() {
        let users: Vec<_> = (0..USERS as u128)
            .map(|i| (UserId::from_uuid(uuid::Uuid::from_u128(u128::MAX - i)), i64::MAX))
            .collect();

        let text = written(&users);

        assert!(text.len() < 8_000, "{}", text.len());
        assert_eq!(read(&text).collect::<Vec<_>>(), users);
        assert_eq!(read("odd x:y z").count(), 0);
    }

    #[test]
    fn what_does_not_fit_into_one_notice_goes_into_the_next() {
        let notice = Notice::default();
        for i in 0..USERS as u128 + 1 {
            notice.tell(UserId::from_uuid(uuid::Uuid::from_u128(i)), 1);
        }

        assert_eq!((notice.take().len(), notice.take().len(), notice.take().len()), (USERS, 1, 0));
    }
}
