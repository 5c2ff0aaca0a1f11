//! Jobs, written.

use std::{ffi::c_char, sync::Arc};

use jotrack_core::{
    Engine, JobId, JobPatch, JobStatus, NewJob, Patch, Result as CoreResult, StatusChangeInput,
    Timestamp, WriteOptions, Written,
};

use crate::{
    args,
    engine::{Shared, jotrack_engine},
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    structs::{self, interface_structs},
    text::id_text,
    write::{WriteArgs, jotrack_commit, jotrack_write},
};

/// Bit of jotrack_job_input.fields: company.
pub const JOTRACK_JOB_FIELD_COMPANY: u64 = 0x1;
/// Bit of jotrack_job_input.fields: title.
pub const JOTRACK_JOB_FIELD_TITLE: u64 = 0x2;
/// Bit of jotrack_job_input.fields: location.
pub const JOTRACK_JOB_FIELD_LOCATION: u64 = 0x4;
/// Bit of jotrack_job_input.fields: posting_url.
pub const JOTRACK_JOB_FIELD_POSTING_URL: u64 = 0x8;
/// Bit of jotrack_job_input.fields: notes.
pub const JOTRACK_JOB_FIELD_NOTES: u64 = 0x10;
/// Bit of jotrack_job_input.fields: status and status_at_ms.
pub const JOTRACK_JOB_FIELD_STATUS: u64 = 0x20;
/// Bit of jotrack_job_input.fields: source.
pub const JOTRACK_JOB_FIELD_SOURCE: u64 = 0x40;

const FIELDS: u64 = JOTRACK_JOB_FIELD_COMPANY
    | JOTRACK_JOB_FIELD_TITLE
    | JOTRACK_JOB_FIELD_LOCATION
    | JOTRACK_JOB_FIELD_POSTING_URL
    | JOTRACK_JOB_FIELD_NOTES
    | JOTRACK_JOB_FIELD_STATUS
    | JOTRACK_JOB_FIELD_SOURCE;

/// The fields of a job to create or change. Zero the struct and set struct_size.
///
/// A member counts only if its bit in `fields` is set. Bit clear: a change keeps the field, a new
/// job gets the default. Bit set and NULL: the field is cleared, where it may be empty.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_job_input {
    /// sizeof(jotrack_job_input).
    pub struct_size: usize,
    /// JOTRACK_JOB_FIELD_ bits; an unknown bit is JOTRACK_INVALID_ARGUMENT.
    pub fields: u64,
    /// 1 to 200 characters. A new job needs it.
    pub company: *const c_char,
    /// 1 to 200 characters. A new job needs it.
    pub title: *const c_char,
    /// At most 200 characters.
    pub location: *const c_char,
    /// An absolute http or https address; "url" in the details of an error.
    pub posting_url: *const c_char,
    /// Where the posting was found.
    pub source: *const c_char,
    /// At most 100000 characters; not NUL-terminated.
    pub notes: *const c_char,
    /// Bytes at `notes`.
    pub notes_len: usize,
    /// Since when the job has its status: Unix ms; 0 = now. It may lie in the past.
    pub status_at_ms: i64,
    /// jotrack_job_status; JOTRACK_JOB_ON_RADAR for a new job when not set.
    pub status: i32,
    /// 0.
    pub reserved: u32,
}

interface_structs!(jotrack_job_input);

/// Creates a job.
///
/// `input` needs company and title. `write` and `commit` may be NULL; `commit->id` is the new job.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_create(
    engine: *mut jotrack_engine,
    input: *const jotrack_job_input,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (write, shared, input) = unsafe {
            (WriteArgs::read(write, commit)?, args::engine(engine)?, Fields::read(input)?)
        };
        let written = shared.block(shared.core()?.create_job(input.into_new(), &write.options))?;
        write.commit.one(
            &written,
            id_text!(written.value),
            job_version(&written, &[written.value]),
            0,
        );
        Ok(())
    })
}

/// Changes fields of a job. An input that changes nothing writes nothing and keeps the version.
///
/// `write` and `commit` may be NULL. JOTRACK_CONFLICT when `write->expected_version` is given and is
/// not the current version.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_update(
    engine: *mut jotrack_engine,
    id: *const c_char,
    input: *const jotrack_job_input,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (write, shared, id, input) = unsafe {
            (
                WriteArgs::read(write, commit)?,
                args::engine(engine)?,
                args::id::<JobId>("id", id)?,
                Fields::read(input)?,
            )
        };
        let written = shared.block(shared.core()?.update_job(id, input.0, &write.options))?;
        write.commit.one(
            &written,
            id_text!(written.value),
            job_version(&written, &[written.value]),
            0,
        );
        Ok(())
    })
}

/// Moves jobs to a status: all of them or none.
///
/// `ids`: `n` ids, 1 to 100. `at_ms`: since when, Unix ms, 0 = now. `note` (may be NULL): kept in
/// the status history. `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_update_status(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    status: i32,
    at_ms: i64,
    note: *const c_char,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (call, note) = unsafe {
            (ListCall::read(engine, ids, n, write, commit)?, args::text_opt("note", note)?)
        };
        let change = StatusChangeInput {
            status: args::number("status", status, JobStatus::from_number(status))?,
            at: time(at_ms),
            note: note.map(str::to_owned),
        };
        call.run(async |core, ids, options| core.set_jobs_status(ids, change, options).await)
    })
}

