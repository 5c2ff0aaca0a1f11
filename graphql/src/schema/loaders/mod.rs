//! Relations, loaded for all siblings at once. Only this file names the crate `dataloader`.
//!
//! A loader waits one yield of the operation's own task: siblings register in the same pass, then
//! the first to wake loads for all. It needs neither a timer nor a task.

mod analyses;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use dataloader::{BatchFn, cached::Loader};
use futures_util::future::try_join_all;
use jotrack_core::{
    Analysis, AnalysisId, AnalysisKind, Attachment, AttachmentFilter, AttachmentId, AttachmentKind,
    Error, Job, JobDetails, JobId, SkillReport, Snapshot, Staleness, StatusChange, StatusChangeId,
    Variant, VariantId, VariantName,
};

pub(super) use analyses::{AnalysesKey, ReadAnalysis};

use super::context::View;

/// Keys that start a batch at once; above what one operation within its cost can ask for.
const BATCH_MAX: usize = 1_000;

type Loaded<T> = Result<T, Error>;

/// Which attachments of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AttachmentsKey {
    pub(super) job: JobId,
    /// One of these; empty for any.
    pub(super) kinds: Vec<AttachmentKind>,
    pub(super) include_trashed: bool,
}

/// Which texts of a job's active attachment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct DocumentKey {
    pub(super) job: JobId,
    pub(super) kind: AttachmentKind,
    pub(super) names: NameSet,
}

/// A set of variant names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct NameSet {
    raw: bool,
    ai_normalized: bool,
}

impl NameSet {
    /// Collects names; their order does not matter here.
    pub(super) fn of(names: &[VariantName]) -> Self {
        let mut set = Self::default();
        for name in names {
            match name {
                VariantName::Raw => set.raw = true,
                VariantName::AiNormalized => set.ai_normalized = true,
            }
        }
        set
    }

    fn contains(self, name: VariantName) -> bool {
        match name {
            VariantName::Raw => self.raw,
            VariantName::AiNormalized => self.ai_normalized,
        }
    }
}

/// One relation: its keys, and one statement for many of them.
trait Relation: Send + 'static {
    type Key: Clone + Eq + Hash + Debug + Send + Sync;
    /// What a key without rows gets is the default.
    type Value: Clone + Default + Send + Sync;

    fn fetch(
        snapshot: &Snapshot,
        keys: &[Self::Key],
    ) -> impl Future<Output = Loaded<HashMap<Self::Key, Self::Value>>> + Send;
}

struct Batch<R> {
    view: Arc<View>,
    relation: PhantomData<fn() -> R>,
}

impl<R: Relation> BatchFn<R::Key, Loaded<R::Value>> for Batch<R> {
    async fn load(&mut self, keys: &[R::Key]) -> HashMap<R::Key, Loaded<R::Value>> {
        let fetched = match self.view.snapshot().await {
            Ok(snapshot) => R::fetch(snapshot, keys).await,
            Err(error) => Err(error),
        };
        match fetched {
            Ok(mut rows) => keys
                .iter()
                .map(|key| (key.clone(), Ok(rows.remove(key).unwrap_or_default())))
                .collect(),
            Err(error) => keys.iter().map(|key| (key.clone(), Err(error.clone()))).collect(),
        }
    }
}

type LoaderOf<R> = Loader<<R as Relation>::Key, Loaded<<R as Relation>::Value>, Batch<R>>;

/// A loader that is made by its first use.
struct Lazy<R: Relation>(OnceLock<LoaderOf<R>>);

impl<R: Relation> Lazy<R> {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn loader(&self, view: &Arc<View>) -> &LoaderOf<R> {
        self.0.get_or_init(|| {
            Loader::new(Batch { view: Arc::clone(view), relation: PhantomData })
                .with_yield_count(1)
                .with_max_batch_size(BATCH_MAX)
        })
    }

    async fn get(&self, view: &Arc<View>, key: R::Key) -> Loaded<R::Value> {
        // Boxed, or every field of the object would be as large as this future.
        match Box::pin(self.loader(view).try_load(key)).await {
            Ok(loaded) => loaded,
            Err(error) => Err(Error::internal("load a relation", error)),
        }
    }
}

