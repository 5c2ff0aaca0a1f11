//! What mutations answer. The object is null exactly when `userErrors` is not empty.

use async_graphql::{ContextSelectionSet, ID, Interface, SimpleObject};
use jotrack_core::{AiProvider, AttachmentWarning, ResultSource};

use crate::schema::{
    objects::{
        ai_settings::ProviderKey,
        analysis::Analysis,
        attachment::{Attachment, AttachmentVariant},
        coach::CoachState,
        history::StatusChange,
        job::Job,
        usage::UsageWindow,
        user_error::UserError,
        viewer::Viewer,
    },
    resolve::{Concrete, Resolving, resolve_container},
    scalars::Revision,
};

/// The job as it is after the write.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobPayload {
    pub(crate) job: Option<Job>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The jobs as they are after the write, in the order of their ids.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobsPayload {
    pub(crate) jobs: Option<Vec<Job>>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The job that is gone.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobDeletePayload {
    pub(crate) deleted_job_id: Option<ID>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The jobs that are gone.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct JobsDeletePayload {
    pub(crate) deleted_job_ids: Option<Vec<ID>>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The entry and its job as they are after the write.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct StatusChangePayload {
    pub(crate) status_change: Option<StatusChange>,
    pub(crate) job: Option<Job>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The entry that is gone, and its job.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct StatusChangeDeletePayload {
    pub(crate) deleted_status_change_id: Option<ID>,
    pub(crate) job: Option<Job>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// `created` is false when the same bytes were active already.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AttachmentPayload {
    pub(crate) attachment: Option<Attachment>,
    pub(crate) job: Option<Job>,
    /// Null but for `attachmentCreate`.
    pub(crate) created: Option<bool>,
    /// Null but for `attachmentCreate`.
    pub(crate) warnings: Option<Vec<AttachmentWarning>>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The attachment that is gone, and its job.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AttachmentDeletePayload {
    pub(crate) deleted_attachment_id: Option<ID>,
    pub(crate) job: Option<Job>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The text as it is after the write.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AttachmentVariantPayload {
    pub(crate) variant: Option<AttachmentVariant>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The coach and its job as they are after the write.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct CoachStatePayload {
    pub(crate) coach: Option<CoachState>,
    pub(crate) job: Option<Job>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// The analysis as it is after the call; perhaps it has its result already.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisPayload {
    pub(crate) analysis: Option<Analysis>,
    /// Where the answer comes from.
    pub(crate) source: Option<ResultSource>,
    /// The caller's allowance of AI calls after the call.
    pub(crate) quota: Option<UsageWindow>,
    pub(crate) user_errors: Vec<UserError>,
    /// Null: what analyses do is told by `analysisEvents`.
    pub(crate) revision: Option<Revision>,
}

/// How many kept answers went.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnswersPurgePayload {
    pub(crate) purged_count: Option<i32>,
    pub(crate) user_errors: Vec<UserError>,
    /// Null: kept answers are no part of the change log.
    pub(crate) revision: Option<Revision>,
}

/// The caller as they are after the write.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ViewerPayload {
    pub(crate) viewer: Option<Viewer>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// What may be told of the key.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ProviderKeyPayload {
    pub(crate) provider_key: Option<ProviderKey>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// Whose key is gone.
#[derive(SimpleObject, Default)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct ProviderKeyDeletePayload {
    pub(crate) deleted_provider: Option<AiProvider>,
    pub(crate) user_errors: Vec<UserError>,
    /// Revision of the commit; null when nothing was written.
    pub(crate) revision: Option<Revision>,
}

/// A payload that says only why nothing was written.
pub(super) trait Refused: Default {
    /// Takes the errors.
    fn refused(user_errors: Vec<UserError>) -> Self;
}

/// Every mutation payload. `userErrors` not empty means nothing was written.
#[expect(clippy::enum_variant_names, reason = "variants carry the names of their types")]
#[derive(Interface)]
#[graphql(
    crate = "crate::schema::resolve::dispatch",
    field(name = "user_errors", ty = "&Vec<UserError>"),
    field(
        name = "revision",
        ty = "&Option<Revision>",
        desc = "Revision of the commit; null when nothing was written."
    )
)]
pub(crate) enum MutationPayload {
    JobPayload(JobPayload),
    JobsPayload(JobsPayload),
    JobDeletePayload(JobDeletePayload),
    JobsDeletePayload(JobsDeletePayload),
    StatusChangePayload(StatusChangePayload),
    StatusChangeDeletePayload(StatusChangeDeletePayload),
    AttachmentPayload(AttachmentPayload),
    AttachmentDeletePayload(AttachmentDeletePayload),
    AttachmentVariantPayload(AttachmentVariantPayload),
    CoachStatePayload(CoachStatePayload),
    AnalysisPayload(AnalysisPayload),
    AnswersPurgePayload(AnswersPurgePayload),
    ViewerPayload(ViewerPayload),
    ProviderKeyPayload(ProviderKeyPayload),
    ProviderKeyDeletePayload(ProviderKeyDeletePayload),
}

/// A function cannot do this: each payload is a type of its own.
macro_rules! payloads {
    ($($payload:ident),+ $(,)?) => {
        $(
            impl Refused for $payload {
                fn refused(user_errors: Vec<UserError>) -> Self {
                    Self { user_errors, ..Self::default() }
                }
            }
        )+

        impl Concrete for MutationPayload {
            fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a> {
                match self {
                    $(Self::$payload(payload) => resolve_container(ctx, payload),)+
                }
            }
        }
    };
}

payloads!(
    JobPayload,
    JobsPayload,
    JobDeletePayload,
    JobsDeletePayload,
    StatusChangePayload,
    StatusChangeDeletePayload,
    AttachmentPayload,
    AttachmentDeletePayload,
    AttachmentVariantPayload,
    CoachStatePayload,
    AnalysisPayload,
    AnswersPurgePayload,
    ViewerPayload,
    ProviderKeyPayload,
    ProviderKeyDeletePayload,
);
