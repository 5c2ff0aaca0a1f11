//! A provider that streams, refuses, and is rationed.

use super::*;
use jotrack_core::{Protocol, Tier};
use jotrack_tests::provider::{COMPANIES, Gate, Reply, Script, named_by_operator};

#[tokio::test(flavor = "multi_thread")]
async fn text_arrives_while_the_answer_is_being_written_and_once() {
    let gate = Gate::closed();
    let reply = Reply::answer(Protocol::Chat, COMPANIES);
    let half = reply.body_bytes() / 2;
    let provider = FaultServer::start(Script::always(reply.gate(half, &gate))).await;
    let server = Server::with(named_by_operator(&provider)).await;
    let api = Graphql::of(&server.lab.engine);
    let id = started(&api, ecosystem("Acme")).await;

    let mut first = Events::follow(&server, &path(&id), None).await;
    let mut seen = Vec::new();
    while !seen.iter().any(|event: &Event| event.kind == "delta") {
        seen.push(first.next().await.unwrap());
    }
    // It hangs up in the middle and comes back with the last id.
    drop(first);
    let state =
        api.field("query($id: ID!) { analysis(id: $id) { state } }", json!({"id": id})).await;
    assert_eq!(state["state"], "RUNNING");
    let rest = Events::follow(&server, &path(&id), Some(seen.last().unwrap().id)).await;
    gate.open();
    let rest = rest.all().await;

    let text = format!("{}{}", written(&seen), written(&rest));
    assert_eq!(text, COMPANIES);
    let done = rest.last().unwrap();
    assert_eq!((done.kind.as_str(), &done.data["source"]), ("done", &json!("FRESH")));
    assert_eq!(done.data["result"]["companies"][0]["name"], "Globex");
    assert_eq!(done.data["usage"]["inputTokens"], 100, "{done:?}");
    assert_eq!(provider.count(), 1);

    let mut stream = server.follow(EVENTS, json!({"id": id})).await;
    let mut late = Vec::new();
    while let Some(mut payload) = stream.next().await {
        late.push(payload["data"]["analysisEvents"].take());
    }
    let last = late.last().unwrap();
    assert_eq!(last["__typename"], "AnalysisCompleted", "{late:?}");
    assert_eq!(last["analysis"]["result"]["companies"][0]["name"], "Globex");
    server.lab.engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_provider_refuses_fails_the_analysis_for_good() {
    let reply = Reply::error(Protocol::Chat, 401, "invalid_api_key");
    let provider = FaultServer::start(Script::always(reply)).await;
    let server = Server::with(named_by_operator(&provider)).await;
    let api = Graphql::of(&server.lab.engine);
    let id = started(&api, ecosystem("Acme")).await;

    let mut stream = server.follow(EVENTS, json!({"id": id})).await;
    let mut last = Value::Null;
    while let Some(mut payload) = stream.next().await {
        last = payload["data"]["analysisEvents"].take();
    }
    let plain = Events::follow(&server, &path(&id), None).await.all().await;

    assert_eq!(last["__typename"], "AnalysisFailed", "{last}");
    let error = &last["error"];
    assert_eq!(
        (&error["code"], &error["provider"], &error["retryable"]),
        (&json!("PROVIDER_FAILED"), &json!("OPENAI_COMPATIBLE"), &json!(false))
    );
    let failed = plain.last().unwrap();
    assert_eq!((failed.kind.as_str(), &failed.data["code"]), ("failed", &json!("PROVIDER_FAILED")));
    let read = "query($id: ID!) { analysis(id: $id) { state result error { code retryable } } }";
    assert_eq!(
        api.field(read, json!({"id": id})).await,
        json!({"state": "FAILED", "result": null,
            "error": {"code": "PROVIDER_FAILED", "retryable": false}})
    );
    server.lab.engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_limits_calls_and_not_answers_that_are_kept() {
    let provider =
        FaultServer::start(Script::always(Reply::answer(Protocol::Chat, COMPANIES))).await;
    let at = named_by_operator(&provider);
    let server = Server::with(|config| {
        at(config);
        config.ai.local_tier = Tier::Free;
    })
    .await;
    let api = Graphql::of(&server.lab.engine);
    for number in 0..10 {
        let id = started(&api, ecosystem(&format!("Company {number}"))).await;
        let events = Events::follow(&server, &path(&id), None).await.all().await;
        assert_eq!(events.last().unwrap().kind, "done", "{number}: {events:?}");
        let kept = start(&api, ecosystem("Company 0")).await;
        assert_eq!(kept["analysis"]["state"], "SUCCEEDED", "{kept}");
    }

    let refused = start(&api, ecosystem("One too many")).await;
    let kept = start(&api, ecosystem("Company 3")).await;

    let error = &refused["userErrors"][0];
    assert_eq!(
        (&error["__typename"], &error["code"]),
        (&json!("RateLimitedError"), &json!("RATE_LIMITED")),
        "{refused}"
    );
    let wait = error["retryAfterSeconds"].as_i64().unwrap();
    assert!((1..=3_600).contains(&wait), "{error}");
    assert_eq!(
        error["window"],
        json!({"resource": "AI_CALLS", "limit": 10, "used": 10, "remaining": 0})
    );
    assert_eq!(refused["analysis"], Value::Null);
    assert_eq!(kept["analysis"]["state"], "SUCCEEDED", "{kept}");
    assert_eq!(provider.count(), 10);
    server.lab.engine.close().await.unwrap();
}
