//! The engine on SQLite, on PostgreSQL and on PostgreSQL through PgBouncer, side by side in one run:
//! latency, CPU of both sides, statements and round trips; many callers at once; and whether a page
//! costs more as jobs grow.
//!
//! `cargo bench -p jotrack-tests --bench databases`, with `-- --million` to grow to 1,000,000 jobs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a benchmark fails by panicking, and prints"
)]

#[path = "../clocks.rs"]
mod clocks;
mod copy;
#[path = "../../../core/benches/storage/data.rs"]
mod data;
mod growth;
mod loads;
mod meter;
mod operations;
mod servers;
mod sites;

use std::env;

use jotrack_graphql::schema::Executor;
use tokio::runtime::{Builder, Runtime};

use self::{
    meter::{is_wanted, measure, micros},
    servers::{Servers, flush},
    sites::Site,
};

/// Jobs whose status changes, in turn.
const MOVING: usize = 1_000;

fn main() {
    let jobs = if meter::is_bench() { 10_000 } else { 120 };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let servers = Servers::start();
    print_machine(&runtime, servers.as_ref(), jobs);
    let servers = servers.as_ref().ok();

    one_caller(&runtime, servers, jobs);
    if is_wanted(loads::TITLE) {
        loads::print(&runtime, servers);
    }
    if is_wanted(growth::TITLE) {
        growth::print(&runtime, servers);
    }
    println!("\nload at the end: {}", meter::load());
}

fn one_caller(runtime: &Runtime, servers: Option<&Servers>, jobs: usize) {
    let sites = Site::filled(runtime, servers, jobs);
    let limits = sites[0].engine.config().limits.clone();
    let (moving, _) = runtime.block_on(sites::newest(&sites[0].engine, MOVING.min(jobs)));
    let moving = moving.into();
    for question in operations::questions(&Executor::new(limits), &moving, jobs) {
        if !is_wanted(&question.title) {
            continue;
        }
        let operations: Vec<_> = sites
            .iter()
            .map(|site| {
                site.operation(runtime, site.way.name().to_owned(), &question, moving.len())
            })
            .collect();
        for operation in &operations {
            assert_eq!(operation.answer, operations[0].answer, "{}", operation.name);
        }
        let figures = measure(runtime, &operations);
        meter::print(&question.title, &operations, &figures);
    }
    sites.iter().for_each(|site| runtime.block_on(site.close()));
}

/// Prints what the figures must be seen with.
fn print_machine(runtime: &Runtime, servers: Result<&Servers, &String>, jobs: usize) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{jobs} jobs, {} attachments, one user; {cores} cores, load {}; 8 KiB are on the disk after {:.0} us",
        jobs * 3,
        meter::load(),
        micros(flush(&env::temp_dir())),
    );
    println!("SQLite: {}, synchronous FULL", rusqlite::version());
    match servers {
        Ok(servers) => println!("{}", runtime.block_on(servers.about())),
        Err(why) => println!("PostgreSQL is skipped: {why}"),
    }
    println!("us per call; CPU of this process (client), of all of PostgreSQL, of PgBouncer");
}
