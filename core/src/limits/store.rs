//! SQL of the windows. Every time is read from `jotrack_clock_ms()` behind the lock of the subject's
//! row, so that the order of the calls is the order of their times.

use uuid::Uuid;

use super::{RateState, Taken, Window};
use crate::{
    db::{Batch, Row, Stmt, params},
    engine::Engine,
    error::{Error, Result},
    time::Timestamp,
};

/// Events of a subject without a limit: beyond them it is only known that there are as many.
const METERED: u32 = 10_000;
/// Times that a user's calls are given back after they had output, per window.
const REFUNDS: u32 = 3;
/// Dead subjects that one step removes.
const SWEEP_ROWS: usize = 1_000;

/// Step 1: takes the lock. Only the second part may read the clock for a subject that exists: it
/// is computed when the lock is held.
static QUOTA_TOUCH: Stmt = Stmt::write(
    "quota_touch",
    "INSERT INTO quota_subject (subject, last_at, prev_at)
     VALUES ($1, jotrack_clock_ms(), 0)
     ON CONFLICT (subject) DO UPDATE
     SET prev_at = quota_subject.last_at, last_at = jotrack_clock_ms()",
);

/// Step 2: after the clock was set back, events keep their ages. So nothing more is granted, and
/// nobody waits for the old time to come again.
static QUOTA_REBASE: Stmt = Stmt::write(
    "quota_rebase",
    "UPDATE quota_event
     SET at = at - (SELECT s.prev_at - s.last_at FROM quota_subject s WHERE s.subject = $1),
         expires_at = expires_at
             - (SELECT s.prev_at - s.last_at FROM quota_subject s WHERE s.subject = $1)
     WHERE subject = $1
         AND EXISTS (
             SELECT 1 FROM quota_subject s WHERE s.subject = $1 AND s.prev_at > s.last_at
         )",
);

/// Step 3: what left the window, and reservations that nobody renewed.
static QUOTA_EXPIRE: Stmt = Stmt::write(
    "quota_expire",
    "DELETE FROM quota_event
     WHERE subject = $1
         AND (at <= (SELECT s.last_at - $2 FROM quota_subject s WHERE s.subject = $1)
             OR expires_at <= (SELECT s.last_at FROM quota_subject s WHERE s.subject = $1))",
);

/// Step 4: an id that is there already stays.
static QUOTA_INSERT: Stmt = Stmt::write(
    "quota_insert",
    "INSERT INTO quota_event (subject, id, at, state, expires_at)
     SELECT $1, $2, s.last_at, $3, s.last_at + $4
     FROM quota_subject s
     WHERE s.subject = $1
         AND (SELECT count(e.id) FROM quota_event e WHERE e.subject = $1) < $5
     ON CONFLICT (subject, id) DO NOTHING",
);

/// Step 5: what came of it.
static QUOTA_RESULT: Stmt = Stmt::write(
    "quota_result",
    "SELECT min(s.last_at), count(e.id), min(e.at), count(CASE WHEN e.id = $1 THEN 1 END)
     FROM quota_subject s
     LEFT JOIN quota_event e ON e.subject = s.subject
     WHERE s.subject = $2",
);

static QUOTA_SETTLE: Stmt = Stmt::write(
    "quota_settle",
    "UPDATE quota_event
     SET state = 'SETTLED', expires_at = NULL
     WHERE subject = $1 AND id = $2",
);

static QUOTA_EXTEND: Stmt = Stmt::write(
    "quota_extend",
    "UPDATE quota_event
     SET expires_at = (SELECT s.last_at + $1 FROM quota_subject s WHERE s.subject = $2)
     WHERE subject = $2 AND id = $3 AND state = 'RESERVED'",
);

static QUOTA_REFUND: Stmt = Stmt::write(
    "quota_refund",
    "DELETE FROM quota_event
     WHERE subject = $1 AND id = $2",
);

/// Gives back what the count of refunds, another subject, has a row for.
static QUOTA_REFUND_COUNTED: Stmt = Stmt::write(
    "quota_refund_counted",
    "DELETE FROM quota_event
     WHERE subject = $1 AND id = $2
         AND EXISTS (SELECT 1 FROM quota_event r WHERE r.subject = $3 AND r.id = $2)",
);

static QUOTA_TIMES: Stmt = Stmt::read(
    "quota_times",
    "SELECT last_at, jotrack_clock_ms()
     FROM quota_subject
     WHERE subject = $1",
);

static QUOTA_USED: Stmt = Stmt::read(
    "quota_used",
    "SELECT count(id), min(at)
     FROM quota_event
     WHERE subject = $1 AND at > $2 AND (expires_at IS NULL OR expires_at > $3)",
);

/// The events of a subject go with it. The time is asked for twice because on PostgreSQL a call may
/// come between the list and the deletion.
static QUOTA_SWEEP: Stmt = Stmt::write(
    "quota_sweep",
    "DELETE FROM quota_subject
     WHERE last_at < $1
         AND subject IN (
             SELECT dead.subject
             FROM quota_subject dead
             WHERE dead.last_at < $1
             ORDER BY dead.last_at
             LIMIT $2
         )
     RETURNING last_at",
);

