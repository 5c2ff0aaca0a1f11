//! The frozen numbers of the header. In every signature and struct they are `int32_t`: a host must
//! live with numbers that only a newer library knows.
//!
//! The numbers are the core's; tests here compare all of them.

use jotrack_core::EntityKind;

use crate::error::Fault;

/// What a call answers. 1-19: the caller's input, 20-39: the flow, 40-69: the world outside, 90-99:
/// bugs. A number is never used again. Any number that is not here is a failure too.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_status_code {
    /// Success.
    JOTRACK_OK = 0,
    /// NULL, bad UTF-8, an unknown number, a wrong size or cursor: fix the program.
    JOTRACK_INVALID_ARGUMENT = 1,
    /// Wrong thread or state, or a forked child: fix the program.
    JOTRACK_MISUSE = 2,
    /// No such object, or another user's: the same answer for both.
    JOTRACK_NOT_FOUND = 3,
    /// It exists already.
    JOTRACK_ALREADY_EXISTS = 4,
    /// The data is not in the state that the call needs: read again, then decide. `reason` in the
    /// details says what is in the way: VERSION (the expected version is not the current one),
    /// JOB_IN_TRASH, NOT_IN_TRASH, NO_TEXT (a document without a text), NO_RESUME, VERSION_LOCKED,
    /// VERSION_TRASHED, LAST_HISTORY_ROW, CHANGED_SINCE.
    JOTRACK_CONFLICT = 5,
    /// Fields break rules; `fields` in the details.
    JOTRACK_VALIDATION = 6,
    /// Sign in first.
    JOTRACK_UNAUTHENTICATED = 7,
    /// Not allowed.
    JOTRACK_FORBIDDEN = 8,
    /// Over a byte limit; `limit` in the details.
    JOTRACK_TOO_LARGE = 9,
    /// Not built into this library.
    JOTRACK_UNSUPPORTED = 10,
    /// An allowance is used up; `scope`, `limit`, `remaining` in the details.
    JOTRACK_QUOTA_EXCEEDED = 11,
    /// A coach step is locked; `missing` in the details.
    JOTRACK_STEP_LOCKED = 12,
    /// It has ended already.
    JOTRACK_ALREADY_FINISHED = 13,
    /// The idempotency key was used with other input: fix the program.
    JOTRACK_IDEMPOTENCY_MISMATCH = 14,
    /// The type of the file is not accepted; `detected`, `extension` in the details.
    JOTRACK_UNSUPPORTED_TYPE = 15,
    /// Cancelled by the caller.
    JOTRACK_CANCELLED = 20,
    /// It took too long; try again.
    JOTRACK_TIMEOUT = 21,
    /// Wait as long as jotrack_error_retry_after_ms says.
    JOTRACK_RATE_LIMITED = 22,
    /// A queue is full, or another thread dispatches; back off.
    JOTRACK_BUSY = 23,
    /// Reserved.
    JOTRACK_END = 24,
    /// The engine is closed; drop the handle.
    JOTRACK_CLOSED = 25,
    /// A subscription fell behind and ended; subscribe again from the last revision.
    JOTRACK_LAGGED = 26,
    /// The engine is suspended.
    JOTRACK_SUSPENDED = 27,
    /// A file could not be read or written.
    JOTRACK_IO = 40,
    /// The database failed; try again.
    JOTRACK_STORAGE = 41,
    /// The database file is damaged; offer to restore a backup.
    JOTRACK_CORRUPT = 42,
    /// The network failed; try again later.
    JOTRACK_NETWORK = 43,
    /// The model provider failed.
    JOTRACK_AI_PROVIDER = 44,
    /// The model provider refused.
    JOTRACK_AI_REFUSED = 45,
    /// A sealed value cannot be opened; never overwrite it.
    JOTRACK_CRYPTO = 46,
    /// Written by a newer version; update the program.
    JOTRACK_SCHEMA_TOO_NEW = 47,
    /// No model provider is set up.
    JOTRACK_AI_NOT_CONFIGURED = 48,
    /// The disk is full; reading goes on.
    JOTRACK_STORAGE_FULL = 49,
    /// The key is missing, wrong or worn out.
    JOTRACK_KEY_UNAVAILABLE = 50,
    /// A bug; report it.
    JOTRACK_INTERNAL = 90,
    /// A bug that was caught at the border; the engine goes on. Report it.
    JOTRACK_PANIC = 91,
}

