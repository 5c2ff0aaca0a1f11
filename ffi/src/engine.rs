//! The engine handle: one core engine, the runtime it lives on, and the queue of what it tells.

use std::{
    ffi::c_char,
    future::Future,
    mem,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jotrack_core::{Config, Engine, Error, ErrorCode, UserId};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::dispatcher::{Dispatch, set_default, with_default};

use crate::{
    args::{self, OutHandle, OutText},
    error::{Fault, jotrack_error, jotrack_status},
    forks::Process,
    gate::{Core, Gate, Shut},
    guard::{THREAD_PREFIX, guard, install_hook},
    logs,
    options::{Log, Opening, jotrack_options},
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
    /// Set by the call that closes the handle, which lives until that call has run callbacks.
    closing: AtomicBool,
}

impl jotrack_engine {
    fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), closing: AtomicBool::new(false) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// What one handle, its writers and its readers have in common: an engine and whom it acts as.
pub(crate) struct Shared {
    host: Arc<Host>,
    user: UserId,
}

/// What all handles on one engine have in common.
pub(crate) struct Host {
    gate: Gate,
    config: Config,
    runtime: Handle,
    queue: Arc<Queue>,
    /// Where the calling threads log to while they are in a call.
    log: Option<Dispatch>,
    #[cfg(feature = "graphql")]
    graphql: std::sync::OnceLock<crate::graphql::Schema>,
    /// The process that opened the engine: a forked child has its memory but not its threads.
    process: Process,
    closed: AtomicBool,
    /// Handles that are not closed.
    handles: AtomicUsize,
    /// One suspend, resume or stop at a time.
    turn: Mutex<()>,
    /// Taken at close.
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    runtime: Runtime,
    callbacks: Option<JoinHandle<()>>,
}

impl Shared {
    fn open(opening: Opening) -> Result<Self, Fault> {
        let Opening { config, mode, workers, capacity, log } = opening;
        let queue = Arc::new(Queue::new(mode, capacity));
        let log = log.map(|Log { callback, user, level }| {
            queue.set_log(callback, user);
            logs::dispatch(&queue, level)
        });
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(usize::try_from(workers).unwrap_or(1))
            .thread_name(format!("{THREAD_PREFIX}worker"))
            .enable_all();
        if let Some(log) = log.clone() {
            // Dropping the guard would take the log away from the thread again.
            builder.on_thread_start(move || mem::forget(set_default(&log)));
        }
        let runtime = builder.build().map_err(|e| Error::io("start the engine's threads", e))?;
        let opened = within(log.as_ref(), || runtime.block_on(Engine::open(config.clone())));
        let core = opened?;
        let callbacks = match mode {
            Mode::Host => None,
            Mode::Thread => Some(spawn_callbacks(&queue)?),
        };
        let host = Host {
            runtime: runtime.handle().clone(),
            queue,
            log,
            #[cfg(feature = "graphql")]
            graphql: std::sync::OnceLock::new(),
            process: Process::this(),
            closed: AtomicBool::new(false),
            handles: AtomicUsize::new(1),
            turn: Mutex::new(()),
            threads: Mutex::new(Some(Threads { runtime, callbacks })),
            config,
            gate: Gate::new(core.clone()),
        };
        Ok(Self { host: Arc::new(host), user: core.user_id() })
    }

    /// Makes another handle on the same engine. The core has let the user in.
    pub(crate) fn acting_as(&self, core: Engine) -> jotrack_engine {
        let user = core.user_id();
        self.host.gate.admit(core);
        self.host.handles.fetch_add(1, Ordering::AcqRel);
        jotrack_engine::new(Self { host: Arc::clone(&self.host), user })
    }

    /// Returns the core engine for the length of a call; a suspended or closed one is refused. Ask
    /// once a call: while it is held the engine cannot be suspended, and its threads do not end.
    pub(crate) fn core(&self) -> Result<Core<'_>, Fault> {
        let core = self.host.gate.core(self.user);
        // Asked behind it, because a gate that is shut for good looks like one that is suspended.
        self.not_closed()?;
        core
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.host.gate
    }

    pub(crate) fn turn(&self) -> &Mutex<()> {
        &self.host.turn
    }

    /// The settings, which need no gate.
    pub(crate) fn config(&self) -> &Config {
        &self.host.config
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.host.queue
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.host.runtime
    }

    #[cfg(feature = "graphql")]
    pub(crate) fn graphql(&self) -> &std::sync::OnceLock<crate::graphql::Schema> {
        &self.host.graphql
    }

    /// Ends the future on the calling thread. It is polled once without the runtime's machinery,
    /// because a read from SQLite is ready by then.
    pub(crate) fn block<F: Future>(&self, future: F) -> F::Output {
        within(self.host.log.as_ref(), || {
            let entered = self.host.runtime.enter();
            let mut future = pin!(future);
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            drop(entered);
            self.wait(future)
        })
    }

    /// Ends a future that is not ready at once. What it gives is put aside, so that the machinery
    /// of the runtime is compiled once and not for each function of the header.
    fn wait<F: Future>(&self, future: Pin<&mut F>) -> F::Output {
        let mut output = None;
        {
            let mut ended = pin!(async { output = Some(future.await) });
            let ended: Pin<&mut dyn Future<Output = ()>> = ended.as_mut();
            self.host.runtime.block_on(ended);
        }
        let Some(output) = output else { unreachable!("the future has ended") };
        output
    }

    /// Refuses a forked child, whose copy of the engine has no threads and must not touch the files.
    pub(crate) fn same_process(&self) -> Result<(), Fault> {
        if self.host.process.is_this() {
            Ok(())
        } else {
            Err(Fault::misuse("the engine was opened by another process"))
        }
    }

    /// Refuses what outlives its engine, because the runtime is gone, and what is suspended with it.
    pub(crate) fn still_open(&self) -> Result<(), Fault> {
        self.same_process()?;
        // Asked first, because a closed engine looks like one that is suspended too.
        let is_suspended = self.host.gate.is_suspended();
        self.not_closed()?;
        if is_suspended { Err(Fault::suspended()) } else { Ok(()) }
    }

    pub(crate) fn not_closed(&self) -> Result<(), Fault> {
        if self.host.closed.load(Ordering::Acquire) { Err(Fault::closed()) } else { Ok(()) }
    }

    /// Lets go of one handle, and stops the engine with the last of them.
    fn close(&self) -> Result<(), Fault> {
        if self.host.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
            return Ok(());
        }
        let started = Instant::now();
        self.host.closed.store(true, Ordering::Release);
        let Some(Threads { runtime, callbacks }) = self.host.threads.lock().take() else {
            return Err(Fault::closed());
        };
        let left = || CLOSE_MAX.saturating_sub(started.elapsed()).max(Duration::from_millis(100));
        let close_core = || {
            within(self.host.log.as_ref(), || {
                let core = self.host.gate.any();
                runtime.block_on(async {
                    match core {
                        Some(core) => tokio::time::timeout(left(), core.close()).await,
                        None => Ok(Ok(())),
                    }
                })
            })
        };
        let closed = close_core();
        self.host.queue.close();
        match callbacks {
            Some(callbacks) => drop(callbacks.join()),
            None => self.host.queue.drain(),
        }
        // Suspending and resuming do not hold the gate. What a resume has opened meanwhile is closed
        // too; none begins behind it. Not before the callbacks have ended, which may resume.
        let turn = self.host.turn.try_lock_for(left());
        let reopened = close_core();
        // Calls on other threads need the runtime until they end, which they do without the core.
        let ended = self.host.gate.shut(left()).map(Shut::suspend);
        runtime.shutdown_timeout(left());
        match (closed, turn, reopened, ended) {
            (Ok(closed), Some(_turn), Ok(reopened), Some(())) => Ok(closed.and(reopened)?),
            _ => Err(Fault::new(ErrorCode::Timeout, "running work was aborted")),
        }
    }
}

