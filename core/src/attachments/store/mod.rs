//! SQL of attachments and their text forms.

pub(crate) mod files;

use crate::{
    attachments::{Attachment, Variant, blob::Hash},
    db::{Batch, Miss, Row, Stmt, params},
    engine::Snapshot,
    enums::{AttachmentKind, AttachmentSource, TextError, TextState, VariantName, VariantSource},
    error::{Error, Result},
    id::{AttachmentId, JobId, UserId, VariantId},
    meta::hex,
    time::Timestamp,
};

macro_rules! attachment_columns {
    () => {
        "id, job_id, kind, version, is_active, filename, media_type, size, hash, source, \
         text_state, text_error, created_at, trashed_at"
    };
}

macro_rules! variant_columns {
    () => {
        "v.id, v.attachment_id, v.name, v.text, v.token_estimate, v.word_count, v.page_count, \
         v.truncated, v.source, v.created_at, v.version"
    };
}

static ATTACHMENTS_OF_JOBS: Stmt = Stmt::read(
    "attachments_of_jobs",
    concat!(
        "SELECT ",
        attachment_columns!(),
        " FROM attachments
         WHERE +user_id = $1 AND job_id IN rarray($2) AND kind IN rarray($3)
             AND (trashed_at IS NULL OR $4 = 1)"
    ),
);

static ATTACHMENTS_OF_ALL_KINDS: Stmt = Stmt::read(
    "attachments_of_all_kinds",
    concat!(
        "SELECT ",
        attachment_columns!(),
        " FROM attachments
         WHERE +user_id = $1 AND job_id IN rarray($2) AND (trashed_at IS NULL OR $3 = 1)"
    ),
);

static ATTACHMENTS_BY_ID: Stmt = Stmt::read(
    "attachments_by_id",
    concat!(
        "SELECT ",
        attachment_columns!(),
        " FROM attachments WHERE +user_id = $1 AND id IN rarray($2)"
    ),
);

static ATTACHMENT_VERSIONS: Stmt = Stmt::read(
    "attachment_versions",
    concat!(
        "SELECT ",
        attachment_columns!(),
        " FROM attachments
         WHERE +user_id = $1
             AND job_id = (SELECT me.job_id FROM attachments me WHERE me.id = $2)
             AND kind = (SELECT me.kind FROM attachments me WHERE me.id = $2)"
    ),
);

static ATTACHMENT_INSERT: Stmt = Stmt::write(
    "attachment_insert",
    "INSERT INTO attachments (id, user_id, job_id, kind, version, is_active, filename, media_type,
         size, hash, source, text_state, created_at)
     VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12)",
);

static ATTACHMENT_DEACTIVATE: Stmt = Stmt::write(
    "attachment_deactivate",
    "UPDATE attachments
     SET is_active = 0
     WHERE job_id = $1 AND kind = $2 AND user_id = $3 AND is_active = 1",
);

static ATTACHMENT_ACTIVATE: Stmt = Stmt::write(
    "attachment_activate",
    "UPDATE attachments
     SET is_active = 1
     WHERE id = $1 AND user_id = $2 AND trashed_at IS NULL",
);

static ATTACHMENT_TRASH: Stmt = Stmt::write(
    "attachment_trash",
    "UPDATE attachments
     SET trashed_at = $1, is_active = 0
     WHERE id = $2 AND user_id = $3",
);

static ATTACHMENT_TEXT: Stmt = Stmt::write(
    "attachment_text",
    "UPDATE attachments
     SET text_state = $1, text_error = $2
     WHERE id = $3 AND user_id = $4",
);

static ATTACHMENT_DELETE: Stmt = Stmt::write(
    "attachment_delete",
    "DELETE FROM attachments
     WHERE id = $1 AND user_id = $2",
);

static ATTACHMENT_HASHES: Stmt = Stmt::read(
    "attachment_hashes",
    "SELECT hash
     FROM attachments
     WHERE +user_id = $1 AND job_id IN rarray($2)",
);

static ACCOUNT_USE: Stmt = Stmt::read(
    "attachment_account_use",
    "SELECT count(id), CAST(COALESCE(sum(size), 0) AS BIGINT)
     FROM attachments
     WHERE user_id = $1",
);