/// Where a job application stands. Any status may follow any other.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_job_status {
    /// Found, not applied yet.
    JOTRACK_JOB_ON_RADAR = 1,
    /// Applied.
    JOTRACK_JOB_APPLIED = 2,
    /// First talk.
    JOTRACK_JOB_PHONE_SCREEN = 3,
    /// Interviews.
    JOTRACK_JOB_ONSITE = 4,
    /// An offer was made.
    JOTRACK_JOB_OFFER = 5,
    /// The offer was accepted.
    JOTRACK_JOB_ACCEPTED = 6,
    /// The employer said no.
    JOTRACK_JOB_REJECTED = 7,
    /// The applicant said no.
    JOTRACK_JOB_WITHDRAWN = 8,
    /// Nobody answered.
    JOTRACK_JOB_GHOSTED = 9,
}

/// How far the coach has come with a job; derived, never set by a host.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_coach_status {
    /// Nothing done.
    JOTRACK_COACH_NOT_STARTED = 1,
    /// The profile is being gathered.
    JOTRACK_COACH_PROFILE_BUILDING = 2,
    /// The résumé is final.
    JOTRACK_COACH_RESUME_READY = 3,
    /// Applied.
    JOTRACK_COACH_APPLIED = 4,
    /// Preparing for interviews.
    JOTRACK_COACH_INTERVIEW_PREP = 5,
}

/// A step of the coach. A mask of steps uses bit 1 << number.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_coach_step {
    /// Questions about the applicant.
    JOTRACK_STEP_DISCOVERY = 1,
    /// Score against the job description.
    JOTRACK_STEP_SCORE = 2,
    /// The résumé.
    JOTRACK_STEP_RESUME = 3,
    /// The cover letter.
    JOTRACK_STEP_COVER_LETTER = 4,
    /// Ready to apply.
    JOTRACK_STEP_READY = 5,
    /// Talk with a recruiter.
    JOTRACK_STEP_RECRUITER = 6,
    /// Talk with the hiring manager.
    JOTRACK_STEP_HIRING_MANAGER = 7,
    /// Talk with future colleagues.
    JOTRACK_STEP_PEER = 8,
}

/// What a file of a job is. A mask of kinds uses bit 1 << number; mask 0 = all.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_attachment_kind {
    /// A résumé.
    JOTRACK_ATTACHMENT_RESUME = 1,
    /// A job description.
    JOTRACK_ATTACHMENT_JD = 2,
    /// A cover letter.
    JOTRACK_ATTACHMENT_COVER_LETTER = 3,
    /// Anything else.
    JOTRACK_ATTACHMENT_OTHER = 4,
}

/// A text form of an attachment.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_variant_name {
    /// As read from the file.
    JOTRACK_VARIANT_RAW = 1,
    /// Put in order by a model.
    JOTRACK_VARIANT_AI_NORMALIZED = 2,
}

/// Whether the text of an attachment can be read.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_text_state {
    /// A type that has no text.
    JOTRACK_TEXT_NONE = 1,
    /// Not read yet.
    JOTRACK_TEXT_PENDING = 2,
    /// Read.
    JOTRACK_TEXT_READY = 3,
    /// Read, but hardly any text in it: an image only, for example.
    JOTRACK_TEXT_EMPTY = 4,
    /// It cannot be read; jotrack_attachment.text_error says why.
    JOTRACK_TEXT_FAILED = 5,
}

