//! Every mutation through GraphQL: what it answers. What is refused, with which type, is in
//! `refusals`; how a field of a patch is kept, cleared or set, in `patches`.

mod patches;
mod refusals;

use jotrack_core::{CoachEvent, JobId, WriteOptions};
use jotrack_tests::{
    Lab,
    client::{Graphql, text},
};
use serde_json::{Value, json};

const ERRORS: &str = "userErrors { __typename code path
    ... on InvalidInputError { limit } ... on NotFoundError { id }
    ... on VersionMismatchError { currentVersion } ... on ConflictError { reason }
    ... on StepLockedError { missing } ... on TooLargeError { limit }
    ... on UnsupportedTypeError { detected extension }
    ... on QuotaExceededError { scope limit remaining } } revision";

async fn start() -> (Lab, Graphql) {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    (lab, api)
}

/// Runs one mutation with `$id`; `call` is its field with arguments, `selection` what is read.
async fn run(api: &Graphql, call: &str, selection: &str, id: &str) -> Value {
    let head = if call.contains("$id") { "($id: ID!)" } else { "" };
    let variables = if call.contains("$id") { json!({"id": id}) } else { json!({}) };
    api.field(&format!("mutation{head} {{ {call} {{ {selection} {ERRORS} }} }}"), variables).await
}

/// Runs a mutation that must write; returns its payload without `userErrors` and `revision`.
async fn written(api: &Graphql, call: &str, selection: &str, id: &str) -> Value {
    let mut payload = run(api, call, selection, id).await;
    let fields = payload.as_object_mut().unwrap();
    assert_eq!(fields.remove("userErrors"), Some(json!([])), "{call}");
    assert!(fields.remove("revision").unwrap().as_i64().unwrap() > 0, "{call}");
    payload
}

/// Runs a mutation that must refuse; returns its only user error.
async fn refused(api: &Graphql, call: &str, object: &str, id: &str) -> Value {
    let before = revision(api).await;
    let is_scalar = object.starts_with("deleted");
    let selection =
        if is_scalar { object.to_owned() } else { format!("{object} {{ __typename }}") };
    let mut payload = run(api, call, &selection, id).await;
    assert_eq!(payload[object], Value::Null, "{call}");
    assert_eq!(payload["revision"], Value::Null, "{call}");
    assert_eq!(revision(api).await, before, "{call}");
    let errors = payload["userErrors"].as_array_mut().unwrap();
    assert_eq!(errors.len(), 1, "{call}: {errors:?}");
    errors.remove(0)
}

async fn revision(api: &Graphql) -> i64 {
    api.engine().revision().await.unwrap()
}

#[tokio::test]
async fn a_job_lives_through_all_its_mutations() {
    let (lab, api) = start().await;
    let job = "job { title status version company { name } url location source notes archivedAt trashedAt purgeAt }";
    let create = "jobCreate(input: {company: \" Acme GmbH \", title: \"Cook\", url: \"https://acme.test/1\", location: \"Bern\", source: \"Board\", status: APPLIED, statusAt: \"2026-09-20T08:00:00+02:00\", notes: \"n\"})";
    let made = written(&api, create, "job { id title status statusSince appliedAt version company { name key } url location source notes }", "").await;
    let id = text(&made["job"]["id"]);
    assert_eq!(
        made["job"],
        json!({
            "id": id, "title": "Cook", "status": "APPLIED", "statusSince": "2026-09-20T06:00:00.000Z",
            "appliedAt": "2026-09-20T06:00:00.000Z", "version": 1,
            "company": {"name": "Acme GmbH", "key": "n:acme"}, "url": "https://acme.test/1",
            "location": "Bern", "source": "Board", "notes": "n",
        })
    );

    let patched = written(
        &api,
        "jobUpdate(id: $id, patch: {title: \"Chef\", notes: null}, expectedVersion: 1)",
        job,
        &id,
    )
    .await;
    assert_eq!(
        (&patched["job"]["title"], &patched["job"]["notes"], &patched["job"]["version"]),
        (&json!("Chef"), &json!(""), &json!(2))
    );
    let same = run(&api, "jobUpdate(id: $id, patch: {title: \"Chef\"})", job, &id).await;
    assert_eq!(
        (&same["revision"], &same["userErrors"], &same["job"]["version"]),
        (&Value::Null, &json!([]), &json!(2))
    );

    let copy = written(
        &api,
        "jobDuplicate(id: $id)",
        "job { id title status version statusHistory { nodes { to } } }",
        &id,
    )
    .await;
    assert_ne!(copy["job"]["id"], json!(id));
    assert_eq!(copy["job"]["title"], "Chef (copy)");
    assert_eq!(copy["job"]["statusHistory"]["nodes"], json!([{"to": "ON_RADAR"}]));
    let named = written(&api, "jobDuplicate(id: $id, title: \"Baker\")", job, &id).await;
    assert_eq!(
        (&named["job"]["title"], &named["job"]["location"]),
        (&json!("Baker"), &json!("Bern"))
    );

    let archived = written(&api, "jobArchive(id: $id)", job, &id).await;
    assert!(archived["job"]["archivedAt"].is_string(), "{archived}");
    let back = written(&api, "jobArchive(id: $id, archived: false)", job, &id).await;
    assert_eq!(back["job"]["archivedAt"], Value::Null);
    let trashed = written(&api, "jobTrash(id: $id)", job, &id).await;
    assert!(
        trashed["job"]["trashedAt"].is_string() && trashed["job"]["purgeAt"].is_string(),
        "{trashed}"
    );
    let restored = written(&api, "jobRestore(id: $id)", job, &id).await;
    assert_eq!(
        (&restored["job"]["trashedAt"], &restored["job"]["purgeAt"]),
        (&Value::Null, &Value::Null)
    );
    written(&api, "jobTrash(id: $id)", job, &id).await;
    assert_eq!(
        written(&api, "jobPurge(id: $id)", "deletedJobId", &id).await,
        json!({"deletedJobId": id})
    );
    assert_eq!(
        api.field("query($id: ID!) { job(id: $id) { id } }", json!({"id": id})).await,
        Value::Null
    );
    lab.assert_healthy().await;
}

