//! Who may do what: every root field has a row here, and a field without one fails.
//!
//! A row is run as the owner, with the ids of another user's objects, and with ids of nothing. The
//! last two must be told apart by nobody.

mod rows;

use std::collections::BTreeSet;

use jotrack_tests::{
    Lab,
    client::{Graphql, text},
};
use serde_json::{Value, json};

use rows::{
    ASIDE, Foreign, MUTATIONS, Objects, PROVIDER_KEY_DELETE, QUERIES, Read, SUBSCRIPTIONS, Step,
    prepare,
};

async fn root(api: &Graphql, name: &str) -> BTreeSet<String> {
    let document = "query($name: String!) { __type(name: $name) { fields { name } } }";
    let kind = api.field(document, json!({"name": name})).await;
    kind["fields"].as_array().unwrap().iter().map(|field| text(&field["name"])).collect()
}

async fn two_users(lab: &Lab) -> (Graphql, Graphql) {
    let owner = Graphql::of(&lab.engine);
    let other = lab.engine.create_user("Robin Example").await.unwrap();
    let stranger = owner.acting_as(lab.engine.as_user(other).await.unwrap());
    (owner, stranger)
}

#[tokio::test]
async fn every_root_field_has_a_row() {
    let api = Graphql::of(&Lab::new().await.engine);
    let rows =
        |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect::<BTreeSet<_>>();

    assert_eq!(root(&api, "Query").await, rows(&mut QUERIES.iter().map(|row| row.field)));
    assert_eq!(
        root(&api, "Mutation").await,
        rows(&mut MUTATIONS.iter().chain(ASIDE).map(|row| row.field))
    );
    assert_eq!(root(&api, "Subscription").await, rows(&mut SUBSCRIPTIONS.iter().copied()));
}

#[tokio::test]
async fn every_mutation_takes_an_idempotency_key() {
    let api = Graphql::of(&Lab::new().await.engine);
    let document =
        "{ __type(name: \"Mutation\") { fields { name args { name type { kind name } } } } }";
    let mutation = api.field(document, json!({})).await;

    for field in mutation["fields"].as_array().unwrap() {
        let argument =
            field["args"].as_array().unwrap().iter().find(|it| it["name"] == "idempotencyKey");
        assert_eq!(
            argument.map(|it| &it["type"]),
            Some(&json!({"kind": "SCALAR", "name": "String"})),
            "{}",
            field["name"]
        );
    }
}

#[tokio::test]
async fn the_owner_may_read_and_a_stranger_finds_nothing() {
    let lab = Lab::new().await;
    let (owner, stranger) = two_users(&lab).await;
    let steps = [Step::Resume, Step::Status, Step::Jd, Step::Analysis];
    let objects = prepare(&lab, &owner, &steps).await;
    let missing = Objects::missing();
    for Read { field, document, foreign } in QUERIES {
        let variables = objects.variables(document);

        let own = owner.field(document, variables.clone()).await;
        let theirs = stranger.field(document, variables).await;
        let nothing = stranger.field(document, missing.variables(document)).await;

        assert_ne!(own, Value::Null, "{field}");
        assert_eq!(theirs, nothing, "{field}");
        assert!(!theirs.to_string().contains(&objects.job), "{field}: {theirs}");
        match foreign {
            Foreign::Null => {
                assert!(own.to_string().contains(&objects.job), "{field}: {own}");
                assert!(theirs.is_null() || theirs == json!([null]), "{field}: {theirs}");
            }
            Foreign::None => {}
        }
    }
    let empty = stranger.data("{ jobs { totalCount } jobStats { total trashed } changes(since: 0) { changes { id } } }", json!({})).await;
    assert_eq!(
        empty,
        json!({"jobs": {"totalCount": 0}, "jobStats": {"total": 0, "trashed": 0}, "changes": {"changes": []}})
    );
}

