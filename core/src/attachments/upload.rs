//! How files come in: streamed and measured, told by their bytes, staged, then attached.

use std::{io::Cursor, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    attachments::{
        Attachment, Variant,
        blob::{BlobWriter, NewBlob, Shared},
        extract::{MediaType, detect},
        filename,
        settle::{self, Texts},
        store::{self, files::UploadRow},
        texts,
    },
    coach::{self, store::CoachRow},
    engine::{Engine, Snapshot},
    enums::{
        AttachmentKind, AttachmentSource, AttachmentWarning, ChangeOp, EntityKind, QuotaScope,
        TextState, VariantName, VariantSource,
    },
    error::{Error, MisuseKind, Result},
    id::{AttachmentId, JobId, UploadId, VariantId},
    jobs::store::{self as jobs, JobRow},
    meta::hex,
    mutation::{Plan, WriteOptions, Written, when},
    tasks,
    time::Timestamp,
};

/// What is said about a file before its bytes.
#[derive(Debug, Clone)]
pub struct UploadInput {
    /// Its name, for display and for a hint at its type.
    pub filename: String,
    /// Its size, where it is known: a file that is too large is refused at once.
    pub declared_bytes: Option<u64>,
}

/// A file being received. Dropping it forgets the file.
#[derive(Debug)]
pub struct UploadWriter {
    engine: Engine,
    filename: String,
    writer: BlobWriter,
}

/// A received file that is not attached yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StagedUpload {
    /// Name it to attach the file.
    pub id: UploadId,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Digest, 64 hex digits.
    pub sha256: String,
    /// Found from the content.
    pub media_type: String,
    /// When it vanishes unless it is attached.
    pub expires_at: Timestamp,
}

/// An attachment to be made; it becomes the active version.
#[derive(Debug, Clone, Serialize)]
pub struct NewAttachment {
    /// The job.
    pub job_id: JobId,
    /// What the file is.
    pub kind: AttachmentKind,
    /// Its name, for display.
    pub filename: String,
    /// Its content.
    pub content: AttachmentContent,
}

/// Where an attachment's bytes come from.
#[derive(Debug, Clone, Serialize)]
pub enum AttachmentContent {
    /// A text, kept as a file and as the RAW variant at once.
    Text(String),
    /// A staged file.
    Upload(UploadId),
}

/// What became of a new attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentCreated {
    /// The attachment.
    pub id: AttachmentId,
    /// The job.
    pub job_id: JobId,
    /// False when the active version has the same bytes: it is returned and nothing is written.
    pub created: bool,
    /// What the uploader should know.
    pub warnings: Vec<AttachmentWarning>,
}

impl Engine {
    /// Starts to receive a file.
    ///
    /// # Errors
    /// `TooLarge` when the declared size is over [`crate::Limits::file_bytes`], `Quota` while too many
    /// received files wait to be attached.
    pub async fn start_upload(&self, input: UploadInput) -> Result<UploadWriter> {
        let limit = self.config().limits.file_bytes;
        if input.declared_bytes.is_some_and(|declared| declared > limit) {
            return Err(Error::TooLarge { what: "the file", limit_bytes: limit });
        }
        let limits = &self.config().limits;
        let full = |scope, limit: u64, used: u64| {
            Err(Error::Quota { scope, limit, remaining: limit.saturating_sub(used) })
        };
        let (files, bytes) = store::files::staged_use(self).await?;
        if files >= limits.staged_files {
            return full(QuotaScope::AccountItems, limits.staged_files, files);
        }
        if bytes >= limits.staged_bytes {
            return full(QuotaScope::AccountBytes, limits.staged_bytes, bytes);
        }
        let writer = self.shared.blobs.create(limit)?;
        Ok(UploadWriter {
            engine: self.clone(),
            filename: filename::clean(&input.filename),
            writer,
        })
    }

