//! Jobs, read: pages of rows that a list on a screen draws from.

use std::ffi::c_char;

use jotrack_core::{
    AttachmentKind, CoachStatus, Job, JobFilter, JobId, JobOrder, JobOrderField, JobQuery,
    JobStatus, OrderDirection, PageRequest, TimeRange, Timestamp,
};

use crate::{
    args::{self, OutHandle},
    engine::jotrack_engine,
    enums::{jotrack_job_order, jotrack_selection, numbered},
    error::{Fault, jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    jobs::time,
    structs::{self, OutStruct, interface_structs},
    text::{IdText, id_text, jotrack_str},
    write::rev,
};

/// Page flag: there is more after the last row.
pub const JOTRACK_PAGE_MORE: u32 = 0x1;
/// Page flag: the changes cannot be told one by one; read everything again.
pub const JOTRACK_PAGE_RESET: u32 = 0x2;

/// Rows of a page when the host does not say.
const LIMIT_DEFAULT: u32 = 50;

/// Which jobs to list, and in which order. Zero the struct and set struct_size: that alone selects
/// all live jobs, newest first.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_job_filter {
    /// sizeof(jotrack_job_filter).
    pub struct_size: usize,
    /// Bits 1 << jotrack_job_status; 0 = all.
    pub statuses: u64,
    /// Bits 1 << jotrack_coach_status; 0 = all.
    pub coach_statuses: u64,
    /// Words to find in the job and its documents; NULL = no search.
    pub text: *const c_char,
    /// Name of a company; NULL = all.
    pub company: *const c_char,
    /// Created at or after, Unix ms; 0 = open.
    pub created_from_ms: i64,
    /// Created before, Unix ms; 0 = open.
    pub created_to_ms: i64,
    /// jotrack_attachment_kind of a file that the job must have; 0 = any.
    pub has_attachment: i32,
    /// Archived jobs: jotrack_selection.
    pub archived: i32,
    /// Jobs in the trash: jotrack_selection.
    pub trashed: i32,
    /// jotrack_job_order.
    pub order: i32,
}

/// A row of a job list. Set struct_size before jotrack_job_page_get. Texts belong to the page.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_job {
    /// sizeof(jotrack_job).
    pub struct_size: usize,
    /// Id.
    pub id: jotrack_str,
    /// Company.
    pub company: jotrack_str,
    /// Position.
    pub title: jotrack_str,
    /// Where the work is, or no value.
    pub location: jotrack_str,
    /// Address of the posting, or no value.
    pub posting_url: jotrack_str,
    /// Where the posting was found, or no value.
    pub source: jotrack_str,
    /// Notes; no value in a list: jotrack_job_get has them.
    pub notes: jotrack_str,
    /// The active résumé, or no value.
    pub resume_attachment_id: jotrack_str,
    /// The active job description, or no value.
    pub jd_attachment_id: jotrack_str,
    /// jotrack_job_status.
    pub status: i32,
    /// jotrack_coach_status.
    pub coach_status: i32,
    /// 0 to 100.
    pub coach_progress: i32,
    /// Files outside the trash.
    pub attachment_count: i32,
    /// Their kinds: bits 1 << jotrack_attachment_kind.
    pub attachment_kinds: u32,
    /// 0.
    pub reserved: u32,
    /// Match of the active résumé and job description, 0 to 100; -1 = none.
    pub match_score: f64,
    /// For jotrack_write.expected_version.
    pub version: i64,
    /// Unix ms.
    pub created_at_ms: i64,
    /// Unix ms.
    pub updated_at_ms: i64,
    /// Unix ms.
    pub status_since_ms: i64,
    /// Unix ms; 0 = not applied.
    pub applied_at_ms: i64,
    /// Unix ms; 0 = not archived.
    pub archived_at_ms: i64,
    /// Unix ms; 0 = not in the trash.
    pub trashed_at_ms: i64,
    /// When the trash is emptied of it, Unix ms; 0 = not in the trash.
    pub purge_at_ms: i64,
}

/// What is known of a page as a whole. Set struct_size; texts belong to the page.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_page_info {
    /// sizeof(jotrack_page_info).
    pub struct_size: usize,
    /// Revision that the page shows at least: go on from here with jotrack_changes_since.
    pub rev: u64,
    /// How many rows there are in all; -1 = not counted.
    pub total: i64,
    /// Cursor for the next page; no value on the last one.
    pub next: jotrack_str,
    /// JOTRACK_PAGE_ bits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

interface_structs!(jotrack_job_filter, jotrack_job, jotrack_page_info);

/// A page of jobs. It owns its rows: one thread at a time, valid after the engine is closed. Freed
/// with jotrack_job_page_free.
///
/// @since 0.1
pub struct jotrack_job_page {
    rows: Vec<Row>,
    info: PageInfo,
}

/// What every page can say about itself.
pub(crate) struct PageInfo {
    pub(crate) rev: u64,
    pub(crate) total: Option<u64>,
    pub(crate) next: Option<String>,
    pub(crate) flags: u32,
}

