//! Ids of the border and opaque ids of GraphQL, turned into each other.

use std::ffi::c_char;

use jotrack_core::{
    AnalysisId, AttachmentId, EntityKind, JobId, StatusChangeId, UserId, VariantId,
};

use crate::{
    args::{self, OutNumber, OutText},
    enums::{entities, entity_bit},
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    text::{IdText, id_text},
};

/// Turns an id of this header into the opaque id of the same object in GraphQL.
///
/// `entity`: one JOTRACK_ENTITY_ bit, not JOTRACK_ENTITY_COACH_STATE, which has no id of its own.
/// `*out` is freed with jotrack_string_free. Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_node_id_format(
    entity: u64,
    id: *const c_char,
    out: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, id) = unsafe { (OutText::claim(out)?, args::text("id", id)?) };
        let [kind] = *entities(entity)? else {
            return Err(Fault::argument("entity is not one bit"));
        };
        let node_id = match kind {
            EntityKind::Job => args::parse_id::<JobId>("id", id)?.node_id(),
            EntityKind::StatusChange => args::parse_id::<StatusChangeId>("id", id)?.node_id(),
            EntityKind::Attachment => args::parse_id::<AttachmentId>("id", id)?.node_id(),
            EntityKind::AttachmentVariant => args::parse_id::<VariantId>("id", id)?.node_id(),
            EntityKind::Analysis => args::parse_id::<AnalysisId>("id", id)?.node_id(),
            EntityKind::Account => args::parse_id::<UserId>("id", id)?.node_id(),
            EntityKind::CoachState => {
                return Err(Fault::argument("a coach state has no id of its own"));
            }
        };
        let text = out.prepare(node_id)?;
        out.put(text);
        Ok(())
    })
}

/// Turns an opaque id of GraphQL into the id of the same object in this header.
///
/// `*entity` becomes its JOTRACK_ENTITY_ bit. `id` takes the text with its NUL: `cap` is at least
/// 37. JOTRACK_INVALID_ARGUMENT for what is no such id, or one of an object that has no bit. Any
/// thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_node_id_parse(
    node_id: *const c_char,
    entity: *mut u64,
    id: *mut c_char,
    cap: usize,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (entity, buf) =
            unsafe { (OutNumber::claim("entity", entity)?, args::buffer(id.cast(), cap)?) };
        if let Some(first) = buf.first_mut() {
            *first = 0;
        }
        let (text, end) = buf
            .split_at_mut_checked(IdText::LEN)
            .and_then(|(text, rest)| Some((text, rest.first_mut()?)))
            .ok_or_else(|| Fault::argument("cap is less than 37"))?;
        // SAFETY: as above.
        let node_id = unsafe { args::text("node_id", node_id) }?;
        let (kind, id) = parse(node_id)?;
        text.copy_from_slice(id.as_str().as_bytes());
        *end = 0;
        entity.put(entity_bit(kind));
        Ok(())
    })
}

fn parse(node_id: &str) -> Result<(EntityKind, IdText), Fault> {
    let job = || JobId::from_node_id(node_id).map(|id| (EntityKind::Job, id_text!(id)));
    let change =
        || StatusChangeId::from_node_id(node_id).map(|id| (EntityKind::StatusChange, id_text!(id)));
    let file =
        || AttachmentId::from_node_id(node_id).map(|id| (EntityKind::Attachment, id_text!(id)));
    let text =
        || VariantId::from_node_id(node_id).map(|id| (EntityKind::AttachmentVariant, id_text!(id)));
    let analysis =
        || AnalysisId::from_node_id(node_id).map(|id| (EntityKind::Analysis, id_text!(id)));
    let user = || UserId::from_node_id(node_id).map(|id| (EntityKind::Account, id_text!(id)));
    let found = job().or_else(change).or_else(file).or_else(text).or_else(analysis).or_else(user);
    found.ok_or_else(|| Fault::argument("node_id is not the id of an object of this header"))
}
