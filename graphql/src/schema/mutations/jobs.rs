//! Writes to jobs and their history.

use std::collections::HashSet;

use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;
use jotrack_core::{Error, JobId, JobStatus, StatusChangeId, StatusChangeInput, Written};

use super::{
    answer, asks, finish,
    input::{JobCreateInput, JobPatchInput, StatusChangePatchInput},
    job_id, options,
    payload::{
        JobDeletePayload, JobPayload, JobsDeletePayload, JobsPayload, StatusChangeDeletePayload,
        StatusChangePayload,
    },
    written_job,
};
use crate::schema::{
    context::{begin_write, scope},
    cost,
    error::{Place, Result, Stop, unknown_id, unknown_id_at},
    objects::{history::StatusChange, job::Job},
    scalars::{DateTime, Revision},
};

const ID_PATH: &[&str] = &["id"];

/// Writes to jobs and their history.
#[derive(Default)]
pub(super) struct JobMutations;

#[Object]
impl JobMutations {
    async fn job_create(
        &self,
        ctx: &Context<'_>,
        input: JobCreateInput,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        let options = options(None, idempotency_key);
        let outcome = begin_write(ctx)?.create_job(input.into(), &options).await;
        answer(one(ctx, outcome, &Place::input("input")).await)
    }

    async fn job_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        patch: JobPatchInput,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        let run = async {
            let job = job_id(ID_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.update_job(job, patch.into(), &options).await;
            one(ctx, outcome, &Place::of("patch", ID_PATH, &id)).await
        };
        answer(run.await)
    }

    /// Copies company, url, location, source and notes; status ON_RADAR with its own history. Default title: "X (copy)".
    async fn job_duplicate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        title: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        let run = async {
            let job = job_id(ID_PATH, &id)?;
            let options = options(None, idempotency_key);
            let outcome = begin_write(ctx)?.duplicate_job(job, title, &options).await;
            one(ctx, outcome, &Place::of("", ID_PATH, &id)).await
        };
        answer(run.await)
    }

    async fn job_archive(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(default = true)] archived: bool,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        let write = if archived { Bulk::Archive } else { Bulk::Unarchive };
        answer(single(ctx, write, &id, idempotency_key).await)
    }

    async fn job_trash(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        answer(single(ctx, Bulk::Trash, &id, idempotency_key).await)
    }

    async fn job_restore(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<JobPayload> {
        answer(single(ctx, Bulk::Restore, &id, idempotency_key).await)
    }

    /// For ever, files included. Only from the trash. Cannot be undone.
    async fn job_purge(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<JobDeletePayload> {
        let run = async {
            let job = job_id(ID_PATH, &id)?;
            let outcome = Bulk::Purge.run(ctx, &[job], idempotency_key).await?;
            let written = finish(ctx, outcome, &Place::of("", ID_PATH, &id)).await?;
            Ok(JobDeletePayload {
                deleted_job_id: Some(id.clone()),
                revision: written.revision.map(Revision),
                ..JobDeletePayload::default()
            })
        };
        answer(run.await)
    }

    /// `at` dates the change, `note` explains it; default now.
    #[graphql(complexity = "cost::list(ids.len().clamp(1, 100), child_complexity)")]
    async fn jobs_update_status(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        status: JobStatus,
        at: Option<DateTime>,
        note: Option<String>,
        idempotency_key: Option<String>,
    ) -> Result<JobsPayload> {
        let write = Bulk::Status(StatusChangeInput { status, at: at.map(|at| at.0), note });
        answer(many(ctx, write, &ids, idempotency_key).await)
    }

    #[graphql(complexity = "cost::list(ids.len().clamp(1, 100), child_complexity)")]
    async fn jobs_archive(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        #[graphql(default = true)] archived: bool,
        idempotency_key: Option<String>,
    ) -> Result<JobsPayload> {
        let write = if archived { Bulk::Archive } else { Bulk::Unarchive };
        answer(many(ctx, write, &ids, idempotency_key).await)
    }

    #[graphql(complexity = "cost::list(ids.len().clamp(1, 100), child_complexity)")]
    async fn jobs_trash(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        idempotency_key: Option<String>,
    ) -> Result<JobsPayload> {
        answer(many(ctx, Bulk::Trash, &ids, idempotency_key).await)
    }

    #[graphql(complexity = "cost::list(ids.len().clamp(1, 100), child_complexity)")]
    async fn jobs_restore(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        idempotency_key: Option<String>,
    ) -> Result<JobsPayload> {
        answer(many(ctx, Bulk::Restore, &ids, idempotency_key).await)
    }

    /// For ever, files included. Only from the trash. Cannot be undone.
    async fn jobs_purge(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        idempotency_key: Option<String>,
    ) -> Result<JobsDeletePayload> {
        let run = async {
            let outcome = Bulk::Purge.run(ctx, &job_ids(&ids)?, idempotency_key).await?;
            let written = finish(ctx, outcome, &Place::many(&ids)).await?;
            Ok(JobsDeletePayload {
                deleted_job_ids: Some(written.value.iter().map(|job| ID(job.node_id())).collect()),
                revision: written.revision.map(Revision),
                ..JobsDeletePayload::default()
            })
        };
        answer(run.await)
    }

    async fn status_change_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        patch: StatusChangePatchInput,
        idempotency_key: Option<String>,
    ) -> Result<StatusChangePayload> {
        let run = async {
            let entry = entry_id(&id)?;
            let options = options(None, idempotency_key);
            let outcome =
                begin_write(ctx)?.update_status_change(entry, patch.into(), &options).await;
            let written = finish(ctx, outcome, &Place::of("patch", ID_PATH, &id)).await?;
            let mut payload = StatusChangePayload {
                revision: written.revision.map(Revision),
                ..StatusChangePayload::default()
            };
            if asks(ctx, &["statusChange", "job"]) {
                let row = scope(ctx)?.loaders().status_change(written.value).await?;
                let row = row.ok_or_else(|| Error::not_found("status change", written.value))?;
                payload.job = written_job(ctx, row.job_id).await?;
                payload.status_change = Some(StatusChange(row));
            }
            Ok(payload)
        };
        answer(run.await)
    }

    /// Not the only entry of a job.
    async fn status_change_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<StatusChangeDeletePayload> {
        let run = async {
            let entry = entry_id(&id)?;
            let options = options(None, idempotency_key);
            let outcome = begin_write(ctx)?.delete_status_change(entry, &options).await;
            let written = finish(ctx, outcome, &Place::of("", ID_PATH, &id)).await?;
            let (_, job) = written.value;
            Ok(StatusChangeDeletePayload {
                deleted_status_change_id: Some(id.clone()),
                job: written_job(ctx, job).await?,
                revision: written.revision.map(Revision),
                ..StatusChangeDeletePayload::default()
            })
        };
        answer(run.await)
    }
}

