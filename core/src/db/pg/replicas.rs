//! Read replicas: which one has got far enough for a reader, and which one gets no reads.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    exec::{Trouble, describe, trouble},
    lease::Source,
};
use crate::{
    db::{At, ReplicaHealth},
    error::{Error, Result},
    id::UserId,
    position::Position,
};

/// How often an idle replica is asked how far it has got.
pub(super) const POLL: Duration = Duration::from_millis(100);
/// Pause between two looks at a replica that a reader waits for.
const LOOK: Duration = Duration::from_millis(1);
/// Longest wait for the answer to such a question.
const PATIENCE: Duration = Duration::from_millis(1_000);
/// Positions that are remembered; more are replaced by the newest of them.
const POSITIONS: usize = 65_536;

/// One replica.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) source: Source,
    /// How far it has surely got; 0 when that is not known.
    replayed: AtomicU64,
    /// It answers, belongs to the primary and is not too far behind.
    usable: AtomicBool,
    answers: AtomicBool,
    snapshots: AtomicU64,
}

/// The replicas of a primary, and what its users have written.
#[derive(Debug)]
pub(super) struct Replicas {
    list: Vec<Arc<Replica>>,
    next: AtomicUsize,
    wait: Duration,
    lag_max: u64,
    /// The newest place of the primary that is known.
    primary: AtomicU64,
    written: Mutex<Written>,
}

/// Where the newest write of each user is.
#[derive(Debug, Default)]
struct Written {
    users: HashMap<UserId, Position>,
    /// Users that are not in the map wrote nothing after this.
    floor: Option<Position>,
}

/// Reads a place in the log as the server writes it, such as `0/16B3748`.
pub(super) fn parse_lsn(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let (high, low) = (u32::from_str_radix(high, 16).ok()?, u32::from_str_radix(low, 16).ok()?);
    Some(u64::from(high) << 32 | u64::from(low))
}

impl Replica {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            replayed: AtomicU64::new(0),
            usable: AtomicBool::new(false),
            answers: AtomicBool::new(false),
            snapshots: AtomicU64::new(0),
        }
    }

    /// Counts a snapshot.
    pub(super) fn served(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how far it has got.
    pub(super) fn saw(&self, lsn: u64) {
        self.replayed.fetch_max(lsn, Ordering::Relaxed);
    }

    /// Notes a failed statement: a replica that is gone or in recovery conflict gets no reads until
    /// it has answered again.
    pub(super) fn failed(&self, error: &tokio_postgres::Error) {
        if trouble(error) != Trouble::Serialization {
            self.gone(&describe(error));
        }
    }

    /// Notes that no connection came.
    pub(super) fn left(&self, error: &Error) {
        if !matches!(error.code(), crate::ErrorCode::Busy) {
            self.gone(&error.chain());
        }
    }

    /// Takes it out of the rotation until it has answered again.
    pub(super) fn gone(&self, why: &str) {
        // What it had replayed is forgotten: it may come back as another server.
        self.replayed.store(0, Ordering::Relaxed);
        self.answers.store(false, Ordering::Relaxed);
        if self.usable.swap(false, Ordering::Relaxed) {
            tracing::warn!(replica = self.source.address.name, why, "a replica gets no more reads");
        }
    }

    /// Asks it how far it has got.
    async fn look(&self) -> Result<u64> {
        let lease = self.source.lease("ask a replica", Duration::ZERO).await?;
        let sql = "SELECT pg_last_wal_replay_lsn()::text, pg_is_in_recovery()::text";
        let rows = lease.run("ask a replica", sql, &[], PATIENCE).await?;
        let rows = rows.map_err(|e| super::exec::storage("ask a replica", &e))?;
        let row = rows.first();
        let text = |i| row.and_then(|row| row.try_get::<_, Option<&str>>(i).ok().flatten());
        if text(1) != Some("true") {
            return Err(Error::bug("ask a replica", "it is not a replica any more"));
        }
        text(0).and_then(parse_lsn).ok_or_else(|| Error::bug("ask a replica", "no position"))
    }
}

impl Replicas {
    /// Nobody reads a state older than `floor`.
    pub(super) fn new(
        list: Vec<Arc<Replica>>,
        wait: Duration,
        lag_max_mib: u64,
        floor: Option<Position>,
    ) -> Self {
        Self {
            list,
            next: AtomicUsize::new(0),
            wait,
            lag_max: lag_max_mib.saturating_mul(1024 * 1024),
            primary: AtomicU64::new(floor.map_or(0, Position::lsn)),
            written: Mutex::new(Written { users: HashMap::new(), floor }),
        }
    }

    pub(super) fn list(&self) -> &[Arc<Replica>] {
        &self.list
    }

    /// Notes a user's write.
    pub(super) fn wrote(&self, user: UserId, position: Position) {
        self.primary.fetch_max(position.lsn(), Ordering::Relaxed);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.users.len() >= POSITIONS {
            written.floor = written.users.values().copied().max().max(written.floor);
            written.users.clear();
        }
        let newest = written.users.entry(user).or_insert(position);
        *newest = position.max(*newest);
    }

