//! GraphQL in-process: the whole contract of the server, without one.
//!
//! The functions are exported in every build; without the feature `graphql` they answer
//! UNSUPPORTED, so that a program written against one library starts with the other.

use std::ffi::c_char;

use crate::{
    args::{self, OutText},
    engine::jotrack_engine,
    error::{Fault, jotrack_error, jotrack_status},
    guard::guard,
    structs::{self, interface_structs},
};

#[cfg(feature = "graphql")]
pub(crate) use built_in::Schema;

#[cfg(feature = "graphql")]
use built_in as implementation;
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
    query: String,
    operation_name: Option<String>,
    variables: Option<String>,
    timeout_ms: u32,
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
            (OutText::claim(response_json)?, args::engine(engine)?, structs::read(request)?)
        };
        let jotrack_graphql_request {
            struct_size: _,
            query,
            operation_name,
            variables_json,
            timeout_ms,
            reserved,
        } = request.ok_or_else(|| args::null("request"))?;
        if reserved != 0 {
            return Err(Fault::argument("reserved is not 0"));
        }
        // SAFETY: as above.
        let request = unsafe {
            Request {
                query: args::text("query", query)?.to_owned(),
                operation_name: args::text_opt("operation_name", operation_name)?
                    .map(str::to_owned),
                variables: args::text_opt("variables_json", variables_json)?.map(str::to_owned),
                timeout_ms,
            }
        };
        let text = out.prepare(implementation::execute(shared, request)?)?;
        out.put(text);
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

#[cfg(feature = "graphql")]
mod built_in {
    use std::time::Duration;

    use jotrack_core::{Error, ErrorCode};
    use jotrack_graphql::schema::{self, Caller, Executor, GraphqlRequest, OperationKind, refused};
    use serde_json::Map;

    use super::Request;
    use crate::{
        engine::{Shared, not_json},
        error::Fault,
    };

    pub(crate) type Schema = Executor;

    pub(super) fn execute(shared: &Shared, request: Request) -> Result<String, Fault> {
        let Request { query, operation_name, variables, timeout_ms } = request;
        let variables = match variables {
            None => Map::new(),
            // serde names the place, never a value.
            Some(text) => serde_json::from_str::<Option<Map<_, _>>>(&text)
                .map_err(|e| Fault::argument(format!("variables_json: {e}")))?
                .unwrap_or_default(),
        };
        let request = GraphqlRequest { query, operation_name, variables, extensions: Map::new() };
        let limits = &shared.core().config().limits;
        let executor = shared.graphql().get_or_init(|| Executor::new(limits.clone()));
        let prepared = match executor.prepare(&request) {
            Ok(prepared) => prepared,
            Err(refusal) => return written(&refused(&refusal)),
        };
        if prepared.kind() == OperationKind::Subscription {
            return Err(Fault::argument("a subscription is no query: use jotrack_subscribe"));
        }
        let caller = Caller { engine: shared.core().clone(), downloads: None };
        let run = executor.execute(&caller, prepared, request);
        let response = shared.block(async {
            if timeout_ms == 0 {
                return Ok(run.await);
            }
            let limit = Duration::from_millis(timeout_ms.into());
            let timed_out = |_| Error::Timeout { op: "the GraphQL operation" };
            tokio::time::timeout(limit, run).await.map_err(timed_out)
        })?;
        let text = written(&response)?;
        if text.len() > limits.response_bytes {
            return Err(Fault::new(ErrorCode::TooLarge, "the response is too large"));
        }
        Ok(text)
    }

    pub(super) fn sdl() -> Result<String, Fault> {
        Ok(schema::sdl())
    }

    fn written(response: &async_graphql::Response) -> Result<String, Fault> {
        serde_json::to_string(response).map_err(not_json)
    }
}

#[cfg(not(feature = "graphql"))]
mod left_out {
    use jotrack_core::ErrorCode;

    use super::Request;
    use crate::{engine::Shared, error::Fault};

    pub(super) fn execute(_shared: &Shared, _request: Request) -> Result<String, Fault> {
        Err(unsupported())
    }

    pub(super) fn sdl() -> Result<String, Fault> {
        Err(unsupported())
    }

    fn unsupported() -> Fault {
        Fault::new(ErrorCode::Unsupported, "this library was built without GraphQL")
    }
}