/// Why a text could not be read.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_text_error {
    /// The file is broken.
    JOTRACK_TEXT_ERROR_CORRUPT = 1,
    /// The file is encrypted.
    JOTRACK_TEXT_ERROR_ENCRYPTED = 2,
    /// The file asks for too much work or memory.
    JOTRACK_TEXT_ERROR_TOO_COMPLEX = 3,
    /// Reading took too long.
    JOTRACK_TEXT_ERROR_TIMEOUT = 4,
}

/// The band of a match score.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_score_band {
    /// Up to 50.
    JOTRACK_BAND_POOR = 1,
    /// Up to 75.
    JOTRACK_BAND_GOOD = 2,
    /// Above 75.
    JOTRACK_BAND_EXCELLENT = 3,
}

/// How a job list is sorted.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_job_order {
    /// Newest first.
    JOTRACK_ORDER_CREATED = 0,
    /// Last changed first.
    JOTRACK_ORDER_UPDATED = 1,
    /// By company, A to Z.
    JOTRACK_ORDER_COMPANY = 2,
    /// By title, A to Z.
    JOTRACK_ORDER_TITLE = 3,
    /// By status, in the order of its numbers.
    JOTRACK_ORDER_STATUS = 4,
}

/// Which half of the jobs a filter takes.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_selection {
    /// Those that are not.
    JOTRACK_SELECT_NO = 0,
    /// Only those that are.
    JOTRACK_SELECT_ONLY = 1,
    /// Both.
    JOTRACK_SELECT_BOTH = 2,
}

/// What happened to an entity.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_change_op {
    /// It is new.
    JOTRACK_CHANGE_CREATED = 1,
    /// It changed.
    JOTRACK_CHANGE_UPDATED = 2,
    /// It is gone.
    JOTRACK_CHANGE_DELETED = 3,
}

/// What a subscription tells.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_event_kind {
    /// Something changed: ask jotrack_changes_since, or read again what is on the screen.
    JOTRACK_EVENT_CHANGED = 1,
    /// The changes cannot be told one by one: read everything again.
    JOTRACK_EVENT_RESYNC = 2,
    /// The engine is in another state.
    JOTRACK_EVENT_STATE = 3,
}

/// The state of an engine.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_engine_state {
    /// Ready.
    JOTRACK_STATE_OPEN = 1,
    /// Suspended by the host.
    JOTRACK_STATE_SUSPENDED = 2,
    /// Opened for reading only.
    JOTRACK_STATE_READ_ONLY = 3,
    /// Closing: the last event of a subscription.
    JOTRACK_STATE_CLOSING = 4,
}

/// How grave a line of the log is.
///
/// @since 0.1
#[repr(C)]
pub enum jotrack_log_level {
    /// Something failed that should not.
    JOTRACK_LOG_ERROR = 1,
    /// Something failed that may fail, or needs attention.
    JOTRACK_LOG_WARN = 2,
    /// What an operator wants to know.
    JOTRACK_LOG_INFO = 3,
    /// For those who look for a mistake.
    JOTRACK_LOG_DEBUG = 4,
    /// Every step.
    JOTRACK_LOG_TRACE = 5,
}

/// Who runs the callbacks.
///
/// @since 0.1
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum jotrack_dispatch_mode {
    /// A thread of the engine.
    JOTRACK_DISPATCH_THREAD = 0,
    /// The host, in jotrack_dispatch.
    JOTRACK_DISPATCH_HOST = 1,
}

