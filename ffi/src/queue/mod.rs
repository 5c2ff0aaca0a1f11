//! The one queue of an engine: what waits to be told to the host, in order.
//!
//! Producers never wait, and no code of the host runs under the lock. A change event is merged into
//! the one that still waits for the same subscription, and a piece of text into the one that still
//! waits for the same operation, so these never overflow. What cannot be merged, payloads of GraphQL
//! and lines of the log, is held up to a capacity.
//!
//! Invariant: a subscription, an operation or the log is in `order` exactly while it has something
//! pending.

mod finish;
mod lines;
mod operations;

pub(crate) use finish::Finish;
pub(crate) use lines::{Line, LogCallback};
#[cfg_attr(
    not(feature = "graphql"),
    allow(unused_imports, reason = "only GraphQL has payloads")
)]
pub(crate) use operations::Taken;
pub(crate) use operations::{Entered, Outcome};

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::c_void,
    time::Instant,
};

use jotrack_core::ErrorCode;
use parking_lot::{Condvar, Mutex, MutexGuard};

use lines::Log;
use operations::{Operation, Telling};

use crate::{
    enums::{jotrack_engine_state, jotrack_event_kind},
    error::Fault,
    events::jotrack_event,
    guard::thread_mark,
};

/// The number of the log in the order; subscriptions and operations are counted from 1.
const LOG: u64 = 0;
/// Subscriptions of one engine; a host needs a handful.
const SUBSCRIPTIONS_MAX: usize = 1024;

/// A callback that is told a change.
pub(crate) type EventCallback =
    unsafe extern "C" fn(user: *mut c_void, event: *const jotrack_event);

/// A callback that is told that the queue is no longer empty.
pub(crate) type WakeupCallback = unsafe extern "C" fn(user: *mut c_void);

/// The host's own pointer, handed back in each call.
#[derive(Clone, Copy)]
pub(crate) struct User(pub(crate) *mut c_void);

// SAFETY: the library only hands the pointer back; rule R7 makes it valid on every thread.
unsafe impl Send for User {}

/// Who runs the callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The engine's callback thread.
    Thread,
    /// The host, in `jotrack_dispatch`.
    Host,
}

/// What a subscription is told; see [`jotrack_event`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) resync: bool,
    pub(crate) entities: u64,
    pub(crate) first_rev: u64,
    pub(crate) last_rev: u64,
}

/// What waits at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) operations: usize,
    pub(crate) subscriptions: usize,
    /// Subscriptions and operations with something to tell, and lines.
    pub(crate) waiting: usize,
    /// Lines of the log that found no room, ever.
    pub(crate) lines_dropped: u64,
}

pub(crate) struct Queue {
    mode: Mode,
    /// Payloads and lines that may wait.
    capacity: usize,
    state: Mutex<State>,
    /// Something was queued, or the queue is closing.
    ready: Condvar,
    /// A callback returned.
    returned: Condvar,
}

#[derive(Default)]
struct State {
    order: VecDeque<u64>,
    subscriptions: BTreeMap<u64, Subscription>,
    operations: BTreeMap<u64, Operation>,
    log: Log,
    /// Payloads that wait: lines of the log must not push them out.
    held: usize,
    /// Subscriptions and operations are numbered together.
    last_id: u64,
    running: Option<Running>,
    dispatcher: Option<usize>,
    wakeup: Option<(WakeupCallback, User)>,
    /// The threads that are in it.
    waking: Vec<usize>,
    closing: bool,
}

struct Subscription {
    callback: EventCallback,
    user: User,
    change: Option<Change>,
    /// The state of the engine, where it has changed; told after the changes.
    state: Option<jotrack_engine_state>,
}

/// The callback that runs now.
#[derive(Clone, Copy)]
struct Running {
    /// See [`thread_mark`].
    thread: usize,
    /// A subscription or an operation.
    id: u64,
}

/// One callback, ready to run.
enum Delivery {
    Change(EventCallback, User, jotrack_event),
    Operation(Telling),
    Line(LogCallback, User, Line),
}

