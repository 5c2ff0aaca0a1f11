//! Bytes of a fuzzer, as the arguments of a C program: `ffi/fuzz` has a target for each function
//! here, and the tests replay what `tests/fuzz-corpus` keeps.
//!
//! Whatever comes in, a call answers with a status and a message; a bug of the library (a caught
//! panic included) ends the process, which is what a fuzzer notices.

#![allow(
    clippy::missing_panics_doc,
    clippy::new_without_default,
    clippy::expect_used,
    missing_docs,
    reason = "panicking is how a fuzzer is told"
)]

use std::{
    ffi::{CStr, CString, c_char},
    ptr::{null, null_mut},
};

use jotrack_core::ErrorCode;

use crate::{
    jotrack_ai_settings_update, jotrack_coach_update, jotrack_commit, jotrack_engine,
    jotrack_engine_close, jotrack_engine_open, jotrack_error, jotrack_error_free,
    jotrack_error_message, jotrack_graphql_execute, jotrack_graphql_request, jotrack_job_create,
    jotrack_job_input, jotrack_job_list, jotrack_job_page_free, jotrack_node_id_format,
    jotrack_node_id_parse, jotrack_options, jotrack_string_free,
    options::Opening,
    structs::{OutStruct, zeroed},
};

/// Room behind a struct, so that every size that is accepted is readable.
const ROOM: usize = 8192;

/// An engine on a folder that is gone at the end, with one job.
pub struct Border {
    engine: *mut jotrack_engine,
    job: [c_char; 40],
}

impl Border {
    pub fn new() -> Self {
        let mut engine = null_mut();
        let mut err = null_mut();
        // SAFETY: valid pointers; NULL options are the defaults.
        let status = unsafe { jotrack_engine_open(null(), &raw mut engine, &raw mut err) };
        assert_eq!(answered(status, err), 0);
        let mut input = zeroed::<jotrack_job_input>();
        input.struct_size = size_of::<jotrack_job_input>();
        input.fields = 3;
        (input.company, input.title) = (c"Fjordline".as_ptr(), c"Engineer".as_ptr());
        let mut commit = zeroed::<jotrack_commit>();
        commit.struct_size = size_of::<jotrack_commit>();
        // SAFETY: a live engine, whole structs.
        let status = unsafe {
            jotrack_job_create(engine, &raw const input, null(), &raw mut commit, &raw mut err)
        };
        assert_eq!(answered(status, err), 0);
        Self { engine, job: commit.id }
    }

    /// A patch of a coach's document, or of the settings of the AI.
    pub fn json(&self, data: &[u8]) {
        let Some((which, text)) = data.split_first() else { return };
        let (text, _) = texts(text);
        let (json, mut document, mut err) = (text.as_ptr(), null_mut(), null_mut());
        // SAFETY: a live engine and terminated texts.
        let status = unsafe {
            match which % 2 {
                0 => jotrack_coach_update(
                    self.engine,
                    self.job.as_ptr(),
                    json,
                    null(),
                    null_mut(),
                    &raw mut document,
                    &raw mut err,
                ),
                _ => {
                    jotrack_ai_settings_update(self.engine, json, null(), null_mut(), &raw mut err)
                }
            }
        };
        assert!(answered(status, err) == 0 || document.is_null());
        // SAFETY: NULL or owned.
        unsafe { jotrack_string_free(document) };
    }

    /// A document of GraphQL, its variables behind a NUL, and the name of an operation behind one.
    pub fn graphql(&self, data: &[u8]) {
        let (query, rest) = texts(data);
        let (variables, rest) = rest.map_or((None, None), |rest| {
            let (variables, rest) = texts(rest);
            (Some(variables), rest)
        });
        let operation = rest.map(|rest| texts(rest).0);
        let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let mut request = zeroed::<jotrack_graphql_request>();
        request.struct_size = size_of::<jotrack_graphql_request>();
        request.query = query.as_ptr();
        request.variables_json = pointer(&variables);
        request.operation_name = pointer(&operation);
        request.timeout_ms = 5_000;
        let (mut response, mut err) = (null_mut(), null_mut());
        // SAFETY: a live engine, a whole struct, terminated texts.
        let status = unsafe {
            jotrack_graphql_execute(
                self.engine,
                &raw const request,
                &raw mut response,
                &raw mut err,
            )
        };
        if answered(status, err) == 0 {
            // SAFETY: success hands out a terminated text.
            let text = unsafe { CStr::from_ptr(response) };
            assert!(serde_json::from_slice::<serde_json::Value>(text.to_bytes()).is_ok());
        }
        // SAFETY: NULL or owned.
        unsafe { jotrack_string_free(response) };
    }

    /// A cursor of a page.
    pub fn cursor(&self, data: &[u8]) {
        let (after, _) = texts(data);
        let (mut page, mut err) = (null_mut(), null_mut());
        // SAFETY: a live engine and a terminated text.
        let status = unsafe {
            jotrack_job_list(self.engine, null(), after.as_ptr(), 20, &raw mut page, &raw mut err)
        };
        assert_eq!(answered(status, err) == 0, !page.is_null());
        // SAFETY: NULL or owned.
        unsafe { jotrack_job_page_free(page) };
    }
}

