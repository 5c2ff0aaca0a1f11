//! Relay connections.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject, Union};
use jotrack_core::{self as core, Error, JobId, PageRequest};

use super::{
    context::{operation, scope},
    cut::{Cut, List},
    error::Result,
    loaders::AttachmentsKey,
    objects::{attachment::Attachment, history::StatusChange, job::Job},
    resolve::{Concrete, Resolving, resolve_container},
    scalars::int,
};

/// Checks the paging arguments of a list that pages both ways.
pub(super) fn page_request(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<PageRequest> {
    let max = operation(ctx)?.caller().engine.config().limits.page;
    if first.is_some() && last.is_some() {
        return Err(refused("last", "may not be combined with first"));
    }
    if after.is_some() && before.is_some() {
        return Err(refused("before", "may not be combined with after"));
    }
    let size = |name, rows: Option<i32>| rows.map(|rows| page_size(name, rows, max)).transpose();
    Ok(PageRequest { first: size("first", first)?, after, last: size("last", last)?, before })
}

/// Checks a page size: one out of range is refused, not clamped.
pub(super) fn page_size(name: &str, rows: i32, max: u32) -> Result<u32> {
    match u32::try_from(rows) {
        Ok(rows) if (1..=max).contains(&rows) => Ok(rows),
        _ => Err(refused(name, &format!("must be 1 to {max}"))),
    }
}

fn refused(argument: &str, message: &str) -> super::error::Failure {
    Error::invalid(&[argument], "range", message).into()
}

/// Where a page lies in its list.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct PageInfo {
    pub(super) has_next_page: bool,
    pub(super) has_previous_page: bool,
    /// Null on an empty page.
    pub(super) start_cursor: Option<String>,
    /// Null on an empty page.
    pub(super) end_cursor: Option<String>,
}

impl PageInfo {
    fn of<T>(page: &core::Page<T>) -> Self {
        Self {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page.start_cursor(),
            end_cursor: page.end_cursor(),
        }
    }
}

/// A page of jobs.
pub(crate) struct JobConnection {
    nodes: Vec<Job>,
    page: core::Page<core::Job>,
    filter: core::JobFilter,
}

impl JobConnection {
    /// The page of `filter`.
    pub(super) fn new(mut page: core::Page<core::Job>, filter: core::JobFilter) -> Self {
        let nodes = std::mem::take(&mut page.items).into_iter().map(Job::from).collect();
        Self { nodes, page, filter }
    }
}

/// A page of jobs. A page may be short although there is a next one: trust `pageInfo`, not the count.
#[Object(crate = "crate::schema::resolve::object")]
impl JobConnection {
    async fn edges(&self) -> Vec<JobEdge> {
        let edge =
            |(i, node): (usize, &Job)| JobEdge { cursor: self.page.cursor(i), node: node.clone() };
        self.nodes.iter().enumerate().map(edge).collect()
    }

    async fn nodes(&self) -> &[Job] {
        &self.nodes
    }

    async fn page_info(&self) -> PageInfo {
        PageInfo::of(&self.page)
    }

    /// Null when the filter has no counter: anything but status, coachStatus, archived and trashed.
    #[graphql(complexity = 10)]
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(scope(ctx)?.snapshot().await?.count_jobs(&self.filter).await?.map(int))
    }
}

/// A job and its place in the list.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobEdge {
    cursor: String,
    node: Job,
}

/// Something that a search found.
#[derive(Union, Clone)]
#[graphql(crate = "crate::schema::resolve::dispatch")]
pub(crate) enum SearchResult {
    Job(Job),
}

impl Concrete for SearchResult {
    fn resolve_inner<'a>(
        &'a self,
        ctx: &'a async_graphql::ContextSelectionSet<'a>,
    ) -> Resolving<'a> {
        match self {
            Self::Job(job) => resolve_container(ctx, job),
        }
    }
}

/// A page of search hits.
pub(crate) struct SearchConnection {
    hits: Vec<SearchHit>,
    page: core::Page<core::SearchHit>,
}

struct SearchHit {
    node: SearchResult,
    score: f64,
    snippet: Option<String>,
}

