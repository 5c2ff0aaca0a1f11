//! Operations in the queue: events in order, pieces of text merged while they wait, and one end.
//!
//! Invariant: an operation is in the map from its start until its end was taken for delivery, so
//! its end is told exactly once and nothing after it.

use std::{
    collections::VecDeque,
    ffi::{CString, c_char, c_void},
    sync::Arc,
};

use jotrack_core::{
    ErrorCode,
    ai::{AnalysisEvent, EventData},
};

use super::{Queue, User, finish::Finish};
use crate::{
    error::{Fault, jotrack_error, terminated},
    handles::Lent,
};

/// Operations of one engine at a time; more are refused at their start.
const OPERATIONS_MAX: usize = 1024;
/// Payloads of one operation that may wait for the host; one more ends it.
const PAYLOADS_MAX: usize = 64;

/// A callback that is told an event of an operation.
pub(crate) type OpEventCallback =
    unsafe extern "C" fn(user: *mut c_void, event_json: *const c_char, len: usize);

/// A callback that is told the end of an operation.
pub(crate) type DoneCallback = unsafe extern "C" fn(
    user: *mut c_void,
    status: i32,
    result_json: *const c_char,
    len: usize,
    error: *const jotrack_error,
);

/// How an operation ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Why it failed.
    pub(crate) fault: Option<Fault>,
    /// What there is to tell, as JSON.
    pub(crate) result: Option<String>,
}

impl Outcome {
    pub(crate) fn failed(fault: impl Into<Fault>) -> Self {
        Self { fault: Some(fault.into()), result: None }
    }
}

/// An operation that has its place in the queue.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) id: u64,
    pub(crate) finish: Arc<Finish>,
}

/// What became of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It waits for the host.
    Queued,
    /// Nothing more fits: the host is too slow.
    Full,
    /// The operation has ended.
    Over,
}

/// What an operation has to tell.
pub(super) struct Operation {
    on_event: Option<OpEventCallback>,
    on_done: DoneCallback,
    user: User,
    events: VecDeque<Event>,
    end: Option<Arc<Outcome>>,
    finish: Arc<Finish>,
}

/// One thing told before the end.
#[derive(Debug)]
enum Event {
    Analysis(AnalysisEvent),
    /// JSON as it is.
    Payload(String),
}

/// One callback, ready to run.
pub(super) struct Telling {
    user: User,
    what: What,
}

enum What {
    Event(OpEventCallback, Event),
    End(DoneCallback, Arc<Outcome>),
}

impl Queue {
    /// Adds an operation; its end is told from then on in any case, unless it is forgotten.
    pub(crate) fn begin(
        &self,
        on_event: Option<OpEventCallback>,
        on_done: DoneCallback,
        user: User,
    ) -> Result<Entered, Fault> {
        let mut state = self.state.lock();
        if state.closing {
            return Err(Fault::closed());
        }
        if state.operations.len() >= OPERATIONS_MAX {
            return Err(Fault::new(ErrorCode::Busy, "too many operations at a time"));
        }
        state.last_id += 1;
        let id = state.last_id;
        let finish = Arc::new(Finish::default());
        let entered = Entered { id, finish: Arc::clone(&finish) };
        let events = VecDeque::new();
        let operation = Operation { on_event, on_done, user, events, end: None, finish };
        state.operations.insert(id, operation);
        Ok(entered)
    }

    /// Takes back an operation that did not start: nothing is told.
    pub(crate) fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some(operation) = state.operations.remove(&id) {
            state.held -= operation.payloads();
        }
        state.order.retain(|queued| *queued != id);
    }

    /// Queues an event of an operation.
    pub(crate) fn told(&self, id: u64, event: AnalysisEvent) {
        self.change(id, |operation| operation.push(event));
    }

    /// Queues a payload of an operation, as JSON, where there is room for it.
    #[cfg_attr(not(feature = "graphql"), allow(dead_code, reason = "only GraphQL has payloads"))]
    pub(crate) fn payload(&self, id: u64, json: String) -> Taken {
        let mut state = self.state.lock();
        let (closing, room) = (state.closing, state.held < self.capacity);
        let Some(operation) = state.operations.get_mut(&id) else { return Taken::Over };
        if closing || operation.end.is_some() {
            return Taken::Over;
        }
        if !room || operation.payloads() >= PAYLOADS_MAX {
            return Taken::Full;
        }
        let queued = operation.is_pending();
        operation.events.push_back(Event::Payload(json));
        state.held += 1;
        if !queued {
            self.enqueue(state, id);
        }
        Taken::Queued
    }

    /// Queues the end of an operation. A second end changes nothing.
    pub(crate) fn ended(&self, id: u64, outcome: Outcome) {
        self.change(id, |operation| operation.finish_with(outcome));
    }

    /// Ends every operation that has not ended: the engine is suspended.
    pub(crate) fn end_all(&self, fault: &Fault) {
        let mut state = self.state.lock();
        let was_empty = state.order.is_empty();
        state.end_all(fault);
        self.ready.notify_all();
        if was_empty && !state.order.is_empty() {
            self.wake(state);
        }
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Operation)) {
        let mut state = self.state.lock();
        if state.closing {
            return;
        }
        let Some(operation) = state.operations.get_mut(&id) else { return };
        let queued = operation.is_pending();
        change(operation);
        if !queued && operation.is_pending() {
            self.enqueue(state, id);
        }
    }
}

