//! Absent keeps, null clears, a value sets: each field of each patch, as a literal, as a variable,
//! and with the whole patch as one variable.

use jotrack_tests::{
    Lab,
    client::{Graphql, text},
};
use serde_json::{Value, json};

use super::{start, written};

/// One field of a patch: how it is written, typed, set and read.
struct PatchField {
    mutation: &'static str,
    patch: &'static str,
    field: &'static str,
    kind: &'static str,
    literal: &'static str,
    value: Value,
    /// Where the payload shows it.
    read: &'static str,
    /// What is shown once it is cleared; `None` when it cannot be.
    cleared: Option<Value>,
}

fn patch_fields() -> Vec<PatchField> {
    let at = "2026-09-21T14:13:20.500Z";
    let job = |field, kind, literal, value, read, cleared| PatchField {
        mutation: "jobUpdate(id: $id",
        patch: "JobPatch",
        field,
        kind,
        literal,
        value,
        read,
        cleared,
    };
    let entry = |field, kind, literal, value, read, cleared| PatchField {
        mutation: "statusChangeUpdate(id: $id",
        patch: "StatusChangePatch",
        field,
        kind,
        literal,
        value,
        read,
        cleared,
    };
    let coach = |field, kind, literal, value, read, cleared| PatchField {
        mutation: "coachStateUpdate(jobId: $id",
        patch: "CoachStatePatch",
        field,
        kind,
        literal,
        value,
        read,
        cleared,
    };
    vec![
        job("company", "String", "\"Umbra\"", json!("Umbra"), "job company name", None),
        job("title", "String", "\"Baker\"", json!("Baker"), "job title", None),
        job(
            "url",
            "URL",
            "\"https://umbra.test/\"",
            json!("https://umbra.test/"),
            "job url",
            Some(Value::Null),
        ),
        job("location", "String", "\"Basel\"", json!("Basel"), "job location", Some(Value::Null)),
        job("source", "String", "\"Friend\"", json!("Friend"), "job source", Some(Value::Null)),
        job("status", "JobStatus", "APPLIED", json!("APPLIED"), "job status", None),
        job("notes", "String", "\"New\"", json!("New"), "job notes", Some(json!(""))),
        entry("at", "DateTime", "\"2026-09-21T14:13:20.500Z\"", json!(at), "statusChange at", None),
        entry("note", "String", "\"New\"", json!("New"), "statusChange note", Some(json!(""))),
        coach(
            "currentStep",
            "CoachStep",
            "DISCOVERY",
            json!("DISCOVERY"),
            "coach currentStep",
            Some(Value::Null),
        ),
        coach(
            "profile",
            "JSON",
            "{a: [1, null]}",
            json!({"a": [1, null]}),
            "coach profile",
            Some(Value::Null),
        ),
    ]
}

#[tokio::test]
async fn every_field_of_every_patch_is_kept_cleared_or_set() {
    let (lab, api) = start().await;
    let types = api.field("{ __schema { types { name inputFields { name } } } }", json!({})).await;
    for kind in types["types"]
        .as_array()
        .unwrap()
        .iter()
        // Settings are no object with an id; `graphql_analyses` changes them.
        .filter(|kind| kind["name"] != "SettingsPatch")
        .filter(|kind| kind["name"].as_str().unwrap().ends_with("Patch"))
    {
        for field in kind["inputFields"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|field| field["name"] != "answers")
        {
            let listed = patch_fields()
                .iter()
                .any(|it| kind["name"] == it.patch && field["name"] == it.field);
            assert!(listed, "{}.{} is not tested", kind["name"], field["name"]);
        }
    }
    for field in patch_fields() {
        for way in ["literal", "variable", "whole"] {
            let id = target(&lab, &api, &field).await;
            let original = apply(&api, &field, way, None, &id).await.unwrap();

            let cleared = apply(&api, &field, way, Some(Value::Null), &id).await;
            let expected = field.cleared.clone().ok_or_else(|| vec![json!(["patch", field.field])]);
            assert_eq!(cleared, expected, "{} null by {way}", field.field);
            let set = apply(&api, &field, way, Some(field.value.clone()), &id).await;
            assert_eq!(set, Ok(field.value.clone()), "{} by {way}", field.field);
            let kept = apply(&api, &field, way, None, &id).await;
            assert_eq!(kept, Ok(field.value.clone()), "{} absent by {way}", field.field);
            assert_ne!(original, field.value, "{} starts with another value", field.field);
        }
    }
}

/// Makes what a patch of this field is applied to.
async fn target(lab: &Lab, api: &Graphql, field: &PatchField) -> String {
    lab.clock.advance_ms(1_000);
    let create = "jobCreate(input: {company: \"Acme\", title: \"Cook\", url: \"https://acme.test/1\", location: \"Bern\", source: \"Board\", notes: \"n\", statusAt: \"2026-09-01T00:00:00Z\"})";
    let made = written(api, create, "job { id statusHistory { nodes { id } } }", "").await;
    match field.patch {
        "StatusChangePatch" => text(&made["job"]["statusHistory"]["nodes"][0]["id"]),
        _ => text(&made["job"]["id"]),
    }
}

/// Patches one field, `None` leaving it out; returns what the payload shows or the paths refused.
async fn apply(
    api: &Graphql,
    field: &PatchField,
    way: &str,
    value: Option<Value>,
    id: &str,
) -> Result<Value, Vec<Value>> {
    let PatchField { mutation, patch, field: name, kind, literal, read, .. } = field;
    let mut variables = json!({"id": id});
    let (declared, written) = match way {
        "literal" => match &value {
            None => (String::new(), "{}".to_owned()),
            Some(Value::Null) => (String::new(), format!("{{{name}: null}}")),
            Some(_) => (String::new(), format!("{{{name}: {literal}}}")),
        },
        "variable" => {
            if let Some(value) = value {
                variables["v"] = value;
            }
            (format!(", $v: {kind}"), format!("{{{name}: $v}}"))
        }
        _ => {
            variables["v"] = value.map_or_else(|| json!({}), |value| json!({*name: value}));
            (format!(", $v: {patch}!"), "$v".to_owned())
        }
    };
    let parts: Vec<_> = read.split(' ').collect();
    let selection = parts.iter().rev().fold(String::new(), |inner, part| {
        if inner.is_empty() { (*part).to_owned() } else { format!("{part} {{ {inner} }}") }
    });
    let document = format!(
        "mutation($id: ID!{declared}) {{ {mutation}, patch: {written}) {{ {selection} userErrors {{ path }} }} }}"
    );
    let payload = api.field(&document, variables).await;
    let errors = payload["userErrors"].as_array().unwrap();
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| error["path"].clone()).collect());
    }
    Ok(parts.iter().fold(payload, |value, part| value[*part].clone()))
}