impl Queue {
    pub(crate) fn new(mode: Mode, capacity: usize) -> Self {
        let state = Mutex::new(State::default());
        Self { mode, capacity, state, ready: Condvar::new(), returned: Condvar::new() }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the calling thread is inside a callback of this engine.
    pub(crate) fn inside_callback(&self) -> bool {
        let me = thread_mark();
        self.state.lock().running.is_some_and(|running| running.thread == me)
    }

    /// Adds a subscription and returns its number.
    pub(crate) fn subscribe(&self, callback: EventCallback, user: User) -> Result<u64, Fault> {
        let mut state = self.state.lock();
        if state.closing {
            return Err(Fault::closed());
        }
        if state.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Fault::new(ErrorCode::Busy, "too many subscriptions"));
        }
        state.last_id += 1;
        let id = state.last_id;
        let subscription = Subscription { callback, user, change: None, state: None };
        state.subscriptions.insert(id, subscription);
        Ok(id)
    }

    /// Ends a subscription: once this returns, its callback does not run and never runs again,
    /// unless the caller is that callback.
    pub(crate) fn unsubscribe(&self, id: u64) {
        let me = thread_mark();
        let mut state = self.state.lock();
        state.subscriptions.remove(&id);
        state.order.retain(|queued| *queued != id);
        let elsewhere = |running: Running| running.id == id && running.thread != me;
        while state.running.is_some_and(elsewhere) {
            self.returned.wait(&mut state);
        }
    }

    /// Queues a change for a subscription, or widens the one that still waits.
    pub(crate) fn changed(&self, id: u64, change: Change) {
        let mut state = self.state.lock();
        if state.closing {
            return;
        }
        let Some(subscription) = state.subscriptions.get_mut(&id) else { return };
        let queued = subscription.is_pending();
        subscription.change = Some(match subscription.change {
            Some(waiting) => waiting.merge(change),
            None => change,
        });
        if !queued {
            self.enqueue(state, id);
        }
    }

    /// Sets the wakeup callback; it is called at once when something waits already.
    pub(crate) fn set_wakeup(&self, wakeup: Option<(WakeupCallback, User)>) {
        let mut state = self.state.lock();
        if state.closing {
            return;
        }
        state.wakeup = wakeup;
        if !state.order.is_empty() {
            self.wake(state);
        }
    }

    /// Runs callbacks on the calling thread: waits until `deadline` (`None`: for ever) for the
    /// first one, then runs at most `max`, or what is queued by then when `max` is 0.
    pub(crate) fn dispatch(&self, deadline: Option<Instant>, max: usize) -> Result<usize, Fault> {
        let me = thread_mark();
        let mut state = self.state.lock();
        // Also while an engine that closes delivers what is left.
        if state.running.as_ref().is_some_and(|running| running.thread == me) {
            return Err(Fault::misuse("jotrack_dispatch was called inside a callback"));
        }
        match state.dispatcher {
            Some(thread) if thread == me => {
                return Err(Fault::misuse("jotrack_dispatch was called inside a callback"));
            }
            Some(_) => return Err(Fault::new(ErrorCode::Busy, "another thread dispatches")),
            None => state.dispatcher = Some(me),
        }
        while state.order.is_empty() && !state.closing {
            let timed_out = match deadline {
                Some(deadline) => self.ready.wait_until(&mut state, deadline).timed_out(),
                None => {
                    self.ready.wait(&mut state);
                    false
                }
            };
            if timed_out {
                break;
            }
        }
        let max = if max == 0 { state.waiting() } else { max };
        drop(state);
        let mut delivered = 0;
        while delivered < max && self.deliver_one() {
            delivered += 1;
        }
        let mut state = self.state.lock();
        state.dispatcher = None;
        self.returned.notify_all();
        // The host was told of a change from empty to full that has passed; without a new call it
        // would not come back for the rest.
        if !state.order.is_empty() {
            self.wake(state);
        }
        Ok(delivered)
    }

    /// Runs callbacks until the queue is closed and empty: the callback thread's work.
    pub(crate) fn run(&self) {
        loop {
            let mut state = self.state.lock();
            while state.order.is_empty() && !state.closing {
                self.ready.wait(&mut state);
            }
            if state.order.is_empty() {
                return;
            }
            drop(state);
            self.deliver_one();
        }
    }

    /// Takes no more changes and queues the closing event of each subscription and the end of each
    /// operation. Nobody is in the wakeup callback then, and nobody gets into it any more.
    pub(crate) fn close(&self) {
        let me = thread_mark();
        let mut state = self.state.lock();
        state.closing = true;
        state.wakeup = None;
        state.tell_state(jotrack_engine_state::JOTRACK_STATE_CLOSING);
        state.end_all(&Fault::closed());
        self.ready.notify_all();
        while state.waking.iter().any(|thread| *thread != me) {
            self.returned.wait(&mut state);
        }
    }

    /// Queues a new state of the engine for each subscription, in place of one that still waits.
    pub(crate) fn engine_is(&self, engine: jotrack_engine_state) {
        let mut state = self.state.lock();
        if state.closing {
            return;
        }
        let was_empty = state.order.is_empty();
        state.tell_state(engine);
        self.ready.notify_all();
        if was_empty && !state.order.is_empty() {
            self.wake(state);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        let others = state.order.iter().filter(|id| **id != LOG).count();
        Counts {
            operations: state.operations.len(),
            subscriptions: state.subscriptions.len(),
            waiting: others + state.log.len(),
            lines_dropped: state.log.dropped_ever(),
        }
    }

    /// Runs the callbacks that are left, on the calling thread, when no other runs any.
    pub(crate) fn drain(&self) {
        let mut state = self.state.lock();
        while state.dispatcher.is_some() {
            self.returned.wait(&mut state);
        }
        state.dispatcher = Some(thread_mark());
        drop(state);
        while self.deliver_one() {}
        self.state.lock().dispatcher = None;
    }

    /// Runs the callback of the first event in the queue; false when there is none.
    fn deliver_one(&self) -> bool {
        let thread = thread_mark();
        let mut state = self.state.lock();
        let Some((id, delivery)) = state.take_first() else { return false };
        state.running = Some(Running { thread, id });
        drop(state);

        match delivery {
            // SAFETY: the host answers for callback and pointer until the subscription is freed
            // (R7), and freeing waits for `running`. The event lives through the call (R4).
            Delivery::Change(callback, user, event) => unsafe {
                callback(user.0, &raw const event)
            },
            Delivery::Operation(telling) => telling.tell(),
            Delivery::Line(callback, user, line) => line.tell(callback, user),
        }

        self.state.lock().running = None;
        self.returned.notify_all();
        true
    }

    /// Puts a subscription that just got something pending into the order, and tells those who wait.
    fn enqueue(&self, mut state: MutexGuard<'_, State>, id: u64) {
        let was_empty = state.order.is_empty();
        state.order.push_back(id);
        self.ready.notify_all();
        if was_empty {
            self.wake(state);
        }
    }

    /// Calls the wakeup callback, with the lock released.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let Some((callback, user)) = state.wakeup else { return };
        let me = thread_mark();
        state.waking.push(me);
        drop(state);
        // SAFETY: the host answers for callback and pointer until the engine is closed (R7), and
        // closing waits for `waking`.
        unsafe { callback(user.0) };
        let waking = &mut self.state.lock().waking;
        if let Some(at) = waking.iter().position(|thread| *thread == me) {
            waking.swap_remove(at);
        }
        self.returned.notify_all();
    }
}

