//! Servers on loopback and a client that keeps its connection: the least that speaks HTTP.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Router,
    extract::{Path, State},
    http::header,
    routing::get,
};
use jotrack_core::Engine;
use jotrack_graphql::server::{self, Token};
use tokio::runtime::{Builder, Runtime};

use crate::{
    meter::{Spent, duration, process_cpu},
    raw::Raw,
};

/// Runs the servers; one thread beside the client's.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Serves the engine as `jotrack serve` does.
pub(crate) fn serve(runtime: &Runtime, engine: Engine) -> (SocketAddr, Token) {
    let token = Token::random().unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = runtime.block_on(server::bind(any)).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = server::serve(listener, engine, token.clone(), std::future::pending());
    runtime.spawn(async move { serving.await.unwrap() });
    (address, token)
}

/// Serves the hand-written answers.
pub(crate) fn serve_raw(runtime: &Runtime, raw: Raw) -> SocketAddr {
    async fn plain(
        State(raw): State<Arc<Mutex<Raw>>>,
        Path(first): Path<u32>,
    ) -> impl axum::response::IntoResponse {
        ([(header::CONTENT_TYPE, "application/json")], raw.lock().unwrap().plain(first))
    }
    async fn nested(
        State(raw): State<Arc<Mutex<Raw>>>,
        Path(first): Path<u32>,
    ) -> impl axum::response::IntoResponse {
        ([(header::CONTENT_TYPE, "application/json")], raw.lock().unwrap().nested(first))
    }
    let router = Router::new()
        .route("/plain/{first}", get(plain))
        .route("/nested/{first}", get(nested))
        .with_state(Arc::new(Mutex::new(raw)));
    let listener =
        runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A client of one connection that sends one request over and over.
pub(crate) struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn post(address: SocketAddr, token: &Token, body: &str) -> Self {
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\naccept: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            token.reveal(),
            body.len()
        );
        Self::connect(address, request)
    }

    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        Self::connect(address, format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"))
    }

    fn connect(address: SocketAddr, request: String) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, request: request.into_bytes(), buffer: Vec::new() }
    }

    /// Sends the request and returns the body of the answer.
    pub(crate) fn ask(&mut self) -> &[u8] {
        self.stream.write_all(&self.request).unwrap();
        self.buffer.clear();
        let mut piece = [0; 64 * 1024];
        loop {
            let n = self.stream.read(&mut piece).unwrap();
            assert_ne!(n, 0, "the server hung up");
            self.buffer.extend_from_slice(&piece[..n]);
            if let Some((start, length)) = body(&self.buffer)
                && self.buffer.len() == start + length
            {
                return &self.buffer[start..];
            }
        }
    }

    /// Asks that many times; the client's own CPU time is not counted.
    pub(crate) fn run(&mut self, times: u32) -> Spent {
        let (wall, own, all) =
            (Instant::now(), duration(rustix::time::ClockId::ThreadCPUTime), process_cpu());
        for _ in 0..times {
            self.ask();
        }
        let own = duration(rustix::time::ClockId::ThreadCPUTime) - own;
        Spent { wall: wall.elapsed(), cpu: (process_cpu() - all).saturating_sub(own) }
    }
}

/// Where the body of an answer starts and how long it is, once its head is here.
fn body(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    Some((end + 4, length.expect("an answer of known length")))
}
