//! The engine handle: one core engine, the runtime it lives on, and the queue of what it tells.

use std::{
    ffi::c_char,
    future::Future,
    pin::pin,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jotrack_core::{Engine, Error, ErrorCode};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    args::{self, OutHandle, OutText},
    error::{Fault, jotrack_error, jotrack_status},
    guard::{THREAD_PREFIX, guard, install_hook},
    options::{Opening, jotrack_options},
    queue::{Mode, Queue},
};

/// Longest wait for running work when an engine closes; what is left then is aborted.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// An open engine. Any thread, concurrently. Several may live in one process, each with its own
/// data folder. Ended by jotrack_engine_close.
///
/// @since 0.1
pub struct jotrack_engine {
    shared: Arc<Shared>,
}

impl jotrack_engine {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// What the handle, its writers and its readers have in common.
pub(crate) struct Shared {
    core: Engine,
    runtime: Handle,
    queue: Arc<Queue>,
    #[cfg(feature = "graphql")]
    graphql: std::sync::OnceLock<crate::graphql::Schema>,
    /// The process that opened the engine: a forked child has its memory but not its threads.
    pid: u32,
    closed: AtomicBool,
    /// Taken at close.
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    runtime: Runtime,
    callbacks: Option<JoinHandle<()>>,
}

impl Shared {
    fn open(opening: Opening) -> Result<Self, Fault> {
        let Opening { config, mode, workers } = opening;
        let runtime = Builder::new_multi_thread()
            .worker_threads(usize::try_from(workers).unwrap_or(1))
            .thread_name(format!("{THREAD_PREFIX}worker"))
            .enable_all()
            .build()
            .map_err(|e| Error::io("start the engine's threads", e))?;
        let core = runtime.block_on(Engine::open(config))?;
        let queue = Arc::new(Queue::new(mode));
        let callbacks = match mode {
            Mode::Host => None,
            Mode::Thread => Some(spawn_callbacks(&queue)?),
        };
        Ok(Self {
            core,
            runtime: runtime.handle().clone(),
            queue,
            #[cfg(feature = "graphql")]
            graphql: std::sync::OnceLock::new(),
            pid: process::id(),
            closed: AtomicBool::new(false),
            threads: Mutex::new(Some(Threads { runtime, callbacks })),
        })
    }

    pub(crate) fn core(&self) -> &Engine {
        &self.core
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    #[cfg(feature = "graphql")]
    pub(crate) fn graphql(&self) -> &std::sync::OnceLock<crate::graphql::Schema> {
        &self.graphql
    }

    /// Ends the future on the calling thread. It is polled once without the runtime's machinery,
    /// because a read from SQLite is ready by then.
    pub(crate) fn block<F: Future>(&self, future: F) -> F::Output {
        let entered = self.runtime.enter();
        let mut future = pin!(future);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        drop(entered);
        self.runtime.block_on(future)
    }

    /// Refuses a forked child, whose copy of the engine has no threads and must not touch the files.
    pub(crate) fn same_process(&self) -> Result<(), Fault> {
        if process::id() == self.pid {
            Ok(())
        } else {
            Err(Fault::misuse("the engine was opened by another process"))
        }
    }

    /// Refuses what outlives its engine: the runtime is gone.
    pub(crate) fn still_open(&self) -> Result<(), Fault> {
        self.same_process()?;
        if self.closed.load(Ordering::Acquire) { Err(Fault::closed()) } else { Ok(()) }
    }

    fn close(&self) -> Result<(), Fault> {
        let started = Instant::now();
        self.closed.store(true, Ordering::Release);
        let Some(Threads { runtime, callbacks }) = self.threads.lock().take() else {
            return Err(Fault::closed());
        };
        let closed =
            runtime.block_on(async { tokio::time::timeout(CLOSE_MAX, self.core.close()).await });
        self.queue.close();
        match callbacks {
            Some(callbacks) => drop(callbacks.join()),
            None => self.queue.drain(),
        }
        let left = CLOSE_MAX.saturating_sub(started.elapsed());
        runtime.shutdown_timeout(left.max(Duration::from_millis(100)));
        match closed {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(Fault::new(ErrorCode::Timeout, "running work was aborted")),
        }
    }
}

/// Opens an engine, making what is missing. It acts as the one local user.
///
/// `options`: NULL = defaults. On success `*out` is a handle that
/// jotrack_engine_close ends.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_open(
    options: *const jotrack_options,
    out: *mut *mut jotrack_engine,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    install_hook();
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, opening) = unsafe { (OutHandle::claim(out)?, Opening::read(options)?) };
        out.put(jotrack_engine { shared: Arc::new(Shared::open(opening)?) });
        Ok(())
    })
}

/// Closes an engine and frees the handle. NULL does nothing.
///
/// Running work is given 5 seconds, then aborted. Callbacks that wait are run, and each
/// subscription is told JOTRACK_EVENT_STATE with JOTRACK_STATE_CLOSING as its last event, and the
/// jotrack_done_cb of each operation that has not ended is called, with JOTRACK_CLOSED unless it ends
/// otherwise in that time: with JOTRACK_DISPATCH_HOST on the calling thread. Pages and errors stay
/// valid; operations, subscriptions, readers and writers stay valid to be freed.
///
/// It is the last call on the handle, and no other call on it may be running. Inside a callback it
/// is JOTRACK_MISUSE and does nothing; in a forked child too. Any other answer, JOTRACK_TIMEOUT if
/// something was aborted, leaves no handle.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_close(engine: *mut jotrack_engine) -> jotrack_status {
    guard(std::ptr::null_mut(), || {
        if engine.is_null() {
            return Ok(());
        }
        // SAFETY: a live engine (R1).
        let shared = unsafe { args::engine(engine) }?;
        if shared.queue.inside_callback() {
            return Err(Fault::misuse("jotrack_engine_close was called inside a callback"));
        }
        let outcome = shared.close();
        // Only now: callbacks that close() ran may have used the handle.
        // SAFETY: the caller's last call on a live handle (T3).
        unsafe { args::free(engine) };
        outcome
    })
}

/// Tells how the engine is, as a JSON object: `{"ok": true, ...}`.
///
/// `*out` is freed with jotrack_string_free.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_health_json(
    engine: *mut jotrack_engine,
    out: *mut *mut c_char,
    err: *mut *mut jotrack_error,
) -> jotrack_status {
    guard(err, || {
        // SAFETY: the caller keeps R1 to R6.
        let (out, shared) = unsafe { (OutText::claim(out)?, args::engine(engine)?) };
        let health = shared.block(shared.core.health());
        let text = out.prepare(serde_json::to_string(&health).map_err(not_json)?)?;
        out.put(text);
        Ok(())
    })
}

/// A value of the library that is no JSON: a bug.
pub(crate) fn not_json(error: serde_json::Error) -> Fault {
    Error::internal("write JSON", error).into()
}

fn spawn_callbacks(queue: &Arc<Queue>) -> Result<JoinHandle<()>, Fault> {
    let queue = Arc::clone(queue);
    thread::Builder::new()
        .name(format!("{THREAD_PREFIX}callback"))
        .spawn(move || queue.run())
        .map_err(|e| Error::io("start the callback thread", e).into())
}
