//! SQL of runs: one row per request of one user for an analysis.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    ai::{Attempt, Report, TokenUsage},
    analyses::Analysis,
    db::{Batch, Row, Stmt, params},
    engine::Snapshot,
    enums::{AiProvider, AnalysisKind, AnalysisState, ChangeOp, EntityKind, Persona, ResultSource},
    error::Result,
    id::{AnalysisId, AttachmentId, JobId, UserId},
    time::Timestamp,
};

/// The columns of an [`Analysis`], in the order `read` takes them.
macro_rules! columns {
    () => {
        "id, job_id, attachment_id, company, persona, kind, key, state, source, provider, model,
         prompt_version, components, output, provider_request_id, tokens_in, tokens_out,
         tokens_cached, usage_estimated, cost_micros, ttft_ms, total_ms, error_class, error_text,
         last_sequence, expires_at, created_at, started_at, finished_at, run_at, attempts"
    };
}

static RUN_INSERT: Stmt = Stmt::write(
    "ai_run_insert",
    "INSERT INTO ai_run (id, user_id, job_id, attachment_id, company, persona, subject, kind, key,
         state, source, origin_id, provider, model, prompt_version, components, run_at, attempts,
         stalled, process_id, lease_until, request, output, tokens_in, tokens_out, tokens_cached,
         usage_estimated, cost_micros, last_sequence, expires_at, created_at, started_at,
         finished_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, 0,
         $18, $19, $20, $21, 0, 0, 0, 0, $22, 0, $23, $24, $25, $26)",
);

static RUN_FINISH: Stmt = Stmt::write(
    "ai_run_finish",
    "UPDATE ai_run
     SET state = $1, source = $2, origin_id = $3, output = $4, provider_request_id = $5,
         tokens_in = $6, tokens_out = $7, tokens_cached = $8, usage_estimated = $9,
         cost_micros = $10, ttft_ms = $11, total_ms = $12, error_class = $13, error_text = $14,
         last_sequence = $15, expires_at = $16, finished_at = $17, request = NULL,
         lease_until = NULL, process_id = NULL
     WHERE id = $18 AND state IN ('QUEUED', 'RUNNING')",
);

static RUN_ACCOUNT: Stmt = Stmt::write(
    "ai_run_account",
    "UPDATE ai_run
     SET provider_request_id = $1, tokens_in = $2, tokens_out = $3, tokens_cached = $4,
         usage_estimated = $5, cost_micros = $6, ttft_ms = $7, total_ms = $8
     WHERE id = $9",
);

static RUN_ATTEMPT: Stmt = Stmt::write(
    "ai_run_attempt",
    "INSERT INTO ai_attempt (run_id, attempt, outcome, retry_after_ms, ttft_ms, total_ms, tokens_in,
         tokens_out, cost_micros)
     SELECT run.id, COALESCE(MAX(earlier.attempt), 0) + 1, $1, $2, $3, $4, $5, $6, $7
     FROM ai_run run
     LEFT JOIN ai_attempt earlier ON earlier.run_id = run.id
     WHERE run.id = $8
     GROUP BY run.id",
);

static RUN_GET: Stmt = Stmt::read(
    "ai_run_get",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM ai_run
     WHERE +user_id = $1 AND id IN rarray($2)"
    ),
);

static RUN_OF_ENTRY: Stmt = Stmt::read(
    "ai_run_of_entry",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM ai_run
     WHERE user_id = $1 AND key = $2 AND subject = $3 AND origin_id = $4
       AND components IS NOT DISTINCT FROM $5
     UNION ALL
     SELECT ",
        columns!(),
        "
     FROM ai_run
     WHERE id = $4 AND user_id = $1 AND subject = $3 AND state = 'SUCCEEDED'
       AND components IS NOT DISTINCT FROM $5
     LIMIT 1"
    ),
);

