//! SQL of received files and of the files behind attachments.

use super::hash;
use crate::{
    attachments::blob::Hash,
    db::{Batch, Miss, Stmt, params},
    engine::{Engine, Snapshot},
    error::Result,
    id::{UploadId, UserId},
    time::Timestamp,
};

static UPLOAD_INSERT: Stmt = Stmt::write(
    "upload_insert",
    "INSERT INTO upload (id, user_id, hash, filename, media_type, mismatch, size, used, created_at,
         expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
);

static UPLOAD_GET: Stmt = Stmt::read(
    "upload_get",
    "SELECT hash, media_type, mismatch, size, used
     FROM upload
     WHERE id = $1 AND user_id = $2 AND expires_at > $3",
);

static UPLOAD_DELETE: Stmt = Stmt::write(
    "upload_delete",
    "DELETE FROM upload
     WHERE id = $1 AND user_id = $2",
);

static UPLOAD_USE: Stmt = Stmt::write(
    "upload_use",
    "UPDATE upload
     SET used = 1
     WHERE id = $1 AND user_id = $2 AND used = 0",
);

static UPLOADS_FORGET: Stmt = Stmt::write(
    "uploads_forget",
    "DELETE FROM upload
     WHERE hash = $1 AND used = 1",
);

static UPLOADS_EXPIRED: Stmt = Stmt::read(
    "uploads_expired",
    "SELECT id, user_id, hash
     FROM upload
     WHERE expires_at <= $1
     ORDER BY expires_at
     LIMIT 100",
);

static BLOB_ENSURE: Stmt = Stmt::write(
    "blob_ensure",
    "INSERT INTO blob (hash, size, state, created_at)
     VALUES ($1, $2, 'LIVE', $3)
     ON CONFLICT (hash) DO UPDATE SET state = 'LIVE'",
);

static BLOB_RELEASE: Stmt = Stmt::write(
    "blob_release",
    "UPDATE blob
     SET state = 'DELETING'
     WHERE hash = $1
         AND NOT EXISTS (SELECT a.id FROM attachments a WHERE a.hash = $1)
         AND NOT EXISTS (SELECT u.id FROM upload u WHERE u.hash = $1)",
);

static BLOBS_DELETING: Stmt = Stmt::read(
    "blobs_deleting",
    "SELECT hash
     FROM blob
     WHERE state = 'DELETING'
     LIMIT 100",
);

static BLOB_DELETE: Stmt = Stmt::write(
    "blob_delete",
    "DELETE FROM blob
     WHERE hash = $1 AND state = 'DELETING'",
);

static BLOB_DUMP: Stmt = Stmt::long(
    "blob_dump",
    "SELECT hash, size, state
     FROM blob",
);

static STAGED_USE: Stmt = Stmt::read(
    "upload_staged_use",
    "SELECT count(id), CAST(COALESCE(sum(size), 0) AS BIGINT)
     FROM upload
     WHERE user_id = $1 AND used = 0 AND expires_at > $2",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 12] {
    [
        &UPLOAD_INSERT,
        &UPLOAD_GET,
        &UPLOAD_DELETE,
        &UPLOAD_USE,
        &UPLOADS_FORGET,
        &UPLOADS_EXPIRED,
        &BLOB_ENSURE,
        &BLOB_RELEASE,
        &BLOBS_DELETING,
        &BLOB_DELETE,
        &BLOB_DUMP,
        &STAGED_USE,
    ]
}

/// A received file that is not attached yet.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) hash: Hash,
    pub(crate) media_type: String,
    pub(crate) mismatch: bool,
    pub(crate) size: u64,
    /// Attached already.
    pub(crate) used: bool,
}

/// Adds a received file.
pub(crate) fn insert_upload(
    batch: &mut Batch,
    user: UserId,
    id: UploadId,
    filename: &str,
    row: &UploadRow,
    expires_at: Timestamp,
) {
    let at = batch.at;
    ensure_blob(batch, &row.hash, row.size);
    let params = params![
        id,
        user,
        row.hash.as_slice(),
        filename,
        row.media_type.as_str(),
        row.mismatch,
        row.size,
        at,
        expires_at,
    ];
    batch.one(&UPLOAD_INSERT, params, Miss::Conflict);
}

/// Returns a received file that has not expired. One statement.
pub(crate) async fn find_upload(snapshot: &Snapshot, id: UploadId) -> Result<Option<UploadRow>> {
    let params = params![id, snapshot.user(), snapshot.engine().now()];
    snapshot
        .view()
        .find(&UPLOAD_GET, params, |row| {
            Ok(UploadRow {
                hash: hash(row, 0)?,
                media_type: row.text(1)?.to_owned(),
                mismatch: row.flag(2)?,
                size: row.number(3)?,
                used: row.flag(4)?,
            })
        })
        .await
}

/// Notes that an upload is attached now. Its row stays until it expires or the file is purged, so
/// that a repeated call is known to mean the same file.
pub(crate) fn use_upload(batch: &mut Batch, user: UserId, id: UploadId) {
    batch.one(&UPLOAD_USE, params![id, user], Miss::Conflict);
}

/// Adds the removal of uploads that nobody used; returns how many.
pub(crate) async fn sweep_uploads(engine: &Engine, batch: &mut Batch) -> Result<usize> {
    let expired = engine
        .query(&UPLOADS_EXPIRED, params![engine.now()], |row| {
            let id = UploadId::from_uuid(row.id(0)?);
            Ok((id, UserId::from_uuid(row.id(1)?), hash(row, 2)?))
        })
        .await?;
    for (id, user, hash) in &expired {
        batch.step(&UPLOAD_DELETE, params![*id, *user]);
        release_blob(batch, hash);
    }
    Ok(expired.len())
}

/// Adds a file, or takes it back from the collector.
pub(crate) fn ensure_blob(batch: &mut Batch, hash: &Hash, size: u64) {
    let at = batch.at;
    batch.one(&BLOB_ENSURE, params![hash.as_slice(), size, at], Miss::Conflict);
}

/// Marks a file for the collector unless somebody needs it.
pub(crate) fn release_blob(batch: &mut Batch, hash: &Hash) {
    batch.step(&UPLOADS_FORGET, params![hash.as_slice()]);
    batch.step(&BLOB_RELEASE, params![hash.as_slice()]);
}

/// Returns up to 100 files that wait for the collector.
pub(crate) async fn deleting_blobs(engine: &Engine) -> Result<Vec<Hash>> {
    engine.query(&BLOBS_DELETING, params![], |row| hash(row, 0)).await
}

/// Adds the end of a file that was removed.
pub(crate) fn delete_blob(batch: &mut Batch, hash: &Hash) {
    batch.step(&BLOB_DELETE, params![hash.as_slice()]);
}

/// Returns digest and size of every known file, and whether it must be there.
pub(crate) async fn all_blobs(engine: &Engine) -> Result<Vec<(Hash, u64, bool)>> {
    let store = &engine.shared.store;
    store
        .scan(&BLOB_DUMP, params![], |row| {
            Ok((hash(row, 0)?, row.number(1)?, row.text(2)? == "LIVE"))
        })
        .await
}

/// Returns how many files and bytes of a user wait to be attached. One statement.
pub(crate) async fn staged_use(engine: &Engine) -> Result<(u64, u64)> {
    let used = engine
        .query(&STAGED_USE, params![engine.user_id(), engine.now()], |row| {
            Ok((row.number(0)?, row.number(1)?))
        })
        .await?;
    Ok(used.into_iter().next().unwrap_or((0, 0)))
}
