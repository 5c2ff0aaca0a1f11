//! The program `jotrack`: everything it can do is in [`jotrack_graphql::cli`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    jotrack_graphql::cli::run(std::env::args_os())
}
