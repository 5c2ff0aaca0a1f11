//! Parameters, rows, and what the server's errors mean.

use std::error::Error as StdError;

use futures_util::TryStreamExt;
use tokio_postgres::{
    Client, Row as PgRow,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type as PgType, private::BytesMut, to_sql_checked},
};

use crate::{
    db::{Column, OwnedRow, Row, Type, Value},
    error::{Error, Result, UnavailableKind},
};

/// Runs one statement in one round trip: unnamed, with the types of its parameters, so that it
/// leaves nothing behind and works behind a PgBouncer in transaction mode. It is sent by the first
/// poll.
pub(super) async fn run(
    client: &Client,
    sql: &str,
    params: &[Value],
) -> std::result::Result<Vec<PgRow>, tokio_postgres::Error> {
    let params = params.iter().map(|value| (Param(value), type_of(value)));
    client.query_typed_raw(sql, params).await?.try_collect().await
}

/// A parameter on its way out.
#[derive(Debug)]
pub(super) struct Param<'a>(pub(super) &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &PgType,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Value::Null(_) => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(ty, out),
            Value::Real(value) => value.to_sql(ty, out),
            Value::Text(value) => (&**value).to_sql(ty, out),
            Value::Blob(value) => (&**value).to_sql(ty, out),
            Value::Id(value) => value.to_sql(ty, out),
            Value::Ids(ids) => (&**ids).to_sql(ty, out),
            Value::Words(words) => (&**words).to_sql(ty, out),
            Value::TextQuery(query) => query.postgres().as_slice().to_sql(ty, out),
        }
    }

    fn accepts(_: &PgType) -> bool {
        true
    }

    to_sql_checked!();
}

/// Returns the type that the statement is told.
pub(super) fn type_of(value: &Value) -> PgType {
    match value {
        Value::Null(Type::Int) | Value::Int(_) => PgType::INT8,
        Value::Null(Type::Real) | Value::Real(_) => PgType::FLOAT8,
        Value::Null(Type::Text) | Value::Text(_) => PgType::TEXT,
        Value::Null(Type::Blob) | Value::Blob(_) => PgType::BYTEA,
        Value::Null(Type::Id) | Value::Id(_) => PgType::UUID,
        Value::Ids(_) => PgType::UUID_ARRAY,
        Value::Words(_) | Value::TextQuery(_) => PgType::TEXT_ARRAY,
    }
}

/// The bytes of a column as they came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &PgType,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &PgType) -> bool {
        true
    }
}

impl Row for PgRow {
    fn column(&self, i: usize) -> Result<Column<'_>> {
        let odd = |why: &str| Error::bug("read a row", format!("column {i}: {why}"));
        let column = self.columns().get(i).ok_or_else(|| odd("there is none"))?;
        let raw: Option<Raw<'_>> = self.try_get(i).map_err(|e| Error::internal("read a row", e))?;
        let Some(Raw(bytes)) = raw else { return Ok(Column::Null) };
        let eight = || <[u8; 8]>::try_from(bytes).map_err(|_| odd("not 8 bytes"));
        Ok(match *column.type_() {
            PgType::INT8 => Column::Int(i64::from_be_bytes(eight()?)),
            PgType::FLOAT8 => Column::Real(f64::from_be_bytes(eight()?)),
            PgType::TEXT => Column::Text(std::str::from_utf8(bytes).map_err(|_| odd("not UTF-8"))?),
            PgType::BYTEA | PgType::UUID => Column::Blob(bytes),
            ref other => return Err(odd(&format!("has the type {other}"))),
        })
    }
}

/// Copies a row that outlives its answer.
pub(super) fn owned(row: &PgRow) -> Result<OwnedRow> {
    let value = |i| {
        Ok(match row.column(i)? {
            Column::Null => Value::Null(Type::Text),
            Column::Int(value) => Value::Int(value),
            Column::Real(value) => Value::Real(value),
            Column::Text(value) => Value::from(value),
            Column::Blob(value) => Value::from(value),
        })
    };
    (0..row.len()).map(value).collect::<Result<_>>().map(OwnedRow)
}

/// What an error of the server or the connection means for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A second row with the same key, or a parent that is gone.
    Clash,
    /// A check in the pipeline did not hold; see [`super::batch`].
    Unmet,
    /// An earlier statement of the same transaction failed.
    Aborted,
    /// Two transactions stood in each other's way; run it again.
    Serialization,
    /// The server says that it is going down, starting or only reading.
    Refused,
    /// The connection is gone.
    Lost,
    /// Anything else.
    Other,
}

/// Tells what an error means.
pub(super) fn trouble(error: &tokio_postgres::Error) -> Trouble {
    let Some(code) = error.code() else {
        let lost = error.is_closed() || find_io(error).is_some();
        return if lost { Trouble::Lost } else { Trouble::Other };
    };
    match *code {
        SqlState::UNIQUE_VIOLATION | SqlState::FOREIGN_KEY_VIOLATION => Trouble::Clash,
        SqlState::DIVISION_BY_ZERO => Trouble::Unmet,
        SqlState::IN_FAILED_SQL_TRANSACTION => Trouble::Aborted,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            Trouble::Serialization
        }
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::READ_ONLY_SQL_TRANSACTION => Trouble::Refused,
        // PgBouncer speaks of lost servers as a broken protocol.
        SqlState::PROTOCOL_VIOLATION => Trouble::Lost,
        _ if code.code().starts_with("08") || code.code().starts_with("57P") => Trouble::Lost,
        _ => Trouble::Other,
    }
}

/// Returns the failed system call behind an error, if there is one.
pub(super) fn find_io(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

/// Turns an error into ours. Only the server's code and its message go along: the detail may hold
/// what a user wrote.
pub(super) fn storage(op: &'static str, error: &tokio_postgres::Error) -> Error {
    let kind = match trouble(error) {
        Trouble::Refused | Trouble::Lost => UnavailableKind::Storage,
        Trouble::Serialization => UnavailableKind::Busy,
        Trouble::Clash | Trouble::Unmet | Trouble::Aborted | Trouble::Other => match error.code() {
            Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => UnavailableKind::Busy,
            Some(code) if *code == SqlState::QUERY_CANCELED => return Error::Timeout { op },
            Some(code) if *code == SqlState::DISK_FULL => UnavailableKind::StorageFull,
            Some(code) if *code == SqlState::IO_ERROR => UnavailableKind::Io,
            Some(code)
                if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED =>
            {
                UnavailableKind::Corrupt
            }
            Some(code) if code.code().starts_with("53") => UnavailableKind::Busy,
            Some(_) => return Error::bug(op, describe(error)),
            None => UnavailableKind::Storage,
        },
    };
    Error::unavailable_because(kind, op, describe(error))
}

/// Says what went wrong without what a user wrote. Messages about data may quote it, so of those
/// only the code is told.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let code = db.code().code();
        let quotes = ["22", "23", "P0"].iter().any(|class| code.starts_with(class));
        return if quotes {
            format!("SQLSTATE {code}")
        } else {
            format!("{} ({code})", db.message())
        };
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
