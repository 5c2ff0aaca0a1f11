//! SQL of the text index. Words are made by the engine; SQLite only keeps them.

use crate::{
    db::{Batch, Stmt, params},
    engine::Snapshot,
    error::Result,
    id::{JobId, UserId},
};

static SEARCH_INSERT: Stmt = Stmt::write(
    "search_insert",
    "INSERT INTO job_fts (rowid, owner, title, company, notes, body)
     SELECT jobs.n, $1, $2, $3, $4, $5
     FROM jobs
     WHERE jobs.id = $6 AND jobs.user_id = $7",
);

static SEARCH_DELETE: Stmt = Stmt::write(
    "search_delete",
    "DELETE FROM job_fts
     WHERE rowid = (SELECT jobs.n FROM jobs WHERE jobs.id = $1 AND jobs.user_id = $2)",
);

static SEARCH_NEWEST: Stmt = Stmt::read(
    "search_newest",
    "SELECT j.id, f.rowid
     FROM job_fts f
     JOIN jobs j ON j.n = f.rowid
     WHERE f.job_fts MATCH $1 AND f.rowid < $2
     ORDER BY f.rowid DESC
     LIMIT $3",
);

static SEARCH_RANKED: Stmt = Stmt::long(
    "search_ranked",
    "SELECT j.id, bm25(job_fts, 0.0, 8.0, 6.0, 3.0, 1.0) AS score
     FROM job_fts
     JOIN jobs j ON j.n = job_fts.rowid
     WHERE job_fts MATCH $1
     ORDER BY score, job_fts.rowid DESC
     LIMIT $2",
);

static SEARCH_TEXTS: Stmt = Stmt::read(
    "search_texts",
    "SELECT v.text
     FROM attachments a
     JOIN attachment_variants v ON v.attachment_id = a.id AND v.name = 'RAW'
     WHERE a.user_id = $1 AND a.job_id = $2 AND a.is_active = 1
     ORDER BY a.kind",
);

static SEARCH_HEADS: Stmt = Stmt::read(
    "search_heads",
    "SELECT j.id, substr(j.notes, 1, 65536)
     FROM jobs j
     WHERE +j.user_id = $1 AND j.id IN rarray($2) AND j.notes IS NOT NULL
     UNION ALL
     SELECT a.job_id, substr(v.text, 1, 65536)
     FROM attachments a
     JOIN attachment_variants v ON v.attachment_id = a.id AND v.name = 'RAW'
     WHERE +a.user_id = $1 AND a.job_id IN rarray($2) AND a.is_active = 1",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 6] {
    [&SEARCH_INSERT, &SEARCH_DELETE, &SEARCH_NEWEST, &SEARCH_RANKED, &SEARCH_TEXTS, &SEARCH_HEADS]
}

/// Returns the beginnings of notes, then of active documents, of jobs. One statement.
pub(crate) async fn heads(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<(JobId, String)>> {
    snapshot
        .view()
        .query(&SEARCH_HEADS, params![snapshot.user(), super::uuids(ids)], |row| {
            Ok((JobId::from_uuid(row.id(0)?), row.text(1)?.to_owned()))
        })
        .await
}

/// The words of one job, by field.
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) company: String,
    pub(crate) notes: String,
    pub(crate) body: String,
}

/// The word that keeps one user's entries from another's.
pub(crate) fn owner_word(user: UserId) -> String {
    format!("u{}", user.as_uuid().simple())
}

/// Adds the words of a job that has none in the index.
pub(crate) fn insert(batch: &mut Batch, user: UserId, job: JobId, words: Words) {
    let Words { title, company, notes, body } = words;
    let params = params![owner_word(user), title, company, notes, body, job, user];
    batch.step(&SEARCH_INSERT, params);
}

/// Adds the removal of a job's words; without words it does nothing.
pub(crate) fn delete(batch: &mut Batch, user: UserId, job: JobId) {
    batch.step(&SEARCH_DELETE, params![job, user]);
}

/// A hit: the job and its place in the order that was asked for.
pub(crate) struct Hit {
    pub(crate) job: JobId,
    pub(crate) row: i64,
    pub(crate) score: f64,
}

/// Returns hits below a row number, newest first. One statement.
pub(crate) async fn newest(
    snapshot: &Snapshot,
    expression: &str,
    below: i64,
    limit: u32,
) -> Result<Vec<Hit>> {
    snapshot
        .view()
        .query(&SEARCH_NEWEST, params![expression, below, limit], |row| {
            Ok(Hit { job: JobId::from_uuid(row.id(0)?), row: row.int(1)?, score: 0.0 })
        })
        .await
}

/// Returns the best hits, best first. One long statement.
pub(crate) async fn ranked(snapshot: &Snapshot, expression: &str, limit: u32) -> Result<Vec<Hit>> {
    let store = &snapshot.engine().shared.store;
    store
        .scan(&SEARCH_RANKED, params![expression, limit], |row| {
            let score = row.opt_real(1)?.unwrap_or(0.0);
            Ok(Hit { job: JobId::from_uuid(row.id(0)?), row: 0, score: -score })
        })
        .await
}

/// Returns the active RAW texts of one job. One statement.
pub(crate) async fn active_texts(snapshot: &Snapshot, job: JobId) -> Result<Vec<String>> {
    snapshot
        .view()
        .query(&SEARCH_TEXTS, params![snapshot.user(), job], |row| Ok(row.text(0)?.to_owned()))
        .await
}
