//! GraphQL in-process: the whole contract of the server, without one.
//!
//! The functions are exported in every build; without the feature `graphql` they answer
//! UNSUPPORTED, so that a program written against one library starts with the other.

use std::ffi::{c_char, c_void};

use crate::{
    args::{self, OutHandle, OutText},
    begun::Begun,
    engine::jotrack_engine,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    op::{jotrack_done_cb, jotrack_op, jotrack_op_event_cb},
    structs::{self, interface_structs},
};

#[cfg(feature = "graphql")]
pub(crate) use crate::executor::Schema;

#[cfg(feature = "graphql")]
use crate::executor as implementation;
#[cfg(not(feature = "graphql"))]
use left_out as implementation;

/// A GraphQL operation. Zero the struct and set struct_size.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_graphql_request {
    /// sizeof(jotrack_graphql_request).
    pub struct_size: usize,
    /// The document.
    pub query: *const c_char,
    /// Which operation of the document; NULL when there is one only.
    pub operation_name: *const c_char,
    /// A JSON object with the variables, or NULL.
    pub variables_json: *const c_char,
    /// Longest time it may take; 0 = the engine's setting.
    pub timeout_ms: u32,
    /// 0.
    pub reserved: u32,
}

interface_structs!(jotrack_graphql_request);

/// What is asked, as Rust. Both builds read it in full, so that both refuse the same mistakes.
#[cfg_attr(not(feature = "graphql"), expect(dead_code, reason = "only the feature looks inside"))]
pub(crate) struct Request {
    pub(crate) query: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Option<String>,
    pub(crate) timeout_ms: u32,
}

impl Request {
    unsafe fn read(request: *const jotrack_graphql_request) -> Result<Self, Fault> {
        // SAFETY: a struct of the caller, who keeps R1 to R6.
        let request = unsafe { structs::read(request) }?.ok_or_else(|| args::null("request"))?;
        let jotrack_graphql_request {
            struct_size: _,
            query,
            operation_name,
            variables_json,
            timeout_ms,
            reserved,
        } = request;
        if reserved != 0 {
            return Err(Fault::argument("reserved is not 0"));
        }
        // SAFETY: as above.
        let (query, operation_name, variables) = unsafe {
            (
                args::text("query", query)?,
                args::text_opt("operation_name", operation_name)?,
                args::text_opt("variables_json", variables_json)?,
            )
        };
        Ok(Self {
            query: query.to_owned(),
            operation_name: operation_name.map(str::to_owned),
            variables: variables.map(str::to_owned),
            timeout_ms,
        })
    }
}

/// Executes a query or a mutation, with the schema, the masking and the limits of the server.
///
/// JOTRACK_OK means that there is a response, which may consist of errors only: look at its
/// `errors` and at the `userErrors` of each mutation. Any other status means that there is none.
/// `*response_json` is freed with jotrack_string_free. Files go through the attachment writer;
/// `downloadUrl` is null here. JOTRACK_UNSUPPORTED without JOTRACK_FEATURE_GRAPHQL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_graphql_execute(
    engine: *mut jotrack_engine,
    request: *const jotrack_graphql_request,
    response_json: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, request) = unsafe {
            (OutText::claim(response_json)?, args::engine(engine)?, Request::read(request)?)
        };
        let text = out.prepare(implementation::execute(&shared, request)?)?;
        out.put(text);
        Ok(())
    })
}

