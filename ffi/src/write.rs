//! What every mutation takes and tells.

use std::ffi::c_char;

use jotrack_core::{Engine, Error, WriteOptions, Written};

use crate::{
    args,
    error::Fault,
    structs::{self, OutStruct, interface_structs},
    text::IdText,
};

/// Commit flag: everything was as asked for already; nothing was written.
pub const JOTRACK_COMMIT_UNCHANGED: u32 = 0x1;
/// Commit flag: this idempotency key was used before; the first result is told again.
pub const JOTRACK_COMMIT_REPLAYED: u32 = 0x2;
/// Commit flag: the name of the file and its content disagree about the type; the content was
/// believed.
pub const JOTRACK_COMMIT_TYPE_MISMATCH: u32 = 0x4;

/// How a mutation is made safe to repeat and safe against others. Zero the struct and set
/// struct_size. Where a function takes one, NULL means all defaults.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_write {
    /// sizeof(jotrack_write).
    pub struct_size: usize,
    /// 1 to 128 visible ASCII characters, or NULL. For 24 hours the same key with the same input
    /// gives the first result again, and with other input JOTRACK_IDEMPOTENCY_MISMATCH.
    pub idempotency_key: *const c_char,
    /// The version the caller has seen; JOTRACK_CONFLICT when it is not the current one. 0 = any.
    pub expected_version: i64,
}

/// What a mutation did. Set struct_size; the library fills the rest, on failure with zeros. Where a
/// function takes one, NULL means that the caller does not want to know.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_commit {
    /// sizeof(jotrack_commit).
    pub struct_size: usize,
    /// Revision that the mutation made; 0 when nothing was written.
    pub rev: u64,
    /// JOTRACK_COMMIT_ bits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Id of the object, NUL-terminated; empty for a mutation of a list.
    pub id: [c_char; 40],
    /// The version that the mutation gave to its only job, coach state or text, for the next
    /// jotrack_write.expected_version. 0 = not told: nothing was written, what was written has no
    /// versions (files, keys, settings) or was several, or others wrote too at the same time.
    pub version: i64,
}

interface_structs!(jotrack_write);
interface_structs!(jotrack_commit grown by version);

/// The two arguments of a mutation, read.
pub(crate) struct WriteArgs {
    pub(crate) options: WriteOptions,
    pub(crate) commit: CommitOut,
}

/// Where the result of a mutation goes.
pub(crate) struct CommitOut(Option<OutStruct<jotrack_commit>>);

impl WriteArgs {
    /// Reads both; either may be NULL.
    pub(crate) unsafe fn read(
        write: *const jotrack_write,
        commit: *mut jotrack_commit,
    ) -> Result<Self, Fault> {
        // SAFETY: structs of the caller, who keeps R1 to R6.
        let (commit, write) = unsafe { (OutStruct::claim(commit)?, structs::read(write)?) };
        let mut options = WriteOptions::default();
        if let Some(jotrack_write { struct_size: _, idempotency_key, expected_version }) = write {
            // SAFETY: as above.
            let key = unsafe { args::text_opt("idempotency_key", idempotency_key) }?;
            options.idempotency_key = key.map(str::to_owned);
            options.expected_version = (expected_version != 0).then_some(expected_version);
        }
        Ok(Self { options, commit: CommitOut(commit) })
    }
}

impl WriteArgs {
    /// Returns the version that a mutation gave to its object; 0 when nobody asks or it is not
    /// known for sure. `read` reads the present one.
    pub(crate) async fn version<T>(
        &self,
        core: &Engine,
        written: &Written<T>,
        read: impl AsyncFnOnce(&Engine) -> Result<i64, Error>,
    ) -> i64 {
        let Some(revision) = written.revision.filter(|_| self.commit.0.is_some()) else { return 0 };
        if written.replayed {
            return 0;
        }
        // Every write raises a version by one, and this one was made on the expected one.
        if let Some(expected) = self.options.expected_version {
            return expected + 1;
        }
        let version = read(core).await.unwrap_or(0);
        // A version that somebody else made meanwhile would let the caller overwrite it unseen.
        if core.revision().await.is_ok_and(|now| now == revision) { version } else { 0 }
    }
}

impl CommitOut {
    /// Tells the result of a mutation of one object.
    pub(crate) fn one<T>(self, written: &Written<T>, id: IdText, version: i64, flags: u32) {
        let mut text: [c_char; 40] = [0; 40];
        for (to, from) in text.iter_mut().zip(id.as_str().bytes()) {
            *to = c_char::try_from(from).unwrap_or_default();
        }
        self.put(written, text, version, flags);
    }

    /// Tells the result of a mutation of a list.
    pub(crate) fn list<T>(self, written: &Written<T>, version: i64) {
        self.put(written, [0; 40], version, 0);
    }

    fn put<T>(self, written: &Written<T>, id: [c_char; 40], version: i64, flags: u32) {
        let Some(out) = self.0 else { return };
        let unchanged = if written.revision.is_none() { JOTRACK_COMMIT_UNCHANGED } else { 0 };
        let replayed = if written.replayed { JOTRACK_COMMIT_REPLAYED } else { 0 };
        out.put(jotrack_commit {
            struct_size: 0,
            rev: rev(written.revision.unwrap_or(0)),
            flags: flags | unchanged | replayed,
            reserved: 0,
            id,
            version,
        });
    }
}

/// A revision of the core, which is never negative, as the border spells it.
pub(crate) fn rev(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