/// The loaders of one read scope.
pub(super) struct Loaders {
    view: Arc<View>,
    jobs: Lazy<Jobs>,
    notes: Lazy<Notes>,
    attachments: Lazy<Attachments>,
    attachments_by_id: Lazy<AttachmentsById>,
    documents: Lazy<Documents>,
    variants: Lazy<Variants>,
    variants_by_id: Lazy<VariantsById>,
    details: Lazy<Details>,
    skills: Lazy<Skills>,
    history: Lazy<History>,
    status_changes: Lazy<StatusChanges>,
    analyses: Lazy<analyses::ById>,
    analyses_of_jobs: Lazy<analyses::OfJobs>,
    staleness: Lazy<analyses::StalenessOf>,
    staleness_of_jobs: Lazy<analyses::StalenessOfJobs>,
}

impl Loaders {
    pub(super) const fn new(view: Arc<View>) -> Self {
        Self {
            view,
            jobs: Lazy::new(),
            notes: Lazy::new(),
            attachments: Lazy::new(),
            attachments_by_id: Lazy::new(),
            documents: Lazy::new(),
            variants: Lazy::new(),
            variants_by_id: Lazy::new(),
            details: Lazy::new(),
            skills: Lazy::new(),
            history: Lazy::new(),
            status_changes: Lazy::new(),
            analyses: Lazy::new(),
            analyses_of_jobs: Lazy::new(),
            staleness: Lazy::new(),
            staleness_of_jobs: Lazy::new(),
        }
    }

    pub(super) async fn job(&self, id: JobId) -> Loaded<Option<Arc<Job>>> {
        self.jobs.get(&self.view, id).await
    }

    /// Takes rows that are known already, so that nobody reads them.
    pub(super) async fn know_jobs(&self, jobs: Vec<Job>) {
        if !jobs.is_empty() {
            let rows = jobs.into_iter().map(|job| (job.id, Ok(Some(Arc::new(job)))));
            self.jobs.loader(&self.view).prime_many(rows).await;
        }
    }

    pub(super) async fn notes(&self, job: JobId) -> Loaded<Option<Arc<str>>> {
        self.notes.get(&self.view, job).await
    }

    pub(super) async fn attachments(&self, key: AttachmentsKey) -> Loaded<Arc<[Arc<Attachment>]>> {
        self.attachments.get(&self.view, key).await
    }

    pub(super) async fn attachment(&self, id: AttachmentId) -> Loaded<Option<Arc<Attachment>>> {
        self.attachments_by_id.get(&self.view, id).await
    }

    pub(super) async fn documents(&self, key: DocumentKey) -> Loaded<Arc<[Arc<Variant>]>> {
        self.documents.get(&self.view, key).await
    }

    pub(super) async fn variants(&self, id: AttachmentId) -> Loaded<Arc<[Arc<Variant>]>> {
        self.variants.get(&self.view, id).await
    }

    pub(super) async fn variant(&self, id: VariantId) -> Loaded<Option<Arc<Variant>>> {
        self.variants_by_id.get(&self.view, id).await
    }

    pub(super) async fn details(&self, job: JobId) -> Loaded<Option<Arc<JobDetails>>> {
        self.details.get(&self.view, job).await
    }

    pub(super) async fn skills(&self, job: JobId) -> Loaded<Option<Arc<SkillReport>>> {
        self.skills.get(&self.view, job).await
    }

    pub(super) async fn history(&self, job: JobId) -> Loaded<Arc<[Arc<StatusChange>]>> {
        self.history.get(&self.view, job).await
    }

    pub(super) async fn status_change(
        &self,
        id: StatusChangeId,
    ) -> Loaded<Option<Arc<StatusChange>>> {
        self.status_changes.get(&self.view, id).await
    }

    pub(super) async fn analysis(&self, id: AnalysisId) -> Loaded<Option<Arc<Analysis>>> {
        self.analyses.get(&self.view, id).await
    }

    pub(super) async fn analyses(&self, key: AnalysesKey) -> Loaded<Arc<[Arc<Analysis>]>> {
        self.analyses_of_jobs.get(&self.view, key).await
    }