/// Entity bit: jobs.
pub const JOTRACK_ENTITY_JOB: u64 = 0x1;
/// Entity bit: entries of the status history.
pub const JOTRACK_ENTITY_STATUS_CHANGE: u64 = 0x2;
/// Entity bit: attachments.
pub const JOTRACK_ENTITY_ATTACHMENT: u64 = 0x4;
/// Entity bit: texts of attachments.
pub const JOTRACK_ENTITY_ATTACHMENT_VARIANT: u64 = 0x8;
/// Entity bit: coach states; the id of a change is the job's.
pub const JOTRACK_ENTITY_COACH_STATE: u64 = 0x10;
/// Entity bit: analyses.
pub const JOTRACK_ENTITY_ANALYSIS: u64 = 0x20;
/// Entity bit: settings and keys of the user; the id of a change is the user's.
pub const JOTRACK_ENTITY_ACCOUNT: u64 = 0x40;

/// Every bit that this version knows.
const ENTITY_MASK: u64 = JOTRACK_ENTITY_JOB
    | JOTRACK_ENTITY_STATUS_CHANGE
    | JOTRACK_ENTITY_ATTACHMENT
    | JOTRACK_ENTITY_ATTACHMENT_VARIANT
    | JOTRACK_ENTITY_COACH_STATE
    | JOTRACK_ENTITY_ANALYSIS
    | JOTRACK_ENTITY_ACCOUNT;

/// Returns the bit of an entity.
pub(crate) fn entity_bit(entity: EntityKind) -> u64 {
    match entity {
        EntityKind::Job => JOTRACK_ENTITY_JOB,
        EntityKind::StatusChange => JOTRACK_ENTITY_STATUS_CHANGE,
        EntityKind::Attachment => JOTRACK_ENTITY_ATTACHMENT,
        EntityKind::AttachmentVariant => JOTRACK_ENTITY_ATTACHMENT_VARIANT,
        EntityKind::CoachState => JOTRACK_ENTITY_COACH_STATE,
        EntityKind::Analysis => JOTRACK_ENTITY_ANALYSIS,
        EntityKind::Account => JOTRACK_ENTITY_ACCOUNT,
    }
}

/// Reads a mask of entities; 0 gives an empty list, which means all of them.
pub(crate) fn entities(mask: u64) -> Result<Vec<EntityKind>, Fault> {
    if mask & !ENTITY_MASK != 0 {
        return Err(Fault::argument(format!("entities has unknown bits in {mask:#x}")));
    }
    Ok(EntityKind::ALL.iter().copied().filter(|kind| mask & entity_bit(*kind) != 0).collect())
}

/// Reads a mask with bit `1 << number`; `all` are the values, each with its number.
pub(crate) fn numbered<T: Copy>(
    name: &str,
    mask: u64,
    all: &[T],
    number: impl Fn(T) -> i32,
) -> Result<Vec<T>, Fault> {
    let bit = |value: T| 1_u64 << number(value);
    if mask & !all.iter().fold(0, |known, value| known | bit(*value)) != 0 {
        return Err(Fault::argument(format!("{name} has unknown bits in {mask:#x}")));
    }
    Ok(all.iter().copied().filter(|value| mask & bit(*value) != 0).collect())
}

#[cfg(test)]
mod tests {
    use jotrack_core::*;

    use super::*;

    /// Compares the numbers of the core with those of a header enum, in order and in full.
    macro_rules! assert_numbers {
        ($core:ident, [$($number:expr),+ $(,)?]) => {{
            let core: Vec<i32> = $core::ALL.iter().map(|value| value.number()).collect();
            assert_eq!(core, [$($number as i32),+], stringify!($core));
        }};
    }

