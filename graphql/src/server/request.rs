//! Reads a GraphQL request from JSON or from the query of an address.

use serde_json::{Map, Value};

use crate::schema::GraphqlRequest;

/// Reads a request from a JSON text. The error says what to change.
pub(super) fn from_json(text: &[u8]) -> Result<GraphqlRequest, &'static str> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(fields)) => from_object(fields),
        Ok(Value::Array(_)) => Err("Send one operation; batches are not accepted."),
        Ok(_) => Err("Send a JSON object with `query`."),
        Err(_) => Err("The body is not valid JSON."),
    }
}

/// Reads a request from the fields of a JSON object; unknown ones are ignored.
pub(super) fn from_object(mut fields: Map<String, Value>) -> Result<GraphqlRequest, &'static str> {
    let query = match fields.remove("query") {
        Some(Value::String(query)) => query,
        Some(Value::Null) | None => return Err("`query` is missing."),
        Some(_) => return Err("`query` must be a string."),
    };
    let operation_name = match fields.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Null) | None => None,
        Some(_) => return Err("`operationName` must be a string."),
    };
    let mut object = |name, message| match fields.remove(name) {
        Some(Value::Object(object)) => Ok(object),
        Some(Value::Null) | None => Ok(Map::new()),
        Some(_) => Err(message),
    };
    Ok(GraphqlRequest {
        query,
        operation_name,
        variables: object("variables", "`variables` must be an object.")?,
        extensions: object("extensions", "`extensions` must be an object.")?,
    })
}

/// Reads a request from the part of an address behind `?`, where `variables` and `extensions` are
/// JSON texts.
pub(super) fn from_query(query: &str) -> Result<GraphqlRequest, &'static str> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match name.as_ref() {
            "query" | "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|_| "`variables` and `extensions` must be valid JSON.")?,
            _ => continue,
        };
        if fields.insert(name.into_owned(), value).is_some() {
            return Err("A parameter is given twice.");
        }
    }
    from_object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_parts_are_the_same() {
        let short = from_json(br#"{"query":"{a}"}"#).unwrap();
        let long = from_json(
            br#"{"query":"{a}","operationName":null,"variables":null,"extensions":null,"x":1}"#,
        )
        .unwrap();

        for request in [short, long] {
            assert_eq!(request.query, "{a}");
            assert_eq!(request.operation_name, None);
            assert!(request.variables.is_empty() && request.extensions.is_empty());
        }
    }

    #[test]
    fn parts_of_a_wrong_type_are_refused() {
        for body in [
            "",
            "{",
            "null",
            "\"{a}\"",
            "[]",
            r#"[{"query":"{a}"}]"#,
            "{}",
            r#"{"query":null}"#,
            r#"{"query":1}"#,
            r#"{"query":"{a}","operationName":1}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","extensions":0}"#,
            r#"{"query":"{a}"} {}"#,
            "{\"query\":\"\u{1}\"}",
        ] {
            assert!(from_json(body.as_bytes()).is_err(), "{body}");
        }
        assert!(from_json(b"{\"query\":\"\xff\"}").is_err());
        assert!(from_json(&b"[".repeat(10_000)).is_err());
    }

    #[test]
    fn an_address_carries_the_same_parts() {
        let request =
            from_query("query=%7Ba%7D&operationName=A&variables=%7B%22x%22%3A1%7D&other=1")
                .unwrap();

        assert_eq!(request.query, "{a}");
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(request.variables.get("x"), Some(&Value::from(1)));
        for refused in ["", "query=a&query=b", "query=a&variables=x", "query=a&variables=[]"] {
            assert!(from_query(refused).is_err(), "{refused}");
        }
    }
}
