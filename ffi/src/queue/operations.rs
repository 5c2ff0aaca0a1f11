//! Operations in the queue: events in order, pieces of text merged while they wait, and one end.
//!
//! Invariant: an operation is in the map from its start until its end was taken for delivery, so
//! its end is told exactly once and nothing after it.

use std::{
    collections::VecDeque,
    ffi::{CString, c_char, c_void},
};

use jotrack_core::{
    ErrorCode,
    ai::{AnalysisEvent, EventData},
};

use super::{Queue, User};
use crate::error::{Fault, jotrack_error, terminated};

/// Operations of one engine at a time; more are refused at their start.
const OPERATIONS_MAX: usize = 1024;

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
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Why it failed.
    pub(crate) fault: Option<Fault>,
    /// What there is to tell, as JSON.
    pub(crate) result: Option<String>,
}

/// What an operation has to tell.
pub(super) struct Operation {
    on_event: Option<OpEventCallback>,
    on_done: DoneCallback,
    user: User,
    events: VecDeque<AnalysisEvent>,
    end: Option<Outcome>,
}

/// One callback, ready to run.
pub(super) struct Telling {
    user: User,
    what: What,
}

enum What {
    Event(OpEventCallback, AnalysisEvent),
    End(DoneCallback, Outcome),
}

impl Queue {
    /// Adds an operation and returns its number; its end is told from then on in any case, unless
    /// it is forgotten.
    pub(crate) fn begin(
        &self,
        on_event: Option<OpEventCallback>,
        on_done: DoneCallback,
        user: User,
    ) -> Result<u64, Fault> {
        let mut state = self.state.lock();
        if state.closing {
            return Err(Fault::closed());
        }
        if state.operations.len() >= OPERATIONS_MAX {
            return Err(Fault::new(ErrorCode::Busy, "too many operations at a time"));
        }
        state.last_id += 1;
        let id = state.last_id;
        let events = VecDeque::new();
        let operation = Operation { on_event, on_done, user, events, end: None };
        state.operations.insert(id, operation);
        Ok(id)
    }

    /// Takes back an operation that did not start: nothing is told.
    pub(crate) fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        state.operations.remove(&id);
        state.order.retain(|queued| *queued != id);
    }

    /// Queues an event of an operation.
    pub(crate) fn told(&self, id: u64, event: AnalysisEvent) {
        self.change(id, |operation| operation.push(event));
    }

    /// Queues the end of an operation. A second end changes nothing.
    pub(crate) fn ended(&self, id: u64, outcome: Outcome) {
        self.change(id, |operation| {
            operation.end.get_or_insert(outcome);
        });
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

impl Operation {
    fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.end.is_some()
    }

    fn push(&mut self, event: AnalysisEvent) {
        if self.on_event.is_none() || self.end.is_some() {
            return;
        }
        match (&event.data, self.events.back_mut()) {
            (
                EventData::Delta(text),
                Some(AnalysisEvent { sequence, data: EventData::Delta(waiting) }),
            ) if *sequence < event.sequence => {
                waiting.push_str(text);
                *sequence = event.sequence;
                return;
            }
            // The host is told to drop this text; it need not see it first.
            (EventData::Reset(_), _) => {
                self.events.retain(|waiting| !matches!(waiting.data, EventData::Delta(_)));
            }
            _ => {}
        }
        self.events.push_back(event);
    }

    /// Ends it because the engine closes. True when it was not queued.
    pub(super) fn close(&mut self) -> bool {
        let queued = self.is_pending();
        self.end.get_or_insert_with(|| Outcome { fault: Some(Fault::closed()), result: None });
        !queued
    }

    /// Takes what is told next. The second is true when something is left.
    pub(super) fn take(&mut self) -> Option<(Telling, bool)> {
        let user = self.user;
        if let (Some(callback), Some(event)) = (self.on_event, self.events.pop_front()) {
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

    /// Runs the callback, without any lock.
    pub(super) fn tell(self) {
        let user = self.user.0;
        match self.what {
            What::Event(callback, event) => {
                let json = terminated(event.to_json().to_string());
                // SAFETY: the host answers for callback and pointer until on_done returned (R7);
                // the text lives through the call (R4).
                unsafe { callback(user, json.as_ptr(), json.as_bytes().len()) };
            }
            What::End(callback, Outcome { fault, result }) => {
                let status = fault.as_ref().map_or(0, Fault::status);
                let told = fault.map(Fault::into_error);
                let error = told.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
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
