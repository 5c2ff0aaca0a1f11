//! What the state of the data, a limit or a key forbids, and how its user error looks.

use jotrack_tests::{Lab, client::Graphql};
use serde_json::json;

use super::{refused, revision, run, start, written};

#[tokio::test]
async fn the_state_of_a_job_refuses_with_its_reason() {
    let (_lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    let file = api.paste(&id, "RESUME", "Cooked in three kitchens.").await;
    let error =
        refused(&api, "jobUpdate(id: $id, patch: {title: \"T\"}, expectedVersion: 99)", "job", &id)
            .await;
    assert_eq!(
        (&error["__typename"], &error["path"]),
        (&json!("VersionMismatchError"), &json!(["expectedVersion"]))
    );
    let current =
        api.field("query($id: ID!) { job(id: $id) { version } }", json!({"id": id})).await;
    assert_eq!(error["currentVersion"], current["version"]);
    written(&api, "coachApply(jobId: $id)", "coach { status }", &id).await;
    let error = refused(&api, "attachmentTrash(id: $id)", "attachment", &file).await;
    assert_eq!(error["reason"], "VERSION_LOCKED", "{error}");

    written(&api, "jobTrash(id: $id)", "job { id }", &id).await;
    for (call, object) in [
        ("jobUpdate(id: $id, patch: {title: \"T\"})", "job"),
        ("jobArchive(id: $id)", "job"),
        ("jobsUpdateStatus(ids: [$id], status: OFFER)", "jobs"),
        (
            "attachmentCreate(input: {jobId: $id, kind: JD, filename: \"a\", content: {text: \"a\"}})",
            "attachment",
        ),
        ("coachStateUpdate(jobId: $id, patch: {profile: {}})", "coach"),
        ("coachReopen(jobId: $id)", "coach"),
    ] {
        let error = refused(&api, call, object, &id).await;
        assert_eq!(
            (&error["__typename"], &error["code"], &error["reason"]),
            (&json!("ConflictError"), &json!("CONFLICT"), &json!("JOB_IN_TRASH")),
            "{call}: {error}"
        );
    }
    let other = api.job("Acme", "Baker").await;
    let error = refused(&api, "jobsPurge(ids: [$id])", "deletedJobIds", &other).await;
    assert_eq!(error["reason"], "NOT_IN_TRASH");
}

#[tokio::test]
async fn quotas_and_sizes_are_user_errors_with_their_limit() {
    let lab = Lab::with(|config| {
        config.limits.jobs = 2;
        config.limits.text_bytes = 100;
        config.limits.job_files = 1;
    })
    .await;
    let api = Graphql::of(&lab.engine);
    let id = api.job("Acme", "One").await;
    api.job("Acme", "Two").await;

    let error =
        refused(&api, "jobCreate(input: {company: \"Acme\", title: \"Three\"})", "job", "").await;
    assert_eq!(
        error,
        json!({"__typename": "QuotaExceededError", "code": "QUOTA_EXCEEDED", "path": null, "scope": "ACCOUNT_JOBS", "limit": 2, "remaining": 0})
    );
    let create = |content: &str| {
        format!(
            "attachmentCreate(input: {{jobId: $id, kind: JD, filename: \"a.txt\", content: {{text: \"{content}\"}}}})"
        )
    };
    let error = refused(&api, &create(&"x".repeat(101)), "attachment", &id).await;
    assert_eq!(
        (&error["__typename"], &error["code"], &error["limit"]),
        (&json!("TooLargeError"), &json!("TOO_LARGE"), &json!(100))
    );
    written(&api, &create("Wanted: a cook."), "attachment { id }", &id).await;
    let error = refused(&api, &create("Wanted: two cooks."), "attachment", &id).await;
    assert_eq!(
        (&error["__typename"], &error["scope"], &error["limit"]),
        (&json!("QuotaExceededError"), &json!("JOB_ITEMS"), &json!(1))
    );
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again_and_refuses_other_arguments() {
    let (_lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    for (first, other, object) in [
        (
            "jobCreate(input: {company: \"A\", title: \"T\"}, idempotencyKey: \"k\")",
            "jobCreate(input: {company: \"A\", title: \"U\"}, idempotencyKey: \"k\")",
            "job",
        ),
        (
            "jobUpdate(id: $id, patch: {title: \"T\"}, idempotencyKey: \"k\")",
            "jobUpdate(id: $id, patch: {title: \"T\"}, expectedVersion: 1, idempotencyKey: \"k\")",
            "job",
        ),
        (
            "jobUpdate(id: $id, patch: {notes: \"n\"}, idempotencyKey: \"l\")",
            "jobUpdate(id: $id, patch: {notes: null}, idempotencyKey: \"l\")",
            "job",
        ),
        (
            "jobDuplicate(id: $id, idempotencyKey: \"k\")",
            "jobDuplicate(id: $id, title: \"X\", idempotencyKey: \"k\")",
            "job",
        ),
        (
            "jobArchive(id: $id, idempotencyKey: \"k\")",
            "jobArchive(id: $id, archived: false, idempotencyKey: \"k\")",
            "job",
        ),
        (
            "jobsUpdateStatus(ids: [$id], status: APPLIED, idempotencyKey: \"k\")",
            "jobsUpdateStatus(ids: [$id], status: OFFER, idempotencyKey: \"k\")",
            "jobs",
        ),
        (
            "attachmentCreate(input: {jobId: $id, kind: JD, filename: \"a\", content: {text: \"a cook\"}}, idempotencyKey: \"k\")",
            "attachmentCreate(input: {jobId: $id, kind: OTHER, filename: \"a\", content: {text: \"a cook\"}}, idempotencyKey: \"k\")",
            "attachment",
        ),
        (
            "coachStateUpdate(jobId: $id, patch: {profile: {a: 1}}, idempotencyKey: \"k\")",
            "coachStateUpdate(jobId: $id, patch: {profile: {a: 2}}, idempotencyKey: \"k\")",
            "coach",
        ),
    ] {
        let selection = format!("{object} {{ __typename }}");
        let once = run(&api, first, &selection, &id).await;
        assert!(once["revision"].is_i64(), "{first}: {once}");
        let before = revision(&api).await;
        assert_eq!(run(&api, first, &selection, &id).await, once, "{first}");
        assert_eq!(revision(&api).await, before, "{first} wrote twice");

        let error = refused(&api, other, object, &id).await;
        assert_eq!(
            error,
            json!({"__typename": "OtherError", "code": "IDEMPOTENCY_MISMATCH", "path": ["idempotencyKey"]}),
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_refused_call_keeps_no_key() {
    let (_lab, api) = start().await;

    refused(
        &api,
        "jobCreate(input: {company: \"\", title: \"T\"}, idempotencyKey: \"k\")",
        "job",
        "",
    )
    .await;

    written(
        &api,
        "jobCreate(input: {company: \"A\", title: \"T\"}, idempotencyKey: \"k\")",
        "job { id }",
        "",
    )
    .await;
}

#[tokio::test]
async fn mutations_of_one_operation_see_each_others_writes() {
    let (_lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    let document = "mutation($id: ID!) {
        a: jobUpdate(id: $id, patch: {title: \"One\"}) { job { title version } revision }
        b: jobUpdate(id: $id, patch: {title: \"Two\"}, expectedVersion: 1) { job { title } userErrors { code } }
        c: jobUpdate(id: $id, patch: {title: \"Three\"}, expectedVersion: 2) { job { title version statusHistory { nodes { to } } } revision }
        d: jobTrash(id: $id) { job { title trashedAt } revision } }";

    let data = api.data(document, json!({"id": id})).await;

    assert_eq!(data["a"], json!({"job": {"title": "One", "version": 2}, "revision": 2}));
    assert_eq!(data["b"], json!({"job": null, "userErrors": [{"code": "VERSION_MISMATCH"}]}));
    assert_eq!(
        data["c"],
        json!({"job": {"title": "Three", "version": 3, "statusHistory": {"nodes": [{"to": "ON_RADAR"}]}}, "revision": 3})
    );
    assert_eq!(
        (&data["d"]["revision"], data["d"]["job"]["trashedAt"].is_string()),
        (&json!(4), true)
    );
}
