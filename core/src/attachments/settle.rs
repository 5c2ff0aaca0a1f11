//! What follows when the active text of a job changes: the text index and the local match, in the
//! batch of the change.

use crate::{
    attachments::{Variant, store},
    db::Batch,
    engine::Snapshot,
    enums::AttachmentKind,
    error::Result,
    jobs::{self, store::JobRow},
    matching,
};

/// Renews index and match of a job whose active text of `kind` is `text` now, `None` while it has
/// none. One statement.
pub(super) async fn kind_changed(
    snapshot: &Snapshot,
    batch: &mut Batch,
    job: &JobRow,
    kind: AttachmentKind,
    text: Option<Variant>,
) -> Result<()> {
    let mut active = store::active_texts(snapshot, job.id).await?;
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
