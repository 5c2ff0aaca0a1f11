//! Attachments: versioned files of a job, their text forms, and the files behind them.
//!
//! Invariant: for each (job, kind) with a version outside the trash exactly one version is active;
//! a partial unique index keeps a second one out. Content, kind and version never change.

pub(crate) mod blob;
pub mod extract;
mod filename;
mod settle;
pub(crate) mod store;
mod texts;
mod upload;
mod versions;

pub use blob::BlobReader;
pub(crate) use texts::extract_text;
pub use upload::{
    AttachmentContent, AttachmentCreated, NewAttachment, StagedUpload, UploadInput, UploadWriter,
};

use serde::Serialize;

use crate::{
    engine::{Engine, Snapshot},
    enums::{AttachmentKind, AttachmentSource, TextError, TextState, VariantName, VariantSource},
    error::{Error, Result},
    id::{AttachmentId, JobId, VariantId},
    time::Timestamp,
};

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The job.
    pub job_id: JobId,
    /// What the file is.
    pub kind: AttachmentKind,
    /// Counts from 1 within (job, kind).
    pub version: i64,
    /// Whether prompts and analyses read this version.
    pub is_active: bool,
    /// For display only; never part of a path.
    pub filename: String,
    /// Found from the content.
    pub media_type: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Digest of the bytes, 64 hex digits.
    pub sha256: String,
    #[serde(skip)]
    pub(crate) hash: blob::Hash,
    /// How it came in.
    pub source: AttachmentSource,
    /// Whether its text can be read.
    pub text_state: TextState,
    /// Why it cannot.
    pub text_error: Option<TextError>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was moved to the trash.
    pub trashed_at: Option<Timestamp>,
}

/// A text form of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// The file.
    pub attachment_id: AttachmentId,
    /// Which form.
    pub name: VariantName,
    /// The text, at most 2 MiB.
    pub text: String,
    /// Characters / 4, rounded up.
    pub token_estimate: u32,
    /// Words between white space.
    pub word_count: u32,
    /// Pages of the document, where it has pages.
    pub page_count: Option<u32>,
    /// Whether the document holds more than the text.
    pub truncated: bool,
    /// Who made it.
    pub source: VariantSource,
    /// When it was first made.
    pub created_at: Timestamp,
    /// Optimistic lock, from 1.
    pub version: i64,
}

/// A text of a job's active attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The job.
    pub job_id: JobId,
    /// What the file is.
    pub kind: AttachmentKind,
    /// The text.
    pub variant: Variant,
}

/// Which attachments of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AttachmentFilter {
    /// One of these; empty for any.
    pub kinds: Vec<AttachmentKind>,
    /// Also those in the trash.
    pub include_trashed: bool,
}

impl Snapshot {
    /// Returns the attachments of jobs: by job as asked, then kind, newest version first. One
    /// statement for any number of jobs.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn attachments(
        &self,
        jobs: &[JobId],
        filter: &AttachmentFilter,
    ) -> Result<Vec<Attachment>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = store::of_jobs(self, jobs, &filter.kinds, filter.include_trashed).await?;
        let order: std::collections::HashMap<_, _> =
            jobs.iter().enumerate().map(|(i, job)| (*job, i)).collect();
        rows.sort_by_cached_key(|row| (order.get(&row.job_id).copied(), row.kind, -row.version));
        Ok(rows)
    }

    /// Returns attachments by their ids; unknown and foreign ones are absent. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn attachments_by_id(&self, ids: &[AttachmentId]) -> Result<Vec<Attachment>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        store::by_ids(self, ids).await
    }

    /// Returns one attachment. One statement.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_attachment(&self, id: AttachmentId) -> Result<Attachment> {
        self.attachments_by_id(&[id]).await?.pop().ok_or_else(|| Error::not_found("attachment", id))
    }

    /// Returns the texts of the active attachments of jobs, for any number of kinds and names;
    /// missing ones are absent. One statement; none for an empty list.
    ///
    /// # Errors
    /// `Invalid` above [`crate::Limits::variant_jobs`] jobs.
    pub async fn documents(
        &self,
        jobs: &[JobId],
        kinds: &[AttachmentKind],
        names: &[VariantName],
    ) -> Result<Vec<Document>> {
        let most = self.engine().config().limits.variant_jobs;
        if jobs.len() > most {
            return Err(Error::invalid(&["ids"], "range", format!("at most {most} jobs")));
        }
        if jobs.is_empty() || kinds.is_empty() || names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = store::variants_of_jobs(self, jobs, kinds, names).await?;
        Ok(rows
            .into_iter()
            .map(|(job_id, kind, variant)| Document { job_id, kind, variant })
            .collect())
    }

    /// Returns all texts of attachments, RAW first. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn variants_of(&self, attachments: &[AttachmentId]) -> Result<Vec<Variant>> {
        if attachments.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = store::variants_of(self, attachments).await?;
        rows.sort_by_key(|row| (row.attachment_id, row.name));
        Ok(rows)
    }

    /// Returns texts by their ids. One statement.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn variants_by_id(&self, ids: &[VariantId]) -> Result<Vec<Variant>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        store::variants_by_ids(self, ids).await
    }
}

