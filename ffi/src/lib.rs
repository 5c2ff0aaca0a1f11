//! The JoTrack engine as a C library: `libjotrack`, header `include/jotrack.h`.
//!
//! This crate translates and decides nothing: typed C for what a native user interface does in
//! every frame, GraphQL in-process for everything else. The rules that a caller keeps (ownership
//! R1 to R8, threads T1 to T6, errors, dispatch) are written once, in the essay at the top of the
//! header, whose source is `cbindgen.toml`.
//!
//! What every function here does the same way:
//! - its body is one call to [`guard::guard`] or [`guard::shield`], so no panic crosses the border;
//! - out-pointers are claimed first, which empties them, and filled last, on success only;
//! - pointers are turned into Rust values in one `unsafe` block at the top, by [`args`];
//! - structs grow at their end only and say their size, see [`structs`].
//!
//! Invariant: nothing here is global or thread-local but the panic hook of [`guard`], and the log of
//! an engine on its own threads.

#![deny(unsafe_op_in_unsafe_fn)]
#![expect(
    non_camel_case_types,
    reason = "the types carry the names of the C header, which is generated from them"
)]
#![expect(
    clippy::missing_safety_doc,
    reason = "one contract holds for every function: rules R1-R8 and T1-T6 of the header"
)]

#[cfg(not(panic = "unwind"))]
compile_error!("libjotrack turns panics into a status and must be built with panic = \"unwind\"");

mod analyses;
mod args;
mod attachments;
mod begun;
mod blobs;
mod caches;
mod changes;
mod coach;
mod dispatch;
mod engine;
mod enums;
mod error;
mod events;
#[cfg(feature = "graphql")]
mod executor;
mod forks;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod gate;
mod graphql;
mod guard;
mod handles;
mod job_rows;
mod jobs;
mod keys;
mod library;
mod logs;
mod matching;
mod node_id;
mod op;
mod options;
mod queue;
mod search;
mod state;
mod structs;
mod text;
mod variants;
mod write;

pub use analyses::*;
pub use attachments::*;
pub use blobs::*;
pub use caches::*;
pub use changes::*;
pub use coach::*;
pub use dispatch::*;
pub use engine::*;
pub use enums::*;
pub use error::*;
pub use events::*;
pub use graphql::*;
pub use job_rows::*;
pub use jobs::*;
pub use keys::*;
pub use library::*;
pub use matching::*;
pub use node_id::*;
pub use op::*;
pub use options::*;
pub use search::*;
pub use state::*;
pub use text::*;
pub use variants::*;
pub use write::*;