/// Runs something with the log of an engine.
fn within<T>(log: Option<&Dispatch>, run: impl FnOnce() -> T) -> T {
    match log {
        None => run(),
        Some(log) => with_default(log, run),
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
        out.put(jotrack_engine::new(Shared::open(opening)?));
        Ok(())
    })
}

/// Closes a handle and frees it; the last handle on an engine closes the engine. NULL does nothing.
///
/// Running work is given 5 seconds, then aborted. Callbacks that wait are run, and each
/// subscription is told JOTRACK_EVENT_STATE with JOTRACK_STATE_CLOSING as its last event, and the
/// jotrack_done_cb of each operation that has not ended is called, with JOTRACK_CLOSED unless it ends
/// otherwise in that time: with JOTRACK_DISPATCH_HOST on the calling thread, or on one that is in
/// jotrack_dispatch. It waits for a callback that runs elsewhere: hold no lock here that one takes.
/// Pages and errors stay valid; operations, subscriptions, readers and writers stay valid to be freed.
///
/// Calls on other threads that it meets end as they would have, or with JOTRACK_CLOSED. Inside a
/// callback it is JOTRACK_MISUSE and does nothing; in a forked child too, and where another thread is
/// closing the handle or has closed it. Any other answer, JOTRACK_TIMEOUT if something was aborted,
/// leaves no handle.
///
/// @since 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jotrack_engine_close(engine: *mut jotrack_engine) -> jotrack_status {
    guard(std::ptr::null_mut(), || {
        if engine.is_null() {
            return Ok(());
        }
        let shared = args::engine(engine)?;
        if shared.queue().inside_callback() {
            return Err(Fault::misuse("jotrack_engine_close was called inside a callback"));
        }
        // Another thread may have closed the handle since, and a new one may have its address.
        let is_mine = args::look("engine", engine, |it| {
            Arc::ptr_eq(it.shared(), &shared) && !it.closing.swap(true, Ordering::AcqRel)
        })?;
        if !is_mine {
            return Err(Fault::misuse("another thread closes the handle"));
        }
        let outcome = shared.close();
        // Only now: callbacks that close() ran may have used the handle.
        // SAFETY: other threads only look at it while it is in the table (T1).
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
        let health = shared.block(shared.core()?.health());
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
