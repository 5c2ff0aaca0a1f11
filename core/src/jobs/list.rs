//! The job list: filter, order, pages in both directions.

use serde::Serialize;

use crate::{
    companies::company_key,
    engine::{Engine, Snapshot},
    enums::{AttachmentKind, CoachStatus, JobOrderField, JobStatus, OrderDirection},
    error::Result,
    id::JobId,
    jobs::{
        Job, search,
        store::{
            list::{self, Slice},
            read_model,
        },
    },
    page::{self, Page, PageRequest, Place, SortValue, Spot, Wanted},
    time::Timestamp,
};

/// Rows read at a time under a filter that no index serves.
const CHUNK: u32 = 200;

/// Which jobs, in which order, which page.
#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// Which jobs.
    pub filter: JobFilter,
    /// In which order.
    pub order: JobOrder,
    /// Which page.
    pub page: PageRequest,
}

impl JobQuery {
    /// Whether one statement answers it.
    fn is_one_range(&self) -> bool {
        let Self { filter, order, page: _ } = self;
        order.field != JobOrderField::Status
            && filter.status.is_empty()
            && filter.coach_status.is_empty()
            && !filter.needs_rows()
            && filter.folders().len() == 1
    }
}

/// An order; ids break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobOrder {
    /// What to sort by. STATUS goes along the pipeline, newest first within a status.
    pub field: JobOrderField,
    /// Which end first.
    pub direction: OrderDirection,
}

impl Default for JobOrder {
    fn default() -> Self {
        Self { field: JobOrderField::CreatedAt, direction: OrderDirection::Desc }
    }
}

/// Half-open: `from <= t < to`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The first instant inside.
    pub from: Option<Timestamp>,
    /// The first instant after.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    fn holds(&self, at: Option<Timestamp>) -> bool {
        if *self == Self::default() {
            return true;
        }
        at.is_some_and(|at| {
            self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
        })
    }
}

/// Which jobs: everything named must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobFilter {
    /// One of these; empty for any.
    pub status: Vec<JobStatus>,
    /// One of these; empty for any.
    pub coach_status: Vec<CoachStatus>,
    /// A company's name or key.
    pub company: Option<String>,
    /// When the job was entered.
    pub created_at: TimeRange,
    /// When it last changed.
    pub updated_at: TimeRange,
    /// When the application was sent.
    pub applied_at: TimeRange,
    /// Has such a file.
    pub has_attachment: Option<AttachmentKind>,
    /// Query language of [`Snapshot::search_jobs`]; looks at the newest hits only, up to
    /// [`crate::Limits::scan_rows`].
    pub search: Option<String>,
    /// `None` for both.
    pub archived: Option<bool>,
    /// `None` for both.
    pub trashed: Option<bool>,
    /// Stands still for longer than [`crate::Config::stale_after_days`].
    pub stale: Option<bool>,
}

impl Default for JobFilter {
    fn default() -> Self {
        Self {
            status: Vec::new(),
            coach_status: Vec::new(),
            company: None,
            created_at: TimeRange::default(),
            updated_at: TimeRange::default(),
            applied_at: TimeRange::default(),
            has_attachment: None,
            search: None,
            archived: Some(false),
            trashed: Some(false),
            stale: None,
        }
    }
}

/// How many jobs there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStats {
    /// Jobs outside the trash.
    pub total: u64,
    /// Archived ones of these.
    pub archived: u64,
    /// Jobs in the trash.
    pub trashed: u64,
    /// Open jobs that stand still; looked at up to [`crate::Limits::scan_rows`].
    pub stale: u64,
    /// Jobs outside the trash by status, every status once.
    pub by_status: Vec<StatusCount>,
    /// Jobs outside the trash by coach status, every one once.
    pub by_coach_status: Vec<CoachStatusCount>,
}

/// Jobs with a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StatusCount {
    /// The status.
    pub status: JobStatus,
    /// How many.
    pub count: u64,
}

