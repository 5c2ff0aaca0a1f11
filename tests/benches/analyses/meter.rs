//! What the figures are made of: clocks, percentiles, and what the system says of a process.

use std::{fs, time::Duration};

pub(crate) use crate::clocks::*;

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Memory of a process in KiB: what it has now, and the most it had since [`forget_peak`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Memory {
    /// Reads the memory of a process; zeros where the system does not say.
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
        };
        Self { now: field("VmRSS:"), peak: field("VmHWM:") }
    }

    pub(crate) fn here() -> Self {
        Self::of(std::process::id())
    }
}

/// Lets the peak of this process begin anew, where the system can.
pub(crate) fn forget_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// Prints what the figures must be seen with.
pub(crate) fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("SQLite {}, synchronous FULL; {cores} cores, load {}", rusqlite::version(), load());
}
