//! SQL of the queue: which process works on which run, and until when.

use uuid::Uuid;

use super::runs::NewRun;
use crate::{
    db::{Batch, Commit, Miss, Row, Stmt, params},
    engine::Engine,
    error::{Error, Result},
    id::{AnalysisId, UserId},
    time::Timestamp,
};

static RUN_QUEUE: Stmt = Stmt::write(
    "ai_run_queue",
    "UPDATE ai_run
     SET state = 'QUEUED', run_at = $1, attempts = attempts + $2, process_id = NULL,
         lease_until = NULL, error_class = $3
     WHERE id = $4 AND state = 'RUNNING' AND process_id = $5",
);

static RUN_CLAIM: Stmt = Stmt::write(
    "ai_run_claim",
    "UPDATE ai_run
     SET state = 'RUNNING', process_id = $1, lease_until = $2, started_at = COALESCE(started_at, $3)
     WHERE id IN (
         SELECT due.id
         FROM ai_run due
         WHERE due.state = 'QUEUED' AND due.run_at <= $3
         ORDER BY due.run_at, due.id
         LIMIT $4
     )
     RETURNING id, user_id, request, attempts",
)
.with_pg(
    "UPDATE ai_run
     SET state = 'RUNNING', process_id = $1, lease_until = $2, started_at = COALESCE(started_at, $3)
     WHERE id = ANY(ARRAY(
         SELECT due.id
         FROM ai_run due
         WHERE due.state = 'QUEUED' AND due.run_at <= $3
         ORDER BY due.run_at, due.id
         LIMIT $4
         FOR UPDATE SKIP LOCKED
     ))
     RETURNING id, user_id, request, attempts",
);

static RUN_EXPIRE: Stmt = Stmt::write(
    "ai_run_expire",
    "UPDATE ai_run
     SET state = CASE WHEN stalled >= $1 THEN 'FAILED' ELSE 'QUEUED' END,
         error_class = CASE WHEN stalled >= $1 THEN 'stalled' ELSE error_class END,
         error_text = CASE WHEN stalled >= $1 THEN $2 ELSE error_text END,
         finished_at = CASE WHEN stalled >= $1 THEN $3 ELSE finished_at END,
         request = CASE WHEN stalled >= $1 THEN NULL ELSE request END,
         run_at = $3, stalled = stalled + 1, process_id = NULL, lease_until = NULL
     WHERE state = 'RUNNING' AND lease_until <= $3
     RETURNING id",
);

static RUN_RENEW: Stmt = Stmt::write(
    "ai_run_renew",
    "UPDATE ai_run
     SET lease_until = $1
     WHERE process_id = $2 AND state = 'RUNNING' AND id IN rarray($3)
     RETURNING id",
);

static RUN_TARGET: Stmt = Stmt::write(
    "ai_run_target",
    "UPDATE ai_run
     SET key = $1, provider = $2, model = $3, prompt_version = $4, components = $5
     WHERE id = $6 AND state = 'RUNNING'",
);

pub(super) fn statements() -> [&'static Stmt; 5] {
    [&RUN_QUEUE, &RUN_CLAIM, &RUN_EXPIRE, &RUN_RENEW, &RUN_TARGET]
}

/// A run of the queue that this process may work on.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) id: AnalysisId,
    pub(crate) user: UserId,
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) attempts: i64,
}

/// Adds what a queued run is about now: its texts may be others than when it was queued.
pub(crate) fn retarget(batch: &mut Batch, run: &NewRun) {
    let params = params![
        run.key.as_str(),
        run.provider.as_str(),
        run.model.as_str(),
        run.prompt_version.as_str(),
        run.components.as_deref(),
        run.id
    ];
    batch.one(&RUN_TARGET, params, Miss::Lost);
}

/// Adds a return to the queue of a run that this process worked on.
pub(crate) fn queue(
    batch: &mut Batch,
    id: AnalysisId,
    worker: Uuid,
    run_at: Timestamp,
    class: &'static str,
    counts: bool,
) {
    batch.step(&RUN_QUEUE, params![run_at, counts, class, id, worker]);
}

/// Claims up to `most` due runs.
pub(crate) async fn claim(
    engine: &Engine,
    worker: Uuid,
    lease_ms: i64,
    most: usize,
) -> Result<Vec<Due>> {
    let now = engine.now();
    let mut batch = Batch::system(now);
    batch.step(&RUN_CLAIM, params![worker, now.plus_ms(lease_ms), now, most]);
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    let due = |row: &dyn Row| {
        Ok(Due {
            id: AnalysisId::from_uuid(row.id(0)?),
            user: UserId::from_uuid(row.id(1)?),
            request: row.opt_blob(2)?.map(<[u8]>::to_vec),
            attempts: row.int(3)?,
        })
    };
    commit.rows.iter().flatten().map(|row| due(row)).collect()
}

/// Puts runs of crashed processes back into the queue; one that ended its process too often fails.
/// Returns how many.
pub(crate) async fn expire(engine: &Engine, most_stalls: i64) -> Result<usize> {
    let now = engine.now();
    let mut batch = Batch::system(now);
    let why = "the work stopped again and again without an answer";
    batch.step(&RUN_EXPIRE, params![most_stalls, why, now]);
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    Ok(commit.rows.iter().map(Vec::len).sum())
}

/// Adds a longer lease for runs that this process works on, as the last step of `batch`: the ids that come back are those it still has; the others were ended by somebody else.
pub(crate) fn renew(batch: &mut Batch, worker: Uuid, until: Timestamp, runs: &[AnalysisId]) {
    let runs: Vec<Uuid> = runs.iter().map(AnalysisId::as_uuid).collect();
    batch.step(&RUN_RENEW, params![until, worker, runs]);
}

/// Reads which runs a batch that ended with [`renew`] left to this process.
pub(crate) fn renewed(commit: &Commit) -> Result<Vec<AnalysisId>> {
    let rows = commit.rows.last().map_or(&[][..], Vec::as_slice);
    rows.iter().map(|row| Ok(AnalysisId::from_uuid((row as &dyn Row).id(0)?))).collect()
}