static RUN_OF_JOBS: Stmt = Stmt::read(
    "ai_run_of_jobs",
    "SELECT id, job_id, created_at
     FROM ai_run
     WHERE user_id = $1 AND job_id IN rarray($2) AND kind IN rarray($3)",
);

static RUN_RECENT: Stmt = Stmt::read(
    "ai_run_recent",
    "SELECT created_at
     FROM ai_run
     WHERE user_id = $1 AND subject = $2 AND kind = $3 AND source = 'FRESH' AND created_at > $4
     ORDER BY created_at DESC
     LIMIT 1",
);

static RUN_TOKENS: Stmt = Stmt::long(
    "ai_run_tokens",
    "SELECT CAST(COALESCE(SUM(tokens_in), 0) AS BIGINT),
            CAST(COALESCE(SUM(tokens_out), 0) AS BIGINT),
            CAST(COALESCE(SUM(tokens_cached), 0) AS BIGINT),
            COALESCE(MAX(usage_estimated), 0),
            CAST(SUM(cost_micros) AS BIGINT),
            COUNT(*) FILTER (WHERE cost_micros IS NULL)
     FROM ai_run
     WHERE user_id = $1 AND created_at >= $2 AND source = 'FRESH'",
);

pub(super) fn statements() -> [&'static Stmt; 9] {
    [
        &RUN_INSERT,
        &RUN_FINISH,
        &RUN_ACCOUNT,
        &RUN_ATTEMPT,
        &RUN_GET,
        &RUN_OF_ENTRY,
        &RUN_OF_JOBS,
        &RUN_RECENT,
        &RUN_TOKENS,
    ]
}

/// A run that is not stored yet.
#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    pub(crate) id: AnalysisId,
    pub(crate) user: UserId,
    pub(crate) job: Option<JobId>,
    pub(crate) attachment: Option<AttachmentId>,
    pub(crate) company: Option<String>,
    pub(crate) persona: Option<Persona>,
    pub(crate) subject: String,
    pub(crate) kind: AnalysisKind,
    pub(crate) key: String,
    pub(crate) state: AnalysisState,
    pub(crate) source: Option<ResultSource>,
    pub(crate) origin: Option<AnalysisId>,
    pub(crate) provider: AiProvider,
    pub(crate) model: String,
    pub(crate) prompt_version: String,
    pub(crate) components: Option<String>,
    pub(crate) run_at: Timestamp,
    pub(crate) worker: Option<Uuid>,
    pub(crate) lease_until: Option<Timestamp>,
    /// Sealed: what is needed to do it again.
    pub(crate) request: Option<Vec<u8>>,
    /// Sealed: the answer.
    pub(crate) output: Option<Vec<u8>>,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// How a run ends.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) state: AnalysisState,
    pub(crate) source: Option<ResultSource>,
    pub(crate) origin: Option<AnalysisId>,
    pub(crate) output: Option<Vec<u8>>,
    pub(crate) request_id: Option<String>,
    pub(crate) usage: TokenUsage,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) ttft_ms: Option<i64>,
    pub(crate) total_ms: Option<i64>,
    pub(crate) error: Option<(&'static str, String)>,
    pub(crate) last_sequence: u64,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A row as it is stored: the answer still sealed.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    pub(crate) analysis: Analysis,
    pub(crate) output: Option<Vec<u8>>,
}

/// Adds a run.
pub(crate) fn insert(batch: &mut Batch, run: &NewRun) {
    let started = (run.state != AnalysisState::Queued).then_some(batch.at);
    let finished = run.state.is_final().then_some(batch.at);
    let params = params![
        run.id,
        run.user,
        run.job,
        run.attachment,
        run.company.as_deref(),
        run.persona.map(Persona::as_str),
        run.subject.as_str(),
        run.kind.as_str(),
        run.key.as_str(),
        run.state.as_str(),
        run.source.map(ResultSource::as_str),
        run.origin,
        run.provider.as_str(),
        run.model.as_str(),
        run.prompt_version.as_str(),
        run.components.as_deref(),
        run.run_at,
        run.worker,
        run.lease_until,
        run.request.as_deref(),
        run.output.as_deref(),
        run.cost_micros,
        run.expires_at,
        batch.at,
        started,
        finished
    ];
    batch.step(&RUN_INSERT, params);
    batch.change(EntityKind::Analysis, run.id.as_uuid(), ChangeOp::Created);
}