/// Jobs with a coach status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CoachStatusCount {
    /// The status.
    pub status: CoachStatus,
    /// How many.
    pub count: u64,
}

impl Engine {
    /// Returns a page of jobs. One statement for the plain list.
    ///
    /// # Errors
    /// `Invalid` for a wrong size, cursor or search.
    pub async fn list_jobs(&self, query: &JobQuery) -> Result<Page<Job>> {
        let snapshot = if query.is_one_range() {
            self.snapshot_of_one().await?
        } else {
            self.snapshot().await?
        };
        snapshot.list_jobs(query).await
    }
}

impl Snapshot {
    /// Returns a page of jobs.
    ///
    /// One statement per range: 1 for a folder in an indexed order, one per status or coach
    /// status and folder otherwise (at most 36). Conditions without an index are checked on up to
    /// [`crate::Limits::scan_rows`] rows; then the page is short and `has_next` true.
    ///
    /// # Errors
    /// `Invalid` for a wrong size, cursor or search.
    pub async fn list_jobs(&self, query: &JobQuery) -> Result<Page<Job>> {
        let limits = &self.engine().config().limits;
        let tag = page::tag(&("jobs", &query.filter, &query.order));
        let wanted = page::check(&query.page, tag, limits.page_default, limits.page_local)?;
        let walk = Walk::new(self, query, wanted);
        let found = match &query.filter.search {
            Some(text) => walk.among(search::matching(self, text).await?).await?,
            None => walk.along().await?,
        };
        Ok(walk.page(found, tag))
    }

    /// Returns how many jobs a filter selects, from counters; `None` when it asks for more than
    /// status, coach status and folders. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count_jobs(&self, filter: &JobFilter) -> Result<Option<u64>> {
        if filter.needs_rows() {
            return Ok(None);
        }
        let counts = read_model::counts(self).await?;
        let chosen = counts.iter().filter(|count| {
            filter.folders().contains(&count.folder)
                && (filter.status.is_empty() || filter.status.contains(&count.status))
                && (filter.coach_status.is_empty()
                    || filter.coach_status.contains(&count.coach_status))
        });
        Ok(Some(chosen.map(|count| count.n).sum()))
    }

    /// Returns the counters of all jobs. One statement, and one to six for `stale`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn job_stats(&self) -> Result<JobStats> {
        let counts = read_model::counts(self).await?;
        let sum = |wanted: &dyn Fn(&read_model::Count) -> bool| {
            counts.iter().filter(|count| wanted(count)).map(|count| count.n).sum()
        };
        Ok(JobStats {
            total: sum(&|c| c.folder < 2),
            archived: sum(&|c| c.folder == 1),
            trashed: sum(&|c| c.folder >= 2),
            stale: self.count_stale().await?,
            by_status: JobStatus::ALL
                .iter()
                .map(|status| StatusCount {
                    status: *status,
                    count: sum(&|c| c.folder < 2 && c.status == *status),
                })
                .collect(),
            by_coach_status: CoachStatus::ALL
                .iter()
                .map(|status| CoachStatusCount {
                    status: *status,
                    count: sum(&|c| c.folder < 2 && c.coach_status == *status),
                })
                .collect(),
        })
    }

    async fn count_stale(&self) -> Result<u64> {
        let config = self.engine().config();
        let query = JobQuery {
            filter: JobFilter { stale: Some(true), ..JobFilter::default() },
            ..JobQuery::default()
        };
        let rows = config.limits.scan_rows;
        let walk = Walk::new(self, &query, Wanted { rows, backwards: false, from: None });
        Ok(u64::try_from(walk.along().await?.jobs.len()).unwrap_or(u64::MAX))
    }
}

impl JobFilter {
    /// The folders of the read model that the filter looks into.
    fn folders(&self) -> Vec<i64> {
        (0..4)
            .filter(|folder| {
                self.archived.is_none_or(|archived| (folder % 2 == 1) == archived)
                    && self.trashed.is_none_or(|trashed| (*folder >= 2) == trashed)
            })
            .collect()
    }

