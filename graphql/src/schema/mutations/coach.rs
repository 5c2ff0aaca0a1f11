//! Writes to the coach of a job.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use jotrack_core::{Error, JobId, Written};

use super::{
    answer, asks, finish, input::CoachStatePatchInput, job_id, options, payload::CoachStatePayload,
};
use crate::schema::{
    context::{begin_write, scope},
    error::{Place, Result, Stop},
    objects::{coach::CoachState, job::Job},
    scalars::{DateTime, Revision},
};

const JOB_PATH: &[&str] = &["jobId"];

/// Writes to the coach of a job.
#[derive(Default)]
pub(super) struct CoachMutations;

#[Object]
impl CoachMutations {
    async fn coach_state_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "jobId")] id: ID,
        patch: CoachStatePatchInput,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<CoachStatePayload> {
        let run = async {
            let job = job_id(JOB_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = if patch.answers.is_null() {
                Err(Error::invalid(&["answers"], "not_null", "must not be null"))
            } else {
                begin_write(ctx)?.update_coach(job, patch.into(), &options).await
            };
            one(ctx, outcome, "patch", &id).await
        };
        answer(run.await)
    }

    /// The active resume is the final one.
    async fn coach_resume_finalize(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "jobId")] id: ID,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<CoachStatePayload> {
        let run = async {
            let job = job_id(JOB_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.finalize_resume(job, &options).await;
            one(ctx, outcome, "", &id).await
        };
        answer(run.await)
    }

    async fn coach_cover_letter_skip(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "jobId")] id: ID,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<CoachStatePayload> {
        let run = async {
            let job = job_id(JOB_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.skip_cover_letter(job, &options).await;
            one(ctx, outcome, "", &id).await
        };
        answer(run.await)
    }

    /// Fixes the resume version sent; an ON_RADAR job moves to APPLIED with its history entry.
    async fn coach_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "jobId")] id: ID,
        at: Option<DateTime>,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<CoachStatePayload> {
        let run = async {
            let job = job_id(JOB_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.apply_job(job, at.map(|at| at.0), &options).await;
            one(ctx, outcome, "", &id).await
        };
        answer(run.await)
    }

    /// Takes back APPLIED; the status history stays.
    async fn coach_reopen(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "jobId")] id: ID,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<CoachStatePayload> {
        let run = async {
            let job = job_id(JOB_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.reopen_job(job, &options).await;
            one(ctx, outcome, "", &id).await
        };
        answer(run.await)
    }
}

/// Answers with the coach as it is after the write.
async fn one(
    ctx: &Context<'_>,
    outcome: Result<Written<JobId>, Error>,
    input: &'static str,
    id: &ID,
) -> Result<CoachStatePayload, Stop> {
    let written = finish(ctx, outcome, &Place::of(input, JOB_PATH, id)).await?;
    let job = if asks(ctx, &["coach", "job"]) {
        scope(ctx)?.loaders().job(written.value).await?.map(Job)
    } else {
        None
    };
    Ok(CoachStatePayload {
        coach: job.as_ref().map(|job| CoachState(Arc::clone(&job.0))),
        job,
        revision: written.revision.map(Revision),
        ..CoachStatePayload::default()
    })
}