impl super::State {
    /// Gives every operation without an end this one.
    pub(super) fn end_all(&mut self, fault: &Fault) {
        for (id, operation) in &mut self.operations {
            let queued = operation.is_pending();
            operation.finish_with(Outcome::failed(fault.clone()));
            if !queued {
                self.order.push_back(*id);
            }
        }
    }
}

impl Operation {
    /// Returns how many callbacks wait.
    pub(super) fn waiting(&self) -> usize {
        self.events.len() + usize::from(self.end.is_some())
    }

    fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.end.is_some()
    }

    fn payloads(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Payload(_))).count()
    }

    fn push(&mut self, event: AnalysisEvent) {
        if self.on_event.is_none() || self.end.is_some() {
            return;
        }
        match (&event.data, self.events.back_mut()) {
            (
                EventData::Delta(text),
                Some(Event::Analysis(AnalysisEvent { sequence, data: EventData::Delta(waiting) })),
            ) if *sequence < event.sequence => {
                waiting.push_str(text);
                *sequence = event.sequence;
                return;
            }
            // The host is told to drop this text; it need not see it first.
            (EventData::Reset(_), _) => self.events.retain(|waiting| {
                !matches!(waiting, Event::Analysis(AnalysisEvent { data: EventData::Delta(_), .. }))
            }),
            _ => {}
        }
        self.events.push_back(Event::Analysis(event));
    }

    fn finish_with(&mut self, outcome: Outcome) {
        if self.end.is_none() {
            let outcome = Arc::new(outcome);
            self.finish.set(&outcome);
            self.end = Some(outcome);
        }
    }

    /// Takes what is told next. The second is true when something is left.
    pub(super) fn take(&mut self) -> Option<(Telling, bool)> {
        let user = self.user;
        if let Some(callback) = self.on_event
            && let Some(event) = self.events.pop_front()
        {
            return Some((Telling { user, what: What::Event(callback, event) }, self.is_pending()));
        }
        let end = self.end.take()?;
        Some((Telling { user, what: What::End(self.on_done, end) }, false))
    }
}

impl Telling {
    /// Whether the operation is over with this.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.what, What::End(..))
    }

    /// Whether it counts against the capacity of the queue.
    pub(super) fn is_payload(&self) -> bool {
        matches!(self.what, What::Event(_, Event::Payload(_)))
    }

    /// Runs the callback, without any lock.
    pub(super) fn tell(self) {
        let user = self.user.0;
        match self.what {
            What::Event(callback, event) => {
                let json = terminated(match event {
                    Event::Analysis(event) => event.to_json().to_string(),
                    Event::Payload(json) => json,
                });
                // SAFETY: the host answers for callback and pointer until on_done returned (R7);
                // the text lives through the call (R4).
                unsafe { callback(user, json.as_ptr(), json.as_bytes().len()) };
            }
            What::End(callback, outcome) => {
                let Outcome { fault, result } = Arc::unwrap_or_clone(outcome);
                let status = fault.as_ref().map_or(0, Fault::status);
                let told = fault.map(Fault::into_error);
                let told = told.as_ref().map(Lent::new);
                let error = told.as_ref().map_or(std::ptr::null(), Lent::pointer);
                let json = result.map(terminated);
                let (text, len) = json.as_ref().map_or((std::ptr::null(), 0), lent);
                // SAFETY: as above.
                unsafe { callback(user, status, text, len, error) };
            }
        }
    }
}

fn lent(text: &CString) -> (*const c_char, usize) {
    (text.as_ptr(), text.as_bytes().len())
}
