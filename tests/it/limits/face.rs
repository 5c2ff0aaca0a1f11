//! The windows as a client meets them: over HTTP, event streams and sockets.

use axum::http::{Method, header};
use jotrack_core::Tier;
use jotrack_graphql::server::Timing;
use jotrack_tests::client::{Answer, Server, Socket};
use serde_json::{Value, json};

use super::Time;

const CREATE: &str =
    "mutation { jobCreate(input: {company: \"Acme\", title: \"Cook\"}) { revision } }";
const READ: &str = "{ jobs { totalCount } }";
const CHANGES: &str = "subscription { changes(since: 0) { revision } }";

async fn limited() -> Server {
    Server::with(|config| config.requests.local = true).await
}

fn assert_limited(answer: &Answer, seconds: u64) {
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    let body = answer.json();
    assert!(body.get("data").is_none(), "{body}");
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert_eq!(extensions["retryAfterSeconds"], seconds);
    assert_eq!(extensions["retryable"], true);
}

async fn jobs(server: &Server) -> usize {
    server.lab.engine.list_jobs(&jotrack_core::JobQuery::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn the_eleventh_write_within_ten_seconds_is_429_and_writes_nothing() {
    let server = limited().await;
    let time = Time::of(&server.lab).await;
    for _ in 0..10 {
        server.data(CREATE, json!({})).await;
    }
    time.step(9_001).await;

    assert_limited(&server.query(CREATE, json!({})).await, 1);
    time.step(-5_000).await;
    assert_limited(&server.query(CREATE, json!({})).await, 1);
    assert_eq!(jobs(&server).await, 10);
    server.data(READ, json!({})).await;

    time.step(999).await;
    server.data(CREATE, json!({})).await;
    assert_eq!(jobs(&server).await, 11);
}

#[tokio::test]
async fn the_hundred_and_first_read_within_ten_seconds_is_429_whatever_it_reads_with() {
    let server = limited().await;
    let time = Time::of(&server.lab).await;
    for n in 0..98 {
        assert_eq!(server.query(READ, json!({})).await.status, 200, "{n}");
    }
    let get = |server: &Server| server.request(Method::GET, "/graphql?query=%7B__typename%7D");
    assert_eq!(server.send_empty(get(&server)).await.status, 200);
    let mut stream = server.follow(READ, json!({})).await;
    assert_eq!(stream.next().await.unwrap()["data"]["jobs"]["totalCount"], 0);

    assert_limited(&server.query(READ, json!({})).await, 10);
    assert_limited(&server.send_empty(get(&server)).await, 10);
    let events = "/analyses/ana_01980000000070008000000000000001/events";
    assert_limited(&server.send_empty(server.request(Method::GET, events)).await, 10);
    for document in [READ, CHANGES] {
        let mut request = server.post(json!({"query": document}).to_string());
        request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
        assert_limited(&server.send(request).await, 10);
    }
    let download = server.request(Method::GET, "/downloads/att_0/1/x");
    assert_eq!(server.send_empty(download).await.status, 404, "a link that is none is no read");
    server.data(CREATE, json!({})).await;
    let put = server.request(Method::PUT, "/uploads?filename=a.txt");
    assert_eq!(server.send(put.body("text".into()).unwrap()).await.status, 201);
    let writes = "{ rateLimit { costLimit limit used remaining } }";
    time.step(10_000).await;
    let state = server.data(writes, json!({})).await;
    assert_eq!(
        (&state["rateLimit"]["used"], &state["rateLimit"]["limit"]),
        (&json!(0), &json!(10))
    );
}

#[tokio::test]
async fn what_is_no_operation_takes_no_place() {
    let server = limited().await;
    for _ in 0..101 {
        assert_eq!(server.query("{ jobs(", json!({})).await.status, 200);
    }
    let get = server.request(Method::GET, "/graphql?query=mutation%7Bx%7D");
    assert_eq!(server.send_empty(get).await.status, 405);
    let state = server.data(
        "{ reads: rateLimit(resource: READS) { used } writes: rateLimit { used } }",
        json!({}),
    );
    assert_eq!(state.await, json!({"reads": {"used": 1}, "writes": {"used": 0}}));
}

#[tokio::test]
async fn on_a_socket_one_operation_is_refused_and_the_rest_go_on() {
    let limit = |config: &mut jotrack_core::Config| config.requests.local = true;
    let server = Server::listen_with(limit, Timing::default()).await;
    let time = Time::of(&server.lab).await;
    let mut socket = Socket::begun(&server).await;
    for n in 0..10 {
        let id = n.to_string();
        socket.subscribe(&id, CREATE, json!({})).await;
        assert!(!socket.next(&id).await["data"]["jobCreate"].is_null());
        assert_eq!(socket.read().await["type"], "complete");
    }

    socket.subscribe("over", CREATE, json!({})).await;
    let refused = socket.read().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("over")), "{refused}");
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert_eq!(extensions["retryAfterSeconds"], 10);
    assert_eq!(jobs(&server).await, 10);

    socket.subscribe("read", READ, json!({})).await;
    assert_eq!(socket.next("read").await["data"]["jobs"]["totalCount"], 10);
    assert_eq!(socket.read().await["type"], "complete");
    time.step(10_000).await;
    socket.subscribe("over", CREATE, json!({})).await;
    assert!(!socket.next("over").await["data"]["jobCreate"].is_null());
}

#[tokio::test]
async fn the_local_mode_has_no_limits_unless_it_is_told() {
    let server = Server::with(|config| config.ai.local_tier = Tier::Free).await;
    let time = Time::of(&server.lab).await;
    for _ in 0..12 {
        server.data(CREATE, json!({})).await;
    }
    for _ in 0..110 {
        server.data("{ __typename }", json!({})).await;
    }
    let document = "{ viewer { tier usage { tier
        windows { resource windowSeconds limit used remaining resetAt } } }
        rateLimit { costLimit limit used remaining resetAt } }";
    let now = time.now().to_rfc3339();
    let window = |resource: &str, seconds: i32, limit: Value| {
        json!({"resource": resource, "windowSeconds": seconds, "limit": limit, "used": 0,
            "remaining": limit, "resetAt": now})
    };

    assert_eq!(
        server.data(document, json!({})).await,
        json!({
            "viewer": {"tier": "FREE", "usage": {"tier": "FREE", "windows": [
                window("REQUESTS", 10, Value::Null),
                window("READS", 10, Value::Null),
                window("AI_CALLS", 3_600, json!(10)),
            ]}},
            "rateLimit": {"costLimit": server.lab.engine.config().limits.complexity,
                "limit": null, "used": 0, "remaining": null, "resetAt": now},
        })
    );
}