impl PageInfo {
    pub(crate) fn lend(&self) -> jotrack_page_info {
        jotrack_page_info {
            struct_size: 0,
            rev: self.rev,
            total: self.total.map_or(-1, |total| i64::try_from(total).unwrap_or(i64::MAX)),
            next: jotrack_str::lend_opt(self.next.as_deref()),
            flags: self.flags,
            reserved: 0,
        }
    }
}

/// Reads one job with its notes, as a page of one.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_get(
    engine: *mut jotrack_engine,
    id: *const c_char,
    out: *mut *mut jotrack_job_page,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, id) = unsafe {
            (OutHandle::claim(out)?, args::engine(engine)?, args::id::<JobId>("id", id)?)
        };
        let core = shared.core()?;
        let (rev, (job, notes)) = shared
            .block(async { Ok::<_, Fault>((revision(&core).await?, core.get_job(id).await?)) })?;
        let rows = vec![Row::new(job, Some(notes))];
        out.put(jotrack_job_page {
            rows,
            info: PageInfo { rev, total: Some(1), next: None, flags: 0 },
        });
        Ok(())
    })
}

/// Reads a page of jobs.
///
/// `filter`: NULL = all live jobs, newest first. `after`: NULL = from the beginning, else the cursor
/// of the page before; it is bound to filter and order. `limit`: 0 = 50, at most 200.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_list(
    engine: *mut jotrack_engine,
    filter: *const jotrack_job_filter,
    after: *const c_char,
    limit: u32,
    out: *mut *mut jotrack_job_page,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, mut query, after) = unsafe {
            (
                OutHandle::claim(out)?,
                args::engine(engine)?,
                read_filter(filter)?,
                args::text_opt("after", after)?,
            )
        };
        query.page.first = Some(if limit == 0 { LIMIT_DEFAULT } else { limit });
        query.page.after = after.map(str::to_owned);
        let core = shared.core()?;
        let (rev, page) = shared.block(async {
            let rev = revision(&core).await?;
            Ok::<_, Fault>((rev, core.list_jobs(&query).await.map_err(Fault::of_page)?))
        })?;
        let next = page.end_cursor().filter(|_| page.has_next);
        let flags = if page.has_next { JOTRACK_PAGE_MORE } else { 0 };
        out.put(jotrack_job_page {
            rows: page.items.into_iter().map(|job| Row::new(job, None)).collect(),
            info: PageInfo { rev, total: None, next, flags },
        });
        Ok(())
    })
}

/// Returns the number of rows. `page` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_page_len(page: *const jotrack_job_page) -> usize {
    // SAFETY: NULL or a live page (R1).
    shield(0, || unsafe { handles::get(page) }.map_or(0, |page| page.rows.len()))
}

/// Fills `out` with row `i`; its texts belong to the page. False when there is no such row or when
/// `out` has no proper struct_size.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_page_get(
    page: *const jotrack_job_page,
    i: usize,
    out: *mut jotrack_job,
) -> bool {
    shield(false, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, page) = unsafe { (OutStruct::required(out), handles::get(page)) };
        fill(out, page.and_then(|page| page.rows.get(i)).map(Row::lend))
    })
}

/// Fills `out` with what is known of the page as a whole. False when `page` is NULL or `out` has no
/// proper struct_size.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_page_info(
    page: *const jotrack_job_page,
    out: *mut jotrack_page_info,
) -> bool {
    shield(false, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, page) = unsafe { (OutStruct::required(out), handles::get(page)) };
        fill(out, page.map(|page| page.info.lend()))
    })
}

/// Frees a page and its rows. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_job_page_free(page: *mut jotrack_job_page) {
    // SAFETY: NULL or a live page that the caller gives up (R1).
    shield((), || unsafe { args::free(page) });
}

/// Fills a row that may not be there.
pub(crate) fn fill<T: structs::Struct>(out: Result<OutStruct<T>, Fault>, row: Option<T>) -> bool {
    match (out, row) {
        (Ok(out), Some(row)) => {
            out.put(row);
            true
        }
        _ => false,
    }
}

/// Reads the revision. It is asked for before the rows are: a host that goes on from it may see a
/// change twice, never miss one.
async fn revision(core: &jotrack_core::Engine) -> Result<u64, Fault> {
    Ok(rev(core.revision().await?))
}

struct Row {
    id: IdText,
    resume: Option<IdText>,
    jd: Option<IdText>,
    company: String,
    title: String,
    location: Option<String>,
    posting_url: Option<String>,
    source: Option<String>,
    notes: Option<String>,
    /// The members that own nothing; the texts in it are empty.
    plain: jotrack_job,
}