#[tokio::test]
async fn each_kind_of_node_is_its_owners_alone() {
    let lab = Lab::new().await;
    let (owner, stranger) = two_users(&lab).await;
    let steps = [Step::Resume, Step::Status, Step::Jd, Step::Analysis];
    let objects = prepare(&lab, &owner, &steps).await;
    let document = "query($id: ID!) { node(id: $id) { __typename id } }";
    let variant = owner
        .field(
            "query($id: ID!) { node(id: $id) { ... on Attachment { variants { id } } } }",
            json!({"id": objects.attachment}),
        )
        .await;
    let viewer = owner.field("{ viewer { id } }", json!({})).await;
    let rows = [
        ("Job", objects.job.clone()),
        ("Attachment", objects.attachment.clone()),
        ("AttachmentVariant", text(&variant["variants"][0]["id"])),
        ("StatusChange", objects.entry.clone()),
        ("Viewer", text(&viewer["id"])),
        ("Analysis", objects.analysis.clone()),
    ];
    let node =
        owner.field("{ __type(name: \"Node\") { possibleTypes { name } } }", json!({})).await;
    let kinds: BTreeSet<_> =
        node["possibleTypes"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    assert_eq!(
        kinds,
        rows.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        "a node without a row"
    );

    for (kind, id) in rows {
        assert_eq!(
            owner.field(document, json!({"id": id})).await,
            json!({"__typename": kind, "id": id})
        );
        assert_eq!(stranger.field(document, json!({"id": id})).await, Value::Null, "{kind}");
    }
}

#[tokio::test]
async fn each_mutation_writes_its_change_in_its_own_revision_once() {
    let lab = Lab::new().await;
    let (owner, _) = two_users(&lab).await;
    for write in MUTATIONS {
        let objects = prepare(&lab, &owner, write.before).await;
        let before = lab.engine.revision().await.unwrap();

        let payload = write.run(&owner, &objects, write.field).await;

        let field = write.field;
        assert_eq!(payload["userErrors"], json!([]), "{field}: {payload}");
        let revision = payload["revision"].as_i64().unwrap_or_else(|| panic!("{field}: {payload}"));
        assert!(!payload.as_object().unwrap().values().any(Value::is_null), "{field}: {payload}");
        let log = lab.engine.changes_since(before, 500, &[]).await.unwrap();
        assert!(!log.changes.is_empty(), "{field} left nothing in the log");
        // Each change has a revision; the payload names the last one of its commit.
        let revisions: Vec<_> = log.changes.iter().map(|change| change.revision).collect();
        assert_eq!(revisions, (before + 1..=revision).collect::<Vec<_>>(), "{field}: {log:?}");

        let again = write.run(&owner, &objects, write.field).await;
        assert_eq!(again["revision"], json!(revision), "{field}: {again}");
        assert_eq!(again["userErrors"], json!([]), "{field}: {again}");
        assert_eq!(lab.engine.revision().await.unwrap(), revision, "{field} wrote twice");
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn what_names_no_revision_answers_the_same_key_again() {
    let lab = Lab::new().await;
    let (owner, _) = two_users(&lab).await;
    for write in ASIDE {
        let objects = prepare(&lab, &owner, write.before).await;

        let payload = write.run(&owner, &objects, write.field).await;
        let again = write.run(&owner, &objects, write.field).await;

        let field = write.field;
        assert_eq!(payload["userErrors"], json!([]), "{field}: {payload}");
        assert_eq!(payload["revision"], Value::Null, "{field}: {payload}");
        assert_eq!(again, payload, "{field}");
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn what_is_not_yours_cannot_be_told_from_what_is_not() {
    let lab = Lab::new().await;
    let (owner, stranger) = two_users(&lab).await;
    let missing = Objects::missing();
    for (number, write) in MUTATIONS.iter().chain(ASIDE).enumerate() {
        let objects = prepare(&lab, &owner, write.before).await;
        let names_an_object = write.arguments.contains('$') || write.field == PROVIDER_KEY_DELETE;
        let before = lab.engine.revision().await.unwrap();

        let theirs = write.run(&stranger, &objects, &format!("a{number}")).await;
        let nothing = write.run(&stranger, &missing, &format!("b{number}")).await;

        let field = write.field;
        assert_eq!(lab.engine.revision().await.unwrap(), before, "{field} wrote for a stranger");
        if names_an_object {
            assert_eq!(objects.masked(&theirs), missing.masked(&nothing), "{field}");
            assert_eq!(theirs["userErrors"][0]["code"], "NOT_FOUND", "{field}: {theirs}");
            assert_eq!(theirs["revision"], Value::Null, "{field}");
        } else {
            assert_eq!(
                theirs["userErrors"],
                json!([]),
                "{field}: a stranger has a list of their own"
            );
        }
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn keys_of_two_users_do_not_meet() {
    let lab = Lab::new().await;
    let (owner, stranger) = two_users(&lab).await;
    let create = "mutation($t: String!) { jobCreate(input: {company: \"Acme\", title: $t}, idempotencyKey: \"same\") { job { id title } userErrors { code } } }";

    let mine = owner.field(create, json!({"t": "Mine"})).await;
    let theirs = stranger.field(create, json!({"t": "Theirs"})).await;

    assert_eq!(
        (&mine["job"]["title"], &theirs["job"]["title"]),
        (&json!("Mine"), &json!("Theirs"))
    );
    assert_ne!(mine["job"]["id"], theirs["job"]["id"]);
}

#[tokio::test]
async fn a_subscription_tells_a_stranger_nothing() {
    let lab = Lab::with(|config| config.limits.subscription_pace_ms = 0).await;
    let (owner, stranger) = two_users(&lab).await;
    let mut heard = stranger.engine().subscribe(Some(0), &[]);
    owner.job("Acme", "Cook").await;
    let own = stranger.job("Umbra", "Baker").await;

    let batch = heard.next().await.unwrap();

    let ids: Vec<_> = batch.changes.iter().map(|change| change.id.simple().to_string()).collect();
    assert_eq!(ids, [own.trim_start_matches("job_")], "{batch:?}");

    let objects = prepare(&lab, &owner, &[Step::Resume, Step::Jd, Step::Analysis]).await;
    let follow =
        format!("subscription {{ analysisEvents(id: \"{}\") {{ __typename }} }}", objects.analysis);
    let told = stranger.first_of(&follow).await;
    assert_eq!(told["errors"][0]["extensions"]["code"], "NOT_FOUND", "{told}");
    assert_eq!(owner.first_of(&follow).await["errors"], Value::Null);
}