static VARIANTS_OF_JOBS: Stmt = Stmt::read(
    "variants_of_jobs",
    concat!(
        "SELECT ",
        variant_columns!(),
        ", a.job_id, a.kind
         FROM attachments a
         JOIN attachment_variants v ON v.attachment_id = a.id
         WHERE +a.user_id = $1 AND a.job_id IN rarray($2) AND a.kind IN rarray($3)
             AND a.is_active = 1 AND v.name IN rarray($4)"
    ),
);

/// Active versions, the one of $2, and the newest of its kind but for it: what may be active next.
static TEXTS_AROUND: Stmt = Stmt::read(
    "attachment_texts_around",
    concat!(
        "SELECT ",
        variant_columns!(),
        ", a.kind, a.is_active
         FROM attachments a
         JOIN attachment_variants v ON v.attachment_id = a.id AND v.name = 'RAW'
         WHERE +a.user_id = $1
             AND a.job_id = (SELECT me.job_id FROM attachments me WHERE me.id = $2)
             AND (a.is_active = 1 OR a.id = $2 OR a.id = (
                 SELECT next.id
                 FROM attachments next
                 WHERE next.job_id = (SELECT me.job_id FROM attachments me WHERE me.id = $2)
                     AND next.kind = (SELECT me.kind FROM attachments me WHERE me.id = $2)
                     AND next.id <> $2 AND next.trashed_at IS NULL
                 ORDER BY next.version DESC
                 LIMIT 1
             ))"
    ),
);

static VARIANTS_OF_ATTACHMENTS: Stmt = Stmt::read(
    "variants_of_attachments",
    concat!(
        "SELECT ",
        variant_columns!(),
        " FROM attachment_variants v WHERE +v.user_id = $1 AND v.attachment_id IN rarray($2)"
    ),
);

static VARIANTS_BY_ID: Stmt = Stmt::read(
    "variants_by_id",
    concat!(
        "SELECT ",
        variant_columns!(),
        " FROM attachment_variants v WHERE +v.user_id = $1 AND v.id IN rarray($2)"
    ),
);

static VARIANT_SAVE: Stmt = Stmt::write(
    "variant_save",
    "INSERT INTO attachment_variants (id, user_id, attachment_id, name, text, word_count,
         token_estimate, page_count, truncated, source, extractor_version, version, created_at,
         updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
     ON CONFLICT (attachment_id, name) DO UPDATE
     SET text = $5, word_count = $6, token_estimate = $7, page_count = $8, truncated = $9,
         source = $10, extractor_version = $11, version = $12, updated_at = $13",
);

/// The statements of this domain.
pub(crate) fn statements() -> Vec<&'static Stmt> {
    let mut all = vec![
        &ATTACHMENTS_OF_JOBS,
        &ATTACHMENTS_OF_ALL_KINDS,
        &ATTACHMENTS_BY_ID,
        &ATTACHMENT_VERSIONS,
        &ATTACHMENT_INSERT,
        &ATTACHMENT_DEACTIVATE,
        &ATTACHMENT_ACTIVATE,
        &ATTACHMENT_TRASH,
        &ATTACHMENT_TEXT,
        &ATTACHMENT_DELETE,
        &ATTACHMENT_HASHES,
        &ACCOUNT_USE,
        &VARIANTS_OF_JOBS,
        &TEXTS_AROUND,
        &VARIANTS_OF_ATTACHMENTS,
        &VARIANTS_BY_ID,
        &VARIANT_SAVE,
    ];
    all.extend(files::statements());
    all
}

fn attachment(row: &dyn Row) -> Result<Attachment> {
    Ok(Attachment {
        id: AttachmentId::from_uuid(row.id(0)?),
        job_id: JobId::from_uuid(row.id(1)?),
        kind: row.word(2, AttachmentKind::parse)?,
        version: row.int(3)?,
        is_active: row.flag(4)?,
        filename: row.text(5)?.to_owned(),
        media_type: row.text(6)?.to_owned(),
        size_bytes: row.number(7)?,
        sha256: hex(row.blob(8)?),
        hash: hash(row, 8)?,
        source: row.word(9, AttachmentSource::parse)?,
        text_state: row.word(10, TextState::parse)?,
        text_error: row.opt_word(11, TextError::parse)?,
        created_at: row.time(12)?,
        trashed_at: row.opt_time(13)?,
    })
}

