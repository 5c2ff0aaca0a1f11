//! The schema as text, and the rules that every type in it keeps.

use std::fs;

use jotrack_graphql::schema;
use jotrack_tests::{Lab, c::repository, client::Graphql, golden::assert_committed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[test]
fn committed_schema_is_the_generated_one() {
    let generated = schema::sdl();

    assert_committed("graphql/schema.graphql", &generated, "graphql/src/schema");
    for scalar in ["DateTime", "URL"] {
        let declared = format!("scalar {scalar} @specifiedBy(url: \"");
        assert!(generated.contains(&declared), "{scalar} names its specification");
    }
}

#[tokio::test]
async fn schema_hash_is_the_digest_of_the_committed_text() {
    let api = Graphql::of(&Lab::new().await.engine);

    let info = api.field("{ serverInfo { schemaHash } }", json!({})).await;

    let committed = fs::read(repository("graphql/schema.graphql")).unwrap();
    let digest: String = Sha256::digest(committed).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(info["schemaHash"], digest);
}

const TYPES: &str = "{ __schema { types { kind name description
    fields { name description type { ...T } args { name type { ...T } } }
    inputFields { name type { ...T } }
    interfaces { name } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// All types of the schema but those of introspection.
async fn types() -> Vec<Value> {
    let api = Graphql::of(&Lab::new().await.engine);
    let mut schema = api.field(TYPES, json!({})).await;
    let Value::Array(types) = schema["types"].take() else { panic!("no types") };
    types.into_iter().filter(|it| !it["name"].as_str().unwrap().starts_with("__")).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A type as the schema definition language writes it.
fn written(kind: &Value) -> String {
    match kind["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&kind["ofType"])),
        "LIST" => format!("[{}]", written(&kind["ofType"])),
        _ => kind["name"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn lists_are_never_null_and_hold_no_nulls() {
    // Payload objects are null when nothing was written; `path` is null when no argument is to
    // blame; `nodes` keeps the order of its ids.
    let may_be_null = ["Payload.", "Error.path"];
    let mut wrong = Vec::new();
    for kind in types().await {
        for field in list(&kind["fields"]) {
            let (name, written) = (
                format!("{}.{}", kind["name"].as_str().unwrap(), field["name"].as_str().unwrap()),
                written(&field["type"]),
            );
            if !written.contains('[') || name == "Query.nodes" {
                continue;
            }
            let excused = may_be_null.iter().any(|part| name.contains(part));
            let fine = written.ends_with("!]!") || excused && written.ends_with("!]");
            if !fine {
                wrong.push(format!("{name}: {written}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn every_payload_says_why_and_with_which_revision() {
    let types = types().await;
    let mutation = types.iter().find(|kind| kind["name"] == "Mutation").unwrap();

    for field in list(&mutation["fields"]) {
        let name = &field["name"];
        let payload = written(&field["type"]);
        let payload = payload.strip_suffix('!').unwrap_or_else(|| panic!("{name} may be null"));
        let kind = types.iter().find(|kind| kind["name"] == payload).unwrap();
        let types_of: Vec<_> = list(&kind["fields"])
            .iter()
            .map(|field| {
                format!("{}: {}", field["name"].as_str().unwrap(), written(&field["type"]))
            })
            .collect();
        let interfaces: Vec<_> = list(&kind["interfaces"]).iter().map(|it| &it["name"]).collect();
        assert_eq!(interfaces, ["MutationPayload"], "{payload}");
        for field in ["userErrors: [UserError!]!", "revision: Revision"] {
            assert!(
                types_of.iter().any(|it| it == field),
                "{payload} has no {field}: {types_of:?}"
            );
        }
        for object in &types_of {
            let required = object.ends_with('!') && !object.starts_with("userErrors");
            assert!(!required, "{payload}.{object} cannot be null when nothing is written");
        }
    }
}

#[tokio::test]
async fn every_connection_has_nodes_edges_and_page_info() {
    let types = types().await;
    let connections: Vec<_> =
        types.iter().filter(|it| it["name"].as_str().unwrap().ends_with("Connection")).collect();
    assert!(connections.len() >= 4, "{}", connections.len());
    for connection in connections {
        for wanted in ["edges", "nodes", "pageInfo"] {
            let has = list(&connection["fields"]).iter().any(|field| field["name"] == wanted);
            assert!(has, "{}.{wanted}", connection["name"]);
        }
    }
}

#[tokio::test]
async fn absence_has_a_meaning_that_is_told() {
    // Null is "not given" or "not yet", as the name says.
    let plain = [
        "Attachment.trashedAt",
        "Attachment.variant",
        "CoachState.scoreAfter",
        "CoachState.scoreBefore",
        "DiscoveryQuestion.answer",
        "DiscoveryQuestion.rationale",
        "DiscoveryQuestion.targetSkill",
        "Job.archivedAt",
        "Job.location",
        "Job.trashedAt",
    ];
    let mut silent = Vec::new();
    for kind in types().await {
        let name = kind["name"].as_str().unwrap();
        let skipped =
            kind["kind"] != "OBJECT" || name.ends_with("Payload") || name.ends_with("Error");
        for field in list(&kind["fields"]).iter().filter(|_| !skipped) {
            let told = field["description"].as_str().is_some_and(|text| !text.is_empty());
            if field["type"]["kind"] != "NON_NULL" && !told {
                silent.push(format!("{name}.{}", field["name"].as_str().unwrap()));
            }
        }
    }
    silent.sort();
    assert_eq!(silent, plain, "describe what null means, or list the field");
}