    pub(super) async fn staleness(&self, analysis: ReadAnalysis) -> Loaded<Option<Arc<Staleness>>> {
        self.staleness.get(&self.view, analysis).await
    }

    pub(super) async fn staleness_of_job(
        &self,
        job: JobId,
        kind: AnalysisKind,
    ) -> Loaded<Option<Arc<Staleness>>> {
        self.staleness_of_jobs.get(&self.view, (job, kind)).await
    }
}

struct Jobs;

impl Relation for Jobs {
    type Key = JobId;
    type Value = Option<Arc<Job>>;

    async fn fetch(snapshot: &Snapshot, keys: &[JobId]) -> Loaded<HashMap<JobId, Self::Value>> {
        let rows = snapshot.jobs(keys).await?;
        Ok(rows.into_iter().map(|job| (job.id, Some(Arc::new(job)))).collect())
    }
}

struct Notes;

impl Relation for Notes {
    type Key = JobId;
    type Value = Option<Arc<str>>;

    async fn fetch(snapshot: &Snapshot, keys: &[JobId]) -> Loaded<HashMap<JobId, Self::Value>> {
        let rows = snapshot.notes(keys).await?;
        Ok(rows.into_iter().map(|(job, notes)| (job, Some(Arc::from(notes)))).collect())
    }
}

struct Attachments;

impl Relation for Attachments {
    type Key = AttachmentsKey;
    type Value = Arc<[Arc<Attachment>]>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[AttachmentsKey],
    ) -> Loaded<HashMap<AttachmentsKey, Self::Value>> {
        let mut by_filter: BTreeMap<_, Vec<JobId>> = BTreeMap::new();
        for key in keys {
            by_filter.entry((&key.kinds, key.include_trashed)).or_default().push(key.job);
        }
        // Side by side: each list of kinds is a statement of its own.
        let lists = by_filter.into_iter().map(async |((kinds, include_trashed), jobs)| {
            let filter = AttachmentFilter { kinds: kinds.clone(), include_trashed };
            let rows = snapshot.attachments(&jobs, &filter).await?;
            Loaded::Ok((filter, group(rows, |row| row.job_id)))
        });
        let mut loaded = HashMap::with_capacity(keys.len());
        for (AttachmentFilter { kinds, include_trashed }, groups) in try_join_all(lists).await? {
            for (job, rows) in groups {
                loaded.insert(AttachmentsKey { job, kinds: kinds.clone(), include_trashed }, rows);
            }
        }
        Ok(loaded)
    }
}

struct AttachmentsById;

impl Relation for AttachmentsById {
    type Key = AttachmentId;
    type Value = Option<Arc<Attachment>>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[AttachmentId],
    ) -> Loaded<HashMap<AttachmentId, Self::Value>> {
        let rows = snapshot.attachments_by_id(keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(Arc::new(row)))).collect())
    }
}

struct Documents;

impl Relation for Documents {
    type Key = DocumentKey;
    type Value = Arc<[Arc<Variant>]>;

    /// Résumé and job description of all jobs are one statement: it asks for the union of what the
    /// keys want, and each key takes its part.
    async fn fetch(
        snapshot: &Snapshot,
        keys: &[DocumentKey],
    ) -> Loaded<HashMap<DocumentKey, Self::Value>> {
        let jobs: Vec<_> =
            keys.iter().map(|key| key.job).collect::<BTreeSet<_>>().into_iter().collect();
        let kinds: Vec<_> =
            keys.iter().map(|key| key.kind).collect::<BTreeSet<_>>().into_iter().collect();
        let names: Vec<_> = VariantName::ALL
            .iter()
            .copied()
            .filter(|name| keys.iter().any(|key| key.names.contains(*name)))
            .collect();
        let mut texts: HashMap<_, Vec<Arc<Variant>>> = HashMap::with_capacity(keys.len());
        let chunks = jobs.chunks(snapshot.engine().config().limits.variant_jobs.max(1));
        let chunks = chunks.map(|jobs| snapshot.documents(jobs, &kinds, &names));
        for row in try_join_all(chunks).await?.into_iter().flatten() {
            texts.entry((row.job_id, row.kind)).or_default().push(Arc::new(row.variant));
        }
        Ok(keys
            .iter()
            .map(|key| {
                let all = texts.get(&(key.job, key.kind)).map(Vec::as_slice).unwrap_or_default();
                let wanted = all.iter().filter(|text| key.names.contains(text.name)).cloned();
                (key.clone(), wanted.collect())
            })
            .collect())
    }
}

