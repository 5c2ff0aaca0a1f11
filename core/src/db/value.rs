//! Values in, rows out: the same for every engine.

use std::sync::Arc;

use uuid::Uuid;

use super::TextQuery;
use crate::{
    error::{Error, Result},
    time::Timestamp,
};

/// The type of a NULL; PostgreSQL wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// A 64-bit integer.
    Int,
    /// A double.
    Real,
    /// A text.
    Text,
    /// Bytes.
    Blob,
    /// An id.
    Id,
}

/// A parameter, or a column of a row that outlives its statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// No value.
    Null(Type),
    /// Times, numbers and flags.
    Int(i64),
    /// Scores.
    Real(f64),
    /// Text and JSON.
    Text(Arc<str>),
    /// Digests.
    Blob(Arc<[u8]>),
    /// An id.
    Id(Uuid),
    /// A set of ids, for `IN`.
    Ids(Arc<[Uuid]>),
    /// A set of words of an enum, for `IN`.
    Words(Arc<[&'static str]>),
    /// A question to the text index.
    TextQuery(Arc<TextQuery>),
}

/// The parameters of one statement.
pub(crate) type Params = Vec<Value>;

/// Builds [`Params`] from anything that turns into a [`Value`].
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}

pub(crate) use params;

macro_rules! value_from {
    ($($from:ty => |$x:ident| $value:expr, $kind:ident);+ $(;)?) => {$(
        impl From<$from> for Value {
            fn from($x: $from) -> Self { $value }
        }
        impl From<Option<$from>> for Value {
            fn from(option: Option<$from>) -> Self {
                option.map_or(Self::Null(Type::$kind), Self::from)
            }
        }
    )+};
}

value_from!(
    i64 => |x| Self::Int(x), Int;
    u32 => |x| Self::Int(i64::from(x)), Int;
    u8 => |x| Self::Int(i64::from(x)), Int;
    bool => |x| Self::Int(i64::from(x)), Int;
    Timestamp => |x| Self::Int(x.as_ms()), Int;
    f64 => |x| Self::Real(x), Real;
    &str => |x| Self::Text(Arc::from(x)), Text;
    String => |x| Self::Text(Arc::from(x)), Text;
    Arc<str> => |x| Self::Text(x), Text;
    &[u8] => |x| Self::Blob(Arc::from(x)), Blob;
    Vec<u8> => |x| Self::Blob(Arc::from(x)), Blob;
    Uuid => |x| Self::Id(x), Id;
    crate::id::JobId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::UserId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::AnalysisId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::CompanyId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::AttachmentId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::VariantId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::StatusChangeId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::UploadId => |x| Self::Id(x.as_uuid()), Id;
    crate::id::TaskId => |x| Self::Id(x.as_uuid()), Id;
);

impl From<Vec<Uuid>> for Value {
    fn from(ids: Vec<Uuid>) -> Self {
        Self::Ids(Arc::from(ids))
    }
}

impl From<Vec<&'static str>> for Value {
    fn from(words: Vec<&'static str>) -> Self {
        Self::Words(Arc::from(words))
    }
}

