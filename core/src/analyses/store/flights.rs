//! SQL of flights: one row per key that is or was called, whose fence only grows.

use uuid::Uuid;

use crate::{
    db::{Batch, Miss, Row, Stmt, params},
    engine::{Engine, Shared},
    error::{Error, Result},
    time::Timestamp,
};

static FLIGHT_CLAIM: Stmt = Stmt::write(
    "ai_flight_claim",
    "INSERT INTO ai_flight (key, process_id, fence, state, lease_until, updated_at)
     VALUES ($1, $2, 1, 'RUNNING', $3, $4)
     ON CONFLICT (key) DO UPDATE
     SET process_id = excluded.process_id, fence = ai_flight.fence + 1, state = 'RUNNING',
         error_class = NULL, error_text = NULL, lease_until = excluded.lease_until,
         updated_at = excluded.updated_at
     WHERE ai_flight.state <> 'RUNNING' OR ai_flight.lease_until <= excluded.updated_at
     RETURNING fence",
);

static FLIGHT_END: Stmt = Stmt::write(
    "ai_flight_end",
    "UPDATE ai_flight
     SET state = $1, error_class = $2, error_text = $3, lease_until = $4, updated_at = $4
     WHERE key = $5 AND process_id = $6 AND fence = $7",
);

static FLIGHT_GET: Stmt = Stmt::read(
    "ai_flight_get",
    "SELECT state, fence, lease_until, error_class, error_text
     FROM ai_flight
     WHERE key = $1",
);

static FLIGHT_RENEW: Stmt = Stmt::write(
    "ai_flight_renew",
    "UPDATE ai_flight
     SET lease_until = $1
     WHERE process_id = $2 AND state = 'RUNNING' AND key = $3",
);

// The row must outlive every cursor that knows its epochs: a week is more than any lives.
static FLIGHT_SWEEP: Stmt = Stmt::write(
    "ai_flight_sweep",
    "DELETE FROM ai_flight
     WHERE updated_at <= $1 AND state <> 'RUNNING'",
);

pub(super) fn statements() -> [&'static Stmt; 5] {
    [&FLIGHT_CLAIM, &FLIGHT_END, &FLIGHT_GET, &FLIGHT_RENEW, &FLIGHT_SWEEP]
}

/// The right to call for a key until the lease ends; every later claim has a greater fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) owner: Uuid,
    pub(crate) fence: i64,
}

/// What another process has made of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) state: String,
    pub(crate) fence: i64,
    pub(crate) lease_until: Timestamp,
    pub(crate) error: Option<(String, String)>,
}

/// Claims a key; `None` while another process holds it.
pub(crate) async fn claim(
    shared: &Shared,
    key: &str,
    owner: Uuid,
    now: Timestamp,
    lease_ms: i64,
) -> Result<Option<Claim>> {
    let mut batch = Batch::system(now);
    batch.step(&FLIGHT_CLAIM, params![key, owner, now.plus_ms(lease_ms), now]);
    let commit = shared.store.commit(batch).await.map_err(Error::from)?;
    let row = commit.rows.into_iter().flatten().next();
    row.map(|row| Ok(Claim { owner, fence: (&row as &dyn Row).int(0)? })).transpose()
}

/// Adds the end of a flight; whose fence is not the row's any more writes nothing.
pub(crate) fn end(
    batch: &mut Batch,
    key: &str,
    claim: Claim,
    state: &'static str,
    error: Option<(&str, &str)>,
) {
    let at = batch.at;
    let (class, text) = (error.map(|error| error.0), error.map(|error| error.1));
    let params = params![state, class, text, at, key, claim.owner, claim.fence];
    batch.one(&FLIGHT_END, params, Miss::Lost);
}

/// Reads what is known of a key.
pub(crate) async fn get(engine: &Engine, key: &str) -> Result<Option<Foreign>> {
    let found = engine
        .newest()
        .await?
        .view()
        .query(&FLIGHT_GET, params![key], |row| {
            let class = row.opt_text(3)?.map(str::to_owned);
            let text = row.opt_text(4)?.map(str::to_owned);
            Ok(Foreign {
                state: row.text(0)?.to_owned(),
                fence: row.int(1)?,
                lease_until: row.time(2)?,
                error: class.zip(text),
            })
        })
        .await?;
    Ok(found.into_iter().next())
}

/// Adds a longer lease for a key that this process calls for.
pub(crate) fn renew(batch: &mut Batch, owner: Uuid, until: Timestamp, key: &str) {
    batch.step(&FLIGHT_RENEW, params![until, owner, key]);
}

/// Adds the end of rows nobody needs.
pub(crate) fn sweep(batch: &mut Batch, before: Timestamp) {
    batch.step(&FLIGHT_SWEEP, params![before]);
}