    /// Returns where the newest write of a user is, or a later place.
    pub(super) fn written(&self, user: UserId) -> Option<Position> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.users.get(&user).copied().max(written.floor)
    }

    /// Notes how far the primary has got.
    pub(super) fn primary_is_at(&self, lsn: u64) {
        self.primary.fetch_max(lsn, Ordering::Relaxed);
    }

    /// Chooses a replica that has got far enough, waiting for one shortly; `None` for the primary.
    pub(super) async fn choose(&self, at: At) -> Option<Arc<Replica>> {
        let wanted = match at {
            At::Primary => return None,
            At::Any => 0,
            At::Position(position) => position.lsn(),
        };
        let usable: Vec<_> =
            self.list.iter().filter(|replica| replica.usable.load(Ordering::Relaxed)).collect();
        if usable.is_empty() {
            return None;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || usable.iter().cycle().skip(turn % usable.len()).take(usable.len());
        let ready = |replica: &&&Arc<Replica>| replica.replayed.load(Ordering::Relaxed) >= wanted;
        if let Some(replica) = in_turn().find(ready) {
            return Some(Arc::clone(replica));
        }
        let asked = in_turn().next()?;
        let started = Instant::now();
        while started.elapsed() < self.wait {
            match tokio::time::timeout(self.wait, asked.look()).await {
                Ok(Ok(lsn)) => asked.saw(lsn),
                Ok(Err(error)) => {
                    asked.left(&error);
                    return None;
                }
                Err(_elapsed) => return None,
            }
            let usable = asked.usable.load(Ordering::Relaxed);
            if usable && asked.replayed.load(Ordering::Relaxed) >= wanted {
                return Some(Arc::clone(asked));
            }
            tokio::time::sleep(LOOK).await;
        }
        None
    }

    /// Looks after one replica: takes it into the rotation and out of it.
    pub(super) async fn look_after(&self, replica: &Replica, identity: &str) {
        let lsn = match replica.look().await {
            Ok(lsn) => lsn,
            Err(error) => return replica.left(&error),
        };
        let known = replica.answers.load(Ordering::Relaxed);
        if !known && !belongs(replica, identity).await {
            return;
        }
        replica.saw(lsn);
        replica.answers.store(true, Ordering::Relaxed);
        let behind = self.primary.load(Ordering::Relaxed).saturating_sub(lsn);
        let near = behind <= self.lag_max;
        if replica.usable.swap(near, Ordering::Relaxed) != near {
            let name = &replica.source.address.name;
            tracing::info!(replica = name, behind, reads = near, "a replica changed its state");
        }
    }

    /// Returns how the replicas are doing.
    pub(super) fn health(&self) -> Vec<ReplicaHealth> {
        let primary = self.primary.load(Ordering::Relaxed);
        let of = |replica: &Arc<Replica>| {
            let at = replica.replayed.load(Ordering::Relaxed);
            ReplicaHealth {
                name: replica.source.address.name.clone(),
                in_rotation: replica.usable.load(Ordering::Relaxed),
                lag_bytes: replica
                    .answers
                    .load(Ordering::Relaxed)
                    .then(|| primary.saturating_sub(at)),
                snapshots: replica.snapshots.load(Ordering::Relaxed),
            }
        };
        self.list.iter().map(of).collect()
    }
}

/// Reports whether the replica holds this engine's data; another's must never be read.
async fn belongs(replica: &Replica, identity: &str) -> bool {
    match super::start::identity(&replica.source).await {
        Ok(Some(found)) if found == identity => true,
        Ok(Some(_)) => {
            let name = &replica.source.address.name;
            tracing::error!(
                replica = name,
                "it is a replica of another database; it gets no reads"
            );
            false
        }
        // It has not replayed the first migration yet.
        Ok(None) => false,
        Err(error) => {
            replica.left(&error);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicas() -> Replicas {
        Replicas::new(Vec::new(), Duration::ZERO, 64, None)
    }

    #[test]
    fn places_in_the_log_are_read() {
        assert_eq!(parse_lsn("16/B374D848"), Some(0x16_B374_D848));
        assert_eq!(parse_lsn("0"), None);
        assert_eq!(parse_lsn("x/1"), None);
    }

    #[test]
    fn a_users_newest_write_is_kept_and_forgotten_ones_count_as_newer() {
        let replicas = replicas();
        let (ann, at) = (UserId::from_uuid(uuid::Uuid::from_u128(1)), Position::from_lsn);
        replicas.wrote(ann, at(20));
        replicas.wrote(ann, at(10));
        assert_eq!(replicas.written(ann), Some(at(20)));

        for i in 0..POSITIONS as u128 {
            replicas.wrote(UserId::from_uuid(uuid::Uuid::from_u128(100 + i)), at(30));
        }

        assert_eq!(replicas.written(ann), Some(at(30)));
    }
}
