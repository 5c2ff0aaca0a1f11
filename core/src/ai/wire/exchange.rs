//! One request and its answer: sockets, phases and their ends.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    super::{AiError, ModelRequest, Phase},
    Inner,
    answer::{Answer, Step, at},
    codec::Codec,
    errors,
};
use crate::net;

/// Most bytes that are read of the body of an error.
const ERROR_BYTES: usize = 64 * 1024;
/// How long the end of a stream is waited for after its last event, so that the connection can be
/// used again.
const REUSE: Duration = Duration::from_millis(200);

/// An exchange. Dropping it hangs up, which stops the model.
pub(super) struct Exchange {
    /// Until it is sent.
    pub(super) opening: Option<Opening>,
    /// From the response on, until the end.
    pub(super) reading: Option<Reading>,
    /// What was decoded and is not out yet.
    pub(super) steps: VecDeque<Step>,
}

/// A request that is not sent yet.
pub(super) struct Opening {
    pub(super) provider: Arc<Inner>,
    pub(super) request: ModelRequest,
}

/// An answer that is being received.
pub(super) struct Reading {
    response: Response,
    codec: Codec,
    deadlines: Deadlines,
}

impl Exchange {
    /// Returns the next step; `None` after the last one, for ever.
    pub(super) async fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(step);
            }
            if let Some(opening) = self.opening.take() {
                match opening.open().await {
                    Ok(reading) => self.reading = Some(reading),
                    Err(error) => return Some(Err(error)),
                }
            }
            let reading = self.reading.as_mut()?;
            if reading.codec.ended() {
                let mut reading = self.reading.take()?;
                reading.let_go().await;
                return None;
            }
            reading.advance().await;
            self.steps.extend(reading.codec.drain());
            // A failed exchange holds no connection.
            if self.steps.iter().any(Result::is_err) {
                self.reading = None;
            }
        }
    }
}

impl Opening {
    async fn open(self) -> Result<Reading, AiError> {
        let Self { provider, request } = self;
        let timeouts = provider.timeouts;
        let begun = Instant::now();
        let body = provider.body(&request);
        let sent = provider.client.post(provider.url.clone()).headers(provider.headers.clone());
        let sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_string()).send();
        let (until, phase) = earlier(
            (begun + timeouts.connect + timeouts.headers, Phase::Headers),
            (begun + timeouts.attempt, Phase::Attempt),
        );
        let response = timeout_at(until, sent).await.map_err(|_| AiError::Timeout(phase))?;
        let mut response = response.map_err(|error| net::failure(&error))?;
        let headers = response.headers();
        let request_id = ["request-id", "x-request-id"].iter().find_map(|name| headers.get(*name));
        let request_id = request_id.and_then(|id| id.to_str().ok());
        let answer = Answer::new(&request, request_id);
        if response.status() != StatusCode::OK {
            let body = beginning(&mut response, timeouts.idle).await;
            let now = provider.clock.now();
            let status = response.status().as_u16();
            return Err(errors::of_response(status, response.headers(), &body, now));
        }
        if let Some(what) = no_stream(response.headers()) {
            let body = beginning(&mut response, timeouts.idle).await;
            let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let error = at(&body, "/error");
            return Err(if error.is_null() {
                AiError::Invalid(what)
            } else {
                errors::in_stream(error)
            });
        }
        let now = Instant::now();
        let deadlines = Deadlines {
            idle: timeouts.idle,
            progress: timeouts.progress,
            attempt: begun + timeouts.attempt,
            byte: None,
            content: (now + timeouts.first_content, Phase::FirstContent),
        };
        Ok(Reading { response, codec: provider.codec(answer), deadlines })
    }
}

impl Reading {
    /// Waits for the next piece of the body and decodes it.
    async fn advance(&mut self) {
        let (until, phase) = self.deadlines.next();
        let Ok(piece) = timeout_at(until, self.response.chunk()).await else {
            return self.codec.fail(AiError::Timeout(phase));
        };
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Ok(None) => return self.codec.finish(),
            Err(error) => return self.codec.fail(net::failure(&error)),
        };
        self.deadlines.byte();
        if self.codec.push(&piece) {
            self.deadlines.content();
        }
    }

    /// Reads to the end of the stream, which should be there already.
    async fn let_go(&mut self) {
        let end = async { while let Ok(Some(_)) = self.response.chunk().await {} };
        // A server that goes on talking loses its connection.
        let _: Result<(), _> = timeout(REUSE, end).await;
    }
}

/// When each phase of receiving is over.
struct Deadlines {
    idle: Duration,
    progress: Duration,
    attempt: Instant,
    /// For the next byte, once there was one: a long silence before it is the model reading.
    byte: Option<Instant>,
    /// For the next content.
    content: (Instant, Phase),
}

impl Deadlines {
    fn byte(&mut self) {
        self.byte = Some(Instant::now() + self.idle);
    }

    fn content(&mut self) {
        self.content = (Instant::now() + self.progress, Phase::Progress);
    }

    fn next(&self) -> (Instant, Phase) {
        let first = earlier(self.content, (self.attempt, Phase::Attempt));
        self.byte.map_or(first, |byte| earlier(first, (byte, Phase::Idle)))
    }
}

fn earlier(a: (Instant, Phase), b: (Instant, Phase)) -> (Instant, Phase) {
    if b.0 < a.0 { b } else { a }
}

/// Says what is wrong with a response that is no stream.
fn no_stream(headers: &HeaderMap) -> Option<&'static str> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.trim_start().to_ascii_lowercase();
    if kind.starts_with("application/json") {
        return Some("it does not stream its answers");
    }
    kind.starts_with("text/html").then_some("a page came instead of an answer; check the base URL")
}

/// Reads as much of a body as an error may have; what cannot be read is missing.
async fn beginning(response: &mut Response, patience: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(piece)) = response.chunk().await {
            let room = ERROR_BYTES - body.len();
            body.extend(piece.iter().take(room));
            if body.len() == ERROR_BYTES {
                return;
            }
        }
    };
    // What came until then may say enough.
    let _: Result<(), _> = timeout(patience, read).await;
    body
}
