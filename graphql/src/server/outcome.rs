//! The outcome of an operation, on its way to a client of any transport.

use async_graphql::{Response, ServerError, Value};
use serde::Serialize;

use super::{admit::RequestId, reply::Problem};
use crate::schema::{Cost, GraphqlResponse, POSITION, is_request_error, written};

/// A response of the schema, and whether anything was executed for it.
#[derive(Debug)]
pub(super) struct Outcome {
    response: GraphqlResponse,
    executed: bool,
    cost: Cost,
}

impl Outcome {
    /// Takes a response of the schema; its errors get the request's id.
    pub(super) fn new(response: impl Into<GraphqlResponse>, id: &RequestId) -> Self {
        let mut response = response.into();
        for error in &mut response.0.errors {
            error.extensions.get_or_insert_default().set("requestId", id.as_str());
        }
        let executed = !is_request_error(&response.0);
        Self { response, executed, cost: Cost::default() }
    }

    /// An operation that was refused before anything was executed.
    pub(super) fn refused(problem: &Problem, id: &RequestId) -> Self {
        let response = Response::from_errors(vec![problem.to_server_error()]);
        Self { executed: false, ..Self::new(response, id) }
    }

    pub(super) fn with_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// What the operation's reads took.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// What a reader must see to see the operation's writes.
    pub(super) fn position(&self) -> Option<&str> {
        match self.response.extensions().get(POSITION) {
            Some(Value::String(position)) => Some(position),
            _ => None,
        }
    }

    pub(super) fn was_executed(&self) -> bool {
        self.executed
    }

    /// Writes the response, without `data` when nothing was executed. One that is longer than
    /// `limit` bytes becomes an error.
    pub(super) fn to_json(&self, limit: usize, id: &RequestId) -> Vec<u8> {
        let written = if self.executed {
            self.response.to_json(limit)
        } else {
            written(&Refused { errors: self.response.errors() }, limit)
        };
        if let Some(written) = written {
            return written.into_bytes();
        }
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let error = Problem::too_large("The answer", "response_bytes", limit).to_error(id.as_str());
        let mut answer = serde_json::json!({"errors": [error], "data": null});
        if let (Some(fields), Some(position)) = (answer.as_object_mut(), self.position()) {
            let extensions = serde_json::json!({POSITION: position});
            fields.insert("extensions".to_owned(), extensions);
        }
        answer.to_string().into_bytes()
    }

    /// The errors as a JSON list.
    pub(super) fn errors(&self) -> serde_json::Value {
        serde_json::to_value(self.response.errors()).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    errors: &'a [ServerError],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(outcome: &Outcome, limit: usize) -> serde_json::Value {
        let id = RequestId::for_tests("r1");
        serde_json::from_slice(&outcome.to_json(limit, &id)).unwrap()
    }

    fn failed(code: &str) -> Outcome {
        let mut error = ServerError::new("no", None);
        error.extensions.get_or_insert_default().set("code", code);
        Outcome::new(Response::from_errors(vec![error]), &RequestId::for_tests("r1"))
    }

    #[test]
    fn a_refused_document_has_no_data_and_a_failed_operation_has() {
        let refused = failed("GRAPHQL_VALIDATION_FAILED");
        let executed = failed("TIMEOUT");

        assert!(!refused.was_executed());
        assert!(json(&refused, 1_000).get("data").is_none());
        assert!(executed.was_executed());
        assert_eq!(json(&executed, 1_000).get("data"), Some(&serde_json::Value::Null));
        assert_eq!(json(&executed, 1_000)["errors"][0]["extensions"]["requestId"], "r1");
    }

    #[test]
    fn an_answer_beyond_its_limit_becomes_an_error() {
        let long = Response::new(Value::String("x".repeat(2_000)));
        let outcome = Outcome::new(long, &RequestId::for_tests("r1"));

        assert_eq!(json(&outcome, 1_000)["errors"][0]["extensions"]["limit"], "response_bytes");
        assert_eq!(json(&outcome, 3_000)["data"].as_str().map(str::len), Some(2_000));
    }

    #[test]
    fn a_write_keeps_its_position_when_its_answer_is_too_long() {
        let position = "00000000016b3748";
        let mut long = Response::new(Value::String("x".repeat(2_000)));
        long.extensions.insert(POSITION.to_owned(), position.into());
        let outcome = Outcome::new(long, &RequestId::for_tests("r1"));

        assert_eq!(outcome.position(), Some(position));
        for limit in [1_000, 3_000] {
            assert_eq!(json(&outcome, limit)["extensions"]["position"], position, "{limit}");
        }
    }
}