    /// Whether anything is asked that no counter knows.
    fn needs_rows(&self) -> bool {
        self.company.is_some()
            || self.created_at != TimeRange::default()
            || self.updated_at != TimeRange::default()
            || self.applied_at != TimeRange::default()
            || self.has_attachment.is_some()
            || self.search.is_some()
            || self.stale.is_some()
    }
}

/// Returns rows of a list and whether there are more, without a page around them.
pub(crate) async fn plain(
    snapshot: &Snapshot,
    query: &JobQuery,
    wanted: Wanted,
) -> Result<(Vec<Job>, bool)> {
    let found = Walk::new(snapshot, query, wanted).along().await?;
    Ok((found.jobs, found.more))
}

/// Rows found by a walk.
struct Found {
    jobs: Vec<Job>,
    /// There are rows beyond the last one.
    more: bool,
    /// The last row looked at, where the walk was cut short.
    cut_at: Option<Spot>,
}

/// A walk along the ranges of one list.
struct Walk<'a> {
    snapshot: &'a Snapshot,
    filter: &'a JobFilter,
    field: JobOrderField,
    /// Direction within a group, already turned for backward pages.
    direction: OrderDirection,
    /// Groups one after the other; the ranges of a group are merged.
    groups: Vec<(u8, Vec<(i64, Slice)>)>,
    wanted: Wanted,
    company_key: Option<String>,
    /// Whether rows must be looked at one by one.
    selective: bool,
}

impl<'a> Walk<'a> {
    fn new(snapshot: &'a Snapshot, query: &'a JobQuery, wanted: Wanted) -> Self {
        let JobQuery { filter, order, page: _ } = query;
        let by_status = order.field == JobOrderField::Status;
        let created = matches!(order.field, JobOrderField::CreatedAt | JobOrderField::Status);
        let folders = filter.folders();
        let ranges = |slice: Slice| folders.iter().map(move |folder| (*folder, slice));
        let mut groups: Vec<(u8, Vec<(i64, Slice)>)> = if by_status {
            JobStatus::ALL
                .iter()
                .filter(|status| filter.status.is_empty() || filter.status.contains(status))
                .map(|status| {
                    let group = u8::try_from(status.number()).unwrap_or(0);
                    (group, ranges(Slice::Status(*status)).collect())
                })
                .collect()
        } else if created && !filter.status.is_empty() {
            let mut all = filter.status.clone();
            all.sort_unstable();
            all.dedup();
            vec![(0, all.into_iter().flat_map(|status| ranges(Slice::Status(status))).collect())]
        } else if created && !filter.coach_status.is_empty() {
            let mut all = filter.coach_status.clone();
            all.sort_unstable();
            all.dedup();
            vec![(0, all.into_iter().flat_map(|status| ranges(Slice::Coach(status))).collect())]
        } else {
            vec![(0, ranges(Slice::By(order.field)).collect())]
        };
        let mut direction = if by_status { OrderDirection::Desc } else { order.direction };
        if by_status && (order.direction == OrderDirection::Desc) != wanted.backwards {
            groups.reverse();
        }
        if wanted.backwards {
            direction = opposite(direction);
        }
        let slices_serve_coach = created && !by_status && filter.status.is_empty();
        Self {
            snapshot,
            filter,
            field: order.field,
            direction,
            groups,
            wanted,
            company_key: filter.company.as_deref().map(key_of),
            selective: filter.needs_rows()
                || (!created && !filter.status.is_empty())
                || (!slices_serve_coach && !filter.coach_status.is_empty()),
        }
    }