/// Adds the end of a run; one that has ended already stays as it is.
pub(crate) fn finish(batch: &mut Batch, id: AnalysisId, end: &Finish) {
    let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (class, text) = end
        .error
        .as_ref()
        .map_or((None, None), |(class, text)| (Some(*class), Some(text.as_str())));
    let params = params![
        end.state.as_str(),
        end.source.map(ResultSource::as_str),
        end.origin,
        end.output.as_deref(),
        end.request_id.as_deref(),
        tokens(end.usage.input),
        tokens(end.usage.output),
        tokens(end.usage.cached),
        end.usage.estimated,
        end.cost_micros,
        end.ttft_ms,
        end.total_ms,
        class,
        text,
        tokens(end.last_sequence),
        end.expires_at,
        batch.at,
        id
    ];
    batch.step(&RUN_FINISH, params);
    batch.change(EntityKind::Analysis, id.as_uuid(), ChangeOp::Updated);
}

/// Adds what the call of a run used, whatever became of the run.
pub(crate) fn account(batch: &mut Batch, id: AnalysisId, report: &Report, cost: Option<i64>) {
    let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let usage = report.usage();
    let params = params![
        report.request_id.as_deref(),
        tokens(usage.input),
        tokens(usage.output),
        tokens(usage.cached),
        usage.estimated,
        cost,
        report.ttft_ms,
        report.total_ms,
        id
    ];
    batch.step(&RUN_ACCOUNT, params);
}

/// Adds one exchange of a run; nothing when the run went with its job meanwhile.
pub(crate) fn attempt(batch: &mut Batch, id: AnalysisId, attempt: &Attempt, cost: Option<i64>) {
    let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let params = params![
        attempt.outcome,
        attempt.retry_after_ms,
        attempt.ttft_ms,
        attempt.total_ms,
        tokens(attempt.usage.input),
        tokens(attempt.usage.output),
        cost,
        id
    ];
    batch.step(&RUN_ATTEMPT, params);
}

/// Reads runs of the user, in no order; unknown ones are absent.
pub(crate) async fn get(snapshot: &Snapshot, ids: &[AnalysisId]) -> Result<Vec<RunRow>> {
    let ids: Vec<Uuid> = ids.iter().map(AnalysisId::as_uuid).collect();
    snapshot.view().query(&RUN_GET, params![snapshot.user(), ids], read).await
}

/// Reads the user's run that stands for a kept answer, a subject and what was read for it.
pub(crate) async fn of_entry(
    snapshot: &Snapshot,
    key: &str,
    subject: &str,
    origin: AnalysisId,
    components: Option<&str>,
) -> Result<Option<RunRow>> {
    let params = params![snapshot.user(), key, subject, origin, components];
    snapshot.view().find(&RUN_OF_ENTRY, params, read).await
}

