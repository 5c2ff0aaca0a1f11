//! Versions of a kind: which one is active, the trash, the end.

use crate::{
    attachments::{
        Attachment,
        settle::{self, Texts},
        store,
    },
    db::Batch,
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind},
    error::{ConflictKind, Error, Result},
    id::{AttachmentId, JobId},
    jobs::store::{self as jobs, JobRow},
    mutation::{Plan, WriteOptions, Written, when},
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
            let Around { job, row, mut texts, .. } = Around::load(&snapshot, id, true).await?;
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
            let text = texts.take(id);
            settle::kind_changed(&snapshot, &mut batch, &job, row.kind, text, texts).await?;
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
            let Around { job, row, others, mut texts } = Around::load(&snapshot, id, true).await?;
            refuse_sent(&job, id)?;
            if row.trashed_at.is_some() {
                return Ok(Plan::nothing(id));
            }
            let mut batch = snapshot.engine().batch();
            let at = Some(batch.at);
            store::set_trashed(&mut batch, snapshot.user(), id, at);
            if row.is_active {
                let live = others.iter().filter(|other| other.trashed_at.is_none());
                let next = live.max_by_key(|other| other.version);
                if let Some(next) = next {
                    store::activate(&mut batch, snapshot.user(), next);
                    batch.change(EntityKind::Attachment, next.id.as_uuid(), ChangeOp::Updated);
                }
                let text = next.and_then(|next| texts.take(next.id));
                settle::kind_changed(&snapshot, &mut batch, &job, row.kind, text, texts).await?;
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
            let Around { job, row, others, mut texts } = Around::load(&snapshot, id, true).await?;
            if row.trashed_at.is_none() {
                return Ok(Plan::nothing(id));
            }
            let mut batch = snapshot.engine().batch();
            store::set_trashed(&mut batch, snapshot.user(), id, None);
            if !others.iter().any(|other| other.is_active) {
                store::activate(&mut batch, snapshot.user(), &row);
                let text = texts.take(id);
                settle::kind_changed(&snapshot, &mut batch, &job, row.kind, text, texts).await?;
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
                let Around { job, row, .. } = Around::load(&snapshot, id, false).await?;
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

/// A version with what its change needs.
struct Around {
    job: JobRow,
    row: Attachment,
    /// The other versions of the kind, trash included.
    others: Vec<Attachment>,
    texts: Texts,
}

impl Around {
    /// Loads a version of a job that is not in the trash; texts where the active one may change.
    async fn load(snapshot: &Snapshot, id: AttachmentId, with_texts: bool) -> Result<Self> {
        let (mut versions, job, texts) = tokio::try_join!(
            store::versions(snapshot, id),
            jobs::load_above(snapshot, id.as_uuid()),
            when(with_texts, Texts::around(snapshot, id))
        )?;
        let missing = || Error::not_found("attachment", id);
        let at = versions.iter().position(|version| version.id == id).ok_or_else(missing)?;
        let row = versions.swap_remove(at);
        let job = job.ok_or_else(missing)?;
        job.refuse_trashed()?;
        Ok(Self { job, row, others: versions, texts })
    }
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

fn close(snapshot: &Snapshot, batch: &mut Batch, job: &JobRow, id: AttachmentId, op: ChangeOp) {
    jobs::touch(batch, snapshot.user(), job);
    jobs::read_model::refresh(batch, snapshot.user(), job.id);
    batch.change(EntityKind::Attachment, id.as_uuid(), op);
    batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Updated);
}
