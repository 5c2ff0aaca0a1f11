//! Texts: extracted in the background, or typed and corrected by hand.

use crate::{
    attachments::{
        Attachment, Variant,
        extract::{
            self, DocumentKind, EXTRACTOR_VERSION, ExtractError, ExtractLimits, Extracted,
            MediaType,
        },
        settle::{self, Texts},
        store,
    },
    engine::{Engine, Snapshot},
    enums::{ChangeOp, EntityKind, TextError, TextState, VariantName, VariantSource},
    error::{ConflictKind, Error, Result},
    id::{AttachmentId, VariantId},
    jobs::store::{self as jobs, JobRow},
    mutation::{Plan, WriteOptions, Written, when},
    tasks::Claim,
    time::Timestamp,
};

impl Variant {
    /// A text that is not stored yet.
    pub(super) fn of(
        id: VariantId,
        attachment_id: AttachmentId,
        name: VariantName,
        text: &str,
        source: VariantSource,
    ) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            id,
            attachment_id,
            name,
            token_estimate: count(text.chars().count().div_ceil(4)),
            word_count: count(text.split_whitespace().count()),
            text: text.to_owned(),
            page_count: None,
            truncated: false,
            source,
            created_at: Timestamp::from_ms(0),
            version: 1,
        }
    }
}

/// Checks a typed text: not empty, no U+0000, within the limit. Line ends become LF.
pub(super) fn typed(text: &str, limit: usize) -> Result<String> {
    if text.len() > limit {
        let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
        return Err(Error::TooLarge { what: "the text", limit_bytes });
    }
    if text.contains('\0') {
        return Err(Error::invalid(&["text"], "format", "holds a character that is not allowed"));
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.trim().is_empty() {
        return Err(Error::invalid(&["text"], "required", "must not be empty"));
    }
    Ok(text)
}

impl Engine {
    /// Sets a text by hand. A later extraction does not overwrite it.
    ///
    /// # Errors
    /// `Invalid`, `TooLarge`, `NotFound`, `Conflict` of kind `Version`, `VersionTrashed` or
    /// `JobInTrash`.
    pub async fn set_variant(
        &self,
        attachment: AttachmentId,
        name: VariantName,
        text: String,
        options: &WriteOptions,
    ) -> Result<Written<VariantId>> {
        let text = &typed(&text, self.config().limits.text_bytes)?;
        let source = VariantSource::Manual;
        self.mutate(
            "attachmentVariantSet",
            options,
            &(attachment, name, text),
            |snapshot| async move {
                plan_set(&snapshot, attachment, (name, text, source), options).await
            },
        )
        .await
    }

    /// Stores what an analysis made of a document. A text that was corrected by hand stays.
    pub(crate) async fn set_normalised(&self, attachment: AttachmentId, text: &str) -> Result<()> {
        let text = &typed(text, self.config().limits.text_bytes)?;
        let (options, name) = (&WriteOptions::default(), VariantName::AiNormalized);
        let source = VariantSource::Ai;
        self.mutate("documentNormalize", options, &attachment, |snapshot| async move {
            plan_set(&snapshot, attachment, (name, text, source), options).await
        })
        .await?;
        Ok(())
    }
}

async fn plan_set(
    snapshot: &Snapshot,
    attachment: AttachmentId,
    (name, text, source): (VariantName, &str, VariantSource),
    options: &WriteOptions,
) -> Result<Plan<VariantId>> {
    let ids = &[attachment];
    let (found, job, variants, texts) = tokio::try_join!(
        snapshot.attachments_by_id(ids),
        jobs::load_above(snapshot, attachment.as_uuid()),
        snapshot.variants_of(ids),
        when(name == VariantName::Raw, Texts::around(snapshot, attachment))
    )?;
    let (row, job) = found
        .into_iter()
        .next()
        .zip(job)
        .ok_or_else(|| Error::not_found("attachment", attachment))?;
    if row.trashed_at.is_some() {
        return Err(Error::conflict(ConflictKind::VersionTrashed, "this version is in the trash"));
    }
    job.refuse_trashed()?;
    let known = variants.into_iter().find(|variant| variant.name == name);
    let current = known.as_ref().map_or(0, |known| known.version);
    if options.expected_version.is_some_and(|expected| expected != current) {
        return Err(Error::conflict(
            ConflictKind::Version { current },
            "the text was changed since it was read",
        ));
    }
    if let Some(known) = &known {
        let by_hand = known.source == VariantSource::Manual && source != VariantSource::Manual;
        if by_hand || (known.text == text && known.source == source) {
            return Ok(Plan::nothing(known.id));
        }
    }
    let mut batch = snapshot.engine().batch();
    let (id, created_at, op) = match &known {
        Some(known) => (known.id, known.created_at, ChangeOp::Updated),
        None => (VariantId::new(batch.at), batch.at, ChangeOp::Created),
    };
    let variant = Variant::of(id, attachment, name, text, source);
    let variant = Variant { version: current + 1, created_at, ..variant };
    store::save_variant(&mut batch, snapshot.user(), &variant, 0);
    if name == VariantName::Raw {
        store::set_text_state(&mut batch, snapshot.user(), attachment, TextState::Ready, None);
        if row.is_active {
            let text = Some(variant);
            settle::kind_changed(snapshot, &mut batch, &job, row.kind, text, texts).await?;
        }
    }
    jobs::touch(&mut batch, snapshot.user(), &job);
    jobs::read_model::refresh(&mut batch, snapshot.user(), job.id);
    batch.change(EntityKind::AttachmentVariant, id.as_uuid(), op);
    batch.change(EntityKind::Attachment, attachment.as_uuid(), ChangeOp::Updated);
    Ok(Plan::write(id, batch))
}

/// Reads the text of an attachment and stores it, or why there is none. The claim is settled in
/// the same batch: done twice it counts once.
pub(crate) async fn extract_text(engine: &Engine, id: AttachmentId, claim: &Claim) -> Result<()> {
    let attempts = engine.config().limits.task_attempts;
    // A replica may not have it yet, and a task that finds nothing to do is done.
    let found = engine.newest().await?.attachments_by_id(&[id]).await?.pop();
    let outcome = match &found {
        Some(row) if row.text_state == TextState::Pending && claim.is_beyond(attempts) => {
            // The process died at every try: what ends the host is not read once more.
            tracing::warn!(attachment = %id, "a document ended the process at every try");
            Some(Err(ExtractError::TooComplex))
        }
        Some(row) if row.text_state == TextState::Pending => match read(engine, row).await {
            // Nobody tries again: without an end here the text would be awaited for ever.
            Err(error) if claim.is_last_of(attempts) => {
                tracing::warn!(attachment = %id, cause = %error.chain(), "no text, after all tries");
                Some(Err(ExtractError::Unavailable))
            }
            outcome => Some(outcome?),
        },
        _ => None,
    };
    let outcome = &outcome;
    let options = WriteOptions::default();
    engine
        .mutate("textExtraction", &options, &id, |snapshot| async move {
            let ids = &[id];
            let (found, job, texts) = tokio::try_join!(
                snapshot.attachments_by_id(ids),
                jobs::load_above(&snapshot, id.as_uuid()),
                when(matches!(outcome, Some(Ok(_))), Texts::around(&snapshot, id))
            )?;
            match (found.into_iter().next().zip(job), outcome) {
                (Some((row, job)), Some(outcome)) if row.text_state == TextState::Pending => {
                    plan_extracted(&snapshot, &row, &job, texts, outcome, claim).await
                }
                _ => {
                    let mut batch = crate::db::Batch::system(snapshot.engine().now());
                    claim.finish(&mut batch);
                    Ok(Plan::write((), batch))
                }
            }
        })
        .await?;
    Ok(())
}

type Outcome = std::result::Result<Extracted, ExtractError>;

/// Runs the reader: in the configured child, else here on the blocking pool.
async fn read(engine: &Engine, row: &Attachment) -> Result<Outcome> {
    let Some(kind) = MediaType::parse(&row.media_type).and_then(MediaType::text_kind) else {
        return Ok(Err(ExtractError::Unsupported));
    };
    let config = engine.config();
    let limits = ExtractLimits {
        text_bytes: config.limits.text_bytes,
        input_bytes: config.limits.file_bytes,
        wall_ms: config.limits.extraction_ms,
        ..ExtractLimits::default()
    };
    let place = engine.shared.blobs.place(&row.hash);
    if let Some(sandbox) = &engine.shared.sandbox {
        return match extract::extract_in_child(sandbox, kind, &place, &limits).await {
            Err(ExtractError::Unavailable) => {
                Err(Error::unavailable(crate::UnavailableKind::Io, "run the text extractor"))
            }
            outcome => Ok(outcome),
        };
    }
    if kind == DocumentKind::Pdf {
        // One hostile kilobyte of PDF can take all memory of the host: only a child reads it.
        return Ok(Err(ExtractError::Unsupported));
    }
    let permit = engine.shared.extractions.acquire().await;
    let outcome = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(place).map_err(|e| Error::io("read a file", e))?;
        Ok(extract::extract(kind, &bytes, &limits))
    })
    .await
    .map_err(|e| Error::internal("extract text", e))?;
    drop(permit);
    outcome
}