/// The statements of this domain.
pub(crate) fn statements() -> [&'static Stmt; 12] {
    [
        &QUOTA_TOUCH,
        &QUOTA_REBASE,
        &QUOTA_EXPIRE,
        &QUOTA_INSERT,
        &QUOTA_RESULT,
        &QUOTA_SETTLE,
        &QUOTA_EXTEND,
        &QUOTA_REFUND,
        &QUOTA_REFUND_COUNTED,
        &QUOTA_TIMES,
        &QUOTA_USED,
        &QUOTA_SWEEP,
    ]
}

/// Takes a place in the window of a subject, if there is one, in one batch of its own. An id that
/// has a place keeps it: a retry is free.
///
/// With `reserve_ms` the place is a reservation, which ends by itself that many milliseconds later
/// unless it is extended or settled; without, it is settled at once. What is refused is not
/// counted.
pub(crate) async fn take(
    engine: &Engine,
    subject: &str,
    id: Uuid,
    window: Window,
    reserve_ms: Option<i64>,
) -> Result<Taken> {
    let mut batch = Batch::system(engine.now());
    touch(&mut batch, subject);
    batch.step(&QUOTA_EXPIRE, params![subject, window.span_ms]);
    insert(&mut batch, subject, id, reserve_ms, window.limit.unwrap_or(METERED));
    batch.step(&QUOTA_RESULT, params![id, subject]);
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    let row = commit.rows.last().and_then(|rows| rows.first());
    let row: &dyn Row = row.ok_or_else(|| Error::bug("take a place", "no count came back"))?;
    let (now, oldest) = (row.time(0)?, row.opt_time(2)?);
    let state = window.state(now, row.number(1)?, oldest);
    // Without a limit nothing is refused, also where no more is written down.
    let admitted = row.int(3)? > 0 || window.limit.is_none();
    Ok(if admitted { Taken::Admitted(state) } else { Taken::Denied(state) })
}

/// Adds a step that makes a reservation a charge, with the time at which it was made. Nothing
/// happens when it was given back, or has ended and another call took its place.
pub(crate) fn settle(batch: &mut Batch, subject: &str, id: Uuid) {
    batch.step(&QUOTA_SETTLE, params![subject, id]);
}

/// Adds steps that let a reservation end `for_ms` from now. Nothing happens when it is settled or
/// was given back, or has ended and another call came since.
pub(crate) fn extend(batch: &mut Batch, subject: &str, id: Uuid, for_ms: i64) {
    touch(batch, subject);
    batch.step(&QUOTA_EXTEND, params![for_ms, subject, id]);
}

/// Adds a step that gives a place back, settled or not.
pub(crate) fn refund(batch: &mut Batch, subject: &str, id: Uuid) {
    batch.step(&QUOTA_REFUND, params![subject, id]);
}

/// Adds steps that give back a call which failed after it had output, at most three times per
/// window; the fourth is charged. Running them again for the same id changes nothing. They count
/// by id: a call that is made again needs a new one.
pub(crate) fn refund_after_output(batch: &mut Batch, subject: &str, id: Uuid, window: Window) {
    let refunds = format!("{subject}:refunds");
    touch(batch, &refunds);
    batch.step(&QUOTA_EXPIRE, params![refunds.as_str(), window.span_ms]);
    insert(batch, &refunds, id, None, REFUNDS);
    batch.step(&QUOTA_REFUND_COUNTED, params![subject, id, refunds.as_str()]);
    settle(batch, subject, id);
}

/// Reads how full a window is. Two statements on the newest state.
pub(crate) async fn state(engine: &Engine, subject: &str, window: Window) -> Result<RateState> {
    let snapshot = engine.newest().await?;
    let times = snapshot
        .view()
        .find(&QUOTA_TIMES, params![subject], |row| Ok((row.time(0)?, row.time(1)?)))
        .await?;
    let Some((last, clock)) = times else { return Ok(window.state(engine.now(), 0, None)) };
    // A clock that was set back stands still for the events until the next call.
    let now = clock.max(last);
    let params = params![subject, now.plus_ms(-window.span_ms), now];
    let counted =
        snapshot.view().find(&QUOTA_USED, params, |row| Ok((row.number(0)?, row.opt_time(1)?)));
    let (used, oldest) = counted.await?.unwrap_or((0, None));
    let ahead_ms = now.as_ms() - clock.as_ms();
    Ok(window.state(clock, used, oldest.map(|at| at.plus_ms(-ahead_ms))))
}

/// Removes subjects that were not asked about since `before`, some thousand at most. Returns how
/// many.
pub(super) async fn sweep(engine: &Engine, before: Timestamp) -> Result<usize> {
    let mut batch = Batch::system(engine.now());
    batch.step(&QUOTA_SWEEP, params![before, SWEEP_ROWS]);
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    Ok(commit.rows.first().map_or(0, Vec::len))
}

/// Takes the subject's lock and the time.
fn touch(batch: &mut Batch, subject: &str) {
    batch.step(&QUOTA_TOUCH, params![subject]);
    batch.step(&QUOTA_REBASE, params![subject]);
}

fn insert(batch: &mut Batch, subject: &str, id: Uuid, reserve_ms: Option<i64>, below: u32) {
    let state = if reserve_ms.is_some() { "RESERVED" } else { "SETTLED" };
    batch.step(&QUOTA_INSERT, params![subject, id, state, reserve_ms, below]);
}
