//! The root of all writes. Fields of one operation run in order, each in its own batch.

mod ai_settings;
mod analyses;
mod attachments;
mod coach;
mod input;
mod jobs;
pub(super) mod payload;

use async_graphql::{Context, ID, MaybeUndefined, MergedObject};
use futures_util::future::try_join;
use jotrack_core::{AttachmentId, Error, JobId, Patch, WriteOptions, Written};

use super::{
    context::scope,
    error::{Place, Result, Stop, settle, unknown_id},
    objects::{attachment::Attachment, job::Job},
};
use payload::Refused;

/// The root of all writes. `idempotencyKey`: 1 to 128 visible ASCII characters, unique per account and mutation. Lists of IDs: 1 to 100, all or nothing.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    jobs::JobMutations,
    attachments::AttachmentMutations,
    coach::CoachMutations,
    analyses::AnalysisMutations,
    ai_settings::AiSettingsMutations,
);

/// How core is to write.
fn options(expected_version: Option<i32>, idempotency_key: Option<String>) -> WriteOptions {
    WriteOptions { expected_version: expected_version.map(i64::from), idempotency_key }
}

/// Absent keeps, null clears, a value sets.
fn patch<T, U>(field: MaybeUndefined<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match field {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(convert(value)),
    }
}

/// Reads the id of a job; one that does not decode is an unknown object.
fn job_id(path: &[&str], id: &ID) -> Result<JobId, Stop> {
    JobId::from_node_id(id).ok_or_else(|| unknown_id("job", path, id))
}

/// Reads the id of an attachment.
fn attachment_id(path: &[&str], id: &ID) -> Result<AttachmentId, Stop> {
    AttachmentId::from_node_id(id).ok_or_else(|| unknown_id("attachment", path, id))
}

/// Makes the payload of what stopped a mutation, when its caller can fix it.
fn answer<P: Refused>(outcome: Result<P, Stop>) -> Result<P> {
    match outcome {
        Ok(payload) => Ok(payload),
        Err(Stop::Refused(errors)) => Ok(P::refused(errors)),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Sorts the outcome of a write; the jobs that came back with it are not read again.
///
/// # Errors
/// As [`settle`].
async fn finish<T>(
    ctx: &Context<'_>,
    outcome: Result<Written<T>, Error>,
    place: &Place<'_>,
) -> Result<Written<T>, Stop> {
    let mut written = settle(outcome, place)?;
    scope(ctx)?.loaders().know_jobs(std::mem::take(&mut written.jobs)).await;
    Ok(written)
}

/// Whether the payload is asked for one of these fields: an object that nobody asks for is not read.
fn asks(ctx: &Context<'_>, fields: &[&str]) -> bool {
    let payload = ctx.look_ahead();
    fields.iter().any(|field| payload.field(field).exists())
}

/// Reads a job as it is after a write.
async fn written_job(ctx: &Context<'_>, id: JobId) -> Result<Option<Job>> {
    if !asks(ctx, &["job"]) {
        return Ok(None);
    }
    Ok(scope(ctx)?.loaders().job(id).await?.map(Job))
}

/// Reads an attachment and its job as they are after a write; side by side when the job is known.
async fn written_attachment(
    ctx: &Context<'_>,
    id: AttachmentId,
    job: Option<JobId>,
) -> Result<(Option<Attachment>, Option<Job>)> {
    if !asks(ctx, &["attachment", "job"]) {
        return Ok((None, None));
    }
    let scope = scope(ctx)?;
    let loaders = scope.loaders();
    let (row, job) = match job {
        Some(job) => {
            let row = async { Ok(loaders.attachment(id).await?) };
            try_join(row, written_job(ctx, job)).await?
        }
        None => match loaders.attachment(id).await? {
            Some(row) => {
                let job = written_job(ctx, row.job_id).await?;
                (Some(row), job)
            }
            None => (None, None),
        },
    };
    Ok((row.map(Attachment), job))
}