impl Row {
    fn new(job: Job, notes: Option<String>) -> Self {
        // Without `..`: a new field of the core stops the build until it is decided here.
        let Job {
            id,
            company_id: _,
            company,
            company_key: _,
            title,
            posting_url,
            location,
            source,
            status,
            status_since,
            created_at,
            updated_at,
            applied_at,
            applied_resume_id: _,
            archived_at,
            trashed_at,
            purge_at,
            version,
            coach_status,
            coach_progress,
            match_score,
            attachment_count,
            attachment_kinds,
            resume_attachment_id,
            jd_attachment_id,
        } = job;
        Self {
            id: id_text!(id),
            resume: resume_attachment_id.map(|id| id_text!(id)),
            jd: jd_attachment_id.map(|id| id_text!(id)),
            company,
            title,
            location,
            posting_url,
            source,
            notes,
            plain: jotrack_job {
                status: status.number(),
                coach_status: coach_status.number(),
                coach_progress: i32::from(coach_progress),
                attachment_count: i32::try_from(attachment_count).unwrap_or(i32::MAX),
                // Bit 0 belongs to no kind; the core keeps something else there.
                attachment_kinds: attachment_kinds & !1,
                match_score: match_score.unwrap_or(-1.0),
                version,
                created_at_ms: created_at.as_ms(),
                updated_at_ms: updated_at.as_ms(),
                status_since_ms: status_since.as_ms(),
                applied_at_ms: ms(applied_at),
                archived_at_ms: ms(archived_at),
                trashed_at_ms: ms(trashed_at),
                purge_at_ms: ms(purge_at),
                ..structs::zeroed()
            },
        }
    }

    fn lend(&self) -> jotrack_job {
        jotrack_job {
            id: self.id.lend(),
            company: jotrack_str::lend(&self.company),
            title: jotrack_str::lend(&self.title),
            location: jotrack_str::lend_opt(self.location.as_deref()),
            posting_url: jotrack_str::lend_opt(self.posting_url.as_deref()),
            source: jotrack_str::lend_opt(self.source.as_deref()),
            notes: jotrack_str::lend_opt(self.notes.as_deref()),
            resume_attachment_id: self.resume.as_ref().map_or(jotrack_str::NONE, IdText::lend),
            jd_attachment_id: self.jd.as_ref().map_or(jotrack_str::NONE, IdText::lend),
            ..self.plain
        }
    }
}

/// Writes a time of the border, where 0 is none.
pub(crate) fn ms(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_ms)
}

unsafe fn read_filter(filter: *const jotrack_job_filter) -> Result<JobQuery, Fault> {
    // SAFETY: a struct of the caller, who keeps R1 to R6.
    let filter = unsafe { structs::read(filter) }?.unwrap_or_else(structs::zeroed);
    let jotrack_job_filter {
        struct_size: _,
        statuses,
        coach_statuses,
        text,
        company,
        created_from_ms,
        created_to_ms,
        has_attachment,
        archived,
        trashed,
        order,
    } = filter;
    // SAFETY: as above.
    let (text, company) =
        unsafe { (args::text_opt("text", text)?, args::text_opt("company", company)?) };
    let filter = JobFilter {
        status: numbered("statuses", statuses, JobStatus::ALL, JobStatus::number)?,
        coach_status: numbered(
            "coach_statuses",
            coach_statuses,
            CoachStatus::ALL,
            CoachStatus::number,
        )?,
        company: company.map(str::to_owned),
        created_at: TimeRange { from: time(created_from_ms), to: time(created_to_ms) },
        has_attachment: match has_attachment {
            0 => None,
            kind => Some(args::number("has_attachment", kind, AttachmentKind::from_number(kind))?),
        },
        search: text.map(str::to_owned),
        archived: selection("archived", archived)?,
        trashed: selection("trashed", trashed)?,
        ..JobFilter::default()
    };
    Ok(JobQuery { filter, order: read_order(order)?, page: PageRequest::default() })
}

fn selection(name: &str, number: i32) -> Result<Option<bool>, Fault> {
    const NO: i32 = jotrack_selection::JOTRACK_SELECT_NO as i32;
    const ONLY: i32 = jotrack_selection::JOTRACK_SELECT_ONLY as i32;
    const BOTH: i32 = jotrack_selection::JOTRACK_SELECT_BOTH as i32;
    match number {
        NO => Ok(Some(false)),
        ONLY => Ok(Some(true)),
        BOTH => Ok(None),
        other => Err(Fault::argument(format!("{name} has no value {other}"))),
    }
}

fn read_order(number: i32) -> Result<JobOrder, Fault> {
    use jotrack_job_order::*;
    const CREATED: i32 = JOTRACK_ORDER_CREATED as i32;
    const UPDATED: i32 = JOTRACK_ORDER_UPDATED as i32;
    const COMPANY: i32 = JOTRACK_ORDER_COMPANY as i32;
    const TITLE: i32 = JOTRACK_ORDER_TITLE as i32;
    const STATUS: i32 = JOTRACK_ORDER_STATUS as i32;
    let (field, direction) = match number {
        CREATED => (JobOrderField::CreatedAt, OrderDirection::Desc),
        UPDATED => (JobOrderField::UpdatedAt, OrderDirection::Desc),
        COMPANY => (JobOrderField::Company, OrderDirection::Asc),
        TITLE => (JobOrderField::Title, OrderDirection::Asc),
        STATUS => (JobOrderField::Status, OrderDirection::Asc),
        other => return Err(Fault::argument(format!("order has no value {other}"))),
    };
    Ok(JobOrder { field, direction })
}
