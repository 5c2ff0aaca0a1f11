//! How many requests a user may send.

use serde::Deserialize;

/// The windows of requests per user. They are for servers of many users; in the local
/// single-user mode they are off unless `local` is set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// Whether the windows also hold in the local single-user mode.
    pub local: bool,
    /// Operations that write or start AI, per window; `None` for no limit.
    pub writes: Option<u32>,
    /// Operations that only read, per window; `None` for no limit.
    pub reads: Option<u32>,
    /// Milliseconds of the window, at most a day.
    pub window_ms: i64,
    /// Whether the windows are kept in the database also on SQLite, where they are in memory
    /// else: for several server processes on one file.
    pub in_database: bool,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            local: false,
            writes: Some(10),
            reads: Some(100),
            window_ms: 10_000,
            in_database: false,
        }
    }
}