    #[test]
    fn numbers_are_those_of_the_core() {
        use jotrack_attachment_kind::*;
        use jotrack_change_op::*;
        use jotrack_coach_status::*;
        use jotrack_coach_step::*;
        use jotrack_job_status::*;
        use jotrack_score_band::*;
        use jotrack_text_error::*;
        use jotrack_text_state::*;
        use jotrack_variant_name::*;

        assert_numbers!(
            JobStatus,
            [
                JOTRACK_JOB_ON_RADAR,
                JOTRACK_JOB_APPLIED,
                JOTRACK_JOB_PHONE_SCREEN,
                JOTRACK_JOB_ONSITE,
                JOTRACK_JOB_OFFER,
                JOTRACK_JOB_ACCEPTED,
                JOTRACK_JOB_REJECTED,
                JOTRACK_JOB_WITHDRAWN,
                JOTRACK_JOB_GHOSTED,
            ]
        );
        assert_numbers!(
            CoachStatus,
            [
                JOTRACK_COACH_NOT_STARTED,
                JOTRACK_COACH_PROFILE_BUILDING,
                JOTRACK_COACH_RESUME_READY,
                JOTRACK_COACH_APPLIED,
                JOTRACK_COACH_INTERVIEW_PREP,
            ]
        );
        assert_numbers!(
            CoachStep,
            [
                JOTRACK_STEP_DISCOVERY,
                JOTRACK_STEP_SCORE,
                JOTRACK_STEP_RESUME,
                JOTRACK_STEP_COVER_LETTER,
                JOTRACK_STEP_READY,
                JOTRACK_STEP_RECRUITER,
                JOTRACK_STEP_HIRING_MANAGER,
                JOTRACK_STEP_PEER,
            ]
        );
        assert_numbers!(
            AttachmentKind,
            [
                JOTRACK_ATTACHMENT_RESUME,
                JOTRACK_ATTACHMENT_JD,
                JOTRACK_ATTACHMENT_COVER_LETTER,
                JOTRACK_ATTACHMENT_OTHER,
            ]
        );
        assert_numbers!(VariantName, [JOTRACK_VARIANT_RAW, JOTRACK_VARIANT_AI_NORMALIZED]);
        assert_numbers!(
            TextState,
            [
                JOTRACK_TEXT_NONE,
                JOTRACK_TEXT_PENDING,
                JOTRACK_TEXT_READY,
                JOTRACK_TEXT_EMPTY,
                JOTRACK_TEXT_FAILED,
            ]
        );
        assert_numbers!(
            TextError,
            [
                JOTRACK_TEXT_ERROR_CORRUPT,
                JOTRACK_TEXT_ERROR_ENCRYPTED,
                JOTRACK_TEXT_ERROR_TOO_COMPLEX,
                JOTRACK_TEXT_ERROR_TIMEOUT,
            ]
        );
        assert_numbers!(ScoreBand, [JOTRACK_BAND_POOR, JOTRACK_BAND_GOOD, JOTRACK_BAND_EXCELLENT]);
        assert_numbers!(
            ChangeOp,
            [JOTRACK_CHANGE_CREATED, JOTRACK_CHANGE_UPDATED, JOTRACK_CHANGE_DELETED]
        );
    }

    #[test]
    fn status_numbers_and_names_are_those_of_the_core() {
        let source = include_str!("enums.rs");

        for code in ErrorCode::ALL {
            let line = format!("    JOTRACK_{} = {},", code.name(), code.number());
            assert!(source.lines().any(|have| have == line), "{line}");
        }
    }

    #[test]
    fn entity_bits_follow_the_numbers_and_round_trip() {
        for kind in EntityKind::ALL {
            assert_eq!(entity_bit(*kind), 1 << (kind.number() - 1));
            assert_eq!(entities(entity_bit(*kind)).unwrap(), [*kind]);
        }
        assert!(entities(0).unwrap().is_empty());
        assert!(entities(1 << 63).is_err());
    }

    #[test]
    fn masks_of_numbers_refuse_unknown_bits() {
        let kinds = |mask| numbered("kinds", mask, AttachmentKind::ALL, AttachmentKind::number);

        assert_eq!(kinds(0b110).unwrap(), [AttachmentKind::Resume, AttachmentKind::Jd]);
        assert!(kinds(0).unwrap().is_empty());
        assert!(kinds(1).is_err());
        assert!(kinds(1 << 5).is_err());
    }
}
