//! A provider of AI answers that misbehaves on request: a byte-level HTTP/1.1 server on loopback
//! that plays scripted replies and keeps a journal of what it was asked.
//!
//! ```ignore
//! let server = FaultServer::start(Script::always(Reply::answer(Protocol::Chat, "{}"))).await;
//! // … calls to `server.url()` …
//! assert_eq!(server.count(), 1);
//! ```
//!
//! One address serves all three protocols: every path is answered by the script.

mod asking;
mod connection;
mod reply;
mod transcript;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use asking::{COMPANIES, about, named_by_operator, named_by_operator_at};
pub use reply::{Gate, Reply};
pub use transcript::Transcript;

use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

/// Longest wait for a call or its end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server answers, call by call.
pub struct Script(Kind);

enum Kind {
    Always(Reply),
    Queue(VecDeque<Reply>),
    Function(Box<dyn FnMut(&Call) -> Reply + Send>),
}

impl Script {
    /// The same reply to every call.
    pub fn always(reply: Reply) -> Self {
        Self(Kind::Always(reply))
    }

    /// One reply a call, in this order; a call too many gets a 418, which nobody retries.
    pub fn queue(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(Kind::Queue(replies.into_iter().collect()))
    }

    /// A reply that depends on the call.
    pub fn function(reply: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        Self(Kind::Function(Box::new(reply)))
    }

    fn next(&mut self, call: &Call) -> Reply {
        match &mut self.0 {
            Kind::Always(reply) => reply.clone(),
            Kind::Queue(replies) => replies.pop_front().unwrap_or_else(|| Reply::status(418)),
            Kind::Function(reply) => reply(call),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Always(_) => "Script::always",
            Kind::Queue(_) => "Script::queue",
            Kind::Function(_) => "Script::function",
        })
    }
}

/// One request, as the server read it, and how it ended.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its place in the journal, from 0.
    pub index: usize,
    /// The connection it came on, from 0: calls that share one are on a connection that was kept.
    pub connection: usize,
    pub method: String,
    pub path: String,
    /// By lower-case name; of a name sent twice, the last value.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON; `null` where it is none.
    pub body: Value,
    /// The body as it came.
    pub raw: Vec<u8>,
    /// Bytes of the reply's body that were written so far, framing not counted.
    pub sent: usize,
    pub end: End,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// The reply was played to its end, whatever that was.
    Played,
    /// The client hung up before.
    ClosedByClient,
}

impl Call {
    /// The texts of the request, whichever protocol it is in: what a prompt is looked for in.
    pub fn prompt(&self) -> String {
        let mut texts = String::new();
        for name in ["system", "instructions", "messages", "input"] {
            collect(&self.body[name], &mut texts);
        }
        texts
    }
}

fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => {
            let named = fields.iter().filter(|(name, _)| *name == "content" || *name == "text");
            named.for_each(|(_, value)| collect(value, texts));
        }
        _ => {}
    }
}

/// The running server; it ends with this handle.
#[derive(Debug)]
pub struct FaultServer {
    url: String,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Counts the changes of the journal.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    script: Script,
    calls: Vec<Call>,
}

impl FaultServer {
    /// Listens on a free port of this machine.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Mutex::new(State { script, calls: Vec::new() });
        let shared = Arc::new(Shared { state, changes: watch::Sender::new(0) });
        let server = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            // The connections end with this task.
            let mut connections = JoinSet::new();
            let mut number = 0;
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(connection::serve(socket, number, Arc::clone(&server)));
                number += 1;
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, shared, accepting: accepting.abort_handle() }
    }

    /// The base URL, the same for every protocol: scheme, address and port without a final slash.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The journal so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        self.shared.state().calls.len()
    }

    /// Goes on with another script; calls under way end with the old one's reply.
    pub fn play(&self, script: Script) {
        self.shared.state().script = script;
    }

    /// Waits until this many calls have come, and returns the journal.
    pub async fn until_calls(&self, count: usize) -> Vec<Call> {
        self.until(&format!("{count} calls"), |calls| calls.len() >= count).await
    }

    /// Waits until the call with this index has ended, and returns it.
    pub async fn until_ended(&self, index: usize) -> Call {
        let ended = |calls: &[Call]| calls.get(index).is_some_and(|call| call.end != End::Open);
        self.until(&format!("the end of call {index}"), ended).await.swap_remove(index)
    }

    /// Waits until this many bytes of the body that answers a call are written.
    pub async fn until_sent(&self, index: usize, bytes: usize) -> Call {
        let sent = |calls: &[Call]| calls.get(index).is_some_and(|call| call.sent >= bytes);
        self.until(&format!("{bytes} bytes of call {index}"), sent).await.swap_remove(index)
    }

    /// Waits until the journal fulfils a condition, and returns it.
    pub async fn until(&self, what: &str, holds: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut changes = self.shared.changes.subscribe();
        let found = timeout(PATIENCE, async {
            loop {
                let calls = self.calls();
                if holds(&calls) {
                    return calls;
                }
                changes.changed().await.unwrap();
            }
        });
        match found.await {
            Ok(calls) => calls,
            Err(_) => panic!("waited in vain for {what}: {:?}", self.calls()),
        }
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A script that panicked fails its own test.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a call and returns what it is answered.
    fn enter(&self, mut call: Call) -> (usize, Reply) {
        let mut state = self.state();
        call.index = state.calls.len();
        state.calls.push(call.clone());
        let reply = state.script.next(&call);
        drop(state);
        self.changes.send_modify(|count| *count += 1);
        (call.index, reply)
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Call)) {
        change(&mut self.state().calls[index]);
        self.changes.send_modify(|count| *count += 1);
    }
}
