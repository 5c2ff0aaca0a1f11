//! The bytes of attachments: written as a stream, read at any offset. Never through GraphQL.

use std::{
    ffi::{c_char, c_void},
    sync::Arc,
};

use jotrack_core::{
    AttachmentContent, AttachmentCreated, AttachmentId, AttachmentKind, AttachmentWarning,
    BlobReader, ErrorCode, JobId, NewAttachment, UploadInput, UploadWriter,
};

use crate::{
    args::{self, OutHandle, OutNumber, OutText},
    engine::{Shared, jotrack_engine},
    error::{Fault, jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    structs::{self, interface_structs},
    text::id_text,
    write::{
        JOTRACK_COMMIT_TYPE_MISMATCH, JOTRACK_COMMIT_UNCHANGED, WriteArgs, jotrack_commit,
        jotrack_write,
    },
};

/// A file that is about to be written. Zero the struct and set struct_size.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_attachment_input {
    /// sizeof(jotrack_attachment_input).
    pub struct_size: usize,
    /// Its job; NULL only when the writer ends with jotrack_attachment_writer_stage.
    pub job_id: *const c_char,
    /// Name of the file, without a path.
    pub filename: *const c_char,
    /// Bytes to come, so that a file that is too large is refused at once; 0 = not known.
    pub size_hint: u64,
    /// jotrack_attachment_kind; 0 only when the writer ends with jotrack_attachment_writer_stage.
    pub kind: i32,
    /// 0.
    pub reserved: u32,
}

interface_structs!(jotrack_attachment_input);

/// A file being written. One thread at a time. Ended by jotrack_attachment_writer_commit,
/// jotrack_attachment_writer_stage or jotrack_attachment_writer_abort.
///
/// @since 0.1
pub struct jotrack_attachment_writer {
    shared: Arc<Shared>,
    upload: UploadWriter,
    target: Option<Target>,
    /// Bytes were lost: what is there is not the file.
    broken: bool,
}

/// Where a committed file goes.
struct Target {
    job_id: JobId,
    kind: AttachmentKind,
    filename: String,
}

/// A file open for reading. One thread at a time. Freed with jotrack_attachment_reader_free.
///
/// @since 0.1
pub struct jotrack_attachment_reader {
    shared: Arc<Shared>,
    blob: BlobReader,
}

/// Takes a writer back. A forked child keeps it: ended there, it would remove the parent's part file.
///
/// # Safety
/// NULL or a live writer that the caller gives up (R1).
unsafe fn take_writer(
    writer: *mut jotrack_attachment_writer,
) -> Result<Box<jotrack_attachment_writer>, Fault> {
    // SAFETY: the same contract.
    unsafe { args::handle("writer", writer) }?.shared.same_process()?;
    // SAFETY: the same contract.
    unsafe { args::take("writer", writer) }
}

impl jotrack_attachment_writer {
    fn whole(&self) -> Result<(), Fault> {
        if self.broken {
            return Err(Fault::misuse("an earlier write failed, so the file is not whole"));
        }
        Ok(())
    }
}

/// Begins a file. Nothing is visible before jotrack_attachment_writer_commit.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_writer_open(
    engine: *mut jotrack_engine,
    input: *const jotrack_attachment_input,
    out: *mut *mut jotrack_attachment_writer,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, input) =
            unsafe { (OutHandle::claim(out)?, args::engine(engine)?, structs::read(input)?) };
        let jotrack_attachment_input {
            struct_size: _,
            job_id,
            filename,
            size_hint,
            kind,
            reserved,
        } = input.ok_or_else(|| args::null("input"))?;
        // SAFETY: as above.
        let filename = unsafe { args::text("filename", filename) }?.to_owned();
        if reserved != 0 {
            return Err(Fault::argument("reserved is not 0"));
        }
        let target = match (job_id.is_null(), kind) {
            (true, 0) => None,
            (_, kind) => Some(Target {
                // SAFETY: as above.
                job_id: unsafe { args::id("job_id", job_id) }?,
                kind: args::number("kind", kind, AttachmentKind::from_number(kind))?,
                filename: filename.clone(),
            }),
        };
        let declared_bytes = (size_hint != 0).then_some(size_hint);
        let upload =
            shared.block(shared.core()?.start_upload(UploadInput { filename, declared_bytes }))?;
        out.put(jotrack_attachment_writer { shared, upload, target, broken: false });
        Ok(())
    })
}

/// Writes the next `len` bytes. Limits are checked as the bytes come. After a failure bytes are
/// missing: jotrack_attachment_writer_commit and jotrack_attachment_writer_stage then answer
/// JOTRACK_MISUSE.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_writer_write(
    writer: *mut jotrack_attachment_writer,
    data: *const c_void,
    len: usize,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let writer = unsafe { args::handle("writer", writer) }?;
        writer.shared.still_open()?;
        writer.whole()?;
        // Whatever goes wrong from here on, these bytes are missing.
        writer.broken = true;
        // SAFETY: as above.
        writer.upload.write(unsafe { args::bytes("data", data, len) }?)?;
        writer.broken = false;
        Ok(())
    })
}