impl Drop for Border {
    fn drop(&mut self) {
        // SAFETY: the last call on a live engine.
        assert_eq!(unsafe { jotrack_engine_close(self.engine) }, 0);
    }
}

/// A struct of options of any size with anything in it; its texts are what follows the struct.
pub fn options(data: &[u8]) {
    let (Some(size), Some(rest)) = (data.first_chunk::<2>(), data.get(2..)) else { return };
    let size = usize::from(u16::from_le_bytes(*size));
    let mut memory = vec![0_u64; ROOM / 8];
    let bytes = rest.iter().take(ROOM / 2);
    for (word, byte) in bytes.enumerate() {
        if let Some(to) = memory.get_mut(word / 8) {
            *to |= u64::from(*byte) << (word % 8 * 8);
        }
    }
    let (config, more) = texts(rest.get(size_of::<jotrack_options>()..).unwrap_or_default());
    let (folder, _) = texts(more.unwrap_or_default());
    let options = memory.as_mut_ptr().cast::<jotrack_options>();
    // SAFETY: the memory is aligned and larger than the struct, whose numbers may be anything.
    let own = unsafe { &mut *options };
    own.struct_size = if size == usize::from(u16::MAX) { usize::MAX } else { size };
    let given =
        |at: *const c_char, text: &CString| if at.is_null() { null() } else { text.as_ptr() };
    own.data_dir = given(own.data_dir, &folder);
    own.database = given(own.database, &folder);
    own.config_json = given(own.config_json, &config);
    own.master_key = given(own.master_key, &config);
    // SAFETY: as many bytes are readable as any accepted size says; the texts live.
    if let Err(fault) = unsafe { Opening::read(options) } {
        assert_eq!(fault.status(), ErrorCode::InvalidArgument.number());
    }
    // SAFETY: as many bytes are writable as any accepted size says.
    if let Ok(Some(out)) = unsafe { OutStruct::claim(options) } {
        out.put(zeroed());
    }
}

/// An id of GraphQL, which must survive the way there and back when it is one.
pub fn node_id(data: &[u8]) {
    let (text, _) = texts(data);
    let (mut entity, mut err, mut back) = (0, null_mut(), null_mut());
    let mut id: [c_char; 37] = [0; 37];
    // SAFETY: a terminated text, a buffer of the length that is said.
    let status = unsafe {
        jotrack_node_id_parse(
            text.as_ptr(),
            &raw mut entity,
            id.as_mut_ptr(),
            id.len(),
            &raw mut err,
        )
    };
    if answered(status, err) != 0 {
        assert_eq!(entity, 0);
        return;
    }
    // SAFETY: success terminated the buffer.
    let status =
        unsafe { jotrack_node_id_format(entity, id.as_ptr(), &raw mut back, &raw mut err) };
    assert_eq!(answered(status, err), 0);
    // SAFETY: success hands out a terminated text.
    assert_eq!(unsafe { CStr::from_ptr(back) }, text.as_c_str());
    // SAFETY: owned.
    unsafe { jotrack_string_free(back) };
}

/// Looks at an answer, frees its error and returns its status.
fn answered(status: i32, err: *mut jotrack_error) -> i32 {
    assert_eq!(status == 0, err.is_null());
    // SAFETY: NULL or a live error.
    let message = unsafe { CStr::from_ptr(jotrack_error_message(err)) };
    let is_bug = [ErrorCode::Internal, ErrorCode::Panic].map(ErrorCode::number).contains(&status);
    assert!(!is_bug, "{message:?}");
    assert!(status == 0 || !message.is_empty());
    // SAFETY: NULL or owned.
    unsafe { jotrack_error_free(err) };
    status
}

/// The text up to the first NUL, and what follows that.
fn texts(data: &[u8]) -> (CString, Option<&[u8]>) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = CString::new(parts.next().unwrap_or_default()).expect("it was split at the NUL");
    (text, parts.next())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Runs a target over its part of the corpus.
    fn replay(name: &str, target: impl Fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz-corpus").join(name);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap()).collect();
        assert!(files.len() >= 5, "{} is nearly empty", folder.display());
        for file in files {
            target(&fs::read(file.path()).unwrap());
        }
        // What a file says, cut and spoilt.
        for seed in [&b""[..], b"\0", b"\xff", b"\xff\0\xff", b"{", b"\0{"] {
            target(seed);
        }
    }

    #[test]
    fn corpus_of_options_is_answered() {
        replay("options", options);
    }

    #[test]
    fn corpus_of_node_ids_is_answered() {
        replay("node_id", node_id);
    }

    #[test]
    fn corpus_of_json_is_answered() {
        let border = Border::new();
        replay("json", |data| border.json(data));
    }

    #[test]
    fn corpus_of_graphql_is_answered() {
        let border = Border::new();
        replay("graphql", |data| border.graphql(data));
    }

    #[test]
    fn corpus_of_cursors_is_answered() {
        let border = Border::new();
        replay("cursor", |data| border.cursor(data));
    }
}
