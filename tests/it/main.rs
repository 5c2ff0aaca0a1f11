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
mod attachments;
mod changes;
mod coach;
mod idempotency;
mod jobs;
mod paging;
mod read_model;
mod search;
mod statements;
