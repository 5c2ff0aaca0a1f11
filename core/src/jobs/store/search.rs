//! SQL of the text index. Words are made by the engine; the database only keeps them.

use crate::{
    db::{Batch, Stmt, TextQuery, params},
    engine::Snapshot,
    enums::AttachmentKind,
    error::Result,
    id::{JobId, UserId},
};

static SEARCH_INSERT: Stmt = Stmt::write(
    "search_insert",
    "INSERT INTO job_fts (rowid, owner, title, company, notes, body)
     SELECT jobs.n, 'u' || lower(hex(jobs.user_id)), $1, $2, $3, $4
     FROM jobs
     WHERE jobs.id = $5 AND jobs.user_id = $6",
)
.with_pg(
    "INSERT INTO job_search (job_id, user_id, n, words, tsv)
     SELECT jobs.id, jobs.user_id, jobs.n,
         ' =t ' || $1 || ' =c ' || $2 || ' =n ' || $3 || ' =b ' || $4 || ' ',
         CAST(CASE $1 WHEN '' THEN '' ELSE replace($1, ' ', ':1A ') || ':1A ' END
             || CASE $2 WHEN '' THEN '' ELSE replace($2, ' ', ':2B ') || ':2B ' END
             || CASE $3 WHEN '' THEN '' ELSE replace($3, ' ', ':3C ') || ':3C ' END
             || CASE $4 WHEN '' THEN '' ELSE replace($4, ' ', ':4D ') || ':4D ' END
             AS tsvector)
     FROM jobs
     WHERE jobs.id = $5 AND jobs.user_id = $6",
);

static SEARCH_DELETE: Stmt = Stmt::write(
    "search_delete",
    "DELETE FROM job_fts
     WHERE rowid = (SELECT jobs.n FROM jobs WHERE jobs.id = $1 AND jobs.user_id = $2)",
)
.with_pg(
    "DELETE FROM job_search
     WHERE job_id = $1 AND user_id = $2",
);

static SEARCH_NEWEST: Stmt = Stmt::read(
    "search_newest",
    "SELECT j.id, f.rowid
     FROM job_fts f
     JOIN jobs j ON j.n = f.rowid
     WHERE f.job_fts MATCH $1 AND f.rowid < $2 AND +j.user_id = $3
     ORDER BY f.rowid DESC
     LIMIT $4",
)
.with_pg(
    "SELECT job_id, n
     FROM job_search
     WHERE user_id = $3 AND tsv @@ CAST(($1)[1] AS tsquery)
         AND (($1)[2] = '' OR words ~ ($1)[2]) AND n < $2
     ORDER BY n DESC
     LIMIT $4",
);

static SEARCH_RANKED: Stmt = Stmt::long(
    "search_ranked",
    "SELECT j.id, bm25(job_fts, 0.0, 8.0, 6.0, 3.0, 1.0) AS score
     FROM job_fts
     JOIN jobs j ON j.n = job_fts.rowid
     WHERE job_fts MATCH $1 AND +j.user_id = $2
     ORDER BY score, job_fts.rowid DESC
     LIMIT $3",
)
.with_pg(
    "SELECT job_id, - CAST(
         ts_rank(CAST('{0.125, 0.375, 0.75, 1}' AS real[]), tsv, CAST(($1)[1] AS tsquery))
         AS DOUBLE PRECISION) AS score
     FROM job_search
     WHERE user_id = $2 AND tsv @@ CAST(($1)[1] AS tsquery)
         AND (($1)[2] = '' OR words ~ ($1)[2])
     ORDER BY score, n DESC
     LIMIT $3",
);

static SEARCH_TEXTS: Stmt = Stmt::read(
    "search_texts",
    "SELECT a.job_id, a.kind, v.text
     FROM attachments a
     JOIN attachment_variants v ON v.attachment_id = a.id AND v.name = 'RAW'
     WHERE +a.user_id = $1 AND a.job_id IN rarray($2) AND a.is_active = 1",
);

static SEARCH_HEADS: Stmt = Stmt::read(
    "search_heads",
    "SELECT j.id, CAST(NULL AS TEXT), substr(j.notes, 1, 65536)
     FROM jobs j
     WHERE +j.user_id = $1 AND j.id IN rarray($2) AND j.notes IS NOT NULL
     UNION ALL
     SELECT a.job_id, a.kind, substr(v.text, 1, 65536)
     FROM attachments a
     JOIN attachment_variants v ON v.attachment_id = a.id AND v.name = 'RAW'
     WHERE +a.user_id = $1 AND a.job_id IN rarray($2) AND a.is_active = 1",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 6] {
    [&SEARCH_INSERT, &SEARCH_DELETE, &SEARCH_NEWEST, &SEARCH_RANKED, &SEARCH_TEXTS, &SEARCH_HEADS]
}

/// Returns the beginnings of notes, then of active documents by kind, of jobs. One statement.
pub(crate) async fn heads(snapshot: &Snapshot, ids: &[JobId]) -> Result<Vec<(JobId, String)>> {
    let mut heads = snapshot
        .view()
        .query(&SEARCH_HEADS, params![snapshot.user(), super::uuids(ids)], |row| {
            let kind = row.opt_word(1, AttachmentKind::parse)?;
            Ok((
                kind.map(AttachmentKind::number),
                JobId::from_uuid(row.id(0)?),
                row.text(2)?.to_owned(),
            ))
        })
        .await?;
    heads.sort_by_key(|(kind, _, _)| *kind);
    Ok(heads.into_iter().map(|(_, job, text)| (job, text)).collect())
}

/// The words of one job, by field.
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) company: String,
    pub(crate) notes: String,
    pub(crate) body: String,
}

/// Adds the words of a job that has none in the index.
pub(crate) fn insert(batch: &mut Batch, user: UserId, job: JobId, words: Words) {
    let Words { title, company, notes, body } = words;
    let params = params![title, company, notes, body, job, user];
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
    text: TextQuery,
    below: i64,
    limit: u32,
) -> Result<Vec<Hit>> {
    snapshot
        .view()
        .query(&SEARCH_NEWEST, params![text, below, snapshot.user(), limit], |row| {
            Ok(Hit { job: JobId::from_uuid(row.id(0)?), row: row.int(1)?, score: 0.0 })
        })
        .await
}

/// Returns the best hits, best first. One long statement.
pub(crate) async fn ranked(snapshot: &Snapshot, text: TextQuery, limit: u32) -> Result<Vec<Hit>> {
    let store = &snapshot.engine().shared.store;
    snapshot
        .view()
        .long(store, &SEARCH_RANKED, params![text, snapshot.user(), limit], |row| {
            let score = row.opt_real(1)?.unwrap_or(0.0);
            Ok(Hit { job: JobId::from_uuid(row.id(0)?), row: 0, score: -score })
        })
        .await
}

/// Returns the active RAW texts of jobs, in no order. One statement.
pub(crate) async fn active_texts(
    snapshot: &Snapshot,
    ids: &[JobId],
) -> Result<Vec<(JobId, AttachmentKind, String)>> {
    snapshot
        .view()
        .query(&SEARCH_TEXTS, params![snapshot.user(), super::uuids(ids)], |row| {
            let kind = row.word(1, AttachmentKind::parse)?;
            Ok((JobId::from_uuid(row.id(0)?), kind, row.text(2)?.to_owned()))
        })
        .await
}