    /// Reads along the indexes until there are enough rows.
    async fn along(&self) -> Result<Found> {
        let want = usize::try_from(self.wanted.rows).unwrap_or(usize::MAX);
        let most = self.snapshot.engine().config().limits.scan_rows;
        let chunk = if self.selective { CHUNK.max(self.wanted.rows) } else { self.wanted.rows } + 1;
        let mut jobs = Vec::new();
        let mut looked = 0;
        let start = self.wanted.from.as_ref();
        let groups = self
            .groups
            .iter()
            .skip_while(|(group, _)| start.is_some_and(|start| start.group != *group));
        for (group, ranges) in groups {
            let mut from = match start {
                Some(start) if start.group == *group => start.place.clone(),
                _ => self.start_of_group(),
            };
            loop {
                let rows = self.merged(ranges, &from, chunk).await?;
                let exhausted = rows.len() < usize::try_from(chunk).unwrap_or(usize::MAX);
                for job in rows {
                    from = self.place(&job);
                    looked += 1;
                    if self.beyond(&job) {
                        return Ok(Found { jobs, more: false, cut_at: None });
                    }
                    if self.matches(&job) {
                        if jobs.len() == want {
                            return Ok(Found { jobs, more: true, cut_at: None });
                        }
                        jobs.push(job);
                    }
                }
                if exhausted {
                    break;
                }
                if looked >= most {
                    let cut_at = Some(Spot { group: *group, place: from });
                    return Ok(Found { jobs, more: true, cut_at });
                }
            }
        }
        Ok(Found { jobs, more: false, cut_at: None })
    }

    /// Picks the page out of a known set of jobs.
    async fn among(&self, ids: Vec<JobId>) -> Result<Found> {
        let want = usize::try_from(self.wanted.rows).unwrap_or(usize::MAX);
        let folders = self.filter.folders();
        let mut rows = Vec::new();
        for ids in ids.chunks(1_000) {
            rows.extend(read_model::by_ids(self.snapshot, ids).await?);
        }
        rows.retain(|job| folders.contains(&folder(job)) && self.matches(job));
        rows.sort_by(|a, b| self.compare(a, b));
        if let Some(from) = &self.wanted.from {
            rows.retain(|job| self.after(job, from));
        }
        let more = rows.len() > want;
        rows.truncate(want);
        Ok(Found { jobs: rows, more, cut_at: None })
    }

    async fn merged(&self, ranges: &[(i64, Slice)], from: &Place, chunk: u32) -> Result<Vec<Job>> {
        if let [(folder, slice)] = ranges {
            return list::range(self.snapshot, *folder, *slice, self.direction, from, chunk).await;
        }
        let mut rows = Vec::new();
        for (folder, slice) in ranges {
            rows.extend(
                list::range(self.snapshot, *folder, *slice, self.direction, from, chunk).await?,
            );
        }
        rows.sort_by(|a, b| self.compare(a, b));
        rows.truncate(usize::try_from(chunk).unwrap_or(usize::MAX));
        Ok(rows)
    }

    /// A bound on the sort column is where the walk starts.
    fn start_of_group(&self) -> Place {
        let mut place = list::start(self.field, self.direction);
        if self.field == JobOrderField::CreatedAt {
            let bound = match self.direction {
                OrderDirection::Desc => self.filter.created_at.to,
                OrderDirection::Asc => self.filter.created_at.from.map(|from| from.plus_ms(-1)),
            };
            if let Some(bound) = bound {
                place.value = SortValue::Number(bound.as_ms());
                if self.direction == OrderDirection::Desc {
                    place.id = uuid::Uuid::nil();
                } else {
                    place.id = uuid::Uuid::max();
                }
            }
        }
        place
    }

    /// And a bound at its other end is where it stops.
    fn beyond(&self, job: &Job) -> bool {
        self.field == JobOrderField::CreatedAt
            && match self.direction {
                OrderDirection::Desc => {
                    self.filter.created_at.from.is_some_and(|from| job.created_at < from)
                }
                OrderDirection::Asc => {
                    self.filter.created_at.to.is_some_and(|to| job.created_at >= to)
                }
            }
    }

