//! Any object by its opaque id: the prefix names the kind, and each kind filters by owner.

use std::borrow::Cow;

use async_graphql::{
    Context, ContextSelectionSet, ID, Interface, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use jotrack_core::{
    AnalysisId, AttachmentId, Change, ChangeOp, CompanyId, EntityKind, JobId, StatusChangeId,
    UserId, VariantId,
};

use super::{
    context::scope,
    error::Result,
    objects::{
        analysis::Analysis,
        attachment::{Attachment, AttachmentVariant},
        history::StatusChange,
        job::Job,
        viewer::Viewer,
    },
    resolve::{Concrete, Resolving, resolve_container},
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
    Analysis(Analysis),
}

impl Concrete for Node {
    fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a> {
        match self {
            Self::Job(node) => resolve_container(ctx, node),
            Self::Attachment(node) => resolve_container(ctx, node),
            Self::AttachmentVariant(node) => resolve_container(ctx, node),
            Self::StatusChange(node) => resolve_container(ctx, node),
            Self::Viewer(node) => resolve_container(ctx, node),
            Self::Analysis(node) => resolve_container(ctx, node),
        }
    }
}

/// A global id: which kind of object, and which one. Its text is made once, in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeId {
    Job(JobId),
    Company(CompanyId),
    Attachment(AttachmentId),
    Variant(VariantId),
    StatusChange(StatusChangeId),
    User(UserId),
    Analysis(AnalysisId),
}

impl NodeId {
    fn parse(id: &str) -> Option<Self> {
        match id.split_once('_')?.0 {
            JobId::PREFIX => JobId::from_node_id(id).map(Self::Job),
            CompanyId::PREFIX => CompanyId::from_node_id(id).map(Self::Company),
            AttachmentId::PREFIX => AttachmentId::from_node_id(id).map(Self::Attachment),
            VariantId::PREFIX => VariantId::from_node_id(id).map(Self::Variant),
            StatusChangeId::PREFIX => StatusChangeId::from_node_id(id).map(Self::StatusChange),
            UserId::PREFIX => UserId::from_node_id(id).map(Self::User),
            AnalysisId::PREFIX => AnalysisId::from_node_id(id).map(Self::Analysis),
            _ => None,
        }
    }

    /// The id of what a change is about.
    pub(super) fn of_change(change: &Change) -> Self {
        match change.entity {
            EntityKind::Job | EntityKind::CoachState => Self::Job(JobId::from_uuid(change.id)),
            EntityKind::StatusChange => Self::StatusChange(StatusChangeId::from_uuid(change.id)),
            EntityKind::Attachment => Self::Attachment(AttachmentId::from_uuid(change.id)),
            EntityKind::AttachmentVariant => Self::Variant(VariantId::from_uuid(change.id)),
            EntityKind::Analysis => Self::Analysis(AnalysisId::from_uuid(change.id)),
            EntityKind::Account => Self::User(UserId::from_uuid(change.id)),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Job(id) => id.node_id(),
            Self::Company(id) => id.node_id(),
            Self::Attachment(id) => id.node_id(),
            Self::Variant(id) => id.node_id(),
            Self::StatusChange(id) => id.node_id(),
            Self::User(id) => id.node_id(),
            Self::Analysis(id) => id.node_id(),
        }
    }
}

impl OutputType for NodeId {
    fn type_name() -> Cow<'static, str> {
        <ID as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::String(self.text()))
    }
}

/// Finds an object; an id that does not decode is an object that is not there.
pub(super) async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    match NodeId::parse(id) {
        Some(key) => load(ctx, key).await,
        None => Ok(None),
    }
}

async fn load(ctx: &Context<'_>, key: NodeId) -> Result<Option<Node>> {
    let scope = scope(ctx)?;
    let loaders = scope.loaders();
    Ok(match key {
        // Known through its jobs only.
        NodeId::Company(_) => None,
        NodeId::Job(id) => loaders.job(id).await?.map(Job).map(Node::from),
        NodeId::Attachment(id) => loaders.attachment(id).await?.map(Attachment).map(Node::from),
        NodeId::Variant(id) => loaders.variant(id).await?.map(AttachmentVariant).map(Node::from),
        NodeId::StatusChange(id) => {
            loaders.status_change(id).await?.map(StatusChange).map(Node::from)
        }
        NodeId::Analysis(id) => loaders.analysis(id).await?.map(Analysis).map(Node::from),
        NodeId::User(id) => {
            let snapshot = scope.snapshot().await?;
            if snapshot.engine().user_id() != id {
                return Ok(None);
            }
            Some(Viewer(snapshot.user_row().await?).into())
        }
    })
}

/// Finds the present state of what a change is about.
pub(super) async fn of_change(ctx: &Context<'_>, change: &Change) -> Result<Option<Node>> {
    // The coach has no id of its own: it is no node.
    if change.op == ChangeOp::Deleted || change.entity == EntityKind::CoachState {
        return Ok(None);
    }
    load(ctx, NodeId::of_change(change)).await
}

#[cfg(test)]
mod tests {
    use jotrack_core::Timestamp;

    use super::*;

    #[test]
    fn an_id_is_dispatched_on_its_prefix() {
        let now = Timestamp::from_ms(1_700_000_000_000);
        let (job, variant) = (JobId::new(now), VariantId::new(now));

        assert_eq!(NodeId::parse(&job.node_id()), Some(NodeId::Job(job)));
        assert_eq!(NodeId::parse(&variant.node_id()), Some(NodeId::Variant(variant)));
    }

    #[test]
    fn what_does_not_decode_is_no_object() {
        let job = JobId::new(Timestamp::from_ms(1_700_000_000_000)).node_id();
        let hex = job.trim_start_matches("job_");

        for id in
            ["", "job", "job_", "job_1", "xyz_0", hex, &job.to_uppercase(), &format!("{job}0")]
        {
            assert_eq!(NodeId::parse(id), None, "{id}");
        }
    }
}
