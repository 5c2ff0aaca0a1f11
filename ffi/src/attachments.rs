//! Attachments: the files of jobs. Their bytes go through `blobs`.

use std::{ffi::c_char, sync::Arc};

use jotrack_core::{
    Attachment, AttachmentFilter, AttachmentId, AttachmentKind, Engine, JobId,
    Result as CoreResult, WriteOptions, Written,
};

use crate::{
    args::{self, OutHandle},
    engine::{Shared, jotrack_engine},
    enums::numbered,
    error::{Fault, jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    job_rows::{fill, ms},
    structs::{self, OutStruct, interface_structs},
    text::{IdText, id_text, jotrack_str},
    write::{WriteArgs, jotrack_commit, jotrack_write},
};

/// A file of a job. Set struct_size before jotrack_attachment_page_get. Texts belong to the page.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_attachment {
    /// sizeof(jotrack_attachment).
    pub struct_size: usize,
    /// Id.
    pub id: jotrack_str,
    /// Its job.
    pub job_id: jotrack_str,
    /// Name of the file, without a path.
    pub filename: jotrack_str,
    /// What the content is, as found in its bytes.
    pub media_type: jotrack_str,
    /// SHA-256 of the content, 64 hex digits.
    pub sha256: jotrack_str,
    /// jotrack_attachment_kind.
    pub kind: i32,
    /// 1: the one that counts among its job's files of this kind; 0: an earlier version.
    pub is_active: i32,
    /// jotrack_text_state.
    pub text_state: i32,
    /// jotrack_text_error; 0 unless the text failed.
    pub text_error: i32,
    /// Number among the job's files of this kind, from 1.
    pub version: i64,
    /// Bytes.
    pub size: u64,
    /// Unix ms.
    pub created_at_ms: i64,
    /// Unix ms; 0 = not in the trash.
    pub trashed_at_ms: i64,
}

interface_structs!(jotrack_attachment);

/// A page of attachments. It owns its rows: one thread at a time, valid after the engine is closed.
/// Freed with jotrack_attachment_page_free.
///
/// @since 0.1
pub struct jotrack_attachment_page {
    rows: Vec<Row>,
}

/// Reads the files of many jobs at once, those in the trash left out: in the order of `ids`, then by
/// kind, the newest version first.
///
/// `ids`: `n` job ids, at most 100; unknown ones have no files. `kinds`: bits
/// 1 << jotrack_attachment_kind, 0 = all.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_list(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    kinds: u32,
    out: *mut *mut jotrack_attachment_page,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::claim(out)?, args::engine(engine)?) };
        // SAFETY: as above.
        let ids = unsafe { args::ids::<JobId>(ids, n, shared.config().limits.ids) }?;
        let filter = AttachmentFilter { kinds: read_kinds(kinds)?, include_trashed: false };
        let core = shared.core()?;
        let files =
            shared.block(async { core.snapshot().await?.attachments(&ids, &filter).await })?;
        out.put(jotrack_attachment_page { rows: files.into_iter().map(Row::new).collect() });
        Ok(())
    })
}

/// Returns the number of attachments. `page` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_page_len(
    page: *const jotrack_attachment_page,
) -> usize {
    // SAFETY: NULL or a live page (R1).
    shield(0, || unsafe { handles::get(page) }.map_or(0, |page| page.rows.len()))
}

/// Fills `out` with attachment `i`; its texts belong to the page. False when there is no such
/// attachment or when `out` has no proper struct_size.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_page_get(
    page: *const jotrack_attachment_page,
    i: usize,
    out: *mut jotrack_attachment,
) -> bool {
    shield(false, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, page) = unsafe { (OutStruct::required(out), handles::get(page)) };
        fill(out, page.and_then(|page| page.rows.get(i)).map(Row::lend))
    })
}

/// Frees a page of attachments. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_page_free(page: *mut jotrack_attachment_page) {
    // SAFETY: NULL or a live page that the caller gives up (R1).
    shield((), || unsafe { args::free(page) });
}