impl State {
    /// Returns how many callbacks wait.
    fn waiting(&self) -> usize {
        let one = |id: &u64| match (self.operations.get(id), self.subscriptions.get(id)) {
            _ if *id == LOG => self.log.len(),
            (Some(operation), _) => operation.waiting(),
            (_, Some(it)) => usize::from(it.change.is_some()) + usize::from(it.state.is_some()),
            _ => 0,
        };
        self.order.iter().map(one).sum()
    }

    fn take_first(&mut self) -> Option<(u64, Delivery)> {
        let id = self.order.pop_front()?;
        if id == LOG {
            let (callback, user, line) = self.log.take()?;
            if self.log.is_pending() {
                self.order.push_back(LOG);
            }
            return Some((id, Delivery::Line(callback, user, line)));
        }
        if let Some(operation) = self.operations.get_mut(&id) {
            let (telling, more) = operation.take()?;
            if more {
                self.order.push_back(id);
            }
            if telling.is_payload() {
                self.held -= 1;
            }
            if telling.is_end() {
                self.operations.remove(&id);
            }
            return Some((id, Delivery::Operation(telling)));
        }
        let subscription = self.subscriptions.get_mut(&id)?;
        let (callback, user) = (subscription.callback, subscription.user);
        let event = match subscription.change.take() {
            Some(change) => change.event(),
            None => state_event(subscription.state.take()?),
        };
        if subscription.is_pending() {
            self.order.push_front(id);
        }
        Some((id, Delivery::Change(callback, user, event)))
    }

    fn tell_state(&mut self, engine: jotrack_engine_state) {
        for (id, subscription) in &mut self.subscriptions {
            if !subscription.is_pending() {
                self.order.push_back(*id);
            }
            subscription.state = Some(engine);
        }
    }
}

impl Subscription {
    fn is_pending(&self) -> bool {
        self.change.is_some() || self.state.is_some()
    }
}

impl Change {
    fn merge(self, later: Self) -> Self {
        Self {
            resync: self.resync || later.resync,
            entities: self.entities | later.entities,
            first_rev: self.first_rev.min(later.first_rev),
            last_rev: self.last_rev.max(later.last_rev),
        }
    }

    fn event(self) -> jotrack_event {
        let Self { resync, entities, first_rev, last_rev } = self;
        let kind = if resync {
            jotrack_event_kind::JOTRACK_EVENT_RESYNC
        } else {
            jotrack_event_kind::JOTRACK_EVENT_CHANGED
        };
        jotrack_event {
            struct_size: size_of::<jotrack_event>(),
            kind: kind as i32,
            state: jotrack_engine_state::JOTRACK_STATE_OPEN as i32,
            entities,
            first_rev,
            last_rev,
        }
    }
}

fn state_event(engine: jotrack_engine_state) -> jotrack_event {
    jotrack_event {
        struct_size: size_of::<jotrack_event>(),
        kind: jotrack_event_kind::JOTRACK_EVENT_STATE as i32,
        state: engine as i32,
        entities: 0,
        first_rev: 0,
        last_rev: 0,
    }
}

#[cfg(test)]
mod tests;