impl From<core::Page<core::SearchHit>> for SearchConnection {
    fn from(mut page: core::Page<core::SearchHit>) -> Self {
        let hit = |hit: core::SearchHit| SearchHit {
            node: SearchResult::Job(hit.job.into()),
            score: hit.score,
            snippet: hit.snippet,
        };
        let hits = std::mem::take(&mut page.items).into_iter().map(hit).collect();
        Self { hits, page }
    }
}

/// A page of search hits.
#[Object(crate = "crate::schema::resolve::object")]
impl SearchConnection {
    async fn edges(&self) -> Vec<SearchEdge> {
        let edge = |(i, hit): (usize, &SearchHit)| SearchEdge {
            cursor: self.page.cursor(i),
            node: hit.node.clone(),
            score: hit.score,
            snippet: hit.snippet.clone(),
        };
        self.hits.iter().enumerate().map(edge).collect()
    }

    async fn nodes(&self) -> Vec<SearchResult> {
        self.hits.iter().map(|hit| hit.node.clone()).collect()
    }

    async fn page_info(&self) -> PageInfo {
        PageInfo::of(&self.page)
    }
}

/// A search hit and its place in the list.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct SearchEdge {
    cursor: String,
    node: SearchResult,
    /// Comparable within one search only.
    score: f64,
    /// The text around the first match; null when only a name matched.
    snippet: Option<String>,
}

/// A page of a job's files.
pub(crate) struct AttachmentConnection(Cut<core::Attachment>);

impl AttachmentConnection {
    /// Cuts a page out of all files that a key names.
    pub(super) fn new(
        ctx: &Context<'_>,
        key: AttachmentsKey,
        rows: Arc<[Arc<core::Attachment>]>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self> {
        let max = operation(ctx)?.caller().engine.config().limits.page;
        Cut::new(rows, List::Attachments(key), page_size("first", first, max)?, after).map(Self)
    }
}

/// A page of a job's files.
#[Object(crate = "crate::schema::resolve::object")]
impl AttachmentConnection {
    async fn edges(&self) -> Vec<AttachmentEdge> {
        self.0.edges(|cursor, row| AttachmentEdge { cursor, node: Attachment(Arc::clone(row)) })
    }

    async fn nodes(&self) -> Vec<Attachment> {
        self.0.page().iter().cloned().map(Attachment).collect()
    }

    async fn page_info(&self) -> PageInfo {
        self.0.page_info()
    }

    async fn total_count(&self) -> i32 {
        int(self.0.total())
    }
}

/// A file and its place in the list.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AttachmentEdge {
    cursor: String,
    node: Attachment,
}

/// A page of a job's history.
pub(crate) struct StatusChangeConnection(Cut<core::StatusChange>);

impl StatusChangeConnection {
    /// Cuts a page out of a job's whole history.
    pub(super) fn new(
        ctx: &Context<'_>,
        job: JobId,
        rows: Arc<[Arc<core::StatusChange>]>,
        first: i32,
        after: Option<&str>,
    ) -> Result<Self> {
        let max = operation(ctx)?.caller().engine.config().limits.page;
        Cut::new(rows, List::History(job), page_size("first", first, max)?, after).map(Self)
    }
}

/// A page of a job's history.
#[Object(crate = "crate::schema::resolve::object")]
impl StatusChangeConnection {
    async fn edges(&self) -> Vec<StatusChangeEdge> {
        self.0.edges(|cursor, row| StatusChangeEdge { cursor, node: StatusChange(Arc::clone(row)) })
    }

    async fn nodes(&self) -> Vec<StatusChange> {
        self.0.page().iter().cloned().map(StatusChange).collect()
    }

    async fn page_info(&self) -> PageInfo {
        self.0.page_info()
    }
}

/// An entry of the history and its place in the list.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct StatusChangeEdge {
    cursor: String,
    node: StatusChange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_size_out_of_range_is_refused() {
        assert_eq!(page_size("first", 100, 100).ok(), Some(100));
        for size in [0, -1, 101, i32::MAX] {
            assert!(page_size("first", size, 100).is_err(), "{size}");
        }
    }
}
