//! What follows when the active text of a job changes: the text index and the local match, in the
//! batch of the change.

use std::collections::BTreeMap;

use crate::{
    attachments::{
        Variant,
        store::{self, JobText},
    },
    db::Batch,
    engine::Snapshot,
    enums::AttachmentKind,
    error::Result,
    id::{AttachmentId, JobId},
    jobs::{self, store::JobRow},
    matching,
};

/// Texts of a job, read together with whatever else a change needs.
#[derive(Default)]
pub(super) struct Texts(Vec<JobText>);

impl Texts {
    /// Loads the RAW texts of the active versions of a job. One statement.
    pub(super) async fn active(snapshot: &Snapshot, job: JobId) -> Result<Self> {
        store::active_texts(snapshot, job).await.map(Self)
    }

    /// Loads the RAW texts of the active versions of an attachment's job, of the attachment, and
    /// of the version that is the newest of its kind without it. One statement.
    pub(super) async fn around(snapshot: &Snapshot, attachment: AttachmentId) -> Result<Self> {
        store::texts_around(snapshot, attachment).await.map(Self)
    }

    /// Takes the text of a version.
    pub(super) fn take(&mut self, version: AttachmentId) -> Option<Variant> {
        let at = self.0.iter().position(|text| text.variant.attachment_id == version)?;
        Some(self.0.swap_remove(at).variant)
    }
}

/// Renews index and match of a job whose active text of `kind` is `text` now, `None` while it has
/// none.
pub(super) async fn kind_changed(
    snapshot: &Snapshot,
    batch: &mut Batch,
    job: &JobRow,
    kind: AttachmentKind,
    text: Option<Variant>,
    Texts(known): Texts,
) -> Result<()> {
    let mut active: BTreeMap<i32, (AttachmentKind, Variant)> = known
        .into_iter()
        .filter(|text| text.is_active)
        .map(|text| (text.kind.number(), (text.kind, text.variant)))
        .collect();
    let before = active.remove(&kind.number());
    if before.is_none() && text.is_none() {
        return Ok(());
    }
    if let Some(text) = text {
        active.insert(kind.number(), (kind, text));
    }
    if job.trashed_at.is_none() {
        let texts: Vec<_> = active.values().map(|(_, variant)| variant.text.clone()).collect();
        jobs::reindex_job(batch, snapshot, job, &texts);
    }
    if matches!(kind, AttachmentKind::Resume | AttachmentKind::Jd) {
        let text_of = |kind: AttachmentKind| active.get(&kind.number()).map(|(_, variant)| variant);
        let pair = text_of(AttachmentKind::Resume).zip(text_of(AttachmentKind::Jd));
        matching::renew(snapshot, batch, job.id, pair).await?;
    }
    Ok(())
}
