//! A file of a job and its text.

use std::sync::Arc;

use async_graphql::{Context, Object};
use jotrack_core::{
    self as core, AttachmentKind, AttachmentSource, Error, TextError, TextState, VariantName,
    VariantSource,
};

use crate::schema::{
    context::{operation, scope},
    cost,
    error::Result,
    node::NodeId,
    objects::job::Job,
    scalars::{ByteCount, DateTime, Url, int},
};

/// One version of a file of a job.
#[derive(Clone)]
pub(crate) struct Attachment(pub(crate) Arc<core::Attachment>);

/// One version of a file of a job.
#[Object(crate = "crate::schema::resolve::object")]
#[expect(clippy::unused_async, reason = "async-graphql takes async resolvers only")]
impl Attachment {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::Attachment(self.0.id)
    }

    async fn job(&self, ctx: &Context<'_>) -> Result<Job> {
        let job = scope(ctx)?.loaders().job(self.0.job_id).await?;
        job.map(Job).ok_or_else(|| Error::bug("load a job", "an attachment without a job").into())
    }

    async fn kind(&self) -> AttachmentKind {
        self.0.kind
    }

    /// For display only; control and bidirectional characters removed.
    async fn filename(&self) -> &str {
        &self.0.filename
    }

    /// Found from the content, not from the upload.
    async fn media_type(&self) -> &str {
        &self.0.media_type
    }

    async fn size(&self) -> ByteCount {
        ByteCount(self.0.size_bytes)
    }

    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Counts from 1 within (job, kind).
    async fn version(&self) -> i32 {
        int(self.0.version)
    }

    /// At most one per (job, kind).
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    async fn trashed_at(&self) -> Option<DateTime> {
        self.0.trashed_at.map(DateTime)
    }

    async fn source(&self) -> AttachmentSource {
        self.0.source
    }

    async fn text_state(&self) -> TextState {
        self.0.text_state
    }

    /// Null unless `textState` is FAILED.
    async fn text_error(&self) -> Option<TextError> {
        self.0.text_error
    }

    /// Signed, expiring path. Null in-process: read the bytes through the C ABI.
    async fn download_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        let downloads = operation(ctx)?.caller().downloads.as_ref();
        Ok(downloads.map(|downloads| Url(downloads.url(self.0.id))))
    }

    /// At most one per name.
    #[graphql(complexity = "cost::list(VariantName::ALL.len(), child_complexity)")]
    async fn variants(&self, ctx: &Context<'_>) -> Result<Vec<AttachmentVariant>> {
        let rows = scope(ctx)?.loaders().variants(self.0.id).await?;
        Ok(rows.iter().cloned().map(AttachmentVariant).collect())
    }

    async fn variant(
        &self,
        ctx: &Context<'_>,
        name: VariantName,
    ) -> Result<Option<AttachmentVariant>> {
        let rows = scope(ctx)?.loaders().variants(self.0.id).await?;
        Ok(rows.iter().find(|row| row.name == name).cloned().map(AttachmentVariant))
    }
}

/// A text form of an attachment.
#[derive(Clone)]
pub(crate) struct AttachmentVariant(pub(crate) Arc<core::Variant>);

/// A text form of an attachment.
#[Object(crate = "crate::schema::resolve::object")]
impl AttachmentVariant {
    pub(crate) async fn id(&self) -> NodeId {
        NodeId::Variant(self.0.id)
    }

    async fn attachment(&self, ctx: &Context<'_>) -> Result<Attachment> {
        let attachment = scope(ctx)?.loaders().attachment(self.0.attachment_id).await?;
        attachment
            .map(Attachment)
            .ok_or_else(|| Error::bug("load an attachment", "a variant without one").into())
    }

    async fn name(&self) -> VariantName {
        self.0.name
    }

    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Characters / 4, rounded up.
    async fn token_estimate(&self) -> i32 {
        int(self.0.token_estimate)
    }

    async fn word_count(&self) -> i32 {
        int(self.0.word_count)
    }

    /// Null for a type without pages.
    async fn page_count(&self) -> Option<i32> {
        self.0.page_count.map(int)
    }

    /// Cut at 2 MiB.
    async fn truncated(&self) -> bool {
        self.0.truncated
    }

    async fn source(&self) -> VariantSource {
        self.0.source
    }

    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    async fn version(&self) -> i32 {
        int(self.0.version)
    }
}
