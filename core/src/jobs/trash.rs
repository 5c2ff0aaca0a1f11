//! Archive, trash, restore, purge. The trash is reversible until its date; a purge is not.

use std::collections::HashSet;

use crate::{
    attachments,
    db::Batch,
    engine::{Engine, Plan, Snapshot, WriteOptions, Written},
    enums::{ChangeOp, EntityKind},
    error::{ConflictKind, Error, Result},
    id::{JobId, UserId},
    jobs::{
        bulk::{distinct, load_all, refuse_each},
        search,
        store::{self, JobRow, read_model},
    },
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
        self.set_fields(("jobsArchive", ""), ids, options, JobRow::refuse_trashed, |job, now| {
            job.archived_at = job.archived_at.or(Some(now));
        })
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
        self.set_fields(("jobsArchive", "undo"), ids, options, JobRow::refuse_trashed, |job, _| {
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
            ("jobsTrash", ""),
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
        self.set_fields(("jobsRestore", ""), ids, options, refuse_live, |job, _| {
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
                let jobs = load_all(&snapshot, ids).await?;
                refuse_each(ids, &jobs, refuse_live)?;
                let mut batch = snapshot.engine().batch();
                purge(&snapshot, &mut batch, &jobs).await?;
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
    /// A mutation that works both ways names the way, so that one key is not taken for the other.
    async fn set_fields(
        &self,
        (mutation, way): (&'static str, &'static str),
        ids: &[JobId],
        options: &WriteOptions,
        rule: impl Fn(&JobRow) -> Result<()> + Sync,
        change: impl Fn(&mut JobRow, Timestamp) + Sync,
    ) -> Result<Written<Vec<JobId>>> {
        let ids = &distinct(ids, self.config().limits.ids)?;
        let (rule, change) = (&rule, &change);
        self.mutate(mutation, options, &(ids, way), |snapshot| async move {
            let jobs = load_all(&snapshot, ids).await?;
            refuse_each(ids, &jobs, rule)?;
            plan_fields(&snapshot, ids, jobs, change).await
        })
        .await
    }
}

async fn plan_fields(
    snapshot: &Snapshot,
    ids: &[JobId],
    jobs: Vec<JobRow>,
    change: &(impl Fn(&mut JobRow, Timestamp) + Sync),
) -> Result<Plan<Vec<JobId>>> {
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
    reindex(snapshot, &mut batch, user, &coming).await?;
    if batch.changes.is_empty() {
        return Ok(Plan::nothing(ids.to_vec()));
    }
    Ok(Plan::write(ids.to_vec(), batch))
}

/// Jobs that come back from the trash are found again.
async fn reindex(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: UserId,
    jobs: &[JobRow],
) -> Result<()> {
    for job in jobs {
        let texts = snapshot.indexed_texts(&[job.id]).await?;
        let text = search::IndexedText::of(&job.company, &job.fields, &texts);
        search::index(batch, user, job.id, &text, snapshot.engine());
    }
    Ok(())
}

/// Adds the removal of jobs with everything below them, and marks their files for the collector.
async fn purge(snapshot: &Snapshot, batch: &mut Batch, jobs: &[JobRow]) -> Result<()> {
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let hashes: HashSet<_> =
        attachments::store::hashes(snapshot, &ids).await?.into_iter().collect();
    for job in jobs {
        search::remove(batch, snapshot.user(), job.id);
        read_model::remove(batch, snapshot.user(), job.id);
        store::delete(batch, snapshot.user(), job);
        batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Deleted);
    }
    for hash in hashes {
        attachments::store::files::release_blob(batch, &hash);
    }
    Ok(())
}

fn refuse_live(job: &JobRow) -> Result<()> {
    if job.trashed_at.is_some() {
        return Ok(());
    }
    Err(Error::conflict(ConflictKind::NotInTrash, "the job is not in the trash"))
}