    /// Attaches a text or a staged file to a job as the active version of its kind. The same bytes
    /// as the active version change nothing.
    ///
    /// # Errors
    /// `Invalid`, `NotFound` (job or upload), `Conflict` of kind `JobInTrash`, `Quota`, `TooLarge`.
    pub async fn create_attachment(
        &self,
        new: NewAttachment,
        options: &WriteOptions,
    ) -> Result<Written<AttachmentCreated>> {
        let name = &filename::clean(&new.filename);
        let new = &new;
        let written = match &new.content {
            AttachmentContent::Upload(upload) => {
                let content = match options.idempotency_key {
                    Some(_) => self.upload_digest(*upload).await?,
                    None => String::new(),
                };
                let args = &(new.job_id, new.kind, name, content);
                self.mutate("attachmentCreate", options, args, |snapshot| async move {
                    plan(&snapshot, new, name, Source::Upload(*upload)).await
                })
                .await?
            }
            AttachmentContent::Text(text) => {
                let text = &texts::typed(text, self.config().limits.text_bytes)?;
                let blob = &Arc::new(self.write_blob(text.as_bytes())?);
                let lock = &Arc::new(self.shared.blobs.share().await?);
                self.mutate("attachmentCreate", options, new, |snapshot| async move {
                    plan(&snapshot, new, name, Source::Text { blob, lock, text }).await
                })
                .await?
            }
        };
        self.shared.wake.notify_one();
        Ok(written)
    }

    /// Sent twice, the same file has two uploads but one digest: that is what a replay must agree
    /// with.
    async fn upload_digest(&self, id: UploadId) -> Result<String> {
        let staged = store::files::find_upload(&self.newest().await?, id).await?;
        Ok(staged.map_or_else(|| id.to_string(), |row| hex(&row.hash)))
    }

    fn write_blob(&self, bytes: &[u8]) -> Result<NewBlob> {
        let mut writer = self.shared.blobs.create(self.config().limits.file_bytes)?;
        writer.write(bytes)?;
        writer.finish()
    }
}

impl UploadWriter {
    /// Adds bytes. Writes to the disk on the calling thread.
    ///
    /// # Errors
    /// `TooLarge` above the limit, `Unavailable` of kind IO or STORAGE_FULL; then drop it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write(bytes)
    }

    /// Ends the file and keeps it for 24 hours. Flushes it to the disk.
    ///
    /// # Errors
    /// `Invalid` for an empty file, `Misuse` of kind `UnsupportedType`, `Unavailable`.
    pub async fn finish(self) -> Result<StagedUpload> {
        let Self { engine, filename, writer } = self;
        let name = filename.clone();
        let (blob, detected) = tokio::task::spawn_blocking(move || {
            let blob = writer.finish()?;
            let detected = told(&blob, &name)?;
            Ok::<_, Error>((blob, detected))
        })
        .await
        .map_err(|e| Error::internal("receive a file", e))??;
        let lock = engine.shared.blobs.share().await?;
        let (blob, lock) = {
            let blobs = engine.shared.blobs.clone();
            tokio::task::spawn_blocking(move || {
                blobs.put(&blob, &lock)?;
                Ok::<_, Error>((blob, lock))
            })
            .await
            .map_err(|e| Error::internal("receive a file", e))??
        };
        let (media_type, mismatch) = detected;
        let row = UploadRow {
            hash: blob.hash,
            media_type: media_type.as_str().to_owned(),
            mismatch,
            size: blob.size,
            used: false,
        };
        let mut batch = crate::db::Batch::system(engine.now());
        let id = UploadId::new(batch.at);
        let expires_at = batch.at.plus_ms(engine.config().limits.upload_ttl_ms);
        store::files::insert_upload(&mut batch, engine.user_id(), id, &filename, &row, expires_at);
        batch.hold(Arc::new(lock));
        engine.shared.store.commit(batch).await.map_err(Error::from)?;
        Ok(StagedUpload {
            id,
            size_bytes: row.size,
            sha256: hex(&row.hash),
            media_type: row.media_type,
            expires_at,
        })
    }
}

/// Tells a file's type by its bytes.
fn told(blob: &NewBlob, name: &str) -> Result<(MediaType, bool)> {
    if blob.size == 0 {
        return Err(Error::invalid(&["content"], "required", "the file is empty"));
    }
    let mut whole = blob.open()?;
    let detected = detect(&blob.head, &mut whole, name).map_err(unsupported)?;
    Ok((detected.media_type, detected.mismatch))
}

