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
async fn the_newest_of_many_jobs_are_read_together() {
    let lab = Lab::new().await;
    let api = Graphql::of(&lab.engine);
    let mut newest = Vec::new();
    for _ in 0..6 {
        let job = job_with_documents(&api).await;
        started(&api, queued(match_score(&job))).await;
        lab.clock.advance_ms(60_000);
        newest.push((job.clone(), started(&api, queued(match_score(&job))).await));
    }
    let document = "query($first: Int!) { jobs(first: $first) { nodes {
        id latestAnalysis(kind: MATCH_SCORE) { id } analyses(first: 1) { id }
        none: latestAnalysis(kind: COVER_LETTER) { id } } } }";
    let mut costs = Vec::new();
    for first in [1, 6] {
        let before: u64 = api.statements().values().sum();
        let jobs = api.field(document, json!({"first": first})).await;
        let after: u64 = api.statements().values().sum();
        costs.push(after - before);
        for job in jobs["nodes"].as_array().unwrap() {
            let (_, id) = newest.iter().find(|(known, _)| job["id"] == **known).unwrap();
            assert_eq!(job["latestAnalysis"]["id"], **id, "{job}");
            assert_eq!(job["analyses"], json!([{"id": id}]));
            assert_eq!(job["none"], Value::Null);
        }
    }
    assert_eq!(costs[0], costs[1], "one job costs as much as six");

    let both = "query($id: ID!) { job(id: $id) { analyses { id createdAt } } }";
    let job = api.field(both, json!({"id": newest[0].0})).await;
    let rows = job["analyses"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(text(&rows[0]["createdAt"]) > text(&rows[1]["createdAt"]), "{job}");
    let refused = api.answer("{ jobs { nodes { analyses(first: 0) { id } } } }", json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{refused}");
}

/// A request that waits in the queue.
fn queued(mut input: Value) -> Value {
    input["background"] = json!(true);
    input["refresh"] = json!(true);
    input
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
