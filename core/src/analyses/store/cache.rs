//! SQL of kept answers.

use crate::{
    db::{Batch, Row, Stmt, params},
    engine::{Engine, Snapshot},
    enums::AnalysisKind,
    error::{Error, Result},
    id::{AnalysisId, UserId},
    time::Timestamp,
};

static CACHE_GET: Stmt = Stmt::read(
    "ai_cache_get",
    "SELECT sealed, body, provider, model, prompt_version, tokens_in, tokens_out, cost_micros,
            run_id, created_at, soft_expires_at, expires_at
     FROM ai_cache
     WHERE key = $1",
);

// An answer of an older call never replaces that of a newer one.
static CACHE_PUT: Stmt = Stmt::write(
    "ai_cache_put",
    "INSERT INTO ai_cache (key, owner_id, kind, prompt_version, provider, model, company, sealed,
         body, tokens_in, tokens_out, cost_micros, run_id, started_at, created_at,
         soft_expires_at, expires_at, hits)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0)
     ON CONFLICT (key) DO UPDATE
     SET prompt_version = excluded.prompt_version, provider = excluded.provider,
         model = excluded.model, company = excluded.company, sealed = excluded.sealed,
         body = excluded.body, tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out,
         cost_micros = excluded.cost_micros, run_id = excluded.run_id,
         started_at = excluded.started_at, created_at = excluded.created_at,
         soft_expires_at = excluded.soft_expires_at, expires_at = excluded.expires_at
     WHERE ai_cache.started_at <= excluded.started_at",
);

static CACHE_SOFTEN: Stmt = Stmt::write(
    "ai_cache_soften",
    "UPDATE ai_cache
     SET soft_expires_at = $1
     WHERE key = $2 AND soft_expires_at = $3
     RETURNING key",
);

static CACHE_DELETE: Stmt = Stmt::write(
    "ai_cache_delete",
    "DELETE FROM ai_cache
     WHERE key = $1
     RETURNING key",
);

static CACHE_PURGE: Stmt = Stmt::write(
    "ai_cache_purge",
    "DELETE FROM ai_cache
     WHERE (owner_id = $1 OR ($2 = 1 AND owner_id IS NULL))
       AND ($3 = '' OR key = $3)
       AND ($4 = '' OR company = $4)
       AND ($5 = '' OR kind = $5)
     RETURNING key",
);

static CACHE_HIT: Stmt = Stmt::write(
    "ai_cache_hit",
    "UPDATE ai_cache
     SET hits = hits + $1
     WHERE key = $2",
);

static CACHE_SWEEP: Stmt = Stmt::write(
    "ai_cache_sweep",
    "DELETE FROM ai_cache
     WHERE key IN (
         SELECT old.key
         FROM ai_cache old
         WHERE old.expires_at <= $1
         ORDER BY old.expires_at
         LIMIT $2
     )
     RETURNING key",
)
.with_pg(
    "DELETE FROM ai_cache
     WHERE key = ANY(ARRAY(
         SELECT old.key
         FROM ai_cache old
         WHERE old.expires_at <= $1
         ORDER BY old.expires_at
         LIMIT $2
     ))
     RETURNING key",
);

static CACHE_STATS: Stmt = Stmt::long(
    "ai_cache_stats",
    "SELECT kind, COUNT(*), CAST(SUM(length(body)) AS BIGINT), CAST(SUM(hits) AS BIGINT), MIN(created_at)
     FROM ai_cache
     WHERE owner_id = $1 OR owner_id IS NULL
     GROUP BY kind
     ORDER BY kind",
);

pub(super) fn statements() -> [&'static Stmt; 8] {
    [
        &CACHE_GET,
        &CACHE_PUT,
        &CACHE_SOFTEN,
        &CACHE_DELETE,
        &CACHE_PURGE,
        &CACHE_HIT,
        &CACHE_SWEEP,
        &CACHE_STATS,
    ]
}

/// A kept answer, still sealed.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) sealed: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) provider: crate::enums::AiProvider,
    pub(crate) model: String,
    pub(crate) prompt_version: String,
    pub(crate) tokens_in: i64,
    pub(crate) tokens_out: i64,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) run_id: AnalysisId,
    pub(crate) created_at: Timestamp,
    pub(crate) soft_expires_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Where an entry belongs.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) key: &'a str,
    /// `None`: kept for all users.
    pub(crate) owner: Option<UserId>,
    pub(crate) kind: AnalysisKind,
    pub(crate) company: Option<&'a str>,
    pub(crate) started_at: Timestamp,
}