/// A write that takes one job or many.
enum Bulk {
    Archive,
    Unarchive,
    Trash,
    Restore,
    Purge,
    Status(StatusChangeInput),
}

impl Bulk {
    async fn run(
        self,
        ctx: &Context<'_>,
        ids: &[JobId],
        idempotency_key: Option<String>,
    ) -> Result<Result<Written<Vec<JobId>>, Error>> {
        let engine = begin_write(ctx)?;
        let options = &options(None, idempotency_key);
        Ok(match self {
            Self::Archive => engine.archive_jobs(ids, options).await,
            Self::Unarchive => engine.unarchive_jobs(ids, options).await,
            Self::Trash => engine.trash_jobs(ids, options).await,
            Self::Restore => engine.restore_jobs(ids, options).await,
            Self::Purge => engine.purge_jobs(ids, options).await,
            Self::Status(input) => engine.set_jobs_status(ids, input, options).await,
        })
    }
}

/// Runs a bulk write for one job.
async fn single(
    ctx: &Context<'_>,
    write: Bulk,
    id: &ID,
    idempotency_key: Option<String>,
) -> Result<JobPayload, Stop> {
    let job = job_id(ID_PATH, id)?;
    let outcome = write.run(ctx, &[job], idempotency_key).await?;
    let outcome = outcome.map(|written| written.map(|_| job));
    one(ctx, outcome, &Place::of("", ID_PATH, id)).await
}

/// Runs a bulk write for many jobs.
async fn many(
    ctx: &Context<'_>,
    write: Bulk,
    ids: &[ID],
    idempotency_key: Option<String>,
) -> Result<JobsPayload, Stop> {
    let outcome = write.run(ctx, &job_ids(ids)?, idempotency_key).await?;
    let written = finish(ctx, outcome, &Place::many(ids)).await?;
    let jobs = if asks(ctx, &["jobs"]) {
        let scope = scope(ctx)?;
        let rows = try_join_all(written.value.iter().map(|id| scope.loaders().job(*id))).await?;
        Some(rows.into_iter().flatten().map(Job).collect())
    } else {
        None
    };
    Ok(JobsPayload { jobs, revision: written.revision.map(Revision), ..JobsPayload::default() })
}

/// Answers with one job as it is after the write.
async fn one(
    ctx: &Context<'_>,
    outcome: Result<Written<JobId>, Error>,
    place: &Place<'_>,
) -> Result<JobPayload, Stop> {
    let written = finish(ctx, outcome, place).await?;
    Ok(JobPayload {
        job: written_job(ctx, written.value).await?,
        revision: written.revision.map(Revision),
        ..JobPayload::default()
    })
}

/// Reads ids; all that do not decode are reported together.
fn job_ids(ids: &[ID]) -> Result<Vec<JobId>, Stop> {
    let mut seen = HashSet::with_capacity(ids.len());
    let unknown: Vec<_> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| seen.insert(id.as_str()) && JobId::from_node_id(id).is_none())
        .map(|(position, id)| unknown_id_at("job", position, id))
        .collect();
    if unknown.is_empty() {
        Ok(ids.iter().filter_map(|id| JobId::from_node_id(id)).collect())
    } else {
        Err(Stop::Refused(unknown))
    }
}

fn entry_id(id: &ID) -> Result<StatusChangeId, Stop> {
    StatusChangeId::from_node_id(id).ok_or_else(|| unknown_id("status change", ID_PATH, id))
}
