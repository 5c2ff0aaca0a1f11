//! Archive, trash, restore, purge. The trash is reversible until its date; a purge is not.

use std::collections::{HashMap, HashSet};

use crate::{
    attachments::{self, blob::Hash},
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind},
    error::{ConflictKind, Error, Result},
    id::JobId,
    jobs::{
        bulk::{distinct, in_order, refuse_each},
        search,
        store::{self, JobRow, read_model},
    },
    mutation::{Plan, WriteOptions, Written, when},
    time::{DAY_MS, Timestamp},
};

/// Jobs purged by one batch of the background task.
const PURGE_PAGE: usize = 100;

impl Engine {
    /// Takes 1 to 100 jobs out of the default list; twice is as good as once.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `JobInTrash`.
    pub async fn archive_jobs(
        &self,
        ids: &[JobId],
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        self.set_fields(
            Move::of("jobsArchive", ""),
            ids,
            options,
            JobRow::refuse_trashed,
            |job, now| {
                job.archived_at = job.archived_at.or(Some(now));
            },
        )
        .await
    }

    /// Puts 1 to 100 jobs back into the default list.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `JobInTrash`.
    pub async fn unarchive_jobs(
        &self,
        ids: &[JobId],
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        let undo = Move::of("jobsArchive", "undo");
        self.set_fields(undo, ids, options, JobRow::refuse_trashed, |job, _| {
            job.archived_at = None;
        })
        .await
    }

    /// Moves 1 to 100 jobs to the trash; one that is there keeps its purge date.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`.
    pub async fn trash_jobs(
        &self,
        ids: &[JobId],
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        let days = i64::from(self.config().trash_days);
        self.set_fields(
            Move::of("jobsTrash", ""),
            ids,
            options,
            |_| Ok(()),
            move |job, now| {
                if job.trashed_at.is_none() {
                    job.trashed_at = Some(now);
                    job.purge_at = Some(now.plus_ms(days * DAY_MS));
                }
            },
        )
        .await
    }

    /// Takes 1 to 100 jobs out of the trash; an archived one comes back archived.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `NotInTrash`.
    pub async fn restore_jobs(
        &self,
        ids: &[JobId],
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        let restore = Move { indexes: true, ..Move::of("jobsRestore", "") };
        self.set_fields(restore, ids, options, refuse_live, |job, _| {
            job.trashed_at = None;
            job.purge_at = None;
        })
        .await
    }

    /// Removes 1 to 100 trashed jobs for ever, with their documents and files.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` of kind `NotInTrash`.
    pub async fn purge_jobs(
        &self,
        ids: &[JobId],
        options: &WriteOptions,
    ) -> Result<Written<Vec<JobId>>> {
        let ids = &distinct(ids, self.config().limits.ids)?;
        let written = self
            .mutate("jobsPurge", options, ids, |snapshot| async move {
                let (rows, hashes) = tokio::try_join!(
                    store::load(&snapshot, ids),
                    attachments::store::hashes(&snapshot, ids)
                )?;
                let jobs = in_order(ids, rows)?;
                refuse_each(ids, &jobs, refuse_live)?;
                let mut batch = snapshot.engine().batch();
                purge(&snapshot, &mut batch, &jobs, hashes.into_iter().collect());
                Ok(Plan::write(ids.clone(), batch))
            })
            .await?;
        self.collect_after_purge().await;
        Ok(written)
    }

    /// Purges all users' jobs whose date has come; returns how many.
    pub(crate) async fn purge_due_jobs(&self) -> Result<usize> {
        let mut purged = 0;
        loop {
            let due = store::due_for_purge(self, PURGE_PAGE).await?;
            if due.is_empty() {
                return Ok(purged);
            }
            for (user, jobs) in due {
                let owner = Self::acting_as(&self.shared, user);
                purged += owner.purge_jobs(&jobs, &WriteOptions::default()).await?.value.len();
            }
        }
    }

    /// Changes folder fields of jobs in one batch; jobs that `change` leaves alone are not written.
    async fn set_fields(
        &self,
        Move { mutation, way, indexes }: Move,
        ids: &[JobId],
        options: &WriteOptions,
        rule: impl Fn(&JobRow) -> Result<()> + Sync,
        change: impl Fn(&mut JobRow, Timestamp) + Sync,
    ) -> Result<Written<Vec<JobId>>> {
        let ids = &distinct(ids, self.config().limits.ids)?;
        let (rule, change) = (&rule, &change);
        self.mutate(mutation, options, &(ids, way), |snapshot| async move {
            let (rows, texts) = tokio::try_join!(
                store::load(&snapshot, ids),
                when(indexes, snapshot.indexed_texts(ids))
            )?;
            let jobs = in_order(ids, rows)?;
            refuse_each(ids, &jobs, rule)?;
            Ok(plan_fields(&snapshot, ids, jobs, &texts, change))
        })
        .await
    }
}

/// A move from one folder to another.
#[derive(Clone, Copy)]
struct Move {
    mutation: &'static str,
    /// Keeps one key from being taken for another where a mutation works both ways.
    way: &'static str,
    /// Whether jobs come back from the trash, to be found again.
    indexes: bool,
}

impl Move {
    fn of(mutation: &'static str, way: &'static str) -> Self {
        Self { mutation, way, indexes: false }
    }
}

fn plan_fields(
    snapshot: &Snapshot,
    ids: &[JobId],
    jobs: Vec<JobRow>,
    texts: &HashMap<JobId, Vec<String>>,
    change: impl Fn(&mut JobRow, Timestamp),
) -> Plan<Vec<JobId>> {
    let (engine, user) = (snapshot.engine(), snapshot.user());
    let mut batch = engine.batch();
    let (mut leaving, mut coming) = (Vec::new(), Vec::new());
    for before in jobs {
        let mut job = before.clone();
        change(&mut job, batch.at);
        if job == before {
            continue;
        }
        match (before.trashed_at.is_some(), job.trashed_at.is_some()) {
            (false, true) => leaving.push(job.id),
            (true, false) => coming.push(job.clone()),
            _ => {}
        }
        job.version += 1;
        store::update(&mut batch, user, &job, before.guard);
        read_model::refresh(&mut batch, user, job.id);
        batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Updated);
    }
    for id in leaving {
        search::remove(&mut batch, user, id);
    }
    for job in &coming {
        let texts = texts.get(&job.id).map_or(&[][..], Vec::as_slice);
        let text = search::IndexedText::of(&job.company, &job.fields, texts);
        search::index(&mut batch, user, job.id, &text, engine);
    }
    if batch.changes.is_empty() {
        return Plan::nothing(ids.to_vec());
    }
    Plan::write(ids.to_vec(), batch)
}

/// Adds the removal of jobs with everything below them, and marks their files for the collector.
fn purge(snapshot: &Snapshot, batch: &mut Batch, jobs: &[JobRow], hashes: HashSet<Hash>) {
    for job in jobs {
        search::remove(batch, snapshot.user(), job.id);
        read_model::remove(batch, snapshot.user(), job.id);
        store::delete(batch, snapshot.user(), job);
        batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Deleted);
    }
    for hash in hashes {
        attachments::store::files::release_blob(batch, &hash);
    }
}

fn refuse_live(job: &JobRow) -> Result<()> {
    if job.trashed_at.is_some() {
        return Ok(());
    }
    Err(Error::conflict(ConflictKind::NotInTrash, "the job is not in the trash"))
}