fn variant(row: &dyn Row) -> Result<Variant> {
    Ok(Variant {
        id: VariantId::from_uuid(row.id(0)?),
        attachment_id: AttachmentId::from_uuid(row.id(1)?),
        name: row.word(2, VariantName::parse)?,
        text: row.text(3)?.to_owned(),
        token_estimate: row.number(4)?,
        word_count: row.number(5)?,
        page_count: row.opt_int(6)?.and_then(|n| u32::try_from(n).ok()),
        truncated: row.flag(7)?,
        source: row.word(8, VariantSource::parse)?,
        created_at: row.time(9)?,
        version: row.int(10)?,
    })
}

fn hash(row: &dyn Row, i: usize) -> Result<Hash> {
    row.blob(i)?.try_into().map_err(|e| Error::internal("read a digest", e))
}

fn uuids<T>(ids: &[T], uuid: impl Fn(&T) -> uuid::Uuid) -> Vec<uuid::Uuid> {
    ids.iter().map(uuid).collect()
}

/// Returns the attachments of jobs in no order, of some kinds or, for none, of all. One statement.
pub(crate) async fn of_jobs(
    snapshot: &Snapshot,
    jobs: &[JobId],
    kinds: &[AttachmentKind],
    include_trashed: bool,
) -> Result<Vec<Attachment>> {
    let jobs = uuids(jobs, JobId::as_uuid);
    if kinds.is_empty() {
        // Without the set of kinds a job is one range of the index, not one per kind.
        let params = params![snapshot.user(), jobs, include_trashed];
        return snapshot.view().query(&ATTACHMENTS_OF_ALL_KINDS, params, attachment).await;
    }
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let params = params![snapshot.user(), jobs, kinds, include_trashed];
    snapshot.view().query(&ATTACHMENTS_OF_JOBS, params, attachment).await
}

/// Returns attachments by id. One statement.
pub(crate) async fn by_ids(snapshot: &Snapshot, ids: &[AttachmentId]) -> Result<Vec<Attachment>> {
    let params = params![snapshot.user(), uuids(ids, AttachmentId::as_uuid)];
    snapshot.view().query(&ATTACHMENTS_BY_ID, params, attachment).await
}

/// Returns all versions of an attachment's kind, itself and the trash included. One statement.
pub(crate) async fn versions(snapshot: &Snapshot, id: AttachmentId) -> Result<Vec<Attachment>> {
    snapshot.view().query(&ATTACHMENT_VERSIONS, params![snapshot.user(), id], attachment).await
}

/// Returns the digests of all files of jobs. One statement.
pub(crate) async fn hashes(snapshot: &Snapshot, jobs: &[JobId]) -> Result<Vec<Hash>> {
    let params = params![snapshot.user(), uuids(jobs, JobId::as_uuid)];
    snapshot.view().query(&ATTACHMENT_HASHES, params, |row| hash(row, 0)).await
}

/// Returns how many files and bytes a user has, trash included. One statement.
pub(crate) async fn account_use(snapshot: &Snapshot) -> Result<(u64, u64)> {
    let used = snapshot
        .view()
        .find(&ACCOUNT_USE, params![snapshot.user()], |row| Ok((row.number(0)?, row.number(1)?)))
        .await?;
    Ok(used.unwrap_or((0, 0)))
}

/// Returns texts of the active attachments of jobs. One statement.
pub(crate) async fn variants_of_jobs(
    snapshot: &Snapshot,
    jobs: &[JobId],
    kinds: &[AttachmentKind],
    names: &[VariantName],
) -> Result<Vec<(JobId, AttachmentKind, Variant)>> {
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let params = params![snapshot.user(), uuids(jobs, JobId::as_uuid), kinds, names];
    snapshot
        .view()
        .query(&VARIANTS_OF_JOBS, params, |row| {
            let job = JobId::from_uuid(row.id(11)?);
            Ok((job, row.word(12, AttachmentKind::parse)?, variant(row)?))
        })
        .await
}

/// Returns all texts of attachments. One statement.
pub(crate) async fn variants_of(
    snapshot: &Snapshot,
    attachments: &[AttachmentId],
) -> Result<Vec<Variant>> {
    let params = params![snapshot.user(), uuids(attachments, AttachmentId::as_uuid)];
    snapshot.view().query(&VARIANTS_OF_ATTACHMENTS, params, variant).await
}

