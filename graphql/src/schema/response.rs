//! Responses, and how they are written: free-form JSON is text from where it was stored to the wire.

use std::{collections::BTreeMap, io};

use async_graphql::{Response, ServerError, Value};
use serde::{Serialize, ser::Error as _};
use serde_json::ser::{Formatter, Serializer};

/// What came of an operation: `data`, `errors` and `extensions`, as GraphQL says.
///
/// Serialize it, or take [`GraphqlResponse::to_json`], which is several times faster.
#[derive(Debug)]
pub struct GraphqlResponse(pub(crate) Response);

impl GraphqlResponse {
    /// Returns what went wrong; empty for an operation that succeeded.
    pub fn errors(&self) -> &[ServerError] {
        &self.0.errors
    }

    /// Returns what is told beside the data, such as [`POSITION`](super::POSITION).
    pub fn extensions(&self) -> &BTreeMap<String, Value> {
        &self.0.extensions
    }

    /// Returns the response as JSON text, or `None` when it is longer than `limit` bytes; memory
    /// stays below the limit. Linear in what is written.
    pub fn to_json(&self, limit: usize) -> Option<String> {
        written(&self.0, limit)
    }
}

impl From<Response> for GraphqlResponse {
    fn from(response: Response) -> Self {
        Self(response)
    }
}

impl Serialize for GraphqlResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            data: Tree<'a>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            extensions: &'a BTreeMap<String, Value>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [ServerError],
        }
        let Response { data, extensions, errors, .. } = &self.0;
        Fields { data: Tree(data), extensions, errors }.serialize(serializer)
    }
}

/// A value for serializers that know nothing of text in its place.
struct Tree<'a>(&'a Value);

impl Serialize for Tree<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Binary(text) => serde_json::from_slice::<serde_json::Value>(text)
                .map_err(S::Error::custom)?
                .serialize(serializer),
            Value::List(items) => serializer.collect_seq(items.iter().map(Tree)),
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Tree(value))))
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Returns what belongs to a response as JSON text, unless it is longer than `limit` bytes.
pub(crate) fn written(response: &impl Serialize, limit: usize) -> Option<String> {
    let writer = Capped { bytes: Vec::with_capacity(1_024), limit };
    let mut serializer = Serializer::with_formatter(writer, AsText);
    response.serialize(&mut serializer).ok()?;
    // Made of texts only.
    String::from_utf8(serializer.into_inner().bytes).ok()
}

/// Writes JSON without white space, and bytes as the JSON they are.
struct AsText;

impl Formatter for AsText {
    fn write_byte_array<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        writer.write_all(value)
    }
}

/// Fails instead of growing beyond its limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // The one that is called, for every piece of JSON.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len().saturating_add(bytes.len()) > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ScalarType as _;
    use serde_json::json;

    use super::{super::scalars::Json, *};

    fn free(value: &serde_json::Value) -> Value {
        Json::of(value).to_value()
    }

    #[test]
    fn free_json_stands_in_a_response_as_it_is() {
        let value = json!({"a": [1, 2.5, null, true], "b": {"c": "\"\u{7}é"}});
        let mut data = async_graphql::indexmap::IndexMap::new();
        data.insert(async_graphql::Name::new("before"), Value::from(1));
        data.insert(async_graphql::Name::new("free"), free(&value));
        data.insert(async_graphql::Name::new("after"), Value::from("x"));

        let response = GraphqlResponse(Response::new(Value::Object(data)));

        let expected = json!({"data": {"before": 1, "free": value, "after": "x"}});
        let written: serde_json::Value =
            serde_json::from_str(&response.to_json(1_000).unwrap()).unwrap();
        assert_eq!(written, expected);
        assert_eq!(serde_json::to_value(&response).unwrap(), expected);
    }

    #[test]
    fn a_response_of_exactly_the_limit_is_written_and_a_longer_one_is_not() {
        let response = GraphqlResponse(Response::new(free(&json!("x".repeat(100)))));
        let length = response.to_json(1_000).unwrap().len();

        assert!(response.to_json(length).is_some());
        assert!(response.to_json(length - 1).is_none());
    }
}