#[tokio::test]
async fn many_jobs_change_at_once_or_not_at_all() {
    let (lab, api) = start().await;
    let (a, b) = (api.job("Acme", "One").await, api.job("Acme", "Two").await);
    let ids = format!("ids: [\"{b}\", \"{a}\"]");
    let call = |field: &str, more: &str| format!("{field}({ids}{more})");
    let jobs = "jobs { title status archivedAt trashedAt statusHistory { nodes { to note at } } }";

    let moved = written(
        &api,
        &call(
            "jobsUpdateStatus",
            ", status: APPLIED, at: \"2026-09-21T15:00:00Z\", note: \"By post\"",
        ),
        jobs,
        "",
    )
    .await;
    for (job, title) in moved["jobs"].as_array().unwrap().iter().zip(["Two", "One"]) {
        assert_eq!(
            (&job["title"], &job["status"]),
            (&json!(title), &json!("APPLIED")),
            "in the order of the ids"
        );
        assert_eq!(
            job["statusHistory"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|it| it["to"] == "APPLIED"),
            Some(&json!({"to": "APPLIED", "note": "By post", "at": "2026-09-21T15:00:00.000Z"}))
        );
    }
    for (field, more, key, is_set) in [
        ("jobsArchive", "", "archivedAt", true),
        ("jobsArchive", ", archived: false", "archivedAt", false),
        ("jobsTrash", "", "trashedAt", true),
        ("jobsRestore", "", "trashedAt", false),
        ("jobsTrash", "", "trashedAt", true),
    ] {
        let done = written(&api, &call(field, more), jobs, "").await;
        assert!(
            done["jobs"].as_array().unwrap().iter().all(|job| job[key].is_string() == is_set),
            "{field}: {done}"
        );
    }
    let purged = written(&api, &call("jobsPurge", ""), "deletedJobIds", "").await;
    assert_eq!(purged, json!({"deletedJobIds": [b, a]}));

    let (c, gone) = (api.job("Acme", "Three").await, a);
    let call = format!("jobsTrash(ids: [\"{c}\", \"{gone}\"])");
    let error = refused(&api, &call, "jobs", "").await;
    assert_eq!(
        error,
        json!({"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["ids", "1"], "id": gone})
    );
    let kept = api.field("query($id: ID!) { job(id: $id) { trashedAt } }", json!({"id": c})).await;
    assert_eq!(kept, json!({"trashedAt": null}));
    lab.assert_healthy().await;
}

#[tokio::test]
async fn history_entries_are_corrected_and_deleted_but_not_the_last() {
    let (_lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    written(
        &api,
        &format!("jobsUpdateStatus(ids: [\"{id}\"], status: APPLIED)"),
        "jobs { id }",
        "",
    )
    .await;
    let history = "query($id: ID!) { job(id: $id) { statusHistory { nodes { id } } } }";
    let entries = api.field(history, json!({"id": id})).await["statusHistory"]["nodes"].clone();
    let (newest, first) = (text(&entries[0]["id"]), text(&entries[1]["id"]));
    let entry = "statusChange { id from to at note } job { status statusSince appliedAt }";

    let changed = written(
        &api,
        "statusChangeUpdate(id: $id, patch: {at: \"2026-09-21T14:13:21.500Z\", note: \"By post\"})",
        entry,
        &newest,
    )
    .await;
    assert_eq!(
        changed["statusChange"],
        json!({"id": newest, "from": "ON_RADAR", "to": "APPLIED", "at": "2026-09-21T14:13:21.500Z", "note": "By post"})
    );
    assert_eq!(changed["job"]["appliedAt"], "2026-09-21T14:13:21.500Z");
    let deleted = written(
        &api,
        "statusChangeDelete(id: $id)",
        "deletedStatusChangeId job { status }",
        &newest,
    )
    .await;
    assert_eq!(deleted, json!({"deletedStatusChangeId": newest, "job": {"status": "ON_RADAR"}}));

    let error = refused(&api, "statusChangeDelete(id: $id)", "job", &first).await;
    assert_eq!(
        (&error["__typename"], &error["reason"]),
        (&json!("ConflictError"), &json!("LAST_HISTORY_ROW"))
    );
    let error = refused(&api, "statusChangeDelete(id: $id)", "job", &newest).await;
    assert_eq!(
        error,
        json!({"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"], "id": newest})
    );
}

#[tokio::test]
async fn attachments_live_through_all_their_mutations() {
    let (lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    let create = |content: &str| {
        format!(
            "attachmentCreate(input: {{jobId: $id, kind: RESUME, filename: \"cv.txt\", mediaType: \"text/plain\", content: {{text: \"{content}\"}}}})"
        )
    };
    let file =
        "attachment { id version isActive trashedAt } job { attachmentCount } created warnings";

    let one = written(&api, &create("Cooked in three kitchens."), file, &id).await;
    assert_eq!(
        (&one["created"], &one["warnings"], &one["attachment"]["version"]),
        (&json!(true), &json!([]), &json!(1))
    );
    let again = run(&api, &create("Cooked in three kitchens."), file, &id).await;
    assert_eq!(
        (&again["created"], &again["revision"], &again["attachment"]["id"]),
        (&json!(false), &Value::Null, &one["attachment"]["id"])
    );
    let two = written(&api, &create("Cooked in four kitchens."), file, &id).await;
    assert_eq!(
        (&two["attachment"]["version"], &two["attachment"]["isActive"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(two["job"]["attachmentCount"], 2);
    let first = text(&one["attachment"]["id"]);

    let activated = written(&api, "attachmentActivate(id: $id)", file, &first).await;
    assert_eq!(
        (&activated["attachment"]["isActive"], &activated["created"]),
        (&json!(true), &Value::Null)
    );
    let trashed = written(&api, "attachmentTrash(id: $id)", file, &first).await;
    assert!(
        trashed["attachment"]["trashedAt"].is_string()
            && trashed["attachment"]["isActive"] == false
    );
    let restored = written(&api, "attachmentRestore(id: $id)", file, &first).await;
    assert_eq!(restored["attachment"]["isActive"], false, "the other one is active");
    let error = refused(&api, "attachmentPurge(id: $id)", "job", &first).await;
    assert_eq!((&error["code"], &error["reason"]), (&json!("CONFLICT"), &json!("NOT_IN_TRASH")));
    written(&api, "attachmentTrash(id: $id)", file, &first).await;
    let error = refused(&api, "attachmentActivate(id: $id)", "attachment", &first).await;
    assert_eq!(error["reason"], "VERSION_DELETED");
    let purged = written(
        &api,
        "attachmentPurge(id: $id)",
        "deletedAttachmentId job { attachmentCount }",
        &first,
    )
    .await;
    assert_eq!(purged, json!({"deletedAttachmentId": first, "job": {"attachmentCount": 1}}));

    let second = text(&two["attachment"]["id"]);
    let set = "attachmentVariantSet(attachmentId: $id, name: RAW, text: \"Typed by hand, twice.\", expectedVersion: 1)";
    let variant =
        written(&api, set, "variant { name text source version wordCount }", &second).await;
    assert_eq!(
        variant["variant"],
        json!({"name": "RAW", "text": "Typed by hand, twice.", "source": "MANUAL", "version": 2, "wordCount": 4})
    );
    let error = refused(&api, set, "variant", &second).await;
    assert_eq!(
        error,
        json!({"__typename": "VersionMismatchError", "code": "VERSION_MISMATCH", "path": ["expectedVersion"], "currentVersion": 2})
    );
    lab.assert_healthy().await;
}

#[tokio::test]
async fn the_coach_walks_from_profile_to_application_and_back() {
    let (lab, api) = start().await;
    let id = api.job("Acme", "Cook").await;
    let engine = lab.engine.clone();
    let job = JobId::from_node_id(&id).unwrap();
    let none = WriteOptions::default();
    let coach = "coach { status progress currentStep nextStep locked profile coverLetterSkipped version } job { status coach { status } appliedResume { version } }";

    let saved = written(&api, "coachStateUpdate(jobId: $id, patch: {currentStep: DISCOVERY, profile: {skills: [{skill: \"Soup\"}]}}, expectedVersion: 0)", coach, &id).await;
    assert_eq!(
        (&saved["coach"]["status"], &saved["coach"]["version"]),
        (&json!("PROFILE_BUILDING"), &json!(1))
    );
    assert_eq!(saved["coach"]["profile"], json!({"skills": [{"skill": "Soup"}]}));
    for (step, missing) in
        [("SCORE", "PROFILE_ANALYZED"), ("COVER_LETTER", "RESUME_FINALIZED"), ("PEER", "APPLIED")]
    {
        let call =
            format!("coachStateUpdate(jobId: $id, patch: {{currentStep: {step}, profile: {{}}}})");
        let error = refused(&api, &call, "coach", &id).await;
        assert_eq!(
            (&error["__typename"], &error["code"], &error["missing"]),
            (&json!("StepLockedError"), &json!("STEP_LOCKED"), &json!([missing])),
            "{step}"
        );
    }
    let error = refused(&api, "coachCoverLetterSkip(jobId: $id)", "coach", &id).await;
    assert_eq!(error["missing"], json!(["RESUME_FINALIZED"]));
    let error = refused(&api, "coachResumeFinalize(jobId: $id)", "coach", &id).await;
    assert_eq!((&error["code"], &error["reason"]), (&json!("CONFLICT"), &json!("OTHER")));
    let error = refused(&api, "coachApply(jobId: $id)", "coach", &id).await;
    assert_eq!(error["code"], "CONFLICT");

    let question = |id: &str| {
        serde_json::from_value(json!({"id": id, "category": "Kitchen", "question": "Which?"}))
            .unwrap()
    };
    engine
        .record_coach_event(job, CoachEvent::Discovery(vec![question("q1"), question("q2")]), &none)
        .await
        .unwrap();
    let answers = "coachStateUpdate(jobId: $id, patch: {answers: [{questionId: \"q1\", answer: \"Soup\"}, {questionId: \"q2\", skipped: true}]})";
    let answered = written(
        &api,
        answers,
        "coach { discovery { id category answer skipped } milestones { milestone completedAt } }",
        &id,
    )
    .await;
    assert_eq!(
        answered["coach"]["discovery"],
        json!([{"id": "q1", "category": "Kitchen", "answer": "Soup", "skipped": false}, {"id": "q2", "category": "Kitchen", "answer": null, "skipped": true}])
    );
    assert!(answered["coach"]["milestones"][0]["completedAt"].is_string());

    api.paste(&id, "RESUME", "Cooked in three kitchens.").await;
    engine.record_coach_event(job, CoachEvent::ProfileAnalyzed(json!({})), &none).await.unwrap();
    engine
        .record_coach_event(job, CoachEvent::ScoreRecalculated { before: 40.0, after: 60.0 }, &none)
        .await
        .unwrap();
    let finalized = written(&api, "coachResumeFinalize(jobId: $id)", coach, &id).await;
    assert_eq!(finalized["coach"]["status"], "RESUME_READY");
    let skipped = written(&api, "coachCoverLetterSkip(jobId: $id)", coach, &id).await;
    assert_eq!(
        (&skipped["coach"]["coverLetterSkipped"], &skipped["coach"]["nextStep"]),
        (&json!(true), &json!("READY"))
    );
    let applied =
        written(&api, "coachApply(jobId: $id, at: \"2026-09-21T15:00:00Z\")", coach, &id).await;
    assert_eq!(
        (&applied["job"]["status"], &applied["coach"]["status"]),
        (&json!("APPLIED"), &json!("APPLIED"))
    );
    assert_eq!(applied["job"]["appliedResume"], json!({"version": 1}));
    let error = refused(&api, "coachApply(jobId: $id)", "coach", &id).await;
    assert_eq!(
        (&error["__typename"], &error["code"]),
        (&json!("OtherError"), &json!("ALREADY_FINISHED"))
    );
    let reopened = written(&api, "coachReopen(jobId: $id)", coach, &id).await;
    assert_eq!(
        (&reopened["job"]["status"], &reopened["job"]["appliedResume"]),
        (&json!("APPLIED"), &Value::Null)
    );
    let version = reopened["coach"]["version"].as_i64().unwrap();
    let error = refused(&api, "coachReopen(jobId: $id, expectedVersion: 1)", "coach", &id).await;
    assert_eq!(
        error,
        json!({"__typename": "VersionMismatchError", "code": "VERSION_MISMATCH", "path": ["expectedVersion"], "currentVersion": version})
    );
    lab.assert_healthy().await;
}
