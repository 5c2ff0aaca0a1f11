//! What a call is answered: steps on the bytes of one connection.

use std::{sync::Arc, time::Duration};

use jotrack_core::Protocol;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Transcript;

/// One answer: a head, pieces of a body, and what goes wrong in between. Every change consumes and
/// returns it. Offsets count bytes of the body without its framing.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// Before the head.
    pub(super) first: Vec<Step>,
    pub(super) body: Vec<Step>,
}

/// One step of playing a reply.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Bytes(Vec<u8>),
    Pause(Duration),
    /// Goes on when the test says so.
    Wait(Gate),
    /// Says nothing more until the client hangs up.
    Hang,
    /// Breaks the connection in the middle of the reply, as a crash does.
    Reset,
}

/// A point that a reply stops at until the test opens it; clones are one gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        let mut open = self.0.subscribe();
        // The sender is held by this gate.
        open.wait_for(|open| *open).await.map(drop).unwrap();
    }
}

impl Reply {
    /// An empty answer with a status.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), first: Vec::new(), body: Vec::new() }
    }

    /// The complete, correct answer of a protocol with this text, its usage and a request id.
    pub fn answer(protocol: Protocol, text: &str) -> Self {
        Self::events(&Transcript::answer(protocol, text))
    }

    /// A stream of events, one piece of the body for each.
    pub fn events(transcript: &Transcript) -> Self {
        let id = match transcript.protocol() {
            Protocol::Messages => ("request-id", "req_fault"),
            Protocol::Chat | Protocol::Responses => ("x-request-id", "req_fault"),
        };
        let reply = Self::status(200).header("content-type", "text/event-stream");
        transcript
            .frames()
            .iter()
            .fold(reply.header(id.0, id.1), |reply, frame| reply.bytes(frame.clone()))
    }

    /// An error as a protocol writes it: `kind` is its `type`, and for OpenAI its `code` too.
    pub fn error(protocol: Protocol, status: u16, kind: &str) -> Self {
        let error = json!({ "type": kind, "code": kind, "message": "as scripted" });
        Self::status(status).json(&match protocol {
            Protocol::Messages => {
                let error = json!({ "type": kind, "message": "as scripted" });
                json!({ "type": "error", "error": error, "request_id": "req_fault" })
            }
            Protocol::Chat | Protocol::Responses => json!({ "error": error }),
        })
    }

    /// A JSON body in one piece.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    /// The next piece of the body.
    pub fn bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body.push(Step::Bytes(bytes.into()));
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Waits this long before every piece of the body.
    pub fn paced(mut self, pause: Duration) -> Self {
        let steps = self.body.into_iter();
        self.body = steps
            .flat_map(|step| {
                let pause = matches!(step, Step::Bytes(_)).then_some(Step::Pause(pause));
                pause.into_iter().chain([step])
            })
            .collect();
        self
    }

    /// Sends the body in pieces of this many bytes, however it was made.
    pub fn pieces(mut self, bytes: usize) -> Self {
        let steps = self.body.into_iter();
        self.body = steps
            .flat_map(|step| match step {
                Step::Bytes(all) => all.chunks(bytes).map(|c| Step::Bytes(c.to_vec())).collect(),
                other => vec![other],
            })
            .collect();
        self
    }

    /// Ends the body after this many bytes, as if that were all: the framing is intact.
    pub fn cut(self, at: usize) -> Self {
        self.ending(at, None)
    }

    /// Breaks the connection after this many bytes.
    pub fn reset(self, at: usize) -> Self {
        self.ending(at, Some(Step::Reset))
    }

    /// Falls silent after this many bytes, until the client hangs up. With 0 the head is sent.
    pub fn hang(self, at: usize) -> Self {
        self.ending(at, Some(Step::Hang))
    }

    /// Never answers, not even with a head.
    pub fn hang_first(mut self) -> Self {
        self.first.push(Step::Hang);
        self
    }

    /// Breaks the connection before the head.
    pub fn reset_first(mut self) -> Self {
        self.first.push(Step::Reset);
        self
    }

    /// Waits for the gate before the head.
    pub fn gate_first(mut self, gate: &Gate) -> Self {
        self.first.push(Step::Wait(gate.clone()));
        self
    }

    /// Waits for the gate after this many bytes, then goes on.
    pub fn gate(mut self, at: usize, gate: &Gate) -> Self {
        let (mut steps, rest) = self.split(at);
        steps.push(Step::Wait(gate.clone()));
        steps.extend(rest);
        self.body = steps;
        self
    }

    /// Waits this long before the head.
    pub fn late(mut self, pause: Duration) -> Self {
        self.first.push(Step::Pause(pause));
        self
    }

    /// Bytes of the body.
    pub fn body_bytes(&self) -> usize {
        let steps = self.body.iter();
        steps.map(|step| if let Step::Bytes(bytes) = step { bytes.len() } else { 0 }).sum()
    }

    fn ending(mut self, at: usize, last: Option<Step>) -> Self {
        let (mut steps, _) = self.split(at);
        steps.extend(last);
        self.body = steps;
        self
    }

    /// The steps before and after an offset of the body.
    fn split(&mut self, at: usize) -> (Vec<Step>, Vec<Step>) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut left = at;
        for step in std::mem::take(&mut self.body) {
            match step {
                _ if left == 0 => after.push(step),
                Step::Bytes(bytes) if bytes.len() > left => {
                    let (first, rest) = bytes.split_at(left);
                    before.push(Step::Bytes(first.to_vec()));
                    after.push(Step::Bytes(rest.to_vec()));
                    left = 0;
                }
                Step::Bytes(bytes) => {
                    left -= bytes.len();
                    before.push(Step::Bytes(bytes));
                }
                other => before.push(other),
            }
        }
        (before, after)
    }
}
