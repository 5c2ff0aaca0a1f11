//! Writes to a job's files and their text.

use async_graphql::{Context, ID, Object};
use jotrack_core::{
    AttachmentContent, AttachmentId, Error, NewAttachment, UploadId, VariantName, Written,
};

use super::{
    answer, asks, attachment_id, finish,
    input::{AttachmentContentInput, AttachmentCreateInput},
    job_id, options,
    payload::{AttachmentDeletePayload, AttachmentPayload, AttachmentVariantPayload},
    written_attachment, written_job,
};
use crate::schema::{
    context::{begin_write, scope},
    error::{Place, Result, Stop, unknown_id},
    objects::attachment::AttachmentVariant,
    scalars::Revision,
};

const ID_PATH: &[&str] = &["id"];
const JOB_PATH: &[&str] = &["input", "jobId"];
const UPLOAD_PATH: &[&str] = &["input", "content", "uploadId"];
const ATTACHMENT_PATH: &[&str] = &["attachmentId"];

/// Writes to a job's files and their text.
#[derive(Default)]
pub(super) struct AttachmentMutations;

#[Object]
impl AttachmentMutations {
    /// The new version becomes the active one.
    async fn attachment_create(
        &self,
        ctx: &Context<'_>,
        input: AttachmentCreateInput,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentPayload> {
        answer(create(ctx, input, idempotency_key).await)
    }

    async fn attachment_activate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentPayload> {
        let run = async {
            let attachment = attachment_id(ID_PATH, &id)?;
            let options = options(None, idempotency_key);
            one(ctx, begin_write(ctx)?.activate_attachment(attachment, &options).await, &id).await
        };
        answer(run.await)
    }

    /// The highest remaining version becomes active.
    async fn attachment_trash(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentPayload> {
        let run = async {
            let attachment = attachment_id(ID_PATH, &id)?;
            let options = options(None, idempotency_key);
            one(ctx, begin_write(ctx)?.trash_attachment(attachment, &options).await, &id).await
        };
        answer(run.await)
    }

    /// Becomes active only if none is.
    async fn attachment_restore(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentPayload> {
        let run = async {
            let attachment = attachment_id(ID_PATH, &id)?;
            let options = options(None, idempotency_key);
            one(ctx, begin_write(ctx)?.restore_attachment(attachment, &options).await, &id).await
        };
        answer(run.await)
    }

    /// For ever, the file included. Only from the trash. Cannot be undone.
    async fn attachment_purge(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentDeletePayload> {
        let run = async {
            let attachment = attachment_id(ID_PATH, &id)?;
            let options = options(None, idempotency_key);
            let outcome = begin_write(ctx)?.purge_attachment(attachment, &options).await;
            let written = finish(ctx, outcome, &Place::of("", ID_PATH, &id)).await?;
            let (_, job) = written.value;
            Ok(AttachmentDeletePayload {
                deleted_attachment_id: Some(id.clone()),
                job: written_job(ctx, job).await?,
                revision: written.revision.map(Revision),
                ..AttachmentDeletePayload::default()
            })
        };
        answer(run.await)
    }

    /// Text typed or corrected by hand; a later extraction does not overwrite it.
    async fn attachment_variant_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "attachmentId")] id: ID,
        name: VariantName,
        text: String,
        expected_version: Option<i32>,
        idempotency_key: Option<String>,
    ) -> Result<AttachmentVariantPayload> {
        let run = async {
            let attachment = attachment_id(ATTACHMENT_PATH, &id)?;
            let options = options(expected_version, idempotency_key);
            let outcome = begin_write(ctx)?.set_variant(attachment, name, text, &options).await;
            let written = finish(ctx, outcome, &Place::of("", ATTACHMENT_PATH, &id)).await?;
            let variant = if asks(ctx, &["variant"]) {
                scope(ctx)?.loaders().variant(written.value).await?
            } else {
                None
            };
            Ok(AttachmentVariantPayload {
                variant: variant.map(AttachmentVariant),
                revision: written.revision.map(Revision),
                ..AttachmentVariantPayload::default()
            })
        };
        answer(run.await)
    }
}

async fn create(
    ctx: &Context<'_>,
    input: AttachmentCreateInput,
    idempotency_key: Option<String>,
) -> Result<AttachmentPayload, Stop> {
    let AttachmentCreateInput { job_id: job, kind, filename, media_type: _, content } = input;
    let mut place = Place::of("input", JOB_PATH, &job);
    let upload;
    let content = match content {
        AttachmentContentInput::Text(text) => AttachmentContent::Text(text),
        AttachmentContentInput::UploadId(id) => {
            upload = id;
            place.named.push((UPLOAD_PATH, &upload));
            let id = UploadId::from_node_id(&upload);
            AttachmentContent::Upload(id.ok_or_else(|| unknown_id("upload", UPLOAD_PATH, &upload))?)
        }
    };
    let job_id = job_id(JOB_PATH, &job)?;
    let attachment = NewAttachment { job_id, kind, filename, content };
    let options = options(None, idempotency_key);
    let outcome = begin_write(ctx)?.create_attachment(attachment, &options).await;
    let written = finish(ctx, outcome.map_err(in_content), &place).await?;
    let (attachment, job) = written_attachment(ctx, written.value.id, Some(job_id)).await?;
    Ok(AttachmentPayload {
        attachment,
        job,
        created: Some(written.value.created),
        warnings: Some(written.value.warnings),
        revision: written.revision.map(Revision),
        ..AttachmentPayload::default()
    })
}

/// Core names the text itself; here it lies one argument deeper.
fn in_content(error: Error) -> Error {
    match error {
        Error::Invalid(mut violations) => {
            for violation in &mut violations.0 {
                if violation.path.first().is_some_and(|first| first == "text") {
                    violation.path.insert(0, String::from("content"));
                }
            }
            Error::Invalid(violations)
        }
        other => other,
    }
}

/// Answers with one attachment as it is after the write.
async fn one(
    ctx: &Context<'_>,
    outcome: Result<Written<AttachmentId>, Error>,
    id: &ID,
) -> Result<AttachmentPayload, Stop> {
    let written = finish(ctx, outcome, &Place::of("", ID_PATH, id)).await?;
    let (attachment, job) = written_attachment(ctx, written.value, None).await?;
    Ok(AttachmentPayload {
        attachment,
        job,
        revision: written.revision.map(Revision),
        ..AttachmentPayload::default()
    })
}
