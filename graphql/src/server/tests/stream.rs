use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode, header},
};
use futures_util::StreamExt;
use jotrack_core::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{super::Timing, CHANGES, CREATE, Server, listen};

fn streaming(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
    request
}

/// Reads the next event or comment.
async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap()?;
    Some(String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

fn data(event: &str) -> Value {
    let line = event.strip_prefix("event: next\ndata: ").unwrap();
    serde_json::from_str(line.strip_suffix("\n\n").unwrap()).unwrap()
}

#[tokio::test]
async fn a_query_is_one_event_and_the_end() {
    let server = Server::start().await;
    let response = server.open(streaming(server.post("{ __typename }"))).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/event-stream")
    );
    let mut stream = response.into_body().into_data_stream();
    assert_eq!(data(&next(&mut stream).await.unwrap()), json!({"data": {"__typename": "Query"}}));
    assert_eq!(next(&mut stream).await.unwrap(), "event: complete\ndata:\n\n");
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn refused_documents_are_events_and_malformed_requests_are_not() {
    let server = Server::start().await;
    for refused in ["{", "{ nothing }"] {
        let response = server.open(streaming(server.post(refused))).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut stream = response.into_body().into_data_stream();
        let event = data(&next(&mut stream).await.unwrap());
        assert!(event["errors"][0]["extensions"]["requestId"].is_string(), "{event}");
        assert!(event.get("data").is_none());
        assert_eq!(next(&mut stream).await.unwrap(), "event: complete\ndata:\n\n");
    }

    let malformed = server.send(streaming(server.post_body("{"))).await;
    assert_eq!((malformed.status.as_u16(), malformed.code()), (400, json!("INVALID_INPUT")));
}

#[tokio::test]
async fn changes_arrive_as_events_between_comments() {
    let timing = Timing { comment: Duration::from_millis(5), ..Timing::default() };
    let server = Server::with(Limits::default(), timing).await;
    let response = server.open(streaming(server.post(CHANGES))).await;
    let mut stream = response.into_body().into_data_stream();
    assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");

    server.send(server.post(CREATE)).await;

    let event = loop {
        match next(&mut stream).await.unwrap() {
            comment if comment == ":\n\n" => {}
            event => break data(&event),
        }
    };
    assert_eq!(event, json!({"data": {"changes": {"revision": 1}}}));
}

#[tokio::test]
async fn subscriptions_are_limited_and_free_when_the_reader_goes() {
    let limits = Limits { subscriptions: 1, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let first = server.open(streaming(server.post(CHANGES))).await;

    let second = server.send(streaming(server.post(CHANGES))).await;
    assert_eq!((second.status.as_u16(), second.code()), (429, json!("RATE_LIMITED")));
    assert_eq!(second.header(header::RETRY_AFTER), "1");

    drop(first);
    tokio::time::timeout(Duration::from_secs(10), async {
        while server.open(streaming(server.post(CHANGES))).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_reader_that_never_reads_is_given_up() {
    let timing = Timing {
        comment: Duration::from_millis(1),
        patience: Duration::from_millis(20),
        ..Timing::default()
    };
    let server = Server::with(Limits::default(), timing).await;
    let unread = server.open(streaming(server.post(CHANGES))).await;

    server.state.tasks.close();
    tokio::time::timeout(Duration::from_secs(10), server.state.tasks.wait()).await.unwrap();

    let mut stream = unread.into_body().into_data_stream();
    let mut events = 0;
    while next(&mut stream).await.is_some() {
        events += 1;
    }
    assert!(events > 0);
}

#[tokio::test]
async fn stopping_the_server_ends_open_streams() {
    let listening = listen(Limits::default(), Timing::default()).await;
    let mut connection = tokio::net::TcpStream::connect(listening.address).await.unwrap();
    let body = json!({"query": CHANGES}).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Accept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        listening.address,
        listening.server.token,
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = vec![0; 15];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");

    listening.stop.send(()).unwrap();

    let mut rest = String::new();
    connection.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    listening.served.await.unwrap().unwrap();
}