/// Starts a query or a mutation and returns; `on_done` has the response.
///
/// `on_done` is called once, with JOTRACK_OK and the response as `result_json`, or with
/// JOTRACK_CANCELLED, JOTRACK_TIMEOUT, JOTRACK_CLOSED or JOTRACK_SUSPENDED: then it is not known
/// whether a mutation was done, repeat it with the same idempotency key. `user` is handed back and
/// must live until `on_done` returned. It may be called before this returns. `out` (may be NULL) is
/// for jotrack_op_cancel and jotrack_op_wait, and is freed with jotrack_op_free.
/// JOTRACK_BUSY with more than 1024 operations at a time; JOTRACK_UNSUPPORTED without
/// JOTRACK_FEATURE_GRAPHQL.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_graphql_start(
    engine: *mut jotrack_engine,
    request: *const jotrack_graphql_request,
    on_done: jotrack_done_cb,
    user: *mut c_void,
    out: *mut *mut jotrack_op,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, request) =
            unsafe { (OutHandle::optional(out), args::engine(engine)?, Request::read(request)?) };
        // Before the operation is there: a suspend in between would end what never started.
        let core = shared.core()?;
        let op = Begun::new(&shared, None, on_done, user)?;
        out.put(implementation::start(&shared, &core, request, op)?);
        Ok(())
    })
}

/// Starts a GraphQL subscription and returns; `on_next` has each response.
///
/// On SQLite everything that is committed after this returned is told; with the argument `since`
/// everything after a revision. `on_next` is called with one response at a time, as JSON. A document
/// that is refused is one response with `errors`. At most 64 responses wait for the host, and
/// `queue_capacity` of all subscriptions; when another one comes the subscription ends with
/// JOTRACK_LAGGED, after those that wait: subscribe again from the last revision seen.
/// `request->timeout_ms` ends it with JOTRACK_TIMEOUT.
///
/// `on_done` is called once and last: with JOTRACK_OK when the subscription came to its own end, with
/// JOTRACK_CANCELLED after jotrack_op_cancel, with JOTRACK_CLOSED or JOTRACK_SUSPENDED. It has no
/// result. Everything else as for jotrack_graphql_start.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_graphql_subscribe(
    engine: *mut jotrack_engine,
    request: *const jotrack_graphql_request,
    on_next: jotrack_op_event_cb,
    on_done: jotrack_done_cb,
    user: *mut c_void,
    out: *mut *mut jotrack_op,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared, request) =
            unsafe { (OutHandle::optional(out), args::engine(engine)?, Request::read(request)?) };
        if on_next.is_none() {
            return Err(args::null("on_next"));
        }
        let core = shared.core()?;
        let op = Begun::new(&shared, on_next, on_done, user)?;
        out.put(implementation::subscribe(&shared, &core, request, op)?);
        Ok(())
    })
}

/// Writes the schema in the schema definition language. Needs no engine.
///
/// `*sdl` is freed with jotrack_string_free. JOTRACK_UNSUPPORTED without JOTRACK_FEATURE_GRAPHQL.
/// Any thread.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_graphql_schema(
    sdl: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let out = unsafe { OutText::claim(sdl) }?;
        let text = out.prepare(implementation::sdl()?)?;
        out.put(text);
        Ok(())
    })
}

#[cfg(not(feature = "graphql"))]
mod left_out {
    use std::sync::Arc;

    use jotrack_core::{Engine, ErrorCode};

    use super::Request;
    use crate::{begun::Begun, engine::Shared, error::Fault, op::jotrack_op};

    pub(super) fn execute(_shared: &Shared, _request: Request) -> Result<String, Fault> {
        Err(unsupported())
    }

    pub(super) fn start(
        _shared: &Arc<Shared>,
        _core: &Engine,
        _request: Request,
        _op: Begun<'_>,
    ) -> Result<jotrack_op, Fault> {
        Err(unsupported())
    }

    pub(super) fn subscribe(
        _shared: &Arc<Shared>,
        _core: &Engine,
        _request: Request,
        _op: Begun<'_>,
    ) -> Result<jotrack_op, Fault> {
        Err(unsupported())
    }

    pub(super) fn sdl() -> Result<String, Fault> {
        Err(unsupported())
    }

    fn unsupported() -> Fault {
        Fault::new(ErrorCode::Unsupported, "this library was built without GraphQL")
    }
}
