//! Versions of a kind: which one is active, the trash, the end.

use crate::{
    attachments::{Attachment, Variant, settle, store},
    db::Batch,
    engine::{Engine, Plan, Snapshot, WriteOptions, Written},
    enums::{AttachmentKind, ChangeOp, EntityKind, VariantName},
    error::{ConflictKind, Error, Result},
    id::{AttachmentId, JobId},
    jobs::store::{self as jobs, JobRow},
};

impl Engine {
    /// Makes a version the active one of its kind.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `VersionTrashed` or `JobInTrash`.
    pub async fn activate_attachment(
        &self,
        id: AttachmentId,
        options: &WriteOptions,
    ) -> Result<Written<AttachmentId>> {
        self.mutate("attachmentActivate", options, &id, |snapshot| async move {
            let (job, row) = load(&snapshot, id).await?;
            if row.trashed_at.is_some() {
                return Err(Error::conflict(
                    ConflictKind::VersionTrashed,
                    "this version is in the trash; restore it first",
                ));
            }
            if row.is_active {
                return Ok(Plan::nothing(id));
            }
            let mut batch = snapshot.engine().batch();
            store::activate(&mut batch, snapshot.user(), &row);
            follow(&snapshot, &mut batch, &job, row.kind, Some(&row)).await?;
            close(&snapshot, &mut batch, &job, id, ChangeOp::Updated);
            Ok(Plan::write(id, batch))
        })
        .await
    }

    /// Moves a version to the trash; of an active one the highest remaining becomes active.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `VersionLocked` (it was sent) or `JobInTrash`.
    pub async fn trash_attachment(
        &self,
        id: AttachmentId,
        options: &WriteOptions,
    ) -> Result<Written<AttachmentId>> {
        self.mutate("attachmentTrash", options, &id, |snapshot| async move {
            let (job, row) = load(&snapshot, id).await?;
            refuse_sent(&job, id)?;
            if row.trashed_at.is_some() {
                return Ok(Plan::nothing(id));
            }
            let mut batch = snapshot.engine().batch();
            let at = Some(batch.at);
            store::set_trashed(&mut batch, snapshot.user(), id, at);
            if row.is_active {
                let rows = store::of_jobs(&snapshot, &[job.id], &[row.kind], false).await?;
                let next = rows.iter().filter(|other| other.id != id).max_by_key(|row| row.version);
                if let Some(next) = next {
                    store::activate(&mut batch, snapshot.user(), next);
                    batch.change(EntityKind::Attachment, next.id.as_uuid(), ChangeOp::Updated);
                }
                follow(&snapshot, &mut batch, &job, row.kind, next).await?;
            }
            close(&snapshot, &mut batch, &job, id, ChangeOp::Updated);
            Ok(Plan::write(id, batch))
        })
        .await
    }

    /// Takes a version out of the trash; it becomes active only if none is.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `JobInTrash`.
    pub async fn restore_attachment(
        &self,
        id: AttachmentId,
        options: &WriteOptions,
    ) -> Result<Written<AttachmentId>> {
        self.mutate("attachmentRestore", options, &id, |snapshot| async move {
            let (job, row) = load(&snapshot, id).await?;
            if row.trashed_at.is_none() {
                return Ok(Plan::nothing(id));
            }
            let live = store::of_jobs(&snapshot, &[job.id], &[row.kind], false).await?;
            let mut batch = snapshot.engine().batch();
            store::set_trashed(&mut batch, snapshot.user(), id, None);
            if !live.iter().any(|other| other.is_active) {
                store::activate(&mut batch, snapshot.user(), &row);
                follow(&snapshot, &mut batch, &job, row.kind, Some(&row)).await?;
            }
            close(&snapshot, &mut batch, &job, id, ChangeOp::Updated);
            Ok(Plan::write(id, batch))
        })
        .await
    }

    /// Removes a trashed version for ever; its file goes at once unless another version has the
    /// same bytes. Returns it and its job.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` of kind `NotInTrash`, `VersionLocked` or `JobInTrash`.
    pub async fn purge_attachment(
        &self,
        id: AttachmentId,
        options: &WriteOptions,
    ) -> Result<Written<(AttachmentId, JobId)>> {
        let written = self
            .mutate("attachmentPurge", options, &id, |snapshot| async move {
                let (job, row) = load(&snapshot, id).await?;
                refuse_sent(&job, id)?;
                if row.trashed_at.is_none() {
                    return Err(Error::conflict(
                        ConflictKind::NotInTrash,
                        "move the version to the trash first",
                    ));
                }
                let mut batch = snapshot.engine().batch();
                store::delete(&mut batch, snapshot.user(), &row);
                close(&snapshot, &mut batch, &job, id, ChangeOp::Deleted);
                Ok(Plan::write((id, job.id), batch))
            })
            .await?;
        self.collect_after_purge().await;
        Ok(written)
    }
}

async fn load(snapshot: &Snapshot, id: AttachmentId) -> Result<(JobRow, Attachment)> {
    let row = snapshot.get_attachment(id).await?;
    Ok((snapshot.live_job_row(row.job_id).await?, row))
}

fn refuse_sent(job: &JobRow, id: AttachmentId) -> Result<()> {
    if job.applied_resume_id != Some(id) {
        return Ok(());
    }
    Err(Error::conflict(
        ConflictKind::VersionLocked,
        "this version was sent with the application; add a newer one instead",
    ))
}

/// Lets index and match follow the version that is active now.
async fn follow(
    snapshot: &Snapshot,
    batch: &mut Batch,
    job: &JobRow,
    kind: AttachmentKind,
    active: Option<&Attachment>,
) -> Result<()> {
    let text: Option<Variant> = match active {
        None => None,
        Some(row) => {
            let texts = snapshot.variants_of(&[row.id]).await?;
            texts.into_iter().find(|text| text.name == VariantName::Raw)
        }
    };
    settle::kind_changed(snapshot, batch, job, kind, text).await
}

fn close(snapshot: &Snapshot, batch: &mut Batch, job: &JobRow, id: AttachmentId, op: ChangeOp) {
    jobs::touch(batch, snapshot.user(), job);
    jobs::read_model::refresh(batch, snapshot.user(), job.id);
    batch.change(EntityKind::Attachment, id.as_uuid(), op);
    batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Updated);
}
