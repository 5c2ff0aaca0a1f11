//! The contract: types and their resolvers, and executing documents against them.
//!
//! Resolvers call [`jotrack_core::Engine`] and nothing below it. Nothing here knows HTTP.

mod connection;
mod context;
mod cost;
mod cut;
mod document;
mod error;
mod execute;
pub mod guard;
mod loaders;
mod mutations;
mod node;
mod objects;
mod prepared;
mod query;
mod resolve;
mod response;
mod scalars;
mod subscription;

use std::{
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use async_graphql::{SDLExportOptions, ValidationMode};
use jotrack_core::Limits;
use sha2::{Digest, Sha256};

pub use context::{Caller, Cost, DownloadUrls};
#[cfg(feature = "server")]
pub(crate) use execute::is_request_error;
pub use execute::{Executor, GraphqlRequest, OperationKind, POSITION, Prepared, refused};
pub use response::GraphqlResponse;
#[cfg(feature = "server")]
pub(crate) use response::written;

use mutations::{Mutation, payload::MutationPayload};
use query::Query;
use subscription::Subscription;

type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Depth of all fields as a second net below the guard; introspection needs 15.
const DEPTH_MAX: usize = 20;

/// Depth of selection sets and spreads that validation walks into.
const RECURSION_MAX: usize = 32;

/// SHA-256 of the schema definition in hex; known once the schema is built.
struct SchemaHash(Arc<OnceLock<String>>);

fn build(limits: &Limits, mode: ValidationMode) -> Schema {
    let hash = Arc::new(OnceLock::new());
    let schema = async_graphql::Schema::build(Query, Mutation::default(), Subscription)
        .register_output_type::<MutationPayload>()
        .validation_mode(mode)
        .limit_depth(DEPTH_MAX)
        .limit_complexity(limits.complexity)
        .limit_recursive_depth(RECURSION_MAX)
        .limit_directives(limits.directives_per_location)
        .data(SchemaHash(Arc::clone(&hash)))
        .finish();
    hash.get_or_init(|| hex(&Sha256::digest(definition(&schema))));
    schema
}

fn definition(schema: &Schema) -> String {
    let options = SDLExportOptions::new()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    schema.sdl_with_options(options)
}

/// Returns the schema in the schema definition language, as it is committed beside this crate.
pub fn sdl() -> String {
    definition(&build(&Limits::default(), ValidationMode::Strict))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