/// Reads the newest runs of each job, the newest first. Two statements: the first one is small for
/// each run, and neither sorts.
pub(crate) async fn of_jobs(
    snapshot: &Snapshot,
    jobs: &[JobId],
    kinds: &[AnalysisKind],
    most: u32,
) -> Result<Vec<RunRow>> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let jobs: Vec<Uuid> = jobs.iter().map(JobId::as_uuid).collect();
    let params = params![snapshot.user(), jobs, kinds];
    let read_place = |row: &dyn Row| Ok((row.time(2)?, row.id(0)?, row.id(1)?));
    let mut all = snapshot.view().query(&RUN_OF_JOBS, params, read_place).await?;
    all.sort_unstable_by(|a, b| b.cmp(a));
    let mut taken: HashMap<Uuid, u32> = HashMap::new();
    all.retain(|(_, _, job)| {
        let taken = taken.entry(*job).or_default();
        *taken += 1;
        *taken <= most
    });
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = all.iter().map(|(_, id, _)| AnalysisId::from_uuid(*id)).collect();
    let mut rows = get(snapshot, &ids).await?;
    rows.sort_unstable_by_key(|row| {
        std::cmp::Reverse((row.analysis.created_at, row.analysis.id.as_uuid()))
    });
    Ok(rows)
}

/// Reads when the user last had a call of its own for a subject, after `since`.
pub(crate) async fn recent(
    snapshot: &Snapshot,
    subject: &str,
    kind: AnalysisKind,
    since: Timestamp,
) -> Result<Option<Timestamp>> {
    let params = params![snapshot.user(), subject, kind.as_str(), since];
    snapshot.view().find(&RUN_RECENT, params, |row| row.time(0)).await
}

/// Sums up tokens and cost of the user's own calls since a moment; no cost when one is unknown.
pub(crate) async fn tokens(
    snapshot: &Snapshot,
    since: Timestamp,
) -> Result<(TokenUsage, Option<i64>)> {
    let store = &snapshot.engine().shared.store;
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let params = params![snapshot.user(), since];
    let rows = snapshot
        .view()
        .long(store, &RUN_TOKENS, params, move |row| {
            let usage = TokenUsage {
                input: number(row.int(0)?),
                output: number(row.int(1)?),
                cached: number(row.int(2)?),
                estimated: row.flag(3)?,
            };
            let unknown = row.int(5)? > 0;
            Ok((usage, row.opt_int(4)?.filter(|_| !unknown)))
        })
        .await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

fn read(row: &dyn Row) -> Result<RunRow> {
    let number = |i: usize| row.int(i).map(|n| u64::try_from(n).unwrap_or(0));
    let owned = |i: usize| row.opt_text(i).map(|text| text.map(str::to_owned));
    let provider = row.word(9, AiProvider::parse)?;
    let analysis = Analysis {
        id: AnalysisId::from_uuid(row.id(0)?),
        job_id: row.opt_id(1)?.map(JobId::from_uuid),
        attachment_id: row.opt_id(2)?.map(AttachmentId::from_uuid),
        company: owned(3)?,
        persona: row.opt_text(4)?.and_then(Persona::parse),
        kind: row.word(5, AnalysisKind::parse)?,
        key: row.text(6)?.to_owned(),
        state: row.word(7, AnalysisState::parse)?,
        source: row.opt_text(8)?.and_then(ResultSource::parse),
        provider,
        model: row.text(10)?.to_owned(),
        prompt_version: row.text(11)?.to_owned(),
        components: owned(12)?,
        result: None,
        provider_request_id: owned(14)?,
        usage: TokenUsage {
            input: number(15)?,
            output: number(16)?,
            cached: number(17)?,
            estimated: row.flag(18)?,
        },
        cost_micros: row.opt_int(19)?,
        ttft_ms: row.opt_int(20)?,
        total_ms: row.opt_int(21)?,
        error: match (row.opt_text(22)?, row.opt_text(23)?) {
            (Some(class), Some(text)) => {
                Some(crate::analyses::Failure::stored(provider, class, text))
            }
            _ => None,
        },
        last_sequence: number(24)?,
        expires_at: row.opt_time(25)?,
        created_at: row.time(26)?,
        started_at: row.opt_time(27)?,
        finished_at: row.opt_time(28)?,
        run_at: row.time(29)?,
        tries: row.int(30)?,
    };
    Ok(RunRow { output: row.opt_blob(13)?.map(<[u8]>::to_vec), analysis })
}
