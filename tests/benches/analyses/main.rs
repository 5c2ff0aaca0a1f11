//! Analyses under load: one call however many ask, tokens on their way to many readers, and what a
//! kept answer costs over HTTP.
//!
//! `cargo bench -p jotrack-tests --bench analyses`, with `-- --litellm` to install and run a LiteLLM
//! proxy beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a benchmark fails by panicking, and prints"
)]

#[path = "../clocks.rs"]
mod clocks;
mod litellm;
mod load;
mod meter;
mod pooling;
mod served;
mod streaming;
mod upstream;

use tokio::runtime::Builder;

use self::meter::is_wanted;

fn main() {
    // As many as the server has on the smallest machine it is made for.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    meter::print_machine();
    if is_wanted(pooling::TITLE) {
        pooling::print(&runtime);
    }
    if is_wanted(streaming::TITLE) {
        streaming::print(&runtime);
    }
    if is_wanted(served::TITLE) {
        served::print(&runtime);
    }
    println!("\nload at the end: {}", meter::load());
}
