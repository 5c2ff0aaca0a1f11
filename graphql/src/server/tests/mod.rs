//! The routes through the router, without a port; sockets and streams over a loopback listener.

mod files;
mod health;
mod http;
mod position;
mod socket;
mod stream;

use std::net::SocketAddr;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header, request::Builder},
};
use bytes::Bytes;
use jotrack_core::{Clock, Config, Engine, Limits, ManualClock, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{AppState, Hosts, ServerConfig, SharedState, Timing, Token, router};

pub(super) const OWN: &str = "http://127.0.0.1:4000";
pub(super) const CREATE: &str =
    r#"mutation { jobCreate(input: {company: "Acme", title: "Cook"}) { job { title } } }"#;
pub(super) const CHANGES: &str = "subscription { changes { revision } }";

/// A server of its own engine and clock.
pub(super) struct Server {
    pub(super) state: SharedState,
    pub(super) token: String,
    pub(super) clock: ManualClock,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn code(&self) -> Value {
        self.json()["errors"][0]["extensions"]["code"].clone()
    }

    pub(super) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(Limits::default(), Timing::default()).await
    }

    pub(super) async fn with(limits: Limits, timing: Timing) -> Self {
        let clock = ManualClock::new(Timestamp::from_ms(1_760_000_000_000));
        let config = Config {
            clock: Clock::Manual(clock.clone()),
            background: false,
            limits,
            ..Config::default()
        };
        let engine = Engine::open(config).await.unwrap();
        let token = Token::random().unwrap();
        let text = token.reveal().to_owned();
        let listen = SocketAddr::from(([127, 0, 0, 1], 4000));
        let config = ServerConfig { listen, timing };
        let AppState(state) = AppState::new(engine, token, &config).unwrap();
        Self { state, token: text, clock }
    }

    /// A request of the owner's program.
    pub(super) fn request(&self, method: Method, path: &str) -> Builder {
        anonymous(method, path).header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    pub(super) fn post(&self, query: &str) -> Request<Body> {
        self.post_body(json!({"query": query}).to_string())
    }

    pub(super) fn post_body(&self, body: impl Into<Body>) -> Request<Body> {
        self.request(Method::POST, "/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.into())
            .unwrap()
    }

    pub(super) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        router(AppState(SharedState::clone(&self.state))).oneshot(request).await.unwrap()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Opens a session and returns its cookie.
    pub(super) async fn sign_in(&self) -> String {
        let answer = self.send(sign_in(&json!({"token": self.token}))).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        let cookie = answer.header(header::SET_COOKIE);
        cookie.split(';').next().unwrap().to_owned()
    }
}

pub(super) fn anonymous(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:4000")
}

pub(super) fn sign_in(body: &Value) -> Request<Body> {
    anonymous(Method::POST, "/session")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// A server that listens on a free port.
pub(super) struct Listening {
    pub(super) server: Server,
    pub(super) address: SocketAddr,
    pub(super) stop: tokio::sync::oneshot::Sender<()>,
    pub(super) served: tokio::task::JoinHandle<jotrack_core::Result<()>>,
}

pub(super) async fn listen(limits: Limits, timing: Timing) -> Listening {
    let mut server = Server::with(limits, timing).await;
    let listener = super::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    std::sync::Arc::get_mut(&mut server.state).unwrap().hosts = Hosts::new(address.port());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let state = AppState(SharedState::clone(&server.state));
    let served = tokio::spawn(super::serve_state(listener, state, async {
        stopped.await.unwrap_or_default();
    }));
    Listening { server, address, stop, served }
}
