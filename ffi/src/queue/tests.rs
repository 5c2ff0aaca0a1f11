//! The queue without an engine: order, merging, who may dispatch, what freeing waits for.

use std::{
    ffi::{CStr, c_char},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Duration,
};

use jotrack_core::ai::{AnalysisEvent, EventData};

use super::*;
use crate::error::{jotrack_error, jotrack_error_code};

/// What a callback saw, and what it shall do meanwhile.
#[derive(Default)]
struct Seen {
    events: Mutex<Vec<(i32, u64, u64, u64)>>,
    inside: Mutex<Option<Box<dyn Fn() + Send>>>,
}

unsafe extern "C" fn record(user: *mut c_void, event: *const jotrack_event) {
    // SAFETY: the tests pass a `Seen` that outlives the queue.
    let (seen, event) = unsafe { (&*user.cast::<Seen>(), *event) };
    seen.events.lock().push((event.kind, event.entities, event.first_rev, event.last_rev));
    if let Some(inside) = seen.inside.lock().take() {
        inside();
    }
}

unsafe extern "C" fn count(user: *mut c_void) {
    // SAFETY: the tests pass a counter that outlives the queue.
    unsafe { &*user.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
}

fn user<T>(value: &T) -> User {
    User((&raw const *value).cast_mut().cast())
}

fn change(rev: u64, entities: u64) -> Change {
    Change { resync: false, entities, first_rev: rev, last_rev: rev }
}

fn now() -> Option<Instant> {
    Some(Instant::now())
}

#[test]
fn changes_of_one_subscription_merge_while_they_wait() {
    let (queue, seen) = (Queue::new(Mode::Host, 64), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();

    for rev in 1..=1000 {
        queue.changed(id, change(rev, 1 << (rev % 3)));
    }
    let delivered = queue.dispatch(now(), 0).unwrap();

    assert_eq!(delivered, 1);
    assert_eq!(*seen.events.lock(), [(1, 0b111, 1, 1000)]);
}

#[test]
fn resync_survives_later_changes() {
    let (queue, seen) = (Queue::new(Mode::Host, 64), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();

    queue.changed(id, Change { resync: true, ..change(5, 0) });
    queue.changed(id, change(6, 1));
    queue.dispatch(now(), 0).unwrap();

    assert_eq!(*seen.events.lock(), [(2, 1, 5, 6)]);
}

#[test]
fn wakeup_fires_once_per_change_from_empty_to_full() {
    let (queue, seen, wakeups) = (Queue::new(Mode::Host, 64), Seen::default(), AtomicUsize::new(0));
    queue.set_wakeup(Some((count, user(&wakeups))));
    let ids = [(); 3].map(|()| queue.subscribe(record, user(&seen)).unwrap());

    for id in ids {
        queue.changed(id, change(1, 1));
        queue.changed(id, change(2, 1));
    }
    assert_eq!(wakeups.load(Ordering::SeqCst), 1);

    // What is left behind wakes again, or the host would never come back for it.
    assert_eq!(queue.dispatch(now(), 2).unwrap(), 2);
    assert_eq!(wakeups.load(Ordering::SeqCst), 2);
    assert_eq!(queue.dispatch(now(), 0).unwrap(), 1);
    assert_eq!(wakeups.load(Ordering::SeqCst), 2);
    assert_eq!(queue.dispatch(now(), 0).unwrap(), 0);
}

#[test]
fn wakeup_set_late_is_told_what_waits() {
    let (queue, seen, wakeups) = (Queue::new(Mode::Host, 64), Seen::default(), AtomicUsize::new(0));
    let id = queue.subscribe(record, user(&seen)).unwrap();

    queue.changed(id, change(1, 1));
    queue.set_wakeup(Some((count, user(&wakeups))));

    assert_eq!(wakeups.load(Ordering::SeqCst), 1);
}

#[test]
fn callback_that_causes_events_cannot_starve_the_loop() {
    let (queue, seen) = (Arc::new(Queue::new(Mode::Host, 64)), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();
    let again = Arc::clone(&queue);
    *seen.inside.lock() = Some(Box::new(move || again.changed(id, change(2, 1))));

    queue.changed(id, change(1, 1));

    assert_eq!(queue.dispatch(now(), 0).unwrap(), 1);
    assert_eq!(queue.dispatch(now(), 0).unwrap(), 1);
    assert_eq!(queue.dispatch(now(), 0).unwrap(), 0);
}

#[test]
fn dispatch_inside_a_callback_is_misuse() {
    // As the host dispatches, and as an engine that closes delivers what is left.
    let ways: [fn(&Queue); 2] =
        [|queue| assert_eq!(queue.dispatch(now(), 0).unwrap(), 1), Queue::drain];
    for deliver in ways {
        let (queue, seen) = (Arc::new(Queue::new(Mode::Host, 64)), Seen::default());
        let id = queue.subscribe(record, user(&seen)).unwrap();
        let (inner, status) = (Arc::clone(&queue), Arc::new(Mutex::new(None)));
        let answer = Arc::clone(&status);
        *seen.inside.lock() = Some(Box::new(move || {
            assert!(inner.inside_callback());
            *answer.lock() = inner.dispatch(now(), 0).err().map(|fault| fault.status());
            assert!(inner.inside_callback());
        }));

        queue.changed(id, change(1, 1));
        deliver(&queue);

        assert_eq!(*status.lock(), Some(ErrorCode::Misuse.number()));
        assert!(!queue.inside_callback());
    }
}

#[test]
fn second_dispatcher_is_told_busy() {
    let (queue, seen) = (Arc::new(Queue::new(Mode::Host, 64)), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();
    let (other, status) = (Arc::clone(&queue), Arc::new(Mutex::new(None)));
    let answer = Arc::clone(&status);
    *seen.inside.lock() = Some(Box::new(move || {
        let (queue, answer) = (Arc::clone(&other), Arc::clone(&answer));
        let second = thread::spawn(move || {
            *answer.lock() = queue.dispatch(now(), 0).err().map(|fault| fault.status());
        });
        second.join().unwrap();
    }));

    queue.changed(id, change(1, 1));
    queue.dispatch(now(), 0).unwrap();

    assert_eq!(*status.lock(), Some(ErrorCode::Busy.number()));
}

#[test]
fn freeing_waits_for_the_running_callback_of_another_thread() {
    let (queue, seen) = (Arc::new(Queue::new(Mode::Thread, 64)), Arc::new(Seen::default()));
    let id = queue.subscribe(record, user(&*seen)).unwrap();
    let (entered_tx, entered_rx) = sync_channel(1);
    let (leave_tx, leave_rx) = sync_channel::<()>(1);
    let left = Arc::new(AtomicUsize::new(0));
    let leaving = Arc::clone(&left);
    *seen.inside.lock() = Some(Box::new(move || {
        entered_tx.send(()).unwrap();
        leave_rx.recv().unwrap();
        leaving.store(1, Ordering::SeqCst);
    }));
    let runner = Arc::clone(&queue);
    let callbacks = thread::spawn(move || runner.run());

    queue.changed(id, change(1, 1));
    entered_rx.recv().unwrap();
    let freeing = Arc::clone(&queue);
    let free = thread::spawn(move || freeing.unsubscribe(id));
    leave_tx.send(()).unwrap();
    free.join().unwrap();

    assert_eq!(left.load(Ordering::SeqCst), 1);
    queue.changed(id, change(2, 1));
    queue.close();
    callbacks.join().unwrap();
    assert_eq!(seen.events.lock().len(), 1);
}

#[test]
fn freeing_inside_the_callback_returns_at_once() {
    let (queue, seen) = (Arc::new(Queue::new(Mode::Host, 64)), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();
    let freeing = Arc::clone(&queue);
    *seen.inside.lock() = Some(Box::new(move || freeing.unsubscribe(id)));

    queue.changed(id, change(1, 1));
    queue.dispatch(now(), 0).unwrap();
    queue.changed(id, change(2, 1));

    assert_eq!(queue.dispatch(now(), 0).unwrap(), 0);
    assert_eq!(seen.events.lock().len(), 1);
}

#[test]
fn closing_delivers_what_waits_and_then_says_so() {
    let (queue, seen) = (Queue::new(Mode::Host, 64), Seen::default());
    let waiting = queue.subscribe(record, user(&seen)).unwrap();
    queue.subscribe(record, user(&seen)).unwrap();
    queue.changed(waiting, change(7, 1));

    queue.close();
    queue.changed(waiting, change(8, 1));
    queue.drain();

    assert_eq!(*seen.events.lock(), [(1, 1, 7, 7), (3, 0, 0, 0), (3, 0, 0, 0)]);
    assert!(queue.subscribe(record, user(&seen)).is_err());
}

#[test]
fn waiting_dispatch_ends_at_its_deadline_or_with_an_event() {
    let (queue, seen) = (Arc::new(Queue::new(Mode::Host, 64)), Seen::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();

    let soon = Instant::now() + Duration::from_millis(1);
    assert_eq!(queue.dispatch(Some(soon), 0).unwrap(), 0);
    let producer = Arc::clone(&queue);
    let producing = thread::spawn(move || producer.changed(id, change(1, 1)));

    assert_eq!(queue.dispatch(None, 0).unwrap(), 1);
    producing.join().unwrap();
}

#[test]
fn subscriptions_have_a_limit() {
    let (queue, seen) = (Queue::new(Mode::Host, 64), Seen::default());

    for _ in 0..SUBSCRIPTIONS_MAX {
        queue.subscribe(record, user(&seen)).unwrap();
    }

    let refused = queue.subscribe(record, user(&seen)).unwrap_err();
    assert_eq!(refused.status(), ErrorCode::Busy.number());
}

/// What an operation was told: events as JSON, then the status of its end.
#[derive(Default)]
struct Told {
    events: Mutex<Vec<String>>,
    ends: Mutex<Vec<(i32, Option<String>, i32)>>,
}

unsafe extern "C" fn event(user: *mut c_void, json: *const c_char, len: usize) {
    // SAFETY: the tests pass a `Told` that outlives the queue; the text is terminated.
    let (told, json) = unsafe { (&*user.cast::<Told>(), CStr::from_ptr(json)) };
    assert_eq!(json.to_bytes().len(), len);
    assert!(told.ends.lock().is_empty(), "an event behind the end");
    told.events.lock().push(json.to_str().unwrap().to_owned());
}

unsafe extern "C" fn done(
    user: *mut c_void,
    status: i32,
    json: *const c_char,
    len: usize,
    error: *const jotrack_error,
) {
    // SAFETY: as above; `json` may be NULL.
    let told = unsafe { &*user.cast::<Told>() };
    // SAFETY: as above.
    let json = (!json.is_null()).then(|| unsafe { CStr::from_ptr(json) }.to_str().unwrap());
    assert_eq!(json.map_or(0, str::len), len);
    // SAFETY: NULL or an error that lives during the call.
    let code = unsafe { jotrack_error_code(error) };
    told.ends.lock().push((status, json.map(str::to_owned), code));
}

fn delta(sequence: u64, text: &str) -> AnalysisEvent {
    AnalysisEvent { sequence, data: EventData::Delta(text.to_owned()) }
}

fn success() -> Outcome {
    Outcome { fault: None, result: Some("{}".to_owned()) }
}

#[test]
fn pieces_of_one_operation_are_joined_while_they_wait() {
    let (queue, told) = (Queue::new(Mode::Host, 64), Told::default());
    let id = queue.begin(Some(event), done, user(&told)).unwrap().id;

    for sequence in 2..=1001 {
        queue.told(id, delta(sequence, "ä"));
    }
    queue.told(id, AnalysisEvent { sequence: 2000, data: EventData::Done });
    queue.ended(id, success());
    queue.ended(id, Outcome { fault: Some(Fault::closed()), result: None });
    while queue.dispatch(now(), 0).unwrap() > 0 {}

    let events = told.events.lock();
    assert_eq!(events.len(), 2);
    let (joined, last) = (&events[0], &events[1]);
    assert!(joined.contains(&"ä".repeat(1000)) && joined.contains("\"sequence\":1001"), "{joined}");
    assert!(last.contains("DONE"), "{last}");
    assert_eq!(*told.ends.lock(), [(0, Some("{}".to_owned()), 0)]);
}

#[test]
fn a_reset_takes_back_text_that_nobody_saw() {
    let (queue, told) = (Queue::new(Mode::Host, 64), Told::default());
    let id = queue.begin(Some(event), done, user(&told)).unwrap().id;

    queue.told(id, delta(5, "old"));
    queue.told(id, AnalysisEvent { sequence: 10_000_000, data: EventData::Reset("overloaded") });
    queue.told(id, delta(10_000_005, "new"));
    while queue.dispatch(now(), 1).unwrap() > 0 {}

    let events = told.events.lock().concat();
    assert!(!events.contains("old") && events.contains("RESET") && events.contains("new"));
    assert!(told.ends.lock().is_empty());
}

#[test]
fn closing_ends_every_operation_once_and_after_its_events() {
    let (queue, told, idle) = (Queue::new(Mode::Host, 64), Told::default(), Told::default());
    let busy = queue.begin(Some(event), done, user(&told)).unwrap().id;
    queue.begin(None, done, user(&idle)).unwrap();
    let forgotten = queue.begin(Some(event), done, user(&told)).unwrap().id;

    queue.told(busy, delta(2, "text"));
    queue.forget(forgotten);
    queue.close();
    queue.told(busy, delta(3, "late"));
    queue.ended(busy, success());
    queue.drain();

    let closed = Fault::closed().status();
    assert_eq!(told.events.lock().len(), 1);
    assert_eq!(*told.ends.lock(), [(closed, None, closed)]);
    assert_eq!(*idle.ends.lock(), [(closed, None, closed)]);
    assert!(queue.begin(None, done, user(&idle)).is_err());
}

#[test]
fn payloads_that_find_no_room_are_refused_and_none_is_lost() {
    let (queue, told) = (Queue::new(Mode::Host, 100), Told::default());
    let [first, second] = [(); 2].map(|()| queue.begin(Some(event), done, user(&told)).unwrap().id);
    let fill =
        |id, n| (0..n).filter(|_| queue.payload(id, "{}".to_owned()) == Taken::Queued).count();

    // Each has its own limit, and both share that of the queue.
    assert_eq!((fill(first, 70), fill(second, 70)), (64, 36));
    assert_eq!(queue.payload(first, "{}".to_owned()), Taken::Full);
    queue.ended(first, success());
    assert_eq!(queue.payload(first, "{}".to_owned()), Taken::Over);
    queue.forget(second);
    while queue.dispatch(now(), 0).unwrap() > 0 {}

    assert_eq!(told.events.lock().len(), 64);
    assert_eq!(told.ends.lock().len(), 1);
    assert_eq!(queue.payload(first, "{}".to_owned()), Taken::Over);
    let Counts { operations, waiting, .. } = queue.counts();
    assert_eq!((operations, waiting, queue.state.lock().held), (0, 0, 0));
}

#[test]
fn an_end_is_known_to_those_who_wait_before_it_is_told_and_after() {
    let (queue, told) = (Queue::new(Mode::Host, 64), Told::default());
    let entered = queue.begin(None, done, user(&told)).unwrap();

    assert!(entered.finish.wait(now()).is_none());
    queue.ended(entered.id, success());
    assert!(entered.finish.wait(None).unwrap().fault.is_none());
    queue.dispatch(now(), 0).unwrap();
    queue.close();

    assert_eq!(entered.finish.wait(None).unwrap().result.as_deref(), Some("{}"));
    assert_eq!(told.ends.lock().len(), 1);
}

#[test]
fn a_suspended_engine_ends_operations_and_tells_its_state_behind_the_changes() {
    let (queue, seen, told) = (Queue::new(Mode::Host, 64), Seen::default(), Told::default());
    let id = queue.subscribe(record, user(&seen)).unwrap();
    let [running, over] = [(); 2].map(|()| queue.begin(Some(event), done, user(&told)).unwrap().id);

    queue.changed(id, change(5, 1));
    queue.ended(over, success());
    queue.end_all(&Fault::suspended());
    queue.engine_is(jotrack_engine_state::JOTRACK_STATE_SUSPENDED);
    queue.told(running, delta(2, "late"));
    while queue.dispatch(now(), 0).unwrap() > 0 {}

    let suspended = Fault::suspended().status();
    let kinds: Vec<_> = seen.events.lock().iter().map(|event| event.0).collect();
    assert_eq!(kinds, [1, 3]);
    assert!(told.events.lock().is_empty());
    let mut ends: Vec<_> = told.ends.lock().iter().map(|end| end.0).collect();
    ends.sort_unstable();
    assert_eq!(ends, [0, suspended]);
}
