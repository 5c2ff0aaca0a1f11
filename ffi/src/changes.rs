//! What changed since a revision: the truth behind an event.

use jotrack_core::{Change, ChangeBatch};

use crate::{
    args::{self, OutHandle, OutNumber},
    engine::jotrack_engine,
    enums::{entities, entity_bit},
    error::{Fault, jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    job_rows::{JOTRACK_PAGE_MORE, JOTRACK_PAGE_RESET, PageInfo, fill, jotrack_page_info},
    structs::{self, OutStruct, interface_structs},
    text::{IdText, jotrack_str},
    write::rev,
};

/// Changes of a page when the host does not say.
const LIMIT_DEFAULT: u32 = 100;

/// One change. Set struct_size; texts belong to the page.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_change {
    /// sizeof(jotrack_change).
    pub struct_size: usize,
    /// Revision of the commit that made it.
    pub rev: u64,
    /// One JOTRACK_ENTITY_ bit.
    pub entity: u64,
    /// jotrack_change_op.
    pub op: i32,
    /// 0.
    pub reserved: u32,
    /// Id of the object; of its job for JOTRACK_ENTITY_COACH_STATE.
    pub id: jotrack_str,
}

interface_structs!(jotrack_change);

/// A page of changes. It owns its rows: one thread at a time, valid after the engine is closed.
/// Freed with jotrack_change_page_free.
///
/// @since 0.1
pub struct jotrack_change_page {
    rows: Vec<Row>,
    info: PageInfo,
}

struct Row {
    rev: u64,
    entity: u64,
    op: i32,
    id: IdText,
}

/// Reads the revision: it rises with every commit of this user's data, those of other processes
/// included.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_revision(
    engine: *mut jotrack_engine,
    out: *mut u64,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutNumber::claim("out", out)?, args::engine(engine)?) };
        out.put(rev(shared.block(shared.core()?.revision())?));
        Ok(())
    })
}

/// Reads what changed after revision `rev`, oldest first.
///
/// `entities`: JOTRACK_ENTITY_ bits, 0 = all. `limit`: 0 = 100, at most 500. Go on from the page's
/// `rev` while JOTRACK_PAGE_MORE is set. JOTRACK_PAGE_RESET: the log does not reach back that far,
/// or this is another database: read everything again, then go on from the page's `rev`.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_changes_since(
    engine: *mut jotrack_engine,
    rev: u64,
    entities: u64,
    limit: u32,
    out: *mut *mut jotrack_change_page,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::claim(out)?, args::engine(engine)?) };
        let kinds = self::entities(entities)?;
        // No revision is as large as what does not fit; the core answers such a one with a reset.
        let since = i64::try_from(rev).unwrap_or(i64::MAX);
        let first = if limit == 0 { LIMIT_DEFAULT } else { limit };
        let batch = shared
            .block(shared.core()?.changes_since(since, first, &kinds))
            .map_err(Fault::of_page)?;
        out.put(page(batch));
        Ok(())
    })
}

/// Returns the number of changes. `page` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_change_page_len(page: *const jotrack_change_page) -> usize {
    // SAFETY: NULL or a live page (R1).
    shield(0, || unsafe { handles::get(page) }.map_or(0, |page| page.rows.len()))
}

/// Fills `out` with change `i`; its text belongs to the page. False when there is no such change or
/// when `out` has no proper struct_size.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_change_page_get(
    page: *const jotrack_change_page,
    i: usize,
    out: *mut jotrack_change,
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
pub unsafe extern "C" fn jotrack_change_page_info(
    page: *const jotrack_change_page,
    out: *mut jotrack_page_info,
) -> bool {
    shield(false, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, page) = unsafe { (OutStruct::required(out), handles::get(page)) };
        fill(out, page.map(|page| page.info.lend()))
    })
}

/// Frees a page of changes. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_change_page_free(page: *mut jotrack_change_page) {
    // SAFETY: NULL or a live page that the caller gives up (R1).
    shield((), || unsafe { args::free(page) });
}

impl Row {
    fn new(change: Change) -> Self {
        let Change { revision, entity, id, op } = change;
        let mut text = [0; IdText::LEN];
        id.as_hyphenated().encode_lower(&mut text);
        Self {
            rev: rev(revision),
            entity: entity_bit(entity),
            op: op.number(),
            id: IdText::from_ascii(text),
        }
    }

    fn lend(&self) -> jotrack_change {
        let Self { rev, entity, op, id } = self;
        jotrack_change { rev: *rev, entity: *entity, op: *op, id: id.lend(), ..structs::zeroed() }
    }
}

fn page(batch: ChangeBatch) -> jotrack_change_page {
    let ChangeBatch { changes, revision, has_more, resync } = batch;
    let more = if has_more { JOTRACK_PAGE_MORE } else { 0 };
    let reset = if resync { JOTRACK_PAGE_RESET } else { 0 };
    jotrack_change_page {
        rows: changes.into_iter().map(Row::new).collect(),
        info: PageInfo { rev: rev(revision), total: None, next: None, flags: more | reset },
    }
}
