//! Being told that something changed.

use std::{ffi::c_void, sync::Arc, time::Duration};

use jotrack_core::{ChangeBatch, ChangeStream, EntityKind, ErrorCode};
use tokio::task::AbortHandle;

use crate::{
    args::{self, OutHandle},
    engine::{Shared, jotrack_engine},
    enums::{entities, entity_bit},
    error::{jotrack_error, jotrack_status},
    forks::Process,
    gate::Core,
    guard::{guard, shield},
    handles,
    queue::{Change, Queue, User},
    structs::interface_structs,
    write::rev,
};

/// How long a subscription waits before it looks again after it could not read.
const RETRY: Duration = Duration::from_millis(250);

/// What a subscription is told. A hint: what exactly changed is asked with jotrack_changes_since.
///
/// @since 0.1
#[repr(C)]
#[derive(Clone, Copy)]
pub struct jotrack_event {
    /// Size of the struct that the library knows: later members of a newer header are not there.
    pub struct_size: usize,
    /// JOTRACK_EVENT_CHANGED, JOTRACK_EVENT_RESYNC or JOTRACK_EVENT_STATE.
    pub kind: i32,
    /// JOTRACK_STATE_OPEN; for JOTRACK_EVENT_STATE the new state: of several that waited the last.
    pub state: i32,
    /// Bits of what changed; 0 with JOTRACK_EVENT_RESYNC when that is not known.
    pub entities: u64,
    /// First revision of the changes merged into this event.
    pub first_rev: u64,
    /// Last revision of them.
    pub last_rev: u64,
}

interface_structs!(jotrack_event);

/// Called with each event of a subscription, one at a time per engine. `event` lives during the
/// call. No exception and no longjmp may leave it. It may call everything but jotrack_engine_close,
/// jotrack_engine_suspend and jotrack_dispatch.
///
/// @since 0.1
pub type jotrack_event_cb =
    Option<unsafe extern "C" fn(user: *mut c_void, event: *const jotrack_event)>;

/// A subscription. Any thread. Freed with jotrack_subscription_free, also after the engine is
/// closed.
///
/// @since 0.1
pub struct jotrack_subscription {
    queue: Arc<Queue>,
    id: u64,
    pump: AbortHandle,
    /// The process whose threads run the callbacks.
    process: Process,
}

/// Subscribes to changes, those of other processes on the same data included.
///
/// `entities`: JOTRACK_ENTITY_ bits, 0 = all. At most 20 events a second; what happens faster, or
/// while a callback runs, is merged into one event with a wider range. `user` is handed back in each
/// call and must live until jotrack_subscription_free returned. Every change committed after this
/// returns is told.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_subscribe(
    engine: *mut jotrack_engine,
    entities: u64,
    callback: jotrack_event_cb,
    user: *mut c_void,
    out: *mut *mut jotrack_subscription,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutHandle::claim(out)?, args::engine(engine)?) };
        let callback = callback.ok_or_else(|| args::null("callback"))?;
        let kinds = self::entities(entities)?;
        shared.still_open()?;
        let core = shared.core()?;
        let mut stream = core.subscribe(None, &kinds);
        let seen = shared.block(stream.start())?;
        let queue = Arc::clone(shared.queue());
        let id = queue.subscribe(callback, User(user))?;
        let pump = Pump { shared: Arc::clone(&shared), kinds, seen, id }.run(stream);
        let pump = shared.runtime().spawn(pump).abort_handle();
        out.put(jotrack_subscription { queue, id, pump, process: Process::this() });
        Ok(())
    })
}

/// Ends a subscription and frees it. NULL does nothing.
///
/// From another thread it waits for a running callback; once it returned, the callback never runs
/// again: hold no lock here that the callback takes. Inside the callback it returns at once.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_subscription_free(subscription: *mut jotrack_subscription) {
    shield((), || {
        // SAFETY: the caller gives it up (R1).
        let Some(subscription) = (unsafe { handles::take(subscription) }) else { return };
        // A forked child has no thread that could let go of the queue, or end a running callback.
        if !subscription.process.is_this() {
            return;
        }
        subscription.pump.abort();
        subscription.queue.unsubscribe(subscription.id);
    });
}

/// Carries changes from the engine into the queue until the engine closes.
struct Pump {
    shared: Arc<Shared>,
    kinds: Vec<EntityKind>,
    /// The revision told up to.
    seen: i64,
    id: u64,
}

impl Pump {
    async fn run(mut self, mut stream: ChangeStream) {
        loop {
            match stream.next().await {
                Ok(batch) => {
                    self.shared.queue().changed(self.id, change(&batch, self.seen));
                    self.seen = batch.revision;
                }
                Err(error) if error.code() == ErrorCode::Closed => match self.reopened().await {
                    Some(reopened) => stream = reopened,
                    None => return,
                },
                // The stream stands where it stood, so the changes are told once it can read again.
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// Waits until a suspended engine is open again and goes on from what was told; none when it
    /// is closed.
    async fn reopened(&self) -> Option<ChangeStream> {
        let mut reopenings = self.shared.gate().reopenings();
        loop {
            reopenings.borrow_and_update();
            if self.shared.not_closed().is_err() {
                return None;
            }
            let again = |core: Core<'_>| core.subscribe(Some(self.seen), &self.kinds);
            if let Ok(stream) = self.shared.core().map(again) {
                return Some(stream);
            }
            reopenings.changed().await.ok()?;
        }
    }
}

fn change(batch: &ChangeBatch, seen: i64) -> Change {
    Change {
        resync: batch.resync,
        entities: batch.changes.iter().fold(0, |mask, change| mask | entity_bit(change.entity)),
        // After a restore the revision may be lower than the one seen before.
        first_rev: rev(batch.revision.min(seen.saturating_add(1))),
        last_rev: rev(batch.revision),
    }
}
