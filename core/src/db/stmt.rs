//! A statement: fixed text with a name, so that it can be listed, proven and counted.

use std::borrow::Cow;

/// One SQL statement of the catalogue. The text is fixed at compile time; data only ever enters
/// through `$n` parameters whose first appearances ascend.
#[derive(Debug)]
pub struct Stmt {
    /// Unique name, used in errors, statistics and proofs.
    pub name: &'static str,
    /// The text both engines run.
    pub sql: &'static str,
    /// The text for PostgreSQL where it must differ by more than [`Stmt::postgres`] replaces: same
    /// parameters, same columns.
    pub pg: Option<&'static str>,
    /// How the statement may be run.
    pub kind: Kind,
}

/// How a statement may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Proven bounded by its plan: runs inline on the calling thread.
    Read,
    /// Walks many rows: runs on the blocking pool.
    Long,
    /// Part of a batch.
    Write,
}

impl Stmt {
    /// Declares a bounded read.
    pub const fn read(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, pg: None, kind: Kind::Read }
    }

    /// Declares a long read.
    pub const fn long(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, pg: None, kind: Kind::Long }
    }

    /// Declares a step of a batch.
    pub const fn write(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, pg: None, kind: Kind::Write }
    }

    /// Returns the text for PostgreSQL: its own if it has one, else the shared text without SQLite's
    /// spellings. Sets are `= ANY($1)`, index hints go, and so does the plus before a column that
    /// keeps SQLite's planner off an index.
    pub fn postgres(&self) -> Cow<'static, str> {
        if let Some(pg) = self.pg {
            return Cow::Borrowed(pg);
        }
        let text = self.sql.replace("IN rarray(", "= ANY(").replace("WHERE +", "WHERE ");
        match text.split_once(" INDEXED BY ") {
            None => Cow::Owned(text),
            Some((before, hint)) => {
                let after = hint.split_once(' ').map_or("", |(_index, after)| after);
                Cow::Owned(format!("{before} {after}"))
            }
        }
    }

    /// Gives the statement its own text on PostgreSQL.
    #[must_use]
    pub const fn with_pg(self, pg: &'static str) -> Self {
        Self { pg: Some(pg), ..self }
    }
}

/// What SQLite itself counted for one statement since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StmtStats {
    /// How often it ran.
    pub runs: u64,
    /// Steps of the virtual machine.
    pub vm_steps: u64,
    /// Rows visited without an index.
    pub fullscan_steps: u64,
    /// Sorts.
    pub sorts: u64,
    /// Rows put into automatic indexes.
    pub auto_index: u64,
    /// Plans made anew after the first.
    pub reprepares: u64,
}

impl StmtStats {
    /// Adds another reading.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.vm_steps += other.vm_steps;
        self.fullscan_steps += other.fullscan_steps;
        self.sorts += other.sorts;
        self.auto_index += other.auto_index;
        self.reprepares += other.reprepares;
    }
}
