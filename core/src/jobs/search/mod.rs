//! Full-text search: the query language, and keeping the index.
//!
//! A query is parsed into words and conditions; the engine writes the index expression with every
//! word quoted, so no input is ever syntax and one user's words are out of another's reach.

mod query;
mod snippet;

use std::collections::HashMap;

use crate::{
    db::Batch,
    engine::{Engine, Snapshot},
    error::{Error, Result},
    id::{JobId, UserId},
    jobs::{
        Job, JobFilter, JobQuery,
        store::{
            JobFields, read_model,
            search::{self as store, Hit, Words},
        },
        tokens,
    },
    page::{self, Page, PageRequest, Place, SortValue, Spot},
};
pub(crate) use query::Query;

/// Hits read at a time under conditions.
const CHUNK: u32 = 200;

/// Bytes of one job's words: PostgreSQL's tsvector ends at 1 MiB, bookkeeping included.
const WORDS_BYTES: usize = 768 * 1024;

/// A job that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// The job.
    pub job: Job,
    /// Higher is better; 0 when the order is by time.
    pub score: f64,
    /// At most 160 characters around the first match in notes or documents.
    pub snippet: Option<String>,
}

impl Snapshot {
    /// Searches title, company, notes and the texts of active documents; the trash is left out.
    ///
    /// Words must all occur, the last one may be a beginning; `"a phrase"`, `-not`, `company:`,
    /// `title:`, `status:`, `has:`, `is:stale`, `is:archived`, `after:2026-01-31`, `before:`. No
    /// input is a syntax error. Newest first, or the best of the first
    /// [`crate::Limits::scan_rows`] when `ranked`. Three statements a page.
    ///
    /// # Errors
    /// `Invalid` for an empty or over-long query, only exclusions, or an unknown status, kind or
    /// date.
    pub async fn search_jobs(
        &self,
        query: &str,
        request: &PageRequest,
        ranked: bool,
    ) -> Result<Page<SearchHit>> {
        let limits = &self.engine().config().limits;
        let tag = page::tag(&("search", ranked, query));
        let wanted = page::check(request, tag, limits.page_default, limits.page_local)?;
        if wanted.backwards {
            return Err(Error::invalid(&["last"], "range", "a search has pages forwards only"));
        }
        let query = Query::parse(query, limits)?;
        let want = usize::try_from(wanted.rows).unwrap_or(usize::MAX);
        let came_from = wanted.from.is_some();
        let (mut found, cut_at) = self.hits(&query, ranked, wanted.from, want + 1).await?;
        let has_next = found.len() > want || cut_at.is_some();
        found.truncate(want);
        let spots = found.iter().map(|(_, _, spot)| spot.clone()).collect();
        let ids: Vec<_> = found.iter().map(|(job, _, _)| job.id).collect();
        let mut snippets = snippet::of(self, &ids, &query).await?;
        let hits = found
            .into_iter()
            .map(|(job, score, _)| SearchHit { snippet: snippets.remove(&job.id), job, score })
            .collect();
        let mut page = Page::new(hits, spots, tag, has_next, came_from);
        if let Some(spot) = cut_at {
            page.ends_at(spot, false);
        }
        Ok(page)
    }

    /// Returns the active RAW texts of jobs for the index, each job's by kind. One statement.
    pub(crate) async fn indexed_texts(&self, ids: &[JobId]) -> Result<HashMap<JobId, Vec<String>>> {
        let mut rows = store::active_texts(self, ids).await?;
        rows.sort_by_key(|(_, kind, _)| kind.number());
        let mut texts: HashMap<_, Vec<_>> = HashMap::new();
        for (job, _, text) in rows {
            texts.entry(job).or_default().push(text);
        }
        Ok(texts)
    }

    /// Collects up to `want` jobs that fit, from a spot on. The spot that comes back is the last
    /// row looked at, where the walk was cut short.
    async fn hits(
        &self,
        query: &Query,
        ranked: bool,
        from: Option<Spot>,
        want: usize,
    ) -> Result<(Vec<(Job, f64, Spot)>, Option<Spot>)> {
        let mut found = Vec::new();
        let mut from = from;
        let mut looked = 0;
        let most = self.engine().config().limits.scan_rows;
        // Without conditions every hit fits, so that no more are read than are wanted.
        let chunk = match u32::try_from(want) {
            Ok(want) if query.conditions.are_none() => want.min(CHUNK),
            _ => CHUNK,
        };
        while found.len() < want && looked < most {
            let (rows, exhausted) = self.candidates(query, ranked, from.as_ref(), chunk).await?;
            looked += u32::try_from(rows.len()).unwrap_or(u32::MAX);
            from = rows.last().map(|(_, _, spot)| spot.clone()).or(from);
            found.extend(rows.into_iter().filter(|(job, _, _)| {
                let config = self.engine().config();
                query.conditions.hold(job, self.engine().now(), config.stale_after_days)
            }));
            if exhausted {
                found.truncate(want);
                return Ok((found, None));
            }
        }
        let cut_at = if found.len() < want { from } else { None };
        found.truncate(want);
        Ok((found, cut_at))
    }

