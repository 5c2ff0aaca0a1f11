//! Asks a server over connections that stay open, and measures both sides.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::meter::percentile;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the system counts CPU time in a second.
const TICKS: u64 = 100;

/// A server in another process, and one request that is always answered alike.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// Head and body.
    pub(crate) request: Vec<u8>,
}

/// What a number of requests took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Of the server, per request.
    pub(crate) cpu: Duration,
    /// Bytes of the smallest and of the largest body.
    pub(crate) bytes: (usize, usize),
}

/// Returns a POST of a JSON document.
pub(crate) fn post(address: SocketAddr, path: &str, bearer: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\naccept: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Site {
    /// Asks once over a connection of its own and returns the body.
    pub(crate) async fn ask(&self) -> Vec<u8> {
        let mut connection = Connection::open(self.address).await;
        connection.ask(&self.request).await
    }

    /// Asks so many times, over so many connections at once.
    pub(crate) async fn load(&self, connections: usize, requests: usize) -> Figures {
        let left = Arc::new(AtomicUsize::new(requests));
        let mut callers = JoinSet::new();
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(self.address).await);
        }
        let (cpu, began) = (cpu_of(self.pid), Instant::now());
        for mut connection in open {
            let (left, request) = (Arc::clone(&left), self.request.clone());
            callers.spawn(async move {
                let mut calls = Vec::new();
                let take = |left: usize| left.checked_sub(1);
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                    let began = Instant::now();
                    let bytes = connection.ask(&request).await.len();
                    calls.push((began.elapsed(), bytes));
                }
                calls
            });
        }
        let calls: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
        let (wall, cpu) = (began.elapsed(), cpu_of(self.pid) - cpu);
        assert_eq!(calls.len(), requests);
        let sizes = || calls.iter().map(|(_, bytes)| *bytes);
        let bytes = (sizes().min().unwrap(), sizes().max().unwrap());
        let mut waits: Vec<_> = calls.iter().map(|(wait, _)| *wait).collect();
        waits.sort_unstable();
        Figures {
            per_second: requests as f64 / wall.as_secs_f64(),
            p50: percentile(&waits, 50),
            p99: percentile(&waits, 99),
            cpu: cpu / u32::try_from(requests).unwrap(),
            bytes,
        }
    }
}

/// Returns the CPU time of a process in user and system mode, to a hundredth of a second.
fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// One connection that stays open.
struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::with_capacity(64 * 1024) }
    }

    /// Sends a request and returns the body of its answer, which must be a 200.
    async fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        timeout(PATIENCE, async {
            self.stream.write_all(request).await.unwrap();
            let (start, length) = loop {
                if let Some(head) = head(&self.read) {
                    break head;
                }
                self.more().await;
            };
            while self.read.len() < start + length {
                self.more().await;
            }
            let body = self.read[start..start + length].to_vec();
            self.read.drain(..start + length);
            body
        })
        .await
        .expect("an answer in time")
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(read > 0, "hung up after {:?}", String::from_utf8_lossy(&self.read));
    }
}

/// Returns where the body starts and how long it is, once the head is there.
fn head(read: &[u8]) -> Option<(usize, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}\n{}", String::from_utf8_lossy(&read[end..]));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some((end + 4, length.expect("a length").trim().parse().unwrap()))
}
