//! Scalars of the contract and how they are written.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use jotrack_core::Timestamp;

/// Largest integer that every JSON reader keeps exactly.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// RFC 3339 instant in UTC with millisecond precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) Timestamp);

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// RFC 3339 instant in UTC with millisecond precision.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let at = Timestamp::parse_rfc3339(text).map(Self);
        at.ok_or_else(|| InputValueError::custom("expected an RFC 3339 instant"))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Timestamp::parse_rfc3339(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339())
    }
}

/// An address; whether it is one is core's rule, so that a bad one is a user error with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url(pub(crate) String);

/// Absolute http or https URL.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) u64);

/// Size in bytes: a JSON number, an integer from 0 to 2^53-1.
#[Scalar]
impl ScalarType for ByteCount {
    fn parse(value: Value) -> InputValueResult<Self> {
        safe_integer(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        safe_integer(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0.min(SAFE_INTEGER_MAX)))
    }
}

/// Position in the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revision(pub(crate) i64);

/// Position in the owner's change log: a JSON number, an integer from 0 to 2^53-1, strictly increasing in commit order.
#[Scalar]
impl ScalarType for Revision {
    fn parse(value: Value) -> InputValueResult<Self> {
        safe_integer(&value)
            .and_then(|number| i64::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        safe_integer(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

/// Money in millionths of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Micros(pub(crate) i64);

/// Money in millionths of a US dollar: a JSON number, an integer from 0 to 2^53-1.
#[Scalar]
impl ScalarType for Micros {
    fn parse(value: Value) -> InputValueResult<Self> {
        safe_integer(&value)
            .and_then(|number| i64::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        safe_integer(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

fn safe_integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().filter(|number| *number <= SAFE_INTEGER_MAX),
        _ => None,
    }
}

/// A free-form JSON value: a tree where a caller gave it, text where it was stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Json(Value);

impl Json {
    pub(crate) fn of(tree: &serde_json::Value) -> Self {
        Self::text(&tree.to_string())
    }

    /// Takes what is written as JSON already. It travels as [`Value::Binary`], which no other scalar
    /// is, so that a response has it in its place; as a tree it would be built, copied and taken
    /// down for each answer.
    pub(crate) fn text(json: &str) -> Self {
        Self(Value::Binary(json.as_bytes().to_vec().into()))
    }

    pub(crate) fn into_tree(self) -> serde_json::Value {
        // Whatever a caller can write is JSON.
        self.0.into_json().unwrap_or_default()
    }
}

/// Any JSON value whose shape belongs to a model, a prompt or an audit record.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// Narrows a count or version to GraphQL's 32-bit `Int`; it saturates.
pub(crate) fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_given_comes_back_as_it_was() {
        let tree = serde_json::json!({"a": [1, 2.5, null, true], "b": {}});
        let given = Value::from_json(tree.clone()).unwrap();

        assert_eq!(Json::parse(given).unwrap().into_tree(), tree);
    }

    #[test]
    fn revisions_are_safe_integers() {
        assert_eq!(Revision::parse(Value::from(7)).map(|r| r.0).ok(), Some(7));
        assert!(Revision::parse(Value::from(-1)).is_err());
        assert!(Revision::parse(Value::from(SAFE_INTEGER_MAX + 1)).is_err());
        assert!(Revision::parse(Value::from("7")).is_err());
        assert!(!Revision::is_valid(&Value::from(1.5)));
    }

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let at = DateTime::parse(Value::from("2026-01-31T10:30:00+01:00")).unwrap();

        assert_eq!(at.to_value(), Value::from("2026-01-31T09:30:00.000Z"));
        assert!(!DateTime::is_valid(&Value::from("yesterday")));
    }

    #[test]
    fn versions_never_wrap() {
        assert_eq!(int(7_i64), 7);
        assert_eq!(int(u64::MAX), i32::MAX);
    }
}
