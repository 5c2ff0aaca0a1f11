//! Binding, rows, counters and error codes: what every connection needs.

use std::{collections::HashMap, rc::Rc};

use rusqlite::{
    CachedStatement, Connection, StatementStatus, ToSql,
    ffi::{self, ErrorCode as Sqlite},
    types::{ToSqlOutput, Value as SqlValue, ValueRef},
};

use crate::{
    db::{Column, OwnedRow, Row, Stmt, StmtStats, Type, Value},
    error::{Error, Result, UnavailableKind},
};

/// Counters by statement name.
pub(super) type Stats = HashMap<&'static str, StmtStats>;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null(_) => ToSqlOutput::Owned(SqlValue::Null),
            Self::Int(value) => ToSqlOutput::Owned(SqlValue::Integer(*value)),
            Self::Real(value) => ToSqlOutput::Owned(SqlValue::Real(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Blob(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Self::Id(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Self::TextQuery(query) => ToSqlOutput::Owned(SqlValue::Text(query.fts5())),
            Self::Ids(ids) => array(ids.iter().map(|id| SqlValue::Blob(id.as_bytes().to_vec()))),
            Self::Words(words) => {
                array(words.iter().map(|word| SqlValue::Text((*word).to_owned())))
            }
        })
    }
}

/// A set for the table-valued function `rarray`.
fn array<'a>(values: impl Iterator<Item = SqlValue>) -> ToSqlOutput<'a> {
    ToSqlOutput::from_rc(Rc::new(values.collect::<Vec<_>>()), c"rarray")
}

impl Row for rusqlite::Row<'_> {
    fn column(&self, i: usize) -> Result<Column<'_>> {
        Ok(match self.get_ref(i).map_err(|e| storage("read a row", e))? {
            ValueRef::Null => Column::Null,
            ValueRef::Integer(value) => Column::Int(value),
            ValueRef::Real(value) => Column::Real(value),
            ValueRef::Text(bytes) => Column::Text(
                std::str::from_utf8(bytes).map_err(|e| Error::internal("read a row", e))?,
            ),
            ValueRef::Blob(bytes) => Column::Blob(bytes),
        })
    }
}

/// What is done with each row of a statement while it is borrowed.
pub(super) type Each<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<()>;

/// Maps the rows that `run` visits. Only this is compiled for each kind of row.
pub(super) fn mapped<T>(
    mut map: impl FnMut(&dyn Row) -> Result<T>,
    run: impl FnOnce(Each<'_>) -> Result<()>,
) -> Result<Vec<T>> {
    let mut out = Vec::new();
    run(&mut |row| {
        out.push(map(row)?);
        Ok(())
    })?;
    Ok(out)
}

/// Runs a statement and visits each row.
pub(super) fn each_row(
    conn: &Connection,
    stmt: &'static Stmt,
    params: &[Value],
    stats: Option<&mut Stats>,
    each: Each<'_>,
) -> Result<()> {
    let mut prepared = conn.prepare_cached(stmt.sql).map_err(|e| storage(stmt.name, e))?;
    {
        let mut rows = prepared
            .query(rusqlite::params_from_iter(params))
            .map_err(|e| storage(stmt.name, e))?;
        while let Some(row) = rows.next().map_err(|e| storage(stmt.name, e))? {
            each(row)?;
        }
    }
    count(stmt, &prepared, stats);
    Ok(())
}

/// Runs a step of a batch; returns the rows it touched and the rows it returned.
pub(super) fn step(
    conn: &Connection,
    stmt: &'static Stmt,
    params: &[Value],
    stats: Option<&mut Stats>,
) -> std::result::Result<(usize, Vec<OwnedRow>), rusqlite::Error> {
    let mut prepared = conn.prepare_cached(stmt.sql)?;
    let columns = prepared.column_count();
    let outcome = if columns == 0 {
        (prepared.execute(rusqlite::params_from_iter(params))?, Vec::new())
    } else {
        let mut rows = prepared.query(rusqlite::params_from_iter(params))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|i| row.get_ref(i).map(owned));
            out.push(OwnedRow(values.collect::<rusqlite::Result<_>>()?));
        }
        (out.len(), out)
    };
    count(stmt, &prepared, stats);
    Ok(outcome)
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null(Type::Text),
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::from(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::from(bytes),
    }
}

fn count(stmt: &'static Stmt, prepared: &CachedStatement<'_>, stats: Option<&mut Stats>) {
    let Some(stats) = stats else { return };
    let read = |status| u64::try_from(prepared.reset_status(status)).unwrap_or(0);
    stats.entry(stmt.name).or_default().add(StmtStats {
        runs: read(StatementStatus::Run),
        vm_steps: read(StatementStatus::VmStep),
        fullscan_steps: read(StatementStatus::FullscanStep),
        sorts: read(StatementStatus::Sort),
        auto_index: read(StatementStatus::AutoIndex),
        reprepares: read(StatementStatus::RePrepare),
    });
}

/// Turns an error of SQLite into ours.
pub(super) fn storage(op: &'static str, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => UnavailableKind::Busy,
        Some(Sqlite::OperationInterrupted) => return Error::Timeout { op },
        Some(Sqlite::DiskFull) => UnavailableKind::StorageFull,
        Some(Sqlite::SystemIoFailure | Sqlite::CannotOpen | Sqlite::ReadOnly) => {
            UnavailableKind::Io
        }
        Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => UnavailableKind::Corrupt,
        Some(Sqlite::ConstraintViolation) | None => return Error::internal(op, error),
        Some(_) => UnavailableKind::Storage,
    };
    Error::Unavailable { kind, op, source: Some(std::sync::Arc::new(error)) }
}

/// Reports whether the error is a second row with the same key.
pub(super) fn is_unique_violation(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(e, _)
            if e.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE
                || e.extended_code == ffi::SQLITE_CONSTRAINT_PRIMARYKEY
    )
}

/// Reports whether the error says that a parent row is gone.
pub(super) fn is_foreign_key_violation(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(e, _)
            if e.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY
    )
}