    fn matches(&self, job: &Job) -> bool {
        let filter = self.filter;
        let config = self.snapshot.engine().config();
        (filter.status.is_empty() || filter.status.contains(&job.status))
            && (filter.coach_status.is_empty() || filter.coach_status.contains(&job.coach_status))
            && self.company_key.as_ref().is_none_or(|key| *key == job.company_key)
            && filter.created_at.holds(Some(job.created_at))
            && filter.updated_at.holds(Some(job.updated_at))
            && filter.applied_at.holds(job.applied_at)
            && filter.has_attachment.is_none_or(|kind| job.has(kind))
            && filter.stale.is_none_or(|stale| {
                job.is_stale(self.snapshot.engine().now(), config.stale_after_days) == stale
            })
    }

    fn compare(&self, a: &Job, b: &Job) -> std::cmp::Ordering {
        let (a_group, b_group) = (self.group(a), self.group(b));
        let order = |group| self.groups.iter().position(|(known, _)| *known == group);
        let (a, b) = (self.place(a), self.place(b));
        let within = a
            .value
            .partial_cmp(&b.value)
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.id.cmp(&b.id));
        let within = match self.direction {
            OrderDirection::Asc => within,
            OrderDirection::Desc => within.reverse(),
        };
        order(a_group).cmp(&order(b_group)).then(within)
    }

    /// Whether a row lies beyond a spot in the direction of the walk.
    fn after(&self, job: &Job, spot: &Spot) -> bool {
        let order = |group| self.groups.iter().position(|(known, _)| *known == group);
        let place = self.place(job);
        let within = place
            .value
            .partial_cmp(&spot.place.value)
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(place.id.cmp(&spot.place.id));
        let beyond = match self.direction {
            OrderDirection::Asc => within.is_gt(),
            OrderDirection::Desc => within.is_lt(),
        };
        match order(self.group(job)).cmp(&order(spot.group)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => beyond,
            std::cmp::Ordering::Greater => true,
        }
    }

    fn group(&self, job: &Job) -> u8 {
        match self.field {
            JobOrderField::Status => u8::try_from(job.status.number()).unwrap_or(0),
            JobOrderField::CreatedAt
            | JobOrderField::UpdatedAt
            | JobOrderField::Company
            | JobOrderField::Title => 0,
        }
    }

    fn place(&self, job: &Job) -> Place {
        let value = match self.field {
            JobOrderField::CreatedAt | JobOrderField::Status => {
                SortValue::Number(job.created_at.as_ms())
            }
            JobOrderField::UpdatedAt => SortValue::Number(job.updated_at.as_ms()),
            JobOrderField::Company => SortValue::Text(job.company_key.clone()),
            JobOrderField::Title => SortValue::Text(crate::jobs::store::title_key(&job.title)),
        };
        Place { value, id: job.id.as_uuid() }
    }

    fn page(&self, found: Found, tag: [u8; 8]) -> Page<Job> {
        let Found { mut jobs, more, cut_at } = found;
        if self.wanted.backwards {
            jobs.reverse();
        }
        let spots = jobs
            .iter()
            .map(|job| Spot { group: self.group(job), place: self.place(job) })
            .collect();
        let came_from = self.wanted.from.is_some();
        let (has_next, has_previous) =
            if self.wanted.backwards { (came_from, more) } else { (more, came_from) };
        let mut page = Page::new(jobs, spots, tag, has_next, has_previous);
        if let Some(spot) = cut_at {
            page.ends_at(spot, self.wanted.backwards);
        }
        page
    }
}

fn opposite(direction: OrderDirection) -> OrderDirection {
    match direction {
        OrderDirection::Asc => OrderDirection::Desc,
        OrderDirection::Desc => OrderDirection::Asc,
    }
}

fn folder(job: &Job) -> i64 {
    i64::from(job.archived_at.is_some()) + 2 * i64::from(job.trashed_at.is_some())
}

/// A key is taken as it is, a name is folded.
fn key_of(company: &str) -> String {
    if company.starts_with("n:") || company.starts_with("d:") {
        return company.to_owned();
    }
    company_key(company)
}
