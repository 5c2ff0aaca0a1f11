//! Absent keeps, null clears, a value sets: for every field, by literal, by variable, by input.

use serde_json::{Value, json};

use super::Api;

type Variables = fn(&str, &str, Option<Value>) -> Value;

#[tokio::test]
async fn a_patch_tells_absent_null_and_value_apart() {
    let api = Api::open().await;
    let fields = ["company", "title", "url", "location", "source", "status", "notes"];
    let value = |field: &str| match field {
        "url" => "https://jobs.test/2",
        "status" => "APPLIED",
        _ => "New",
    };
    for field in fields {
        let required = ["company", "title", "status"].contains(&field);
        let kind = match field {
            "url" => "URL",
            "status" => "JobStatus",
            _ => "String",
        };
        let literal = |value: &str| {
            let value = if field == "status" || value == "null" {
                value.to_owned()
            } else {
                format!("{value:?}")
            };
            format!(
                "mutation($id: ID!) {{ jobUpdate(id: $id, patch: {{{field}: {value}}}) {{
                job {{ version }} userErrors {{ code path }} }} }}"
            )
        };
        let by_variable = format!(
            "mutation($id: ID!, $v: {kind}) {{ jobUpdate(id: $id, patch: {{{field}: $v}}) {{
            job {{ version }} userErrors {{ code path }} }} }}"
        );
        let by_input = "mutation($id: ID!, $patch: JobPatch!) { jobUpdate(id: $id, patch: $patch) {
            job { version } userErrors { code path } } }";
        let refused = json!([{"code": "INVALID_INPUT", "path": ["patch", field]}]);
        let ways: [(String, Variables); 3] = [
            (String::new(), |id, _, _| json!({"id": id})),
            (by_variable, |id, _, v| match v {
                Some(v) => json!({"id": id, "v": v}),
                None => json!({"id": id}),
            }),
            (by_input.to_owned(), |id, field, v| match v {
                Some(v) => json!({"id": id, "patch": {field: v}}),
                None => json!({"id": id, "patch": {}}),
            }),
        ];
        for (document, variables) in ways {
            let id = api.create("Engineer").await;
            let read = format!(
                "query($id: ID!) {{ job(id: $id) {{ {} }} }}",
                if field == "company" { "company { name }" } else { field }
            );
            let original = api.data(&read, json!({"id": id})).await;
            let doc = |v: &str| if document.is_empty() { literal(v) } else { document.clone() };

            if !document.is_empty() {
                let kept = api.data(&doc(""), variables(&id, field, None)).await;
                assert_eq!(kept["jobUpdate"]["userErrors"], json!([]), "{field}");
                assert_eq!(api.data(&read, json!({"id": id})).await, original, "{field} absent");
            }

            let cleared = api.data(&doc("null"), variables(&id, field, Some(Value::Null))).await;
            if required {
                assert_eq!(cleared["jobUpdate"]["userErrors"], refused, "{field}");
                assert_eq!(api.data(&read, json!({"id": id})).await, original, "{field} null");
            } else {
                let empty = if field == "notes" { json!("") } else { Value::Null };
                let now = api.data(&read, json!({"id": id})).await;
                assert_eq!(now["job"][field], empty, "{field} null by {document}");
            }

            api.data(&doc(value(field)), variables(&id, field, Some(json!(value(field))))).await;
            let now = api.data(&read, json!({"id": id})).await;
            let now =
                if field == "company" { &now["job"][field]["name"] } else { &now["job"][field] };
            assert_eq!(now, value(field), "{field} value by {document}");
        }
    }
}