/// Makes an earlier version the one that counts.
///
/// `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_activate(
    engine: *mut jotrack_engine,
    id: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { Call::read(engine, id, write, commit) }?;
        call.run(async |core, id, options| core.activate_attachment(id, options).await)
    })
}

/// Moves a file to the trash.
///
/// `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_trash(
    engine: *mut jotrack_engine,
    id: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { Call::read(engine, id, write, commit) }?;
        call.run(async |core, id, options| core.trash_attachment(id, options).await)
    })
}

/// Takes a file back out of the trash.
///
/// `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_restore(
    engine: *mut jotrack_engine,
    id: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { Call::read(engine, id, write, commit) }?;
        call.run(async |core, id, options| core.restore_attachment(id, options).await)
    })
}

/// Deletes a file for good. Only from the trash.
///
/// `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_purge(
    engine: *mut jotrack_engine,
    id: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { Call::read(engine, id, write, commit) }?;
        call.run(async |core, id, options| core.purge_attachment(id, options).await)
    })
}

/// A mutation of one attachment, its arguments read.
struct Call {
    write: WriteArgs,
    shared: Arc<Shared>,
    id: AttachmentId,
}

impl Call {
    unsafe fn read(
        engine: *mut jotrack_engine,
        id: *const c_char,
        write: *const jotrack_write,
        commit: *mut jotrack_commit,
    ) -> Result<Self, Fault> {
        // SAFETY: the caller keeps R1 to R6.
        let (write, shared, id) = unsafe {
            (WriteArgs::read(write, commit)?, args::engine(engine)?, args::id("id", id)?)
        };
        Ok(Self { write, shared, id })
    }

    fn run<T>(
        self,
        mutation: impl AsyncFnOnce(&Engine, AttachmentId, &WriteOptions) -> CoreResult<Written<T>>,
    ) -> Result<(), Fault> {
        let Self { write, shared, id } = self;
        let written = shared.block(mutation(&*shared.core()?, id, &write.options))?;
        write.commit.one(&written, id_text!(id), 0, 0);
        Ok(())
    }
}

/// Reads a mask of kinds; 0 gives an empty list, which means all of them.
pub(crate) fn read_kinds(mask: u32) -> Result<Vec<AttachmentKind>, Fault> {
    numbered("kinds", mask.into(), AttachmentKind::ALL, AttachmentKind::number)
}

struct Row {
    id: IdText,
    job_id: IdText,
    filename: String,
    media_type: String,
    sha256: String,
    /// The members that own nothing; the texts in it are empty.
    plain: jotrack_attachment,
}

impl Row {
    fn new(attachment: Attachment) -> Self {
        // `..` stands for the core's private digest only: its text form is `sha256`.
        let Attachment {
            id,
            job_id,
            kind,
            version,
            is_active,
            filename,
            media_type,
            size_bytes,
            sha256,
            source: _,
            text_state,
            text_error,
            created_at,
            trashed_at,
            ..
        } = attachment;
        Self {
            id: id_text!(id),
            job_id: id_text!(job_id),
            filename,
            media_type,
            sha256,
            plain: jotrack_attachment {
                kind: kind.number(),
                is_active: is_active.into(),
                text_state: text_state.number(),
                text_error: text_error.map_or(0, |error| error.number()),
                version,
                size: size_bytes,
                created_at_ms: created_at.as_ms(),
                trashed_at_ms: ms(trashed_at),
                ..structs::zeroed()
            },
        }
    }

    fn lend(&self) -> jotrack_attachment {
        jotrack_attachment {
            id: self.id.lend(),
            job_id: self.job_id.lend(),
            filename: jotrack_str::lend(&self.filename),
            media_type: jotrack_str::lend(&self.media_type),
            sha256: jotrack_str::lend(&self.sha256),
            ..self.plain
        }
    }
}
