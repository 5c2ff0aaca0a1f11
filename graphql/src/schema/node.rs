//! Any object by its opaque id: the prefix names the kind, and each kind filters by owner.

use std::sync::Arc;

use async_graphql::{Context, ContextSelectionSet, ID, Interface};
use jotrack_core::{AttachmentId, ChangeOp, EntityKind, JobId, StatusChangeId, UserId, VariantId};

use super::{
    context::scope,
    error::Result,
    objects::{
        attachment::{Attachment, AttachmentVariant},
        history::StatusChange,
        job::Job,
        viewer::Viewer,
    },
    resolve::{Concrete, Resolving, resolve_container},
    scalars::NodeId,
};

/// An object with a globally unique opaque ID.
#[derive(Interface)]
#[graphql(crate = "crate::schema::resolve::dispatch", field(name = "id", ty = "NodeId"))]
pub(crate) enum Node {
    Job(Job),
    Attachment(Attachment),
    AttachmentVariant(AttachmentVariant),
    StatusChange(StatusChange),
    Viewer(Viewer),
}

impl Concrete for Node {
    fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a> {
        match self {
            Self::Job(node) => resolve_container(ctx, node),
            Self::Attachment(node) => resolve_container(ctx, node),
            Self::AttachmentVariant(node) => resolve_container(ctx, node),
            Self::StatusChange(node) => resolve_container(ctx, node),
            Self::Viewer(node) => resolve_container(ctx, node),
        }
    }
}

/// An id that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Job(JobId),
    Attachment(AttachmentId),
    Variant(VariantId),
    StatusChange(StatusChangeId),
    User(UserId),
}

impl Key {
    fn parse(id: &str) -> Option<Self> {
        match id.split_once('_')?.0 {
            JobId::PREFIX => JobId::from_node_id(id).map(Self::Job),
            AttachmentId::PREFIX => AttachmentId::from_node_id(id).map(Self::Attachment),
            VariantId::PREFIX => VariantId::from_node_id(id).map(Self::Variant),
            StatusChangeId::PREFIX => StatusChangeId::from_node_id(id).map(Self::StatusChange),
            UserId::PREFIX => UserId::from_node_id(id).map(Self::User),
            _ => None,
        }
    }
}

/// Finds an object; an id that does not decode is an object that is not there.
pub(super) async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    match Key::parse(id) {
        Some(key) => load(ctx, key).await,
        None => Ok(None),
    }
}

async fn load(ctx: &Context<'_>, key: Key) -> Result<Option<Node>> {
    let scope = scope(ctx)?;
    let loaders = scope.loaders();
    Ok(match key {
        Key::Job(id) => loaders.job(id).await?.map(Job).map(Node::from),
        Key::Attachment(id) => loaders.attachment(id).await?.map(Attachment).map(Node::from),
        Key::Variant(id) => loaders.variant(id).await?.map(AttachmentVariant).map(Node::from),
        Key::StatusChange(id) => loaders.status_change(id).await?.map(StatusChange).map(Node::from),
        Key::User(id) => {
            let snapshot = scope.snapshot().await?;
            if snapshot.engine().user_id() != id {
                return Ok(None);
            }
            Some(Viewer(snapshot.user_row().await?).into())
        }
    })
}

/// The opaque id of what a change is about.
pub(super) fn id_of_change(change: &jotrack_core::Change) -> String {
    match change.entity {
        EntityKind::Job | EntityKind::CoachState => JobId::from_uuid(change.id).node_id(),
        EntityKind::StatusChange => StatusChangeId::from_uuid(change.id).node_id(),
        EntityKind::Attachment => AttachmentId::from_uuid(change.id).node_id(),
        EntityKind::AttachmentVariant => VariantId::from_uuid(change.id).node_id(),
    }
}

/// Finds the present state of what a change is about.
pub(super) async fn of_change(
    ctx: &Context<'_>,
    change: &Arc<jotrack_core::Change>,
) -> Result<Option<Node>> {
    if change.op == ChangeOp::Deleted {
        return Ok(None);
    }
    let key = match change.entity {
        EntityKind::Job => Key::Job(JobId::from_uuid(change.id)),
        EntityKind::StatusChange => Key::StatusChange(StatusChangeId::from_uuid(change.id)),
        EntityKind::Attachment => Key::Attachment(AttachmentId::from_uuid(change.id)),
        EntityKind::AttachmentVariant => Key::Variant(VariantId::from_uuid(change.id)),
        EntityKind::CoachState => return Ok(None),
    };
    load(ctx, key).await
}

#[cfg(test)]
mod tests {
    use jotrack_core::Timestamp;

    use super::*;

    #[test]
    fn an_id_is_dispatched_on_its_prefix() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        let (job, variant) = (JobId::new(now), VariantId::new(now));

        assert_eq!(Key::parse(&job.node_id()), Some(Key::Job(job)));
        assert_eq!(Key::parse(&variant.node_id()), Some(Key::Variant(variant)));
    }

    #[test]
    fn what_does_not_decode_is_no_object() {
        let job = JobId::new(Timestamp::from_ms(1_700_000_000_000)).node_id();
        let hex = job.trim_start_matches("job_");

        for id in
            ["", "job", "job_", "job_1", "xyz_0", hex, &job.to_uppercase(), &format!("{job}0")]
        {
            assert_eq!(Key::parse(id), None, "{id}");
        }
    }
}