fn unsupported(file: crate::attachments::extract::UnsupportedFile) -> Error {
    let what = match (&file.detected, &file.extension) {
        (Some(detected), _) => format!("files of type {detected} are not accepted"),
        (None, Some(_)) | (None, None) => String::from(
            "this type of file is not accepted; send PDF, DOCX, RTF, Markdown or plain text",
        ),
    };
    let kind = MisuseKind::UnsupportedType { detected: file.detected, extension: file.extension };
    Error::Misuse { kind, what }
}

/// Where the bytes of a planned attachment lie.
enum Source<'a> {
    Upload(UploadId),
    Text { blob: &'a Arc<NewBlob>, lock: &'a Arc<Shared>, text: &'a str },
}

/// What a new attachment is worked out from.
struct Found {
    job: JobRow,
    /// All attachments of the job, trash included.
    rows: Vec<Attachment>,
    texts: Texts,
    coaches: Vec<CoachRow>,
    /// Files and bytes of the user, where they are limited.
    used: (u64, u64),
    file: UploadRow,
}

impl Found {
    async fn load(
        snapshot: &Snapshot,
        new: &NewAttachment,
        name: &str,
        source: &Source<'_>,
    ) -> Result<Self> {
        let limits = &snapshot.engine().config().limits;
        let limited = limits.user_bytes.is_some() || limits.user_files.is_some();
        let staged = async {
            match source {
                Source::Upload(id) => store::files::find_upload(snapshot, *id).await,
                Source::Text { .. } => Ok(None),
            }
        };
        let ids = &[new.job_id];
        let (staged, found, rows, texts, coaches, used) = tokio::try_join!(
            staged,
            jobs::load(snapshot, ids),
            store::of_jobs(snapshot, ids, &[], true),
            Texts::active(snapshot, new.job_id),
            when(new.kind == AttachmentKind::CoverLetter, coach::store::load(snapshot, ids)),
            when(limited, store::account_use(snapshot))
        )?;
        let file = match source {
            Source::Upload(id) => {
                let unused = staged.filter(|row| !row.used);
                unused.ok_or_else(|| Error::not_found("upload", id))?
            }
            Source::Text { blob, .. } => pasted(blob, name)?,
        };
        let job = JobRow::live(found, new.job_id)?;
        Ok(Self { job, rows, texts, coaches, used, file })
    }
}

