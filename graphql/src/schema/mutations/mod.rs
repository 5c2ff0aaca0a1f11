//! The root of all writes. Fields of one operation run in order, each in its own batch.

mod attachments;
mod coach;
mod input;
mod jobs;
pub(super) mod payload;

use std::sync::Arc;

use async_graphql::{Context, ID, MaybeUndefined, MergedObject};
use jotrack_core::{AttachmentId, JobId, Patch, WriteOptions};

use super::{
    context::scope,
    error::{Result, Stop, unknown_id},
    objects::{attachment::Attachment, job::Job},
};
use payload::Refused;

/// The root of all writes. `idempotencyKey`: 1 to 128 visible ASCII characters, unique per account and mutation. Lists of IDs: 1 to 100, all or nothing.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    jobs::JobMutations,
    attachments::AttachmentMutations,
    coach::CoachMutations,
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

/// Reads a job as it is after a write.
async fn written_job(ctx: &Context<'_>, id: JobId) -> Result<Option<Job>> {
    Ok(scope(ctx)?.loaders().job(id).await?.map(Job))
}

/// Reads an attachment and its job as they are after a write.
async fn written_attachment(
    ctx: &Context<'_>,
    id: AttachmentId,
) -> Result<(Option<Attachment>, Option<Job>)> {
    let Some(row) = scope(ctx)?.loaders().attachment(id).await? else { return Ok((None, None)) };
    let job = written_job(ctx, row.job_id).await?;
    Ok((Some(Attachment(Arc::clone(&row))), job))
}
