//! SQL of analyses: runs, kept answers, and who is calling whom.

pub(crate) mod cache;
pub(crate) mod flights;
pub(crate) mod queue;
pub(crate) mod runs;
pub(crate) mod staleness;

use crate::db::Stmt;

/// The statements of this domain.
pub(crate) fn statements() -> Vec<&'static Stmt> {
    let mut all = Vec::new();
    all.extend(runs::statements());
    all.extend(queue::statements());
    all.extend(cache::statements());
    all.extend(flights::statements());
    all.extend(staleness::statements());
    all
}