async fn plan(
    snapshot: &Snapshot,
    new: &NewAttachment,
    name: &str,
    source: Source<'_>,
) -> Result<Plan<AttachmentCreated>> {
    let Found { mut job, rows, texts, coaches, used, file } =
        Found::load(snapshot, new, name, &source).await?;
    let (job_id, kind) = (new.job_id, new.kind);
    let warnings = if file.mismatch { vec![AttachmentWarning::TypeMismatch] } else { Vec::new() };
    let same = rows.iter().find(|row| row.kind == kind && row.is_active && row.hash == file.hash);
    if let Some(same) = same {
        return Ok(Plan::nothing(AttachmentCreated {
            id: same.id,
            job_id,
            created: false,
            warnings,
        }));
    }
    refuse_full(snapshot, &rows, used, file.size)?;

    let user = snapshot.user();
    let mut batch = snapshot.engine().batch();
    if let Source::Text { lock, .. } = &source {
        let lock: Arc<Shared> = Arc::clone(lock);
        batch.hold(lock);
    }
    let newest = rows.iter().filter(|row| row.kind == kind).map(|row| row.version).max();
    let readable = MediaType::parse(&file.media_type).and_then(MediaType::text_kind).is_some();
    let row = Attachment {
        id: AttachmentId::new(batch.at),
        job_id,
        kind,
        version: newest.unwrap_or(0) + 1,
        is_active: true,
        filename: name.to_owned(),
        media_type: file.media_type,
        size_bytes: file.size,
        sha256: String::new(),
        hash: file.hash,
        source: match source {
            Source::Upload(_) => AttachmentSource::Upload,
            Source::Text { .. } => AttachmentSource::Paste,
        },
        text_state: match source {
            Source::Text { .. } => TextState::Ready,
            Source::Upload(_) if readable => TextState::Pending,
            Source::Upload(_) => TextState::None,
        },
        text_error: None,
        created_at: batch.at,
        trashed_at: None,
    };
    store::files::ensure_blob(&mut batch, &row.hash, row.size_bytes);
    store::insert(&mut batch, user, &row);
    let text = match &source {
        Source::Text { text, .. } => {
            let id = VariantId::new(batch.at);
            let variant = Variant::of(id, row.id, VariantName::Raw, text, VariantSource::Manual);
            let variant = Variant { created_at: batch.at, ..variant };
            store::save_variant(&mut batch, user, &variant, 0);
            batch.change(EntityKind::AttachmentVariant, id.as_uuid(), ChangeOp::Created);
            Some(variant)
        }
        Source::Upload(id) => {
            store::files::use_upload(&mut batch, user, *id);
            if row.text_state == TextState::Pending {
                tasks::enqueue_extraction(&mut batch, user, row.id);
            }
            None
        }
    };
    if kind == AttachmentKind::CoverLetter {
        coach::on_letter(snapshot, &mut batch, &mut job, coaches);
    }
    settle::kind_changed(snapshot, &mut batch, &job, kind, text, texts).await?;
    jobs::touch(&mut batch, user, &job);
    jobs::read_model::refresh(&mut batch, user, job_id);
    batch.change(EntityKind::Attachment, row.id.as_uuid(), ChangeOp::Created);
    batch.change(EntityKind::Job, job_id.as_uuid(), ChangeOp::Updated);
    let plan =
        Plan::write(AttachmentCreated { id: row.id, job_id, created: true, warnings }, batch);
    let Source::Text { blob, lock, .. } = source else { return Ok(plan) };
    let blobs = snapshot.engine().shared.blobs.clone();
    let (blob, lock) = (Arc::clone(blob), Arc::clone(lock));
    // Only then: a text that is refused, or was kept under its key before, must leave no file.
    Ok(plan.after(move || blobs.put(&blob, &lock)))
}

/// A pasted text is a plain or Markdown file.
fn pasted(blob: &NewBlob, name: &str) -> Result<UploadRow> {
    let detected = detect(&blob.head, &mut Cursor::new(&blob.head), name).map_err(unsupported)?;
    let media_type = match detected.media_type {
        kept @ (MediaType::Markdown | MediaType::Text) => kept,
        // A text that begins like another type is still a text.
        _ => MediaType::Text,
    };
    Ok(UploadRow {
        hash: blob.hash,
        media_type: media_type.as_str().to_owned(),
        mismatch: false,
        size: blob.size,
        used: false,
    })
}

/// Refuses a file that no longer fits the allowances; every kept file counts, trash included.
fn refuse_full(
    snapshot: &Snapshot,
    rows: &[Attachment],
    (files_of_user, bytes_of_user): (u64, u64),
    size: u64,
) -> Result<()> {
    let limits = &snapshot.engine().config().limits;
    let full = |scope, limit: u64, used: u64| {
        Err(Error::Quota { scope, limit, remaining: limit.saturating_sub(used) })
    };
    let files = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if files >= limits.job_files {
        return full(QuotaScope::JobItems, limits.job_files, files);
    }
    let used: u64 = rows.iter().map(|row| row.size_bytes).sum();
    if used.saturating_add(size) > limits.job_bytes {
        return full(QuotaScope::JobBytes, limits.job_bytes, used);
    }
    match (limits.user_files, limits.user_bytes) {
        (Some(limit), _) if files_of_user >= limit => {
            full(QuotaScope::AccountFiles, limit, files_of_user)
        }
        (_, Some(limit)) if bytes_of_user.saturating_add(size) > limit => {
            full(QuotaScope::AccountBytes, limit, bytes_of_user)
        }
        _ => Ok(()),
    }
}