struct Variants;

impl Relation for Variants {
    type Key = AttachmentId;
    type Value = Arc<[Arc<Variant>]>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[AttachmentId],
    ) -> Loaded<HashMap<AttachmentId, Self::Value>> {
        let rows = snapshot.variants_of(keys).await?;
        Ok(group(rows, |row| row.attachment_id).collect())
    }
}

struct VariantsById;

impl Relation for VariantsById {
    type Key = VariantId;
    type Value = Option<Arc<Variant>>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[VariantId],
    ) -> Loaded<HashMap<VariantId, Self::Value>> {
        let rows = snapshot.variants_by_id(keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(Arc::new(row)))).collect())
    }
}

/// Coach and match score together: both lie on the same row.
struct Details;

impl Relation for Details {
    type Key = JobId;
    type Value = Option<Arc<JobDetails>>;

    async fn fetch(snapshot: &Snapshot, keys: &[JobId]) -> Loaded<HashMap<JobId, Self::Value>> {
        let rows = snapshot.details(keys).await?;
        Ok(rows.into_iter().map(|row| (row.job_id, Some(Arc::new(row)))).collect())
    }
}

struct Skills;

impl Relation for Skills {
    type Key = JobId;
    type Value = Option<Arc<SkillReport>>;

    async fn fetch(snapshot: &Snapshot, keys: &[JobId]) -> Loaded<HashMap<JobId, Self::Value>> {
        let rows = snapshot.skills(keys).await?;
        Ok(rows.into_iter().map(|row| (row.job_id, Some(Arc::new(row)))).collect())
    }
}

struct History;

impl Relation for History {
    type Key = JobId;
    type Value = Arc<[Arc<StatusChange>]>;

    async fn fetch(snapshot: &Snapshot, keys: &[JobId]) -> Loaded<HashMap<JobId, Self::Value>> {
        let mut rows = snapshot.history(keys).await?;
        // Core answers oldest first, the contract newest first.
        rows.reverse();
        Ok(group(rows, |row| row.job_id).collect())
    }
}

struct StatusChanges;

impl Relation for StatusChanges {
    type Key = StatusChangeId;
    type Value = Option<Arc<StatusChange>>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[StatusChangeId],
    ) -> Loaded<HashMap<StatusChangeId, Self::Value>> {
        let rows = snapshot.status_changes(keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(Arc::new(row)))).collect())
    }
}

/// Gathers rows under their owner; the rows of one owner keep their order.
fn group<K: Eq + Hash, T>(
    rows: Vec<T>,
    owner: impl Fn(&T) -> K,
) -> impl Iterator<Item = (K, Arc<[Arc<T>]>)> {
    let mut groups: HashMap<K, Vec<Arc<T>>> = HashMap::new();
    for row in rows {
        groups.entry(owner(&row)).or_default().push(Arc::new(row));
    }
    groups.into_iter().map(|(owner, rows)| (owner, rows.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_order_of_their_rows() {
        let groups: BTreeMap<_, _> =
            group(vec![(1, "a"), (2, "b"), (1, "c")], |row| row.0).collect();

        let first: Vec<_> = groups[&1].iter().map(|row| row.1).collect();
        assert_eq!(first, ["a", "c"]);
        assert_eq!(groups[&2].len(), 1);
    }

    #[test]
    fn a_name_set_knows_no_order() {
        use VariantName::{AiNormalized, Raw};

        assert_eq!(NameSet::of(&[Raw, AiNormalized]), NameSet::of(&[AiNormalized, Raw, Raw]));
        assert!(!NameSet::of(&[Raw]).contains(AiNormalized));
        assert_eq!(NameSet::of(&[]), NameSet::default());
    }
}
