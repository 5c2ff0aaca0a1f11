//! The engine's own answer, which needs no provider.

use super::*;
use jotrack_tests::{Lab, client::Socket};

#[tokio::test]
async fn a_match_score_is_started_followed_and_read_everywhere() {
    let server = Server::new().await;
    let api = Graphql::of(&server.lab.engine);
    let job = job_with_documents(&api).await;

    let id = started(&api, match_score(&job)).await;
    let events = Events::follow(&server, &path(&id), None).await.all().await;

    let last = events.last().unwrap();
    assert_eq!(last.kind, "done", "{events:?}");
    assert_eq!((&last.data["state"], &last.data["id"]), (&json!("SUCCEEDED"), &json!(id)));
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "{events:?}");
    let read = "query($id: ID!, $job: ID!) {
        analysis(id: $id) { id kind state source provider model promptVersion companyKey
            result error { code } usage { inputTokens outputTokens costMicros estimated }
            createdAt startedAt finishedAt expiresAt cacheKey job { id } attachment { id } }
        node(id: $id) { __typename id }
        job(id: $job) { latestAnalysis(kind: MATCH_SCORE) { id state }
            analyses(kind: [MATCH_SCORE, COVER_LETTER]) { id } other: analyses(kind: COVER_LETTER) { id } } }";
    let data = api.data(read, json!({"id": id, "job": job})).await;
    let analysis = &data["analysis"];
    assert_eq!(analysis["result"], last.data["result"]);
    assert!(analysis["result"].is_object(), "{analysis}");
    assert_eq!(
        (&analysis["kind"], &analysis["state"], &analysis["source"], &analysis["provider"]),
        (&json!("MATCH_SCORE"), &json!("SUCCEEDED"), &json!("FRESH"), &json!("LOCAL"))
    );
    assert_eq!((&analysis["error"], &analysis["job"]["id"]), (&Value::Null, &json!(job)));
    assert_eq!(analysis["usage"]["inputTokens"], 0);
    assert_eq!(data["node"], json!({"__typename": "Analysis", "id": id}));
    assert_eq!(data["job"]["latestAnalysis"], json!({"id": id, "state": "SUCCEEDED"}));
    assert_eq!(data["job"]["analyses"], json!([{"id": id}]));
    assert_eq!(data["job"]["other"], json!([]));
    server.lab.assert_healthy().await;
}

#[tokio::test]
async fn the_same_thing_asked_again_is_answered_from_what_is_kept() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let job = job_with_documents(&api).await;
    let id = started(&api, match_score(&job)).await;
    ended(&lab, &id).await;

    let again = start(&api, match_score(&job)).await;

    assert_eq!(again["source"], "CACHE", "{again}");
    assert_eq!(again["analysis"]["state"], "SUCCEEDED");
    assert!(again["analysis"]["result"].is_object());
    let count = "query($job: ID!) { job(id: $job) { analyses { id } } }";
    let rows = api.field(count, json!({"job": job})).await;
    assert_eq!(rows["analyses"], json!([{"id": id}]), "a kept answer is no second analysis");
    let cache = api
        .field("{ viewer { analysisCache { kind entries bytes hits oldest } } }", json!({}))
        .await;
    let entry = &cache["analysisCache"][0];
    assert_eq!((&entry["kind"], &entry["entries"]), (&json!("MATCH_SCORE"), &json!(1)));

    let purge = "mutation($input: AnswersPurgeInput!) {
        answersPurge(input: $input) { purgedCount revision userErrors { code path } } }";
    let none = api.field(purge, json!({"input": {"kind": "COVER_LETTER"}})).await;
    let one = api.field(purge, json!({"input": {"cacheKey": again["analysis"]["cacheKey"]}})).await;
    let empty = api.field(purge, json!({"input": {"cacheKey": ""}})).await;
    assert_eq!((&none["purgedCount"], &one["purgedCount"]), (&json!(0), &json!(1)), "{one}");
    assert_eq!(empty["userErrors"][0]["path"], json!(["input", "cacheKey"]));
    let anew = start(&api, match_score(&job)).await;
    assert_eq!(anew["source"], "FRESH", "{anew}");
}