/// What the answers of one kind amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheStats {
    /// The kind.
    pub kind: AnalysisKind,
    /// Answers kept, the caller's own and those for all users.
    pub entries: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Answers given from them; written within seconds where the
    /// engine works in the background, else when it closes.
    pub hits: u64,
    /// When the oldest was made.
    pub oldest: Option<Timestamp>,
}

/// Reads an entry of any age.
pub(crate) async fn get(snapshot: &Snapshot, key: &str) -> Result<Option<Entry>> {
    let found = snapshot.view().query(&CACHE_GET, params![key], read).await?;
    Ok(found.into_iter().next())
}

fn read(row: &dyn Row) -> Result<Entry> {
    Ok(Entry {
        sealed: row.flag(0)?,
        body: row.blob(1)?.to_vec(),
        provider: row.word(2, crate::enums::AiProvider::parse)?,
        model: row.text(3)?.to_owned(),
        prompt_version: row.text(4)?.to_owned(),
        tokens_in: row.int(5)?,
        tokens_out: row.int(6)?,
        cost_micros: row.opt_int(7)?,
        run_id: AnalysisId::from_uuid(row.id(8)?),
        created_at: row.time(9)?,
        soft_expires_at: row.time(10)?,
        expires_at: row.time(11)?,
    })
}

/// Adds an entry.
pub(crate) fn put(batch: &mut Batch, place: &Place<'_>, entry: &Entry) {
    let params = params![
        place.key,
        place.owner,
        place.kind.as_str(),
        entry.prompt_version.as_str(),
        entry.provider.as_str(),
        entry.model.as_str(),
        place.company,
        entry.sealed,
        entry.body.as_slice(),
        entry.tokens_in,
        entry.tokens_out,
        entry.cost_micros,
        entry.run_id,
        place.started_at,
        entry.created_at,
        entry.soft_expires_at,
        entry.expires_at
    ];
    batch.step(&CACHE_PUT, params);
}

/// Takes the refresh of an entry upon this process: true for one of all that try.
pub(crate) async fn soften(
    engine: &Engine,
    key: &str,
    seen: Timestamp,
    next: Timestamp,
) -> Result<bool> {
    let mut batch = Batch::system(engine.now());
    batch.step(&CACHE_SOFTEN, params![next, key, seen]);
    Ok(touched(engine, batch).await? > 0)
}

/// Removes one entry.
pub(crate) async fn delete(engine: &Engine, key: &str) -> Result<usize> {
    let mut batch = Batch::system(engine.now());
    batch.step(&CACHE_DELETE, params![key]);
    touched(engine, batch).await
}

/// Makes an entry due for a refresh.
pub(crate) fn expire_soft(batch: &mut Batch, key: &str, seen: Timestamp) {
    let at = batch.at;
    batch.step(&CACHE_SOFTEN, params![at, key, seen]);
}

/// Removes the user's entries, and with `public` those of all users, that match; an empty text
/// matches all.
pub(crate) async fn purge(
    engine: &Engine,
    public: bool,
    key: &str,
    company: &str,
    kind: &str,
) -> Result<usize> {
    let mut batch = Batch::system(engine.now());
    batch.step(&CACHE_PURGE, params![engine.user_id(), public, key, company, kind]);
    touched(engine, batch).await
}

/// Writes down hits that were counted in memory.
pub(crate) fn hit(batch: &mut Batch, key: &str, hits: i64) {
    batch.step(&CACHE_HIT, params![hits, key]);
}

/// Removes up to `most` entries that nobody may use any more.
pub(crate) async fn sweep(engine: &Engine, before: Timestamp, most: usize) -> Result<usize> {
    let mut batch = Batch::system(engine.now());
    batch.step(&CACHE_SWEEP, params![before, most]);
    touched(engine, batch).await
}

async fn touched(engine: &Engine, batch: Batch) -> Result<usize> {
    let commit = engine.shared.store.commit(batch).await.map_err(Error::from)?;
    Ok(commit.rows.iter().map(Vec::len).sum())
}

/// Counts what is kept. One statement over all entries.
pub(crate) async fn stats(snapshot: &Snapshot) -> Result<Vec<CacheStats>> {
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    snapshot
        .view()
        .query(&CACHE_STATS, params![snapshot.user()], |row| {
            Ok(CacheStats {
                kind: row.word(0, AnalysisKind::parse)?,
                entries: number(row.int(1)?),
                bytes: number(row.opt_int(2)?.unwrap_or(0)),
                hits: number(row.opt_int(3)?.unwrap_or(0)),
                oldest: row.opt_time(4)?,
            })
        })
        .await
}
