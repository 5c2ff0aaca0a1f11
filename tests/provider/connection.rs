//! One connection: requests in, replies out as scripted, and whether the client hung up.

use std::{collections::BTreeMap, future::pending, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::{
    Call, End, Shared,
    reply::{Reply, Step},
};

/// Answers request after request until one side has enough.
pub(super) async fn serve(socket: TcpStream, number: usize, shared: Arc<Shared>) {
    socket.set_nodelay(true).unwrap();
    let (reader, mut writer) = socket.into_split();
    let mut client = Client { reader, buffer: Vec::new() };
    while let Some(call) = client.request().await {
        let (index, reply) = shared.enter(Call { connection: number, ..call });
        let outcome = tokio::select! {
            outcome = play(&reply, &mut writer, &shared, index) => outcome,
            () = client.closed() => Outcome::Closed,
        };
        let end = if outcome == Outcome::Closed { End::ClosedByClient } else { End::Played };
        shared.change(index, |call| call.end = end);
        if outcome == Outcome::Reset {
            // With nothing left unsent, the system answers with a reset instead of an end.
            if let Ok(socket) = client.reader.reunite(writer) {
                socket.set_zero_linger().unwrap();
            }
            return;
        }
        if outcome == Outcome::Closed {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Reset,
    Closed,
}

async fn play(
    reply: &Reply,
    writer: &mut OwnedWriteHalf,
    shared: &Shared,
    index: usize,
) -> Outcome {
    for step in &reply.first {
        if wait(step).await {
            return Outcome::Reset;
        }
    }
    let mut head = format!("HTTP/1.1 {} Scripted\r\ntransfer-encoding: chunked\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    if writer.write_all(head.as_bytes()).await.is_err() {
        return Outcome::Closed;
    }
    for step in &reply.body {
        let Step::Bytes(bytes) = step else {
            if wait(step).await {
                return Outcome::Reset;
            }
            continue;
        };
        if bytes.is_empty() {
            continue;
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        if writer.write_all(&chunk).await.is_err() {
            return Outcome::Closed;
        }
        shared.change(index, |call| call.sent += bytes.len());
    }
    match writer.write_all(b"0\r\n\r\n").await {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Closed,
    }
}

/// Plays a step without bytes; reports whether the connection is to be broken.
async fn wait(step: &Step) -> bool {
    match step {
        Step::Bytes(_) => {}
        Step::Pause(pause) => paused(*pause).await,
        Step::Wait(gate) => gate.passed().await,
        Step::Hang => pending().await,
        Step::Reset => return true,
    }
    false
}

/// Time is what is being scripted here.
async fn paused(pause: Duration) {
    let _: Result<(), _> = timeout(pause, pending()).await;
}

/// The client's side of a connection.
struct Client {
    reader: OwnedReadHalf,
    /// What was read and belongs to no request yet.
    buffer: Vec<u8>,
}

impl Client {
    /// Reads the next request; `None` at the end of the connection.
    async fn request(&mut self) -> Option<Call> {
        let head_end = loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(at) => break at + 4,
                None => self.fill().await?,
            }
        };
        let head: Vec<u8> = self.buffer.drain(..head_end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            self.fill().await?;
        }
        let raw: Vec<u8> = self.buffer.drain(..length).collect();
        let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        Some(Call {
            index: 0,
            connection: 0,
            method,
            path,
            headers,
            body,
            raw,
            sent: 0,
            end: End::Open,
        })
    }

    async fn fill(&mut self) -> Option<()> {
        let mut piece = [0; 8_192];
        match self.reader.read(&mut piece).await {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                Some(())
            }
        }
    }

    /// Returns when the client hangs up.
    async fn closed(&mut self) {
        while self.fill().await.is_some() {}
    }
}
