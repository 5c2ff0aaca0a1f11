//! The texts of attachments.

use std::ffi::c_char;

use jotrack_core::{AttachmentId, Document, Error, JobId, Variant, VariantName};

use crate::{
    args::{self, OutHandle},
    attachments::read_kinds,
    engine::jotrack_engine,
    error::{jotrack_error, jotrack_status},
    guard::{guard, shield},
    handles,
    job_rows::fill,
    structs::{self, OutStruct, interface_structs},
    text::{IdText, id_text, jotrack_str},
    write::{WriteArgs, jotrack_commit, jotrack_write},
};

/// Variant flag: the text is longer than the limit and was cut.
pub const JOTRACK_VARIANT_TRUNCATED: u32 = 0x1;

/// A text of an attachment. Set struct_size before jotrack_variant_page_get. Texts belong to the
/// page.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_variant {
    /// sizeof(jotrack_variant).
    pub struct_size: usize,
    /// The file it is the text of.
    pub attachment_id: jotrack_str,
    /// The job of that file.
    pub job_id: jotrack_str,
    /// The text.
    pub text: jotrack_str,
    /// jotrack_attachment_kind of the file.
    pub kind: i32,
    /// jotrack_variant_name.
    pub variant: i32,
    /// About how many tokens a model would count.
    pub token_estimate: i32,
    /// Words.
    pub word_count: i32,
    /// JOTRACK_VARIANT_ bits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Unix ms.
    pub created_at_ms: i64,
    /// For jotrack_write.expected_version.
    pub version: i64,
}

interface_structs!(jotrack_variant);

/// A page of texts. It owns its rows: one thread at a time, valid after the engine is closed. Freed
/// with jotrack_variant_page_free.
///
/// @since 0.1
pub struct jotrack_variant_page {
    rows: Vec<Row>,
}

/// Reads one form of the text of the active files of many jobs, in one statement.
///
/// `ids`: `n` job ids, at most 200. `kinds`: bits 1 << jotrack_attachment_kind, 0 = all. `variant`:
/// jotrack_variant_name. Files without such a text have no row.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_variant_get_many(
    engine: *mut jotrack_engine,
    ids: *const *const c_char,
    n: usize,
    kinds: u32,
    variant: i32,
    out: *mut *mut jotrack_variant_page,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::claim(out)?, args::engine(engine)?) };
        let max = shared.config().limits.variant_jobs;
        // SAFETY: as above.
        let ids = unsafe { args::ids::<JobId>(ids, n, max) }?;
        let kinds = read_kinds(kinds)?;
        let kinds = if kinds.is_empty() { jotrack_core::AttachmentKind::ALL } else { &kinds };
        let name = args::number("variant", variant, VariantName::from_number(variant))?;
        let core = shared.core()?;
        let documents =
            shared.block(async { core.snapshot().await?.documents(&ids, kinds, &[name]).await })?;
        out.put(jotrack_variant_page { rows: documents.into_iter().map(Row::new).collect() });
        Ok(())
    })
}

/// Returns the number of texts. `page` NULL gives 0.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_variant_page_len(page: *const jotrack_variant_page) -> usize {
    // SAFETY: NULL or a live page (R1).
    shield(0, || unsafe { handles::get(page) }.map_or(0, |page| page.rows.len()))
}

/// Fills `out` with text `i`, which belongs to the page. False when there is no such text or when
/// `out` has no proper struct_size.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_variant_page_get(
    page: *const jotrack_variant_page,
    i: usize,
    out: *mut jotrack_variant,
) -> bool {
    shield(false, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, page) = unsafe { (OutStruct::required(out), handles::get(page)) };
        fill(out, page.and_then(|page| page.rows.get(i)).map(Row::lend))
    })
}

/// Frees a page of texts. NULL does nothing.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_variant_page_free(page: *mut jotrack_variant_page) {
    // SAFETY: NULL or a live page that the caller gives up (R1).
    shield((), || unsafe { args::free(page) });
}

/// Sets a text of an attachment by hand.
///
/// `variant`: jotrack_variant_name. `text`: `len` bytes, not NUL-terminated. `write` and `commit`
/// may be NULL; `commit->id` is the text's id.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_variant_set(
    engine: *mut jotrack_engine,
    attachment_id: *const c_char,
    variant: i32,
    text: *const c_char,
    len: usize,
    write: *const jotrack_write,
    commit: *mut jotrack_commit,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (write, shared, id, text) = unsafe {
            (
                WriteArgs::read(write, commit)?,
                args::engine(engine)?,
                args::id::<AttachmentId>("attachment_id", attachment_id)?,
                args::body("text", text, len)?.to_owned(),
            )
        };
        let name = args::number("variant", variant, VariantName::from_number(variant))?;
        let core = shared.core()?;
        let (written, version) = shared.block(async {
            let written = core.set_variant(id, name, text, &write.options).await?;
            let version = write
                .version(&core, &written, async |core| {
                    let found = core.snapshot().await?.variants_by_id(&[written.value]).await?;
                    Ok(found.first().map_or(0, |variant| variant.version))
                })
                .await;
            Ok::<_, Error>((written, version))
        })?;
        write.commit.one(&written, id_text!(written.value), version, 0);
        Ok(())
    })
}

struct Row {
    attachment_id: IdText,
    job_id: IdText,
    text: String,
    /// The members that own nothing; the texts in it are empty.
    plain: jotrack_variant,
}

impl Row {
    fn new(document: Document) -> Self {
        // Without `..`: a new field of the core stops the build until it is decided here.
        let Document { job_id, kind, variant } = document;
        let Variant {
            id: _,
            attachment_id,
            name,
            text,
            token_estimate,
            word_count,
            page_count: _,
            truncated,
            source: _,
            created_at,
            version,
        } = variant;
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Self {
            attachment_id: id_text!(attachment_id),
            job_id: id_text!(job_id),
            text,
            plain: jotrack_variant {
                kind: kind.number(),
                variant: name.number(),
                token_estimate: count(token_estimate),
                word_count: count(word_count),
                flags: if truncated { JOTRACK_VARIANT_TRUNCATED } else { 0 },
                created_at_ms: created_at.as_ms(),
                version,
                ..structs::zeroed()
            },
        }
    }

    fn lend(&self) -> jotrack_variant {
        jotrack_variant {
            attachment_id: self.attachment_id.lend(),
            job_id: self.job_id.lend(),
            text: jotrack_str::lend(&self.text),
            ..self.plain
        }
    }
}
