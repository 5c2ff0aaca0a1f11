//! GraphQL as clients speak it: in-process, through the router without a port, and over a loopback
//! listener with sockets and event streams.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream, to_bytes},
    http::{HeaderMap, Method, Request, Response, header, request::Builder},
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use jotrack_core::{Config, Engine};
use jotrack_graphql::{
    schema::{Caller, Executor, GraphqlRequest, refused},
    server::{AppState, ServerConfig, Timing, Token, bind, router, serve_state},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};
use tower::ServiceExt;

use crate::Lab;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);
const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The schema in-process, acting as one user.
#[derive(Clone)]
pub struct Graphql {
    executor: Executor,
    caller: Caller,
}

impl Graphql {
    pub fn of(engine: &Engine) -> Self {
        let executor = Executor::new(engine.config().limits.clone());
        Self { executor, caller: Caller { engine: engine.clone(), downloads: None } }
    }

    /// The same schema acting as another user.
    pub fn acting_as(&self, engine: Engine) -> Self {
        let caller = Caller { engine, downloads: None };
        Self { executor: self.executor.clone(), caller }
    }

    pub fn engine(&self) -> &Engine {
        &self.caller.engine
    }

    /// Executes a document and returns the whole answer.
    pub async fn answer(&self, document: &str, variables: Value) -> Value {
        let request = request(document, variables);
        let response = match self.executor.prepare(&request) {
            Ok(prepared) => self.executor.execute(&self.caller, prepared, request).await,
            Err(refusal) => refused(&refusal),
        };
        serde_json::to_value(response).unwrap()
    }

    /// Executes a document that must succeed and returns its data.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let mut answer = self.answer(document, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{document}: {answer}");
        answer["data"].take()
    }

    /// Executes a document with one root field and returns what that field holds.
    pub async fn field(&self, document: &str, variables: Value) -> Value {
        match self.data(document, variables).await {
            Value::Object(fields) if fields.len() == 1 => fields.into_iter().next().unwrap().1,
            other => panic!("{document} has not one root field: {other}"),
        }
    }

    /// Starts a subscription and returns its first answer.
    pub async fn first_of(&self, document: &str) -> Value {
        let request = request(document, json!({}));
        let prepared = self.executor.prepare(&request).unwrap();
        let mut answers = self.executor.subscribe(self.caller.clone(), prepared, request);
        let first = tokio::time::timeout(PATIENCE, answers.next()).await;
        serde_json::to_value(first.expect("an answer in time").expect("an answer")).unwrap()
    }

    /// Enters a job and returns its id.
    pub async fn job(&self, company: &str, title: &str) -> String {
        let create = "mutation($c: String!, $t: String!) {
            jobCreate(input: {company: $c, title: $t}) { job { id } userErrors { message } } }";
        let payload = self.field(create, json!({"c": company, "t": title})).await;
        text(&payload["job"]["id"])
    }

    /// Attaches a text and returns the id of the attachment.
    pub async fn paste(&self, job: &str, kind: &str, content: &str) -> String {
        let create = "mutation($job: ID!, $kind: AttachmentKind!, $text: String!) {
            attachmentCreate(input: {jobId: $job, kind: $kind, filename: \"a.txt\", content: {text: $text}}) {
                attachment { id } userErrors { message } } }";
        let variables = json!({"job": job, "kind": kind, "text": content});
        text(&self.field(create, variables).await["attachment"]["id"])
    }

    /// Counts how often each statement ran, as SQLite counted it.
    pub fn statements(&self) -> BTreeMap<&'static str, u64> {
        let stats = self.caller.engine.statement_stats();
        stats.into_iter().map(|(name, stats)| (name, stats.runs)).collect()
    }
}

fn request(document: &str, variables: Value) -> GraphqlRequest {
    let variables = match variables {
        Value::Object(variables) => variables,
        other => panic!("variables are an object: {other}"),
    };
    GraphqlRequest { query: document.to_owned(), variables, ..GraphqlRequest::default() }
}

