//! Absent keeps, null clears, a value sets: for every field of a patch.

use serde_json::{Value, json};

use super::Api;

/// Field, its type, a new value, and what a read answers once it is cleared; a required field
/// cannot be.
const FIELDS: [(&str, &str, &str, Option<Value>); 7] = [
    ("company", "String", "New", None),
    ("title", "String", "New", None),
    ("url", "URL", "https://jobs.test/2", Some(Value::Null)),
    ("location", "String", "New", Some(Value::Null)),
    ("source", "String", "New", Some(Value::Null)),
    ("status", "JobStatus", "APPLIED", None),
    ("notes", "String", "New", Some(Value::String(String::new()))),
];

#[tokio::test]
async fn a_literal_keeps_clears_or_sets() {
    check(|_, field, change| {
        let patch = match change {
            Change::Absent => String::new(),
            Change::Null => format!("{field}: null"),
            Change::Value(value) if field == "status" => format!("{field}: {value}"),
            Change::Value(value) => format!("{field}: {value:?}"),
        };
        (document("", &format!("{{{patch}}}")), json!({}))
    })
    .await;
}

#[tokio::test]
async fn a_variable_in_the_patch_keeps_clears_or_sets() {
    check(|kind, field, change| {
        let variables = match change {
            Change::Absent => json!({}),
            Change::Null => json!({"v": null}),
            Change::Value(value) => json!({"v": value}),
        };
        (document(&format!(", $v: {kind}"), &format!("{{{field}: $v}}")), variables)
    })
    .await;
}

#[tokio::test]
async fn a_variable_that_is_the_patch_keeps_clears_or_sets() {
    check(|_, field, change| {
        let patch = match change {
            Change::Absent => json!({}),
            Change::Null => json!({field: null}),
            Change::Value(value) => json!({field: value}),
        };
        (document(", $v: JobPatch!", "$v"), json!({"v": patch}))
    })
    .await;
}

enum Change {
    Absent,
    Null,
    Value(&'static str),
}

fn document(variable: &str, patch: &str) -> String {
    format!(
        "mutation($id: ID!{variable}) {{
            jobUpdate(id: $id, patch: {patch}) {{ job {{ id }} userErrors {{ code path }} }} }}"
    )
}

async fn check(write: impl Fn(&str, &str, Change) -> (String, Value)) {
    let api = Api::open().await;
    for (field, kind, new, cleared) in FIELDS {
        let id = api.create("Engineer").await;
        let before = read(&api, &id, field).await;
        let refused = json!([{"code": "INVALID_INPUT", "path": ["patch", field]}]);

        let errors = patch(&api, &id, write(kind, field, Change::Absent)).await;
        assert_eq!(errors, json!([]), "{field} absent");
        assert_eq!(read(&api, &id, field).await, before, "{field} absent");

        let errors = patch(&api, &id, write(kind, field, Change::Null)).await;
        let expected = if cleared.is_some() { json!([]) } else { refused };
        assert_eq!(errors, expected, "{field} null");
        assert_eq!(read(&api, &id, field).await, cleared.unwrap_or(before), "{field} null");

        let errors = patch(&api, &id, write(kind, field, Change::Value(new))).await;
        assert_eq!(errors, json!([]), "{field} value");
        assert_eq!(read(&api, &id, field).await, new, "{field} value");
    }
}

async fn patch(api: &Api, id: &str, (document, mut variables): (String, Value)) -> Value {
    variables["id"] = json!(id);
    api.data(&document, variables).await["jobUpdate"]["userErrors"].take()
}

async fn read(api: &Api, id: &str, field: &str) -> Value {
    let selection = if field == "company" { "company { name }" } else { field };
    let document = format!("query($id: ID!) {{ job(id: $id) {{ {selection} }} }}");
    let value = api.data(&document, json!({"id": id})).await["job"][field].take();
    if field == "company" { value["name"].clone() } else { value }
}
