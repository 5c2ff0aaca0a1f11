//! The texts of the statements as PostgreSQL gets them, made once, and how often each ran.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    catalogue,
    db::{Stmt, StmtStats},
};

/// Texts by statement name.
#[derive(Debug)]
pub(super) struct Texts {
    plain: HashMap<&'static str, Cow<'static, str>>,
    checked: HashMap<&'static str, String>,
    runs: Option<Mutex<HashMap<&'static str, StmtStats>>>,
}

impl Texts {
    pub(super) fn new(counting: bool) -> Self {
        let all = catalogue::statements();
        let plain: HashMap<_, _> = all.iter().map(|stmt| (stmt.name, stmt.postgres())).collect();
        let checked = all.iter().map(|stmt| (stmt.name, check(&stmt.postgres()))).collect();
        Self { plain, checked, runs: counting.then(Mutex::default) }
    }

    /// Returns the text of a statement.
    pub(super) fn plain(&self, stmt: &'static Stmt) -> Cow<'_, str> {
        match self.plain.get(stmt.name) {
            Some(text) => Cow::Borrowed(text),
            None => stmt.postgres(),
        }
    }

    /// Returns the text of a statement that fails unless it touches exactly one row.
    pub(super) fn checked(&self, stmt: &'static Stmt) -> Cow<'_, str> {
        match self.checked.get(stmt.name) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(check(&stmt.postgres())),
        }
    }

    /// Counts statements that are about to run.
    pub(super) fn count(&self, statements: impl Iterator<Item = &'static Stmt>) {
        let Some(runs) = &self.runs else { return };
        let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
        for stmt in statements {
            runs.entry(stmt.name).or_default().runs += 1;
        }
    }

    /// Returns the counts.
    pub(super) fn stats(&self) -> Vec<(&'static str, StmtStats)> {
        let Some(runs) = &self.runs else { return Vec::new() };
        let runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = runs.iter().map(|(name, stats)| (*name, *stats)).collect();
        list.sort_unstable_by_key(|(name, _)| *name);
        list
    }
}

/// Adds the check of one row: any other number of rows divides by zero.
fn check(sql: &str) -> String {
    format!(
        "WITH step AS ({sql} RETURNING 1)
         SELECT CAST(1 / CASE count(*) WHEN 1 THEN 1 ELSE 0 END AS BIGINT) FROM step"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_wrapped_whole() {
        let text = check("DELETE FROM task WHERE id = $1");

        assert!(text.starts_with("WITH step AS (DELETE FROM task WHERE id = $1 RETURNING 1)"));
    }
}
