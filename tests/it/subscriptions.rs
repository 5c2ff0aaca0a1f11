//! Live changes over graphql-transport-ws and over event streams, against a real listener.

use std::{collections::BTreeSet, time::Duration};

use jotrack_core::Config;
use jotrack_graphql::server::Timing;
use jotrack_tests::client::{EventStream, Server, Socket};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");
const CHANGES: &str = "subscription($since: Revision, $entities: [EntityKind!]) {
    changes(since: $since, entities: $entities) { revision resync changes {
        revision entity op id node { ... on Job { title } } } } }";

fn at_once(config: &mut Config) {
    config.limits.subscription_pace_ms = 0;
}

async fn start() -> Server {
    Server::listen_with(at_once, Timing::default()).await
}

/// Enters a job over HTTP and returns the revision of the commit.
async fn create(server: &Server, title: &str) -> i64 {
    let document = "mutation($t: String!) {
        jobCreate(input: {company: \"Acme\", title: $t}) { revision } }";
    let data = server.data(document, json!({"t": title})).await;
    data["jobCreate"]["revision"].as_i64().unwrap()
}

/// The titles that a payload of `changes` tells.
fn titles(payload: &Value) -> Vec<String> {
    let changes = payload["data"]["changes"]["changes"].as_array();
    let changes = changes.unwrap_or_else(|| panic!("{payload}"));
    changes
        .iter()
        .filter_map(|change| change["node"]["title"].as_str().map(str::to_owned))
        .collect()
}

fn revision(payload: &Value) -> i64 {
    payload["data"]["changes"]["revision"].as_i64().unwrap()
}

#[tokio::test]
async fn a_socket_hears_each_committed_change_with_its_present_state() {
    let server = start().await;
    let mut socket = Socket::begun(&server).await;
    socket.subscribe("live", CHANGES, json!({})).await;
    socket.settle().await;

    let made = create(&server, "Cook").await;
    let event = socket.next("live").await;

    let changes = &event["data"]["changes"];
    assert_eq!((&changes["revision"], &changes["resync"]), (&json!(made), &json!(false)));
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1, "{event}");
    let change = &changes["changes"][0];
    assert_eq!(
        (&change["entity"], &change["op"], &change["revision"]),
        (&json!("JOB"), &json!("CREATED"), &json!(made))
    );
    assert_eq!(change["node"], json!({"title": "Cook"}));
    let trash =
        "mutation($id: ID!) { jobTrash(id: $id) { revision } jobPurge(id: $id) { revision } }";
    server.data(trash, json!({"id": change["id"]})).await;
    let mut last = socket.next("live").await;
    while last["data"]["changes"]["changes"][0]["op"] != "DELETED" {
        last = socket.next("live").await;
    }
    assert_eq!(last["data"]["changes"]["changes"][0]["node"], Value::Null);
}

#[tokio::test]
async fn a_follower_that_names_entities_hears_only_those() {
    let server = start().await;
    let mut socket = Socket::begun(&server).await;
    socket.subscribe("files", CHANGES, json!({"entities": ["ATTACHMENT"]})).await;
    socket.settle().await;

    create(&server, "Cook").await;
    let job =
        server.data("{ jobs { nodes { id } } }", json!({})).await["jobs"]["nodes"][0]["id"].take();
    let attach = "mutation($job: ID!) { attachmentCreate(input: {jobId: $job, kind: JD, filename: \"a.txt\", content: {text: \"Wanted: a cook.\"}}) { revision } }";
    server.data(attach, json!({"job": job})).await;

    let event = socket.next("files").await;
    let kinds: BTreeSet<_> = event["data"]["changes"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["entity"].to_string())
        .collect();
    assert_eq!(kinds, BTreeSet::from(["\"ATTACHMENT\"".to_owned()]), "{event}");
}

/// Something that delivers payloads of `changes`.
enum Follower {
    Socket(Box<Socket>),
    Stream(EventStream),
}

impl Follower {
    async fn open(server: &Server, by_socket: bool, since: i64) -> Self {
        if by_socket {
            let mut socket = Socket::begun(server).await;
            socket.subscribe("1", CHANGES, json!({"since": since})).await;
            Self::Socket(Box::new(socket))
        } else {
            Self::Stream(server.follow(CHANGES, json!({"since": since})).await)
        }
    }

    async fn next(&mut self) -> Value {
        match self {
            Self::Socket(socket) => socket.next("1").await,
            Self::Stream(stream) => stream.next().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_follower_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    for by_socket in [true, false] {
        let server = start().await;
        let mut heard: Vec<String> = Vec::new();
        let mut since = 0;
        let mut made = 0;
        // Writers go on while the follower comes, listens for a while and goes again.
        for rounds in [1, 3, 2, 4] {
            for _ in 0..rounds {
                create(&server, &format!("{made}")).await;
                made += 1;
            }
            let mut follower = Follower::open(&server, by_socket, since).await;
            create(&server, &format!("{made}")).await;
            made += 1;
            while heard.len() < made {
                let event = follower.next().await;
                assert_eq!(event["data"]["changes"]["resync"], false, "{event}");
                assert!(revision(&event) > since, "{event}");
                since = revision(&event);
                heard.extend(titles(&event));
            }
        }
        let expected: Vec<_> = (0..made).map(|n| n.to_string()).collect();
        assert_eq!(heard, expected, "by socket: {by_socket}");
    }
}

#[tokio::test]
async fn a_revision_that_the_log_does_not_hold_gives_one_resync_and_then_goes_on() {
    let server = start().await;
    create(&server, "Cook").await;
    let mut stream = server.follow(CHANGES, json!({"since": 99})).await;

    let first = stream.next().await.unwrap();
    create(&server, "Baker").await;
    let second = stream.next().await.unwrap();

    assert_eq!((&first["data"]["changes"]["resync"], revision(&first)), (&json!(true), 1));
    assert_eq!(titles(&second), ["Baker"]);
}

#[tokio::test]
async fn a_pull_and_a_follower_tell_the_same() {
    let server = start().await;
    for n in 0..3 {
        create(&server, &format!("{n}")).await;
    }
    let mut stream = server.follow(CHANGES, json!({"since": 1})).await;

    let followed = stream.next().await.unwrap();

    let pull = "{ changes(since: 1) { revision resync changes { revision entity op id node { ... on Job { title } } } } }";
    assert_eq!(followed["data"], server.data(pull, json!({})).await);
    assert_eq!(titles(&followed), ["1", "2"]);
}

#[tokio::test]
async fn breaches_of_the_protocol_close_with_their_codes() {
    let server = start().await;
    let mut early = Socket::fresh(&server).await;
    early.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(early.close_code().await, 4401);

    for nonsense in [
        Message::text("nonsense"),
        Message::text("{}"),
        Message::text("[]"),
        Message::text(r#"{"type":"start","id":"1","payload":{"query":"{__typename}"}}"#),
        Message::text(r#"{"type":"subscribe","payload":{"query":"{__typename}"}}"#),
        Message::text(r#"{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}"#),
        Message::text(r#"{"type":"subscribe","id":1,"payload":{"query":"{__typename}"}}"#),
        Message::text(r#"{"type":"subscribe","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#),
        Message::binary(b"{\"type\":\"ping\"}".to_vec()),
    ] {
        let mut socket = Socket::begun(&server).await;
        socket.send(nonsense.clone()).await;
        assert_eq!(socket.close_code().await, 4400, "{nonsense:?}");
    }

    for payload in [
        json!(null),
        json!({}),
        json!({"authorization": "Bearer wrong"}),
        json!({"authorization": ""}),
    ] {
        let mut socket = Socket::fresh(&server).await;
        socket.say(&json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.close_code().await, 4403, "{payload}");
    }

    let mut twice = Socket::begun(&server).await;
    twice.say(&json!({"type": "connection_init"})).await;
    assert_eq!(twice.close_code().await, 4429);

    let mut same = Socket::begun(&server).await;
    same.subscribe("1", CHANGES, json!({})).await;
    same.subscribe("1", CHANGES, json!({})).await;
    assert_eq!(same.close_code().await, 4409);
}

#[tokio::test]
async fn a_socket_that_never_begins_is_closed() {
    let timing = Timing { init: Duration::from_millis(1), ..Timing::default() };
    let server = Server::listen_with(at_once, timing).await;

    assert_eq!(Socket::fresh(&server).await.close_code().await, 4408);
}

#[tokio::test]
async fn a_message_over_the_limit_closes_the_socket() {
    let server =
        Server::listen_with(|config| config.limits.socket_message_bytes = 2_000, Timing::default())
            .await;
    let mut socket = Socket::begun(&server).await;

    socket.subscribe("1", &format!("{{ __typename #{} }}", "x".repeat(2_000)), json!({})).await;

    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn only_the_newer_protocol_from_an_own_page_or_a_program_gets_a_socket() {
    let server = start().await;
    let (own, bearer) = (server.origin(), format!("Bearer {}", server.token));
    let cookie = server.sign_in().await;
    let rows: [(&[(&'static str, &str)], u16); 13] = [
        (&[], 400),
        (&[("sec-websocket-protocol", "graphql-ws")], 400),
        (&[("sec-websocket-protocol", "graphql-transport-ws-2")], 400),
        (&[("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")], 101),
        (&[PROTOCOL], 101),
        (&[PROTOCOL, ("origin", &own)], 101),
        (&[PROTOCOL, ("origin", "http://attacker.example")], 403),
        (&[PROTOCOL, ("origin", "http://127.0.0.1")], 403),
        (&[PROTOCOL, ("origin", "null")], 403),
        (&[PROTOCOL, ("origin", "http://attacker.example"), ("authorization", &bearer)], 403),
        (&[PROTOCOL, ("origin", &own), ("cookie", &cookie), ("sec-fetch-site", "cross-site")], 403),
        (&[PROTOCOL, ("origin", &own), ("cookie", &cookie)], 101),
        (&[PROTOCOL, ("authorization", "Bearer wrong")], 401),
    ];
    for (headers, status) in rows {
        assert_eq!(Socket::status(&server, headers).await, status, "{headers:?}");
    }
    let plain = server.request(axum::http::Method::GET, "/graphql/ws");
    assert_eq!(server.send_empty(plain).await.status, 400, "not a handshake");
}

#[tokio::test]
async fn a_page_with_a_cookie_begins_without_the_token() {
    let server = start().await;
    let (own, cookie) = (server.origin(), server.sign_in().await);
    let headers = [PROTOCOL, ("origin", own.as_str()), ("cookie", &cookie)];
    let mut socket = Socket::open(&server, &headers).await.unwrap();

    socket.say(&json!({"type": "connection_init"})).await;
    assert_eq!(socket.read().await, json!({"type": "connection_ack"}));
    socket.subscribe("1", "{ viewer { __typename } }", json!({})).await;

    assert_eq!(socket.next("1").await, json!({"data": {"viewer": {"__typename": "Viewer"}}}));
    assert_eq!(socket.read().await, json!({"type": "complete", "id": "1"}));
}

#[tokio::test]
async fn refused_operations_are_errors_of_their_id_and_leave_the_socket_open() {
    let server = start().await;
    let mut socket = Socket::begun(&server).await;
    let aliases: String = (0..31).map(|n| format!("a{n}: version ")).collect();
    for (document, code) in [
        ("{".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { changes { revision } again: changes { revision } }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (format!("{{ serverInfo {{ {aliases} }} }}"), "QUERY_TOO_COMPLEX"),
    ] {
        socket.subscribe("1", &document, json!({})).await;
        let message = socket.read().await;
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("error"), &json!("1")),
            "{document}: {message}"
        );
        let extensions = &message["payload"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{document}");
        assert!(extensions["requestId"].is_string(), "{message}");
    }
    socket.settle().await;

    let mut stream = server.follow("subscription { nothing }", json!({})).await;
    let event = stream.next().await.unwrap();
    assert_eq!(event["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert!(event.get("data").is_none());
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn subscriptions_of_both_transports_share_one_limit() {
    let server =
        Server::listen_with(|config| config.limits.subscriptions = 2, Timing::default()).await;
    let mut socket = Socket::begun(&server).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    let stream = server.follow(CHANGES, json!({})).await;

    socket.subscribe("2", CHANGES, json!({})).await;
    let refused = socket.read().await;

    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("2")), "{refused}");
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["limit"]),
        (&json!("RATE_LIMITED"), &json!("subscriptions"))
    );
    let mut over = server.post(json!({"query": CHANGES}).to_string());
    over.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
    let over = server.send(over).await;
    assert_eq!((over.status, over.header("retry-after")), (429, "1"));
    socket.say(&json!({"type": "complete", "id": "1"})).await;
    socket.subscribe("3", CHANGES, json!({})).await;
    socket.settle().await;
    drop(stream);
}

#[tokio::test]
async fn everything_ends_when_the_server_stops() {
    let mut server = start().await;
    let mut socket = Socket::begun(&server).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    socket.settle().await;

    server.stop();

    assert_eq!(socket.close_code().await, 1001);
}