async fn plan_extracted(
    snapshot: &Snapshot,
    row: &Attachment,
    job: &JobRow,
    texts: Texts,
    outcome: &Outcome,
    claim: &Claim,
) -> Result<Plan<()>> {
    let user = snapshot.user();
    let mut batch = snapshot.engine().batch();
    let (state, error) = match outcome {
        Ok(_) => (TextState::Ready, None),
        Err(ExtractError::Empty) => (TextState::Empty, None),
        Err(ExtractError::Unsupported | ExtractError::Unavailable) => (TextState::None, None),
        Err(ExtractError::Corrupt) => (TextState::Failed, Some(TextError::Corrupt)),
        Err(ExtractError::Encrypted) => (TextState::Failed, Some(TextError::Encrypted)),
        Err(ExtractError::TooComplex) => (TextState::Failed, Some(TextError::TooComplex)),
        Err(ExtractError::Timeout) => (TextState::Failed, Some(TextError::Timeout)),
    };
    store::set_text_state(&mut batch, user, row.id, state, error);
    if let Ok(extracted) = outcome {
        let id = VariantId::new(batch.at);
        let variant =
            Variant::of(id, row.id, VariantName::Raw, &extracted.text, VariantSource::Extracted);
        let variant = Variant {
            page_count: extracted.page_count,
            truncated: extracted.truncated,
            created_at: batch.at,
            ..variant
        };
        store::save_variant(&mut batch, user, &variant, EXTRACTOR_VERSION);
        batch.change(EntityKind::AttachmentVariant, id.as_uuid(), ChangeOp::Created);
        if row.is_active {
            let text = Some(variant);
            settle::kind_changed(snapshot, &mut batch, job, row.kind, text, texts).await?;
        }
    }
    claim.finish(&mut batch);
    jobs::touch(&mut batch, user, job);
    jobs::read_model::refresh(&mut batch, user, job.id);
    batch.change(EntityKind::Attachment, row.id.as_uuid(), ChangeOp::Updated);
    batch.change(EntityKind::Job, job.id.as_uuid(), ChangeOp::Updated);
    Ok(Plan::write((), batch))
}
