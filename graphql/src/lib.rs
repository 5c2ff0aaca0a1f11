//! The JoTrack engine as a GraphQL API.
//!
//! [`schema`] is the contract: one schema that every transport executes, in-process through
//! [`schema::Executor`] or over HTTP. With the feature `server` (the default) the crate also holds
//! the HTTP server and the commands of the program `jotrack`.

#![forbid(unsafe_code)]

pub mod schema;

#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod server;
