//! What every benchmark here asks: of its arguments, the clock of the process, and the machine.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::{fs, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Reports whether `cargo bench` runs this; `cargo test --benches` only wants to see it work.
pub(crate) fn is_bench() -> bool {
    has("--bench")
}

/// Reports whether an argument was given.
pub(crate) fn has(argument: &str) -> bool {
    std::env::args().any(|arg| arg == argument)
}

/// Reports whether the caller wants this part: `cargo bench -- WORDS` picks those whose title holds
/// the words.
pub(crate) fn is_wanted(title: &str) -> bool {
    std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).all(|word| title.contains(&word))
}

/// Returns the CPU time of this process.
pub(crate) fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Returns what else the machine has to do.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Returns the value that `percent` of the sorted values are not above.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
