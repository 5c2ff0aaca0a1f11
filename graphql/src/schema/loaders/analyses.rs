//! Analyses: by id, and the newest of a job.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jotrack_core::{Analysis, AnalysisId, AnalysisKind, JobId, Snapshot};

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