impl From<TextQuery> for Value {
    fn from(query: TextQuery) -> Self {
        Self::TextQuery(Arc::new(query))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A row of an answer. Columns are named by position, as the statement lists them.
pub(crate) trait Row {
    /// Returns the value of a column, borrowed.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no such column.
    fn column(&self, i: usize) -> Result<Column<'_>>;
}

/// A borrowed column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    /// No value.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Real(f64),
    /// A text.
    Text(&'a str),
    /// Bytes or an id.
    Blob(&'a [u8]),
}

impl dyn Row + '_ {
    /// Returns an integer.
    pub(crate) fn int(&self, i: usize) -> Result<i64> {
        match self.column(i)? {
            Column::Int(value) => Ok(value),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns an integer or nothing.
    pub(crate) fn opt_int(&self, i: usize) -> Result<Option<i64>> {
        match self.column(i)? {
            Column::Null => Ok(None),
            Column::Int(value) => Ok(Some(value)),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns a flag.
    pub(crate) fn flag(&self, i: usize) -> Result<bool> {
        Ok(self.int(i)? != 0)
    }

    /// Returns an integer that fits `T`.
    pub(crate) fn number<T: TryFrom<i64>>(&self, i: usize) -> Result<T> {
        T::try_from(self.int(i)?).map_err(|_| mismatch(i))
    }

    /// Returns an instant.
    pub(crate) fn time(&self, i: usize) -> Result<Timestamp> {
        self.int(i).map(Timestamp::from_ms)
    }

    /// Returns an instant or nothing.
    pub(crate) fn opt_time(&self, i: usize) -> Result<Option<Timestamp>> {
        Ok(self.opt_int(i)?.map(Timestamp::from_ms))
    }

    /// Returns a double or nothing.
    pub(crate) fn opt_real(&self, i: usize) -> Result<Option<f64>> {
        match self.column(i)? {
            Column::Null => Ok(None),
            Column::Real(value) => Ok(Some(value)),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns a text.
    pub(crate) fn text(&self, i: usize) -> Result<&str> {
        match self.column(i)? {
            Column::Text(value) => Ok(value),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns a text or nothing.
    pub(crate) fn opt_text(&self, i: usize) -> Result<Option<&str>> {
        match self.column(i)? {
            Column::Null => Ok(None),
            Column::Text(value) => Ok(Some(value)),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns bytes.
    pub(crate) fn blob(&self, i: usize) -> Result<&[u8]> {
        match self.column(i)? {
            Column::Blob(value) => Ok(value),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns bytes or null.
    pub(crate) fn opt_blob(&self, i: usize) -> Result<Option<&[u8]>> {
        match self.column(i)? {
            Column::Null => Ok(None),
            Column::Blob(value) => Ok(Some(value)),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns an id.
    pub(crate) fn id(&self, i: usize) -> Result<Uuid> {
        Uuid::from_slice(self.blob(i)?).map_err(|_| mismatch(i))
    }

    /// Returns an id or nothing.
    pub(crate) fn opt_id(&self, i: usize) -> Result<Option<Uuid>> {
        match self.column(i)? {
            Column::Null => Ok(None),
            Column::Blob(bytes) => Uuid::from_slice(bytes).map(Some).map_err(|_| mismatch(i)),
            _ => Err(mismatch(i)),
        }
    }

    /// Returns a value of an enum; a stored word that the enum lacks is damage, never a default.
    pub(crate) fn word<T>(&self, i: usize, parse: fn(&str) -> Option<T>) -> Result<T> {
        parse(self.text(i)?).ok_or_else(|| mismatch(i))
    }

    /// Returns a value of an enum or nothing.
    pub(crate) fn opt_word<T>(&self, i: usize, parse: fn(&str) -> Option<T>) -> Result<Option<T>> {
        self.opt_text(i)?.map(|text| parse(text).ok_or_else(|| mismatch(i))).transpose()
    }
}

fn mismatch(i: usize) -> Error {
    Error::bug("read a row", format!("column {i} has an unexpected type or word"))
}

/// A row that a step of a batch returned.
#[derive(Debug, Clone)]
pub(crate) struct OwnedRow(pub(crate) Vec<Value>);

impl Row for OwnedRow {
    fn column(&self, i: usize) -> Result<Column<'_>> {
        Ok(match self.0.get(i).ok_or_else(|| mismatch(i))? {
            Value::Null(_) => Column::Null,
            Value::Int(value) => Column::Int(*value),
            Value::Real(value) => Column::Real(*value),
            Value::Text(value) => Column::Text(value),
            Value::Blob(value) => Column::Blob(value),
            Value::Id(value) => Column::Blob(value.as_bytes()),
            Value::Ids(_) | Value::Words(_) | Value::TextQuery(_) => return Err(mismatch(i)),
        })
    }
}