/// The text in a JSON value.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("not JSON: {:?}", self.body.slice(..self.body.len().min(300)))
        })
    }

    /// `extensions.code` of the first error.
    pub fn code(&self) -> String {
        text(&self.json()["errors"][0]["extensions"]["code"])
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A server of its own engine: called through its router, and listening when it was told to.
pub struct Server {
    pub lab: Lab,
    pub token: String,
    pub address: SocketAddr,
    state: AppState,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Server {
    /// A server without a port.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server without a port and with changed settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 4000));
        Self::at(Lab::with(change).await, address, Timing::default())
    }

    /// A server on a free port.
    pub async fn listen() -> Self {
        Self::listen_with(|_| {}, Timing::default()).await
    }

    /// A server on a free port, with changed settings and times.
    pub async fn listen_with(change: impl FnOnce(&mut Config), timing: Timing) -> Self {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Self::at(Lab::with(change).await, address, timing);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let state = server.state.clone();
        tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or_default() };
            serve_state(listener, state, shutdown).await.unwrap();
        });
        server.stop = Some(stop);
        server
    }

    fn at(lab: Lab, address: SocketAddr, timing: Timing) -> Self {
        let token = Token::random().unwrap();
        let text = token.reveal().to_owned();
        let config = ServerConfig { listen: address, timing };
        let state = AppState::new(lab.engine.clone(), token, &config).unwrap();
        Self { lab, token: text, address, state, stop: None }
    }

    /// Tells a listening server to stop.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// The service itself; clones share their state.
    pub fn router(&self) -> Router {
        router(self.state.clone())
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request without credentials.
    pub fn anonymous(&self, method: Method, path: &str) -> Builder {
        let host = self.address.to_string();
        Request::builder().method(method).uri(path).header(header::HOST, host)
    }

    /// A request of the owner's program.
    pub fn request(&self, method: Method, path: &str) -> Builder {
        let bearer = format!("Bearer {}", self.token);
        self.anonymous(method, path).header(header::AUTHORIZATION, bearer)
    }

    /// A POST of the owner's program with a body as it is.
    pub fn post(&self, body: impl Into<Body>) -> Request<Body> {
        self.request(Method::POST, "/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.into())
            .unwrap()
    }

    /// Sends a request and leaves the body of the answer unread.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Sends a request without a body.
    pub async fn send_empty(&self, request: Builder) -> Answer {
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Executes a document as the owner's program.
    pub async fn query(&self, document: &str, variables: Value) -> Answer {
        self.send(self.post(json!({"query": document, "variables": variables}).to_string())).await
    }

    /// Executes a document that must succeed and returns its data.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let mut answer = self.query(document, variables).await.json();
        assert_eq!(answer["errors"], Value::Null, "{document}: {answer}");
        answer["data"].take()
    }

    /// Exchanges the token for a cookie, as the page does.
    pub async fn sign_in(&self) -> String {
        let request = self
            .anonymous(Method::POST, "/session")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(json!({"token": self.token}).to_string()))
            .unwrap();
        let answer = self.send(request).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Follows an operation over an event stream.
    pub async fn follow(&self, document: &str, variables: Value) -> EventStream {
        let mut request = self.post(json!({"query": document, "variables": variables}).to_string());
        request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().unwrap());
        let response = self.open(request).await;
        assert_eq!(response.status(), 200);
        EventStream { body: response.into_body().into_data_stream(), text: String::new() }
    }
}

/// Events of `text/event-stream`, whatever pieces they arrive in.
pub struct EventStream {
    body: BodyDataStream,
    text: String,
}

impl EventStream {
    /// The payload of the next `next` event; `None` after `complete`, which must be the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let event = self.event().await?;
            let mut lines = event.lines();
            match lines.next() {
                Some("event: next") => {
                    let data = lines.next().unwrap().strip_prefix("data: ").unwrap();
                    return Some(serde_json::from_str(data).unwrap());
                }
                Some("event: complete") => {
                    assert_eq!(lines.next(), Some("data:"), "browsers skip events without data");
                    assert_eq!(self.event().await, None, "complete is the end");
                    return None;
                }
                Some(comment) if comment.starts_with(':') => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            let piece = tokio::time::timeout(PATIENCE, self.body.next()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }
}

/// A client of graphql-transport-ws.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket with these headers and no others of its own.
    pub async fn open(
        server: &Server,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        Self::open_at(&server.address.to_string(), headers).await
    }

    async fn open_at(
        address: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let address = format!("ws://{address}/graphql/ws");
        let mut request = address.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        Ok(Self(connect_async(request).await?.0))
    }

    /// The status that an attempt to open a socket is answered with.
    pub async fn status(server: &Server, headers: &[(&'static str, &str)]) -> u16 {
        match Self::open(server, headers).await {
            Ok(_) => 101,
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A socket without credentials that has not begun.
    pub async fn fresh(server: &Server) -> Self {
        Self::open(server, &[("sec-websocket-protocol", SUBPROTOCOL)]).await.unwrap()
    }

    /// A socket that has begun with the token.
    pub async fn begun(server: &Server) -> Self {
        Self::begun_at(&server.address.to_string(), &server.token).await
    }

    /// A socket that has begun with a token at a server of another process.
    pub async fn begun_at(address: &str, token: &str) -> Self {
        let subprotocol = [("sec-websocket-protocol", SUBPROTOCOL)];
        let mut socket = Self::open_at(address, &subprotocol).await.unwrap();
        let payload = json!({"authorization": format!("Bearer {token}")});
        socket.say(&json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.read().await, json!({"type": "connection_ack"}));
        socket
    }

    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) {
        let payload = json!({"query": document, "variables": variables});
        self.say(&json!({"type": "subscribe", "id": id, "payload": payload})).await;
    }

    /// Waits until the server has worked off everything that was said before.
    pub async fn settle(&mut self) {
        self.say(&json!({"type": "ping"})).await;
        assert_eq!(self.read().await, json!({"type": "pong"}));
    }

    async fn frame(&mut self) -> Option<Message> {
        let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap();
        frame.and_then(Result::ok)
    }

    /// The next message.
    pub async fn read(&mut self) -> Value {
        loop {
            match self.frame().await.unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The payload of the next message, which must be `next` for this id.
    pub async fn next(&mut self, id: &str) -> Value {
        let mut message = self.read().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        message["payload"].take()
    }

    /// Reads to the end and returns the code the server closed with.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await.unwrap() {
                Message::Close(frame) => return frame.unwrap().code.into(),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