    /// Returns the next jobs to look at, and whether they are the last.
    async fn candidates(
        &self,
        query: &Query,
        ranked: bool,
        from: Option<&Spot>,
        chunk: u32,
    ) -> Result<(Vec<(Job, f64, Spot)>, bool)> {
        let number = |spot: &Spot| match spot.place.value {
            SortValue::Number(number) => number,
            SortValue::Text(_) => 0,
        };
        let Some(text) = query.text(self.user()) else {
            if query.finds_nothing() {
                return Ok((Vec::new(), true));
            }
            return self.all_jobs(from).await;
        };
        let most = self.engine().config().limits.scan_rows;
        let (hits, exhausted) = if ranked {
            let mut hits = store::ranked(self, text, most).await?;
            for (i, hit) in hits.iter_mut().enumerate() {
                hit.row = i64::try_from(i).unwrap_or(i64::MAX);
            }
            let after = from.map_or(-1, number);
            hits.retain(|hit| hit.row > after);
            (hits, true)
        } else {
            let below = from.map_or(i64::MAX, number);
            let hits = store::newest(self, text, below, chunk).await?;
            let exhausted = hits.len() < usize::try_from(chunk).unwrap_or(usize::MAX);
            (hits, exhausted)
        };
        let ids: Vec<_> = hits.iter().map(|hit| hit.job).collect();
        let mut jobs: HashMap<_, _> =
            read_model::by_ids(self, &ids).await?.into_iter().map(|job| (job.id, job)).collect();
        let rows = hits
            .into_iter()
            .filter_map(|Hit { job, row, score }| {
                let place = Place { value: SortValue::Number(row), id: job.as_uuid() };
                Some((jobs.remove(&job)?, score, Spot { group: 0, place }))
            })
            .collect();
        Ok((rows, exhausted))
    }

    /// Jobs for a query that has conditions but no words.
    async fn all_jobs(&self, from: Option<&Spot>) -> Result<(Vec<(Job, f64, Spot)>, bool)> {
        let filter = JobFilter { archived: None, ..JobFilter::default() };
        let query = JobQuery { filter, ..JobQuery::default() };
        let wanted = page::Wanted { rows: CHUNK, backwards: false, from: from.cloned() };
        let (jobs, more) = super::list::plain(self, &query, wanted).await?;
        let rows = jobs
            .into_iter()
            .map(|job| {
                let value = SortValue::Number(job.created_at.as_ms());
                let place = Place { value, id: job.id.as_uuid() };
                (job, 0.0, Spot { group: 0, place })
            })
            .collect();
        Ok((rows, !more))
    }
}

/// Returns the jobs that a query finds, newest first, for use as a filter.
pub(crate) async fn matching(snapshot: &Snapshot, text: &str) -> Result<Vec<JobId>> {
    let limits = &snapshot.engine().config().limits;
    let query = Query::parse(text, limits)?;
    let most = usize::try_from(limits.scan_rows).unwrap_or(usize::MAX);
    let (found, _) = snapshot.hits(&query, false, None, most).await?;
    Ok(found.into_iter().map(|(job, _, _)| job.id).collect())
}

/// What the index knows of a job.
pub(crate) struct IndexedText<'a> {
    company: &'a str,
    fields: &'a JobFields,
    texts: &'a [String],
}

impl<'a> IndexedText<'a> {
    /// Gathers the searched text of a job.
    pub(crate) fn of(company: &'a str, fields: &'a JobFields, texts: &'a [String]) -> Self {
        Self { company, fields, texts }
    }

    fn words(&self, most: usize) -> Words {
        let (mut left, mut bytes) = (most, WORDS_BYTES);
        let mut take = |text: &str| {
            let (words, n) = tokens::joined(text, left, bytes);
            left -= n;
            bytes -= words.len();
            words
        };
        Words {
            title: take(&self.fields.title),
            company: take(self.company),
            notes: take(self.fields.notes.as_deref().unwrap_or_default()),
            body: {
                // A text without words would leave a gap, which breaks phrases.
                let texts = self.texts.iter().map(|text| take(text));
                texts.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
            },
        }
    }
}

/// Adds the index entry of a job that has none.
pub(crate) fn index(
    batch: &mut Batch,
    user: UserId,
    job: JobId,
    text: &IndexedText<'_>,
    engine: &Engine,
) {
    store::insert(batch, user, job, text.words(engine.config().limits.search_tokens));
}

/// Adds the renewal of a job's index entry.
pub(crate) fn reindex(
    batch: &mut Batch,
    user: UserId,
    job: JobId,
    text: &IndexedText<'_>,
    engine: &Engine,
) {
    store::delete(batch, user, job);
    index(batch, user, job, text, engine);
}

/// Adds the removal of a job's index entry.
pub(crate) fn remove(batch: &mut Batch, user: UserId, job: JobId) {
    store::delete(batch, user, job);
}
