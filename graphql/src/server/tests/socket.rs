use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jotrack_core::Limits;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
    },
};

use super::{super::Timing, CHANGES, CREATE, Listening, listen};

const PROTOCOL: &str = "graphql-transport-ws";

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(
        listening: &Listening,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let address = format!("ws://{}/graphql/ws", listening.address);
        let mut request = address.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        Ok(Self(connect_async(request).await?.0))
    }

    /// A socket without credentials, which a browser's page begins with.
    async fn fresh(listening: &Listening) -> Self {
        Self::open(listening, &[(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)]).await.unwrap()
    }

    async fn acknowledged(listening: &Listening) -> Self {
        let mut client = Self::fresh(listening).await;
        client.init(&format!("Bearer {}", listening.server.token)).await;
        assert_eq!(client.read().await, json!({"type": "connection_ack"}));
        client
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn init(&mut self, authorization: &str) {
        let payload = json!({"Authorization": authorization});
        self.say(&json!({"type": "connection_init", "payload": payload})).await;
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }

    async fn frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.unwrap();
        frame.and_then(Result::ok)
    }

    async fn read(&mut self) -> Value {
        loop {
            match self.frame().await.unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads to the end and returns the code it was closed with.
    async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await.unwrap() {
                Message::Close(frame) => return frame.unwrap().code.into(),
                Message::Text(_) | Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn refused_status(opened: Result<Client, tungstenite::Error>) -> u16 {
    match opened {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => 101,
    }
}

async fn start() -> Listening {
    listen(Limits::default(), Timing::default()).await
}

#[tokio::test]
async fn only_the_newer_protocol_is_spoken() {
    let listening = start().await;
    for (offered, status) in
        [("graphql-ws", 400), ("other", 400), ("graphql-ws, graphql-transport-ws", 101)]
    {
        let headers = [(header::SEC_WEBSOCKET_PROTOCOL, offered)];
        assert_eq!(refused_status(Client::open(&listening, &headers).await), status, "{offered}");
    }
    assert_eq!(refused_status(Client::open(&listening, &[]).await), 400);
}

#[tokio::test]
async fn another_sites_page_gets_no_socket() {
    let listening = start().await;
    let own = format!("http://{}", listening.address);
    for (origin, status) in [(own.as_str(), 101), ("http://attacker.example", 403), ("null", 403)] {
        let headers = [(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL), (header::ORIGIN, origin)];
        assert_eq!(refused_status(Client::open(&listening, &headers).await), status, "{origin}");
    }
    let wrong = [(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL), (header::AUTHORIZATION, "Bearer x")];
    assert_eq!(refused_status(Client::open(&listening, &wrong).await), 401);
}

#[tokio::test]
async fn credentials_come_with_the_request_or_with_the_first_message() {
    let listening = start().await;
    let own = format!("http://{}", listening.address);
    let cookie = sign_in(&listening).await;
    let bearer = format!("Bearer {}", listening.server.token);
    for credentials in [(header::COOKIE, cookie.as_str()), (header::AUTHORIZATION, &bearer)] {
        let headers =
            [(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL), (header::ORIGIN, &own), credentials];
        let mut client = Client::open(&listening, &headers).await.unwrap();
        client.say(&json!({"type": "connection_init"})).await;
        assert_eq!(client.read().await["type"], "connection_ack");
    }

    for init in [
        json!({"type": "connection_init"}),
        json!({"type": "connection_init", "payload": {"authorization": "Bearer x"}}),
    ] {
        let mut client = Client::fresh(&listening).await;
        client.say(&init).await;
        assert_eq!(client.close_code().await, 4403);
    }
}

async fn sign_in(listening: &Listening) -> String {
    // The router itself knows the port only; the request need not travel.
    let mut request = super::sign_in(&json!({"token": listening.server.token}));
    let host = HeaderValue::from_str(&listening.address.to_string()).unwrap();
    request.headers_mut().insert(header::HOST, host);
    let answer = listening.server.send(request).await;
    answer.header(header::SET_COOKIE).split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_breach_of_the_protocol_has_its_code() {
    let listening = start().await;

    let mut early = Client::fresh(&listening).await;
    early.subscribe("1", "{ __typename }").await;
    assert_eq!(early.close_code().await, 4401);

    for nonsense in [Message::text("x"), Message::text("{}"), Message::binary(vec![0])] {
        let mut client = Client::acknowledged(&listening).await;
        client.0.send(nonsense).await.unwrap();
        assert_eq!(client.close_code().await, 4400);
    }

    let mut again = Client::acknowledged(&listening).await;
    again.say(&json!({"type": "connection_init"})).await;
    assert_eq!(again.close_code().await, 4429);

    let mut twice = Client::acknowledged(&listening).await;
    twice.subscribe("1", CHANGES).await;
    twice.subscribe("1", CHANGES).await;
    assert_eq!(twice.close_code().await, 4409);
}

#[tokio::test]
async fn a_client_that_does_not_begin_is_closed() {
    let timing = Timing { init: Duration::from_millis(5), ..Timing::default() };
    let listening = listen(Limits::default(), timing).await;
    let mut client = Client::fresh(&listening).await;

    assert_eq!(client.close_code().await, 4408);
}

#[tokio::test]
async fn operations_of_every_kind_run_side_by_side() {
    let listening = start().await;
    let mut client = Client::acknowledged(&listening).await;

    client.subscribe("live", CHANGES).await;
    client.subscribe("bad", "{ nothing }").await;
    let refused = client.read().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("bad")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    client.subscribe("worse", "{").await;
    assert_eq!(client.read().await["payload"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");

    client.subscribe("write", CREATE).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let message = client.read().await;
        seen.push(format!(
            "{} {}",
            message["id"].as_str().unwrap(),
            message["type"].as_str().unwrap()
        ));
    }
    seen.sort();
    assert_eq!(seen, ["live next", "write complete", "write next"]);
}

#[tokio::test]
async fn a_completed_id_is_free_again() {
    let listening = start().await;
    let mut client = Client::acknowledged(&listening).await;
    client.subscribe("1", CHANGES).await;

    client.say(&json!({"type": "complete", "id": "1"})).await;
    client.subscribe("1", "{ __typename }").await;

    let next = client.read().await;
    assert_eq!(next["payload"], json!({"data": {"__typename": "Query"}}));
    assert_eq!(client.read().await, json!({"id": "1", "type": "complete"}));
    client.say(&json!({"type": "complete", "id": "unknown"})).await;
    client.say(&json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(client.read().await, json!({"type": "pong", "payload": {"n": 1}}));
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let listening = start().await;
    let mut client = Client::acknowledged(&listening).await;
    client.subscribe("1", CHANGES).await;

    client.0.close(None).await.unwrap();

    assert!(matches!(client.frame().await, Some(Message::Close(_))));
    assert!(client.frame().await.is_none());
}

#[tokio::test]
async fn subscriptions_and_sockets_are_limited() {
    let limits = Limits { subscriptions: 1, sockets: 1, ..Limits::default() };
    let listening = listen(limits, Timing::default()).await;
    let mut client = Client::acknowledged(&listening).await;

    client.subscribe("1", CHANGES).await;
    client.subscribe("2", CHANGES).await;
    let refused = client.read().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("2")));
    assert_eq!(refused["payload"][0]["extensions"]["limit"], "subscriptions");
    client.say(&json!({"type": "complete", "id": "1"})).await;
    client.subscribe("3", CHANGES).await;
    client.say(&json!({"type": "ping"})).await;
    assert_eq!(client.read().await, json!({"type": "pong"}));

    let headers = [(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)];
    assert_eq!(refused_status(Client::open(&listening, &headers).await), 429);
}

#[tokio::test]
async fn too_big_a_message_ends_the_socket() {
    let limits = Limits { socket_message_bytes: 1_000, ..Limits::default() };
    let listening = listen(limits, Timing::default()).await;
    let mut client = Client::acknowledged(&listening).await;

    client.subscribe("1", &"x".repeat(1_000)).await;

    assert_eq!(client.close_code().await, 1009);
}

#[tokio::test]
async fn a_socket_ends_with_its_session() {
    let timing = Timing { recheck: Duration::from_millis(5), ..Timing::default() };
    let listening = listen(Limits::default(), timing).await;
    let own = format!("http://{}", listening.address);
    let cookie = sign_in(&listening).await;
    let headers = [
        (header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL),
        (header::ORIGIN, own.as_str()),
        (header::COOKIE, cookie.as_str()),
    ];
    let mut client = Client::open(&listening, &headers).await.unwrap();
    client.say(&json!({"type": "connection_init"})).await;
    assert_eq!(client.read().await["type"], "connection_ack");

    listening.server.clock.advance_ms(31 * 24 * 60 * 60 * 1_000);

    assert_eq!(client.close_code().await, 4401);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_cut_off() {
    let timing = Timing {
        ping: Duration::from_millis(5),
        patience: Duration::from_millis(30),
        ..Timing::default()
    };
    let listening = listen(Limits::default(), timing).await;
    let mut connection = TcpStream::connect(listening.address).await.unwrap();
    let head = format!(
        "GET /graphql/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n",
        listening.address
    );
    connection.write_all(head.as_bytes()).await.unwrap();

    let mut all = Vec::new();
    let read = connection.read_to_end(&mut all);
    tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();

    assert!(all.starts_with(b"HTTP/1.1 101"));
    assert!(all.ends_with(&[0x89, 0x00]), "the last frame is a ping");
}

#[tokio::test]
async fn stopping_the_server_closes_sockets() {
    let listening = start().await;
    let mut client = Client::acknowledged(&listening).await;
    client.subscribe("1", CHANGES).await;

    listening.stop.send(()).unwrap();

    assert_eq!(client.close_code().await, 1001);
    drop(client);
    listening.served.await.unwrap().unwrap();
}