/// Returns texts by id. One statement.
pub(crate) async fn variants_by_ids(
    snapshot: &Snapshot,
    ids: &[VariantId],
) -> Result<Vec<Variant>> {
    let params = params![snapshot.user(), uuids(ids, VariantId::as_uuid)];
    snapshot.view().query(&VARIANTS_BY_ID, params, variant).await
}

/// Adds an attachment as the active one of its kind.
pub(crate) fn insert(batch: &mut Batch, user: UserId, row: &Attachment) {
    batch.step(&ATTACHMENT_DEACTIVATE, params![row.job_id, row.kind.as_str(), user]);
    let params = params![
        row.id,
        user,
        row.job_id,
        row.kind.as_str(),
        row.version,
        row.filename.as_str(),
        row.media_type.as_str(),
        row.size_bytes,
        row.hash.as_slice(),
        row.source.as_str(),
        row.text_state.as_str(),
        row.created_at,
    ];
    batch.one(&ATTACHMENT_INSERT, params, Miss::Conflict);
}

/// Adds the change of the active version of a kind.
pub(crate) fn activate(batch: &mut Batch, user: UserId, row: &Attachment) {
    batch.step(&ATTACHMENT_DEACTIVATE, params![row.job_id, row.kind.as_str(), user]);
    batch.one(&ATTACHMENT_ACTIVATE, params![row.id, user], Miss::Conflict);
}

/// Adds the move into the trash, or out of it (inactive).
pub(crate) fn set_trashed(
    batch: &mut Batch,
    user: UserId,
    id: AttachmentId,
    at: Option<Timestamp>,
) {
    batch.one(&ATTACHMENT_TRASH, params![at, id, user], Miss::Conflict);
}

/// Adds what is known of an attachment's text.
pub(crate) fn set_text_state(
    batch: &mut Batch,
    user: UserId,
    id: AttachmentId,
    state: TextState,
    error: Option<TextError>,
) {
    let params = params![state.as_str(), error.map(TextError::as_str), id, user];
    batch.one(&ATTACHMENT_TEXT, params, Miss::Conflict);
}

/// Adds the removal of an attachment, and marks its file for the collector if nobody needs it.
pub(crate) fn delete(batch: &mut Batch, user: UserId, row: &Attachment) {
    batch.one(&ATTACHMENT_DELETE, params![row.id, user], Miss::Conflict);
    files::release_blob(batch, &row.hash);
}

/// Adds a text, new or in place of the one of the same name.
pub(crate) fn save_variant(batch: &mut Batch, user: UserId, row: &Variant, extractor: u32) {
    let Variant {
        id,
        attachment_id,
        name,
        text,
        token_estimate,
        word_count,
        page_count,
        truncated,
        source,
        created_at: _,
        version,
    } = row.clone();
    let at = batch.at;
    let params = params![
        id,
        user,
        attachment_id,
        name.as_str(),
        text,
        word_count,
        token_estimate,
        page_count,
        truncated,
        source.as_str(),
        extractor,
        version,
        at,
    ];
    batch.one(&VARIANT_SAVE, params, Miss::Conflict);
}

/// The RAW text of a version.
pub(crate) struct JobText {
    pub(crate) kind: AttachmentKind,
    pub(crate) is_active: bool,
    pub(crate) variant: Variant,
}

/// Returns the RAW texts of the active versions of a job. One statement.
pub(crate) async fn active_texts(snapshot: &Snapshot, job: JobId) -> Result<Vec<JobText>> {
    let rows = variants_of_jobs(snapshot, &[job], AttachmentKind::ALL, &[VariantName::Raw]).await?;
    let text = |(_, kind, variant)| JobText { kind, is_active: true, variant };
    Ok(rows.into_iter().map(text).collect())
}

/// Returns the RAW texts that matter when a version becomes active or goes. One statement.
pub(crate) async fn texts_around(
    snapshot: &Snapshot,
    attachment: AttachmentId,
) -> Result<Vec<JobText>> {
    let params = params![snapshot.user(), attachment];
    let text = |row: &dyn Row| {
        let kind = row.word(11, AttachmentKind::parse)?;
        Ok(JobText { kind, is_active: row.flag(12)?, variant: variant(row)? })
    };
    snapshot.view().query(&TEXTS_AROUND, params, text).await
}
