//! Analyses over GraphQL and their event streams: started, followed, found again, refused.

mod local;
mod providers;
mod refusals;
mod remote;
mod streams;

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, header},
};
use futures_util::StreamExt;
use jotrack_tests::{
    client::{Graphql, Server, text},
    provider::FaultServer,
};
use serde_json::{Value, json};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

const RESUME: &str = "Ann Example\nSenior engineer. Rust and PostgreSQL for eight years, \
    before that Python. Led a team of four and cut the cost of a service by half.";
const JD: &str = "We look for a senior engineer with Rust, PostgreSQL and Kubernetes. \
    You lead a small team and own a service from its design to its cost.";

const START: &str = "mutation($input: AnalysisStartInput!, $key: String) {
    analysisStart(input: $input, idempotencyKey: $key) {
        analysis { id state provider result job { id } cacheKey }
        source revision
        userErrors { __typename code message path
            ... on ProviderError { provider retryable }
            ... on ConflictError { reason }
            ... on NotFoundError { id }
            ... on RateLimitedError {
                retryAfterSeconds window { resource limit used remaining } } } } }";

const EVENTS: &str = "subscription($id: ID!, $after: String) {
    analysisEvents(id: $id, after: $after) { __typename cursor epoch sequence
        ... on AnalysisStarted { analysis { state } }
        ... on AnalysisDelta { text }
        ... on AnalysisCompleted { analysis { state source result } }
        ... on AnalysisFailed { error { code message provider retryable } }
        ... on AnalysisCancelled { analysis { state } } } }";

/// Enters a job with the documents that a match score reads.
async fn job_with_documents(api: &Graphql) -> String {
    let job = api.job("Blue Harbor", "Engineer").await;
    api.paste(&job, "RESUME", RESUME).await;
    api.paste(&job, "JD", JD).await;
    job
}

fn match_score(job: &str) -> Value {
    json!({"kind": "MATCH_SCORE", "target": {"jobId": job}})
}

fn ecosystem(company: &str) -> Value {
    json!({"kind": "COMPANY_ECOSYSTEM", "target": {"company": company}})
}

/// Starts an analysis and returns the payload.
async fn start(api: &Graphql, input: Value) -> Value {
    api.field(START, json!({"input": input})).await
}

/// Starts an analysis that must start and returns its id.
async fn started(api: &Graphql, input: Value) -> String {
    let payload = start(api, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    text(&payload["analysis"]["id"])
}

/// One event of the plain stream.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: u64,
    kind: String,
    data: Value,
}

/// A plain event stream, whatever pieces it arrives in.
struct Events {
    body: BodyDataStream,
    text: String,
    /// Comments and other lines that are no event.
    asides: Vec<String>,
}

impl Events {
    /// Follows an analysis of the server's owner; `last` is the id of the last event seen.
    async fn follow(server: &Server, path: &str, last: Option<u64>) -> Self {
        let mut request = server.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = server.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200, "{path}");
        let header = |name| response.headers().get(name).and_then(|it| it.to_str().ok());
        let kind = header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        assert_eq!(header("cache-control"), Some("private, no-store"));
        assert_eq!(header("x-accel-buffering"), Some("no"));
        let body = response.into_body().into_data_stream();
        Self { body, text: String::new(), asides: Vec::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                match parse(&block) {
                    Some(event) => return Some(event),
                    None => self.asides.push(block),
                }
            }
            let piece = tokio::time::timeout(PATIENCE, self.body.next()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }

    async fn all(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(block: &str) -> Option<Event> {
    let mut lines = block.lines();
    let id = lines.next()?.strip_prefix("id: ")?.parse().unwrap();
    let kind = lines.next().unwrap().strip_prefix("event: ").unwrap().to_owned();
    let data = lines.next().unwrap().strip_prefix("data: ").unwrap();
    assert_eq!(lines.next(), None, "data is one line");
    Some(Event { id, kind, data: serde_json::from_str(data).unwrap() })
}

fn path(id: &str) -> String {
    format!("/analyses/{id}/events")
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// The text of all deltas.
fn written(events: &[Event]) -> String {
    events.iter().filter_map(|event| event.data["text"].as_str()).collect()
}
