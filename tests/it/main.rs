//! One binary for all integration tests: it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "tests fail by panicking and say where"
)]

mod abi;
mod abi_proof;
mod access_matrix;
mod ai_flights;
mod ai_wire;
mod attachments;
mod bindings;
mod changes;
mod cli;
mod cluster;
mod coach;
mod crash;
mod databases;
mod equal_answers;
mod errors;
mod examples;
mod extraction;
mod foreign;
mod graphql_analyses;
mod graphql_attacks;
mod graphql_http;
mod graphql_jobs;
mod idempotency;
mod jobs;
mod keys;
mod layout;
mod limits;
mod packaging;
mod paging;
mod read_model;
mod round_trips;
mod schema_equality;
mod sdl;
mod search;
mod sql_per_operation;
mod staleness;
mod statements;
mod statements_postgres;
mod subscriptions;
mod upgrades;
mod uploads;
