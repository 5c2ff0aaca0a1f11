//! Analyses: by id, the newest of a job, and how they relate to the documents.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use jotrack_core::{Analysis, AnalysisId, AnalysisKind, JobId, Snapshot, Staleness};

use super::{Loaded, Relation};

/// Which analyses of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::schema) struct AnalysesKey {
    pub(in crate::schema) job: JobId,
    /// One of these; empty for any.
    pub(in crate::schema) kinds: Vec<AnalysisKind>,
    /// The newest this many.
    pub(in crate::schema) most: u32,
}

pub(super) struct ById;

impl Relation for ById {
    type Key = AnalysisId;
    type Value = Option<Arc<Analysis>>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[AnalysisId],
    ) -> Loaded<HashMap<AnalysisId, Self::Value>> {
        let rows = snapshot.engine().analyses(keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(Arc::new(row)))).collect())
    }
}

pub(super) struct OfJobs;

impl Relation for OfJobs {
    type Key = AnalysesKey;
    type Value = Arc<[Arc<Analysis>]>;

    /// One statement for each list of kinds, however many jobs.
    async fn fetch(
        snapshot: &Snapshot,
        keys: &[AnalysesKey],
    ) -> Loaded<HashMap<AnalysesKey, Self::Value>> {
        let mut by_kinds: BTreeMap<_, Vec<JobId>> = BTreeMap::new();
        for key in keys {
            by_kinds.entry((&key.kinds, key.most)).or_default().push(key.job);
        }
        let mut loaded = HashMap::with_capacity(keys.len());
        for ((kinds, most), jobs) in by_kinds {
            let rows = snapshot.engine().analyses_of_jobs(&jobs, kinds, most).await?;
            let mut of_job: HashMap<JobId, Vec<Arc<Analysis>>> = HashMap::new();
            for row in rows {
                if let Some(job) = row.job_id {
                    of_job.entry(job).or_default().push(Arc::new(row));
                }
            }
            for (job, rows) in of_job {
                loaded.insert(AnalysesKey { job, kinds: kinds.clone(), most }, rows.into());
            }
        }
        Ok(loaded)
    }
}

/// An analysis that was read already; the id tells it from others.
#[derive(Clone)]
pub(in crate::schema) struct ReadAnalysis(pub(in crate::schema) Arc<Analysis>);

impl PartialEq for ReadAnalysis {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ReadAnalysis {}

impl Hash for ReadAnalysis {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for ReadAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadAnalysis({})", self.0.id)
    }
}

pub(super) struct StalenessOf;

impl Relation for StalenessOf {
    type Key = ReadAnalysis;
    type Value = Option<Arc<Staleness>>;

    async fn fetch(
        snapshot: &Snapshot,
        keys: &[ReadAnalysis],
    ) -> Loaded<HashMap<ReadAnalysis, Self::Value>> {
        let judged = snapshot.staleness_of(keys.iter().map(|key| &*key.0)).await?;
        let mut judged: HashMap<_, _> = judged.into_iter().collect();
        let of_key = |key: &ReadAnalysis| (key.clone(), judged.remove(&key.0.id).map(Arc::new));
        Ok(keys.iter().map(of_key).collect())
    }
}

pub(super) struct StalenessOfJobs;

impl Relation for StalenessOfJobs {
    type Key = (JobId, AnalysisKind);
    type Value = Option<Arc<Staleness>>;

    /// The same few statements for each kind, however many jobs.
    async fn fetch(
        snapshot: &Snapshot,
        keys: &[Self::Key],
    ) -> Loaded<HashMap<Self::Key, Self::Value>> {
        let mut by_kind: BTreeMap<AnalysisKind, Vec<JobId>> = BTreeMap::new();
        for (job, kind) in keys {
            by_kind.entry(*kind).or_default().push(*job);
        }
        let mut loaded = HashMap::with_capacity(keys.len());
        for (kind, jobs) in by_kind {
            let judged = snapshot.staleness(&jobs, kind).await?;
            let with_key = |(job, judged)| ((job, kind), Some(Arc::new(judged)));
            loaded.extend(judged.into_iter().map(with_key));
        }
        Ok(loaded)
    }
}