impl Engine {
    /// Returns the attachments of jobs; see [`Snapshot::attachments`].
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_attachments(
        &self,
        jobs: &[JobId],
        filter: &AttachmentFilter,
    ) -> Result<Vec<Attachment>> {
        self.snapshot().await?.attachments(jobs, filter).await
    }

    /// Opens a file for reading. One statement; opens a file of the disk.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable` of kind IO when the file is missing.
    pub async fn open_attachment(&self, id: AttachmentId) -> Result<BlobReader> {
        let row = self.snapshot().await?.get_attachment(id).await?;
        Ok(BlobReader {
            file: self.shared.blobs.read(&row.hash)?,
            size: row.size_bytes,
            media_type: row.media_type,
            filename: row.filename,
        })
    }

    /// Removes files that nobody needs any more; while somebody stores one, it waits for the next
    /// time. Files on the disk are gone before their rows.
    pub(crate) async fn collect_blobs(&self) -> Result<usize> {
        let mut removed = 0;
        loop {
            let Some(lock) = self.shared.blobs.exclude()? else { return Ok(removed) };
            let hashes = store::files::deleting_blobs(self).await?;
            if hashes.is_empty() {
                return Ok(removed);
            }
            let mut batch = crate::db::Batch::system(self.now());
            for hash in &hashes {
                self.shared.blobs.remove(hash, &lock)?;
                store::files::delete_blob(&mut batch, hash);
            }
            self.shared.store.commit(batch).await.map_err(Error::from)?;
            removed += hashes.len();
        }
    }

    /// Removes files that no row knows, as a crash between a file and its row leaves them; returns
    /// how many. Walks all files; does nothing while somebody stores one.
    ///
    /// # Errors
    /// `Unavailable` of kind IO.
    pub async fn remove_orphaned_files(&self) -> Result<usize> {
        let Some(lock) = self.shared.blobs.exclude()? else { return Ok(0) };
        let known: std::collections::HashSet<_> =
            store::files::all_blobs(self).await?.into_iter().map(|(hash, ..)| hash).collect();
        let blobs = self.shared.blobs.clone();
        tokio::task::spawn_blocking(move || {
            let mut orphans = blobs.all(&lock)?;
            orphans.retain(|hash| !known.contains(hash));
            for hash in &orphans {
                blobs.remove(hash, &lock)?;
            }
            Ok(orphans.len())
        })
        .await
        .map_err(|e| Error::internal("remove orphaned files", e))?
    }

    /// Removes files after a purge that is done: what goes wrong here must not turn it into a
    /// failure. The worker tries again at its next look.
    pub(crate) async fn collect_after_purge(&self) {
        if let Err(error) = self.collect_blobs().await {
            tracing::warn!(error = %error.chain(), "files of a purge are removed later");
        }
        self.shared.wake.notify_one();
    }

    /// Removes uploads that nobody used in time.
    pub(crate) async fn sweep_uploads(&self) -> Result<usize> {
        let mut swept = 0;
        loop {
            let mut batch = crate::db::Batch::system(self.now());
            crate::idempotency::sweep(&mut batch, self.now());
            let expired = store::files::sweep_uploads(self, &mut batch).await?;
            self.shared.store.commit(batch).await.map_err(Error::from)?;
            swept += expired;
            if expired == 0 {
                return Ok(swept);
            }
        }
    }

    /// Returns the digests of files that must be there and are not, or have another size.
    pub(crate) async fn missing_blobs(&self) -> Result<Vec<String>> {
        let blobs = self.shared.blobs.clone();
        let all = store::files::all_blobs(self).await?;
        tokio::task::spawn_blocking(move || {
            all.into_iter()
                .filter(|(hash, size, live)| {
                    let file = std::fs::metadata(blobs.place(hash));
                    *live && file.map_or(true, |file| file.len() != *size)
                })
                .map(|(hash, ..)| crate::meta::hex(&hash))
                .collect()
        })
        .await
        .map_err(|e| Error::internal("check the files", e))
    }
}