/// Ends the file and attaches it to its job, as the version that counts. Frees the writer, also on
/// failure.
///
/// `write` and `commit` may be NULL; `commit->id` is the attachment. A content that the job has
/// already gives the existing attachment, with JOTRACK_COMMIT_UNCHANGED. The text is read in the
/// background: the attachment is told as updated when it is there.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_writer_commit(
    writer: *mut jotrack_attachment_writer,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // The writer is freed and `commit` emptied whatever is wrong.
        // SAFETY: the caller keeps R1 to R6.
        let (write, writer) = unsafe { (WriteArgs::read(write, commit), take_writer(writer)?) };
        let write = write?;
        writer.whole()?;
        let jotrack_attachment_writer { shared, upload, target, broken: _ } = *writer;
        shared.still_open()?;
        let core = shared.core()?;
        let Target { job_id, kind, filename } = target.ok_or_else(|| {
            Fault::argument("the writer was opened without job and kind: it can only be staged")
        })?;
        let written = shared.block(async {
            let content = AttachmentContent::Upload(upload.finish().await?.id);
            let attachment = NewAttachment { job_id, kind, filename, content };
            core.create_attachment(attachment, &write.options).await
        })?;
        let AttachmentCreated { id, job_id: _, created, warnings } = &written.value;
        let mut flags = if *created { 0 } else { JOTRACK_COMMIT_UNCHANGED };
        for warning in warnings {
            match warning {
                AttachmentWarning::TypeMismatch => flags |= JOTRACK_COMMIT_TYPE_MISMATCH,
            }
        }
        write.commit.one(&written, id_text!(id), 0, flags);
        Ok(())
    })
}

/// Ends the file and keeps it for a mutation over GraphQL, which takes `*upload_id` as uploadId
/// within 24 hours. Frees the writer, also on failure.
///
/// `*upload_id` is freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_writer_stage(
    writer: *mut jotrack_attachment_writer,
    upload_id: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // The writer is freed and `upload_id` emptied whatever is wrong.
        // SAFETY: the caller keeps R1 to R6.
        let (out, writer) = unsafe { (OutText::claim(upload_id), take_writer(writer)?) };
        let out = out?;
        writer.whole()?;
        let jotrack_attachment_writer { shared, upload, target: _, broken: _ } = *writer;
        shared.still_open()?;
        // Held so that the engine is not suspended under it.
        let _core = shared.core()?;
        let staged = shared.block(upload.finish())?;
        let text = out.prepare(staged.id.node_id())?;
        out.put(text);
        Ok(())
    })
}

/// Gives up a file and frees the writer. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_writer_abort(writer: *mut jotrack_attachment_writer) {
    // SAFETY: NULL or a live writer that the caller gives up (R1).
    shield((), || drop(unsafe { take_writer(writer) }));
}

/// Opens a file for reading.
///
/// `derived`: NULL = the file itself; other forms are JOTRACK_UNSUPPORTED in this version.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_reader_open(
    engine: *mut jotrack_engine,
    id: *const c_char,
    derived: *const c_char,
    out: *mut *mut jotrack_attachment_reader,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, id, derived) = unsafe {
            (
                OutHandle::claim(out)?,
                args::engine(engine)?,
                args::id::<AttachmentId>("id", id)?,
                args::text_opt("derived", derived)?,
            )
        };
        if derived.is_some() {
            let message = "derived files are not in this version";
            return Err(Fault::new(ErrorCode::Unsupported, message));
        }
        let blob = shared.block(shared.core()?.open_attachment(id))?;
        out.put(jotrack_attachment_reader { shared, blob });
        Ok(())
    })
}

/// Returns the size of the file in bytes. `reader` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_reader_size(
    reader: *const jotrack_attachment_reader,
) -> u64 {
    // SAFETY: NULL or a live reader (R1).
    shield(0, || unsafe { handles::get(reader) }.map_or(0, |reader| reader.blob.size()))
}

/// Reads at most `cap` bytes from `offset` on into `buf`. `*n` is how many were read: 0 at the end
/// of the file and beyond it.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_reader_read(
    reader: *mut jotrack_attachment_reader,
    offset: u64,
    buf: *mut c_void,
    cap: usize,
    n: *mut usize,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (n, reader, buf) = unsafe {
            (OutNumber::claim("n", n)?, args::handle("reader", reader)?, args::buffer(buf, cap)?)
        };
        reader.shared.still_open()?;
        // Systems refuse to seek beyond what a signed number holds; every place there is the end.
        let offset = offset.min(reader.blob.size());
        n.put(reader.blob.read_at(offset, buf)?);
        Ok(())
    })
}

/// Frees a reader. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_attachment_reader_free(reader: *mut jotrack_attachment_reader) {
    // SAFETY: NULL or a live reader that the caller gives up (R1).
    shield((), || unsafe { args::free(reader) });
}