#[tokio::test]
async fn a_reported_answer_is_made_anew() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let job = job_with_documents(&api).await;
    let id = started(&api, match_score(&job)).await;
    ended(&lab, &id).await;
    let report =
        "mutation($id: ID!, $reason: String) { analysisInvalidate(id: $id, reason: $reason) {
        analysis { id state } userErrors { __typename path } } }";

    let payload = api.field(report, json!({"id": id, "reason": "It misses Kubernetes."})).await;
    let two_lines = api.field(report, json!({"id": id, "reason": "a\nb"})).await;

    assert_eq!(payload["analysis"], json!({"id": id, "state": "SUCCEEDED"}), "{payload}");
    assert_eq!(two_lines["userErrors"][0]["path"], json!(["reason"]));
    assert_eq!(start(&api, match_score(&job)).await["source"], "FRESH");
}

#[tokio::test]
async fn one_key_starts_one_analysis() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let job = job_with_documents(&api).await;
    let mut refreshed = match_score(&job);
    refreshed["refresh"] = json!(true);
    let variables = json!({"input": refreshed, "key": "once"});

    let first = api.field(START, variables.clone()).await;
    let second = api.field(START, variables).await;

    assert_eq!(first["analysis"]["id"], second["analysis"]["id"], "{first} {second}");
    let other = api.field(START, json!({"input": match_score(&job), "key": "once"})).await;
    assert_eq!(other["userErrors"][0]["code"], "IDEMPOTENCY_MISMATCH");
    assert_eq!(other["userErrors"][0]["path"], json!(["idempotencyKey"]));
}

#[tokio::test]
async fn a_queued_analysis_is_cancelled_once() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let job = job_with_documents(&api).await;
    let mut input = match_score(&job);
    input["background"] = json!(true);
    let id = started(&api, input).await;
    let cancel =
        "mutation($id: ID!, $key: String) { analysisCancel(id: $id, idempotencyKey: $key) {
        analysis { id state } userErrors { __typename code } } }";

    let first = api.field(cancel, json!({"id": id, "key": "k"})).await;
    let replayed = api.field(cancel, json!({"id": id, "key": "k"})).await;
    let again = api.field(cancel, json!({"id": id})).await;

    assert_eq!(first["analysis"], json!({"id": id, "state": "CANCELLED"}), "{first}");
    assert_eq!(replayed, first);
    assert_eq!(
        again["userErrors"],
        json!([{"__typename": "OtherError", "code": "ALREADY_FINISHED"}])
    );
}

#[tokio::test]
async fn a_subscription_tells_every_event_and_ends() {
    let server = Server::listen().await;
    let api = Graphql::of(&server.lab.engine);
    let job = job_with_documents(&api).await;
    let id = started(&api, match_score(&job)).await;
    let mut socket = Socket::begun(&server).await;

    socket.subscribe("a", EVENTS, json!({"id": id})).await;
    let mut last = socket.next("a").await["data"]["analysisEvents"].take();
    while last["__typename"] != "AnalysisCompleted" {
        last = socket.next("a").await["data"]["analysisEvents"].take();
    }
    assert_eq!(last["analysis"]["state"], "SUCCEEDED", "{last}");
    let sequence: u64 = text(&last["cursor"]).parse().unwrap();
    assert_eq!(
        last["epoch"].as_u64().unwrap() * 10_000_000 + last["sequence"].as_u64().unwrap(),
        sequence
    );
    assert_eq!(socket.read().await, json!({"type": "complete", "id": "a"}));

    socket.subscribe("b", EVENTS, json!({"id": id, "after": last["cursor"]})).await;
    assert_eq!(socket.read().await, json!({"type": "complete", "id": "b"}));

    let mut stream = server.follow(EVENTS, json!({"id": id})).await;
    let mut names = Vec::new();
    while let Some(mut payload) = stream.next().await {
        names.push(text(&payload["data"]["analysisEvents"]["__typename"].take()));
    }
    assert_eq!(names.last().map(String::as_str), Some("AnalysisCompleted"));
}

/// Waits until an analysis has ended.
async fn ended(lab: &Lab, id: &str) {
    let id = jotrack_core::AnalysisId::from_node_id(id).unwrap();
    let mut events = lab.engine.analysis_events(id, None).await.unwrap();
    while events.next().await.unwrap().is_some() {}
}
