//! The root of all reads.

use async_graphql::{Context, ID, InputObject, Object};
use futures_util::future::try_join_all;
use jotrack_core::{
    self as core, AnalysisId, AttachmentKind, CoachStatus, EntityKind, Error, JobId, JobOrderField,
    JobQuery, JobStatus, OrderDirection, PageRequest, TimeRange, UsageResource,
};

use super::{
    SchemaHash,
    connection::{JobConnection, SearchConnection, page_request, page_size},
    context::{operation, scope},
    cost,
    error::Result,
    node::{self, Node},
    objects::{
        analysis::Analysis,
        change::ChangeBatch,
        job::Job,
        stats::JobStats,
        usage::RateLimit,
        viewer::{ServerInfo, Viewer},
    },
    scalars::{DateTime, Revision},
};

/// What jobs are sorted by.
#[derive(InputObject)]
pub(crate) struct JobOrder {
    #[graphql(default_with = "JobOrderField::CreatedAt")]
    field: JobOrderField,
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl JobOrder {
    const NEWEST_FIRST: Self =
        Self { field: JobOrderField::CreatedAt, direction: OrderDirection::Desc };
}

/// Half-open: from <= t < to.
#[derive(InputObject)]
pub(crate) struct DateTimeRange {
    from: Option<DateTime>,
    to: Option<DateTime>,
}

fn range(range: Option<DateTimeRange>) -> TimeRange {
    range.map_or_else(TimeRange::default, |DateTimeRange { from, to }| TimeRange {
        from: from.map(|at| at.0),
        to: to.map(|at| at.0),
    })
}

/// All conditions must hold.
#[derive(InputObject)]
pub(crate) struct JobFilter {
    status: Option<Vec<JobStatus>>,
    coach_status: Option<Vec<CoachStatus>>,
    /// Normalised company key or name, compared by key.
    company: Option<String>,
    created_at: Option<DateTimeRange>,
    updated_at: Option<DateTimeRange>,
    applied_at: Option<DateTimeRange>,
    has_attachment: Option<AttachmentKind>,
    /// The query language of `Query.search`.
    search: Option<String>,
    /// Null selects both.
    #[graphql(default_with = "Some(false)")]
    archived: Option<bool>,
    /// Null selects both.
    #[graphql(default_with = "Some(false)")]
    trashed: Option<bool>,
    /// Open, and longer in its status than the owner's setting allows.
    stale: Option<bool>,
}

impl From<JobFilter> for core::JobFilter {
    fn from(filter: JobFilter) -> Self {
        let JobFilter {
            status,
            coach_status,
            company,
            created_at,
            updated_at,
            applied_at,
            has_attachment,
            search,
            archived,
            trashed,
            stale,
        } = filter;
        Self {
            status: status.unwrap_or_default(),
            coach_status: coach_status.unwrap_or_default(),
            company,
            created_at: range(created_at),
            updated_at: range(updated_at),
            applied_at: range(applied_at),
            has_attachment,
            search,
            archived,
            trashed,
            stale,
        }
    }
}

/// The root of all reads.
pub(crate) struct Query;

#[Object(crate = "crate::schema::resolve::object")]
impl Query {
    /// Any object by its ID. Null when absent or not visible to the caller.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        node::find(ctx, &id).await
    }

    /// Up to 100 IDs; results in input order.
    #[graphql(complexity = "cost::list(ids.len().clamp(1, 100), child_complexity)")]
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        let max = operation(ctx)?.caller().engine.config().limits.ids;
        if ids.is_empty() || ids.len() > max {
            let message = format!("must be 1 to {max} ids");
            return Err(Error::invalid(&["ids"], "range", message).into());
        }
        try_join_all(ids.iter().map(|id| node::find(ctx, id))).await
    }

    /// Null for an anonymous caller.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<Viewer>> {
        Ok(Some(Viewer(scope(ctx)?.snapshot().await?.user_row().await?)))
    }

    /// Null when absent or not visible to the caller.
    async fn job(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Job>> {
        let Some(id) = JobId::from_node_id(&id) else { return Ok(None) };
        Ok(scope(ctx)?.loaders().job(id).await?.map(Job))
    }

    /// Null when absent or not visible to the caller.
    async fn analysis(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Analysis>> {
        let Some(id) = AnalysisId::from_node_id(&id) else { return Ok(None) };
        Ok(scope(ctx)?.loaders().analysis(id).await?.map(Analysis))
    }

    #[graphql(complexity = "cost::page(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the contract")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<JobFilter>,
        #[graphql(default_with = "JobOrder::NEWEST_FIRST")] order_by: JobOrder,
    ) -> Result<JobConnection> {
        let page = page_request(ctx, first, after, last, before)?;
        let order = core::JobOrder { field: order_by.field, direction: order_by.direction };
        let filter = filter.map(Into::into).unwrap_or_default();
        let query = JobQuery { filter, order, page };
        let page = scope(ctx)?.snapshot().await?.list_jobs(&query).await?;
        Ok(JobConnection::new(page, query.filter))
    }

    /// From counter rows; `stale` is counted at query time.
    async fn job_stats(&self, ctx: &Context<'_>) -> Result<JobStats> {
        Ok(scope(ctx)?.snapshot().await?.job_stats().await?.into())
    }

    /// Full-text search in the engine's query language (terms, "phrases", -term, `company:`, `has:` ...); no input is a syntax error. Trash is left out. Newest first, or by rank.
    #[graphql(complexity = "cost::extra(50, cost::page(Some(first), None, child_complexity))")]
    async fn search(
        &self,
        ctx: &Context<'_>,
        query: String,
        #[graphql(default = 20)] first: i32,
        after: Option<String>,
        #[graphql(default = false)] ranked: bool,
    ) -> Result<SearchConnection> {
        let max = operation(ctx)?.caller().engine.config().limits.page;
        let first = Some(page_size("first", first, max)?);
        let page = PageRequest { first, after, ..PageRequest::default() };
        Ok(scope(ctx)?.snapshot().await?.search_jobs(&query, &page, ranked).await?.into())
    }

    /// Changes after `since`, oldest first, at most 500.
    #[graphql(
        complexity = "cost::list(usize::try_from(first).unwrap_or(0).clamp(1, 500), child_complexity)"
    )]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        since: Revision,
        #[graphql(default = 100)] first: i32,
        entities: Option<Vec<EntityKind>>,
    ) -> Result<ChangeBatch> {
        let engine = &operation(ctx)?.caller().engine;
        let first = page_size("first", first, engine.config().limits.changes_page)?;
        let entities = entities.unwrap_or_default();
        Ok(engine.changes_since(since.0, first, &entities).await?.into())
    }

    /// How full a window of the caller is; looking at it takes no place in it.
    async fn rate_limit(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "UsageResource::Requests")] resource: UsageResource,
    ) -> Result<RateLimit> {
        let engine = &operation(ctx)?.caller().engine;
        let window = engine.usage_window(resource).await?;
        Ok(RateLimit::new(window, engine.config().limits.complexity))
    }

    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo> {
        let health = operation(ctx)?.caller().engine.health().await;
        let hash = ctx.data_opt::<SchemaHash>().and_then(|hash| hash.0.get()).cloned();
        Ok(ServerInfo {
            version: health.version.to_owned(),
            database: format!("{} {}", health.database, health.database_version),
            schema_hash: hash.unwrap_or_default(),
        })
    }
}