/// Archives jobs, or takes them back: all of them or none. Archived jobs are left out of lists.
///
/// `ids`: `n` ids, 1 to 100. `archived`: 1 or 0. `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_archive(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    archived: i32,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { ListCall::read(engine, ids, n, write, commit) }?;
        match archived {
            0 => call.run(async |core, ids, options| core.unarchive_jobs(ids, options).await),
            1 => call.run(async |core, ids, options| core.archive_jobs(ids, options).await),
            other => Err(Fault::argument(format!("archived has no value {other}"))),
        }
    })
}

/// Moves jobs to the trash, from where they are purged after some days: all of them or none.
///
/// `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_trash(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { ListCall::read(engine, ids, n, write, commit) }?;
        call.run(async |core, ids, options| core.trash_jobs(ids, options).await)
    })
}

/// Takes jobs back out of the trash: all of them or none.
///
/// `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_restore(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { ListCall::read(engine, ids, n, write, commit) }?;
        call.run(async |core, ids, options| core.restore_jobs(ids, options).await)
    })
}

/// Deletes jobs for good, with their files: all of them or none. Only from the trash.
///
/// `ids`: `n` ids, 1 to 100. `write` and `commit` may be NULL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_purge(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let call = unsafe { ListCall::read(engine, ids, n, write, commit) }?;
        call.run(async |core, ids, options| core.purge_jobs(ids, options).await)
    })
}

/// A mutation of a list of jobs, its arguments read.
struct ListCall {
    write: WriteArgs,
    shared: Arc<Shared>,
    ids: Vec<JobId>,
}

impl ListCall {
    unsafe fn read(
        engine: *mut jotrack_engine,
        ids: *const *const c_char,
        n: usize,
        write: *const jotrack_write,
        commit: *mut jotrack_commit,
    ) -> Result<Self, Fault> {
        // SAFETY: the caller keeps R1 to R6.
        let (write, shared) = unsafe { (WriteArgs::read(write, commit)?, args::engine(engine)?) };
        // SAFETY: as above.
        let ids = unsafe { args::ids(ids, n, shared.config().limits.ids) }?;
        Ok(Self { write, shared, ids })
    }

    fn run(
        self,
        mutation: impl AsyncFnOnce(&Engine, &[JobId], &WriteOptions) -> CoreResult<Written<Vec<JobId>>>,
    ) -> Result<(), Fault> {
        let Self { write, shared, ids } = self;
        let written = shared.block(mutation(&*shared.core()?, &ids, &write.options))?;
        write.commit.list(&written, job_version(&written, &ids));
        Ok(())
    }
}

/// The version that a write gave to the only job it was about; 0 for several.
fn job_version<T>(written: &Written<T>, ids: &[JobId]) -> i64 {
    let [only] = ids else { return 0 };
    written.jobs.iter().find(|job| job.id == *only).map_or(0, |job| job.version)
}

/// The members of an input that count.
struct Fields(JobPatch);

impl Fields {
    unsafe fn read(input: *const jotrack_job_input) -> Result<Self, Fault> {
        // SAFETY: a struct of the caller, who keeps R1 to R6.
        let input = unsafe { structs::read(input) }?.ok_or_else(|| args::null("input"))?;
        let jotrack_job_input {
            struct_size: _,
            fields,
            company,
            title,
            location,
            posting_url,
            source,
            notes,
            notes_len,
            status_at_ms,
            status,
            reserved,
        } = input;
        if fields & !FIELDS != 0 || reserved != 0 {
            return Err(Fault::argument(format!("fields has unknown bits in {fields:#x}")));
        }
        let text = |bit, name, text| {
            if fields & bit == 0 {
                return Ok(Patch::Keep);
            }
            // SAFETY: a text of the caller, who keeps R1 to R6.
            let text = unsafe { args::text_opt(name, text) }?;
            Ok::<_, Fault>(text.map_or(Patch::Clear, |text| Patch::Set(text.to_owned())))
        };
        let mut patch = JobPatch {
            company: text(JOTRACK_JOB_FIELD_COMPANY, "company", company)?,
            title: text(JOTRACK_JOB_FIELD_TITLE, "title", title)?,
            location: text(JOTRACK_JOB_FIELD_LOCATION, "location", location)?,
            posting_url: text(JOTRACK_JOB_FIELD_POSTING_URL, "posting_url", posting_url)?,
            source: text(JOTRACK_JOB_FIELD_SOURCE, "source", source)?,
            ..JobPatch::default()
        };
        if fields & JOTRACK_JOB_FIELD_NOTES != 0 {
            // SAFETY: as above; NULL clears.
            let text = unsafe { args::body("notes", notes, notes_len) }?;
            patch.notes = if notes.is_null() { Patch::Clear } else { Patch::Set(text.to_owned()) };
        }
        if fields & JOTRACK_JOB_FIELD_STATUS != 0 {
            let status = args::number("status", status, JobStatus::from_number(status))?;
            patch.status = Patch::Set(status);
            patch.status_at = Patch::set_if(time(status_at_ms));
        }
        Ok(Self(patch))
    }

    /// Turns the fields into a new job: what is missing is empty, which the core judges.
    fn into_new(self) -> NewJob {
        let JobPatch { company, title, posting_url, location, source, notes, status, status_at } =
            self.0;
        NewJob {
            posting_url: posting_url.apply(None),
            location: location.apply(None),
            source: source.apply(None),
            notes: notes.apply(None),
            status: status.apply(None).unwrap_or(JobStatus::OnRadar),
            status_at: status_at.apply(None),
            ..NewJob::new(
                company.apply(None).unwrap_or_default(),
                title.apply(None).unwrap_or_default(),
            )
        }
    }
}

/// Reads a time of the border, where 0 is none.
pub(crate) fn time(ms: i64) -> Option<Timestamp> {
    (ms != 0).then(|| Timestamp::from_ms(ms))
}
