//! The core engine behind the handles, and when it may be used: a call holds the gate open, and a
//! suspended engine has closed it.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jotrack_core::{Engine, UserId};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

use crate::error::Fault;

/// The core engine for the length of a call.
pub(crate) struct Core<'a> {
    engine: Engine,
    _open: RwLockReadGuard<'a, bool>,
}

impl Deref for Core<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

pub(crate) struct Gate {
    /// Whether calls may go on; each holds it. A new user must not wait for them, so the users are
    /// apart.
    open: RwLock<bool>,
    /// The same engine for each user that has a handle. Closed ones while it is suspended, unless
    /// it has no files. Held for a moment only.
    users: Mutex<BTreeMap<UserId, Engine>>,
    /// Somebody waits for the calls to end: new ones are refused, or the wait might never end.
    shutting: AtomicBool,
    /// It is shut for good, until it is opened.
    suspended: AtomicBool,
    /// Counts how often the gate was opened again.
    opened: watch::Sender<u64>,
}

/// The gate, shut: no call is running and none begins.
pub(crate) struct Shut<'a> {
    gate: &'a Gate,
    open: RwLockWriteGuard<'a, bool>,
}

impl Gate {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            open: RwLock::new(true),
            users: Mutex::new(BTreeMap::from([(engine.user_id(), engine)])),
            shutting: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
            opened: watch::Sender::new(0),
        }
    }

    /// Returns the engine as this user, who was let in before.
    pub(crate) fn core(&self, user: UserId) -> Result<Core<'_>, Fault> {
        // A waiting writer would make this wait too; only then is it asked what for.
        let open = match self.open.try_read() {
            Some(open) => open,
            None if self.shutting.load(Ordering::SeqCst) => return Err(Fault::suspended()),
            None => self.open.read(),
        };
        if !*open {
            return Err(Fault::suspended());
        }
        let engine = self.users.lock().get(&user).cloned().ok_or_else(Fault::closed)?;
        Ok(Core { engine, _open: open })
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::SeqCst)
    }

    /// Lets a user in that the core knows.
    pub(crate) fn admit(&self, engine: Engine) {
        self.users.lock().insert(engine.user_id(), engine);
    }

    /// Refuses new calls and waits until those that run have ended. When that takes too long the
    /// gate is open again.
    pub(crate) fn shut(&self, timeout: Duration) -> Option<Shut<'_>> {
        self.shutting.store(true, Ordering::SeqCst);
        let open = self.open.try_write_for(timeout);
        if open.is_none() {
            self.shutting.store(false, Ordering::SeqCst);
        }
        open.map(|open| Shut { gate: self, open })
    }

    /// Returns the engine whether it may be used or not: for its end, and to be opened again.
    pub(crate) fn any(&self) -> Option<Engine> {
        self.users.lock().values().next().cloned()
    }

    /// Returns the users that were let in.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.users.lock().keys().copied().collect()
    }

    /// Opens the gate of a suspended engine, to these engines or, when there are none, to those
    /// that it had.
    pub(crate) fn open(&self, engines: Vec<Engine>) {
        let mut open = self.open.write();
        self.users.lock().extend(engines.into_iter().map(|engine| (engine.user_id(), engine)));
        *open = true;
        self.suspended.store(false, Ordering::SeqCst);
        self.shutting.store(false, Ordering::SeqCst);
        drop(open);
        self.opened.send_modify(|times| *times += 1);
    }

    /// Tells when the gate is opened again.
    pub(crate) fn reopenings(&self) -> watch::Receiver<u64> {
        self.opened.subscribe()
    }
}

impl Shut<'_> {
    /// Leaves the gate shut.
    pub(crate) fn suspend(mut self) {
        *self.open = false;
        self.gate.suspended.store(true, Ordering::SeqCst);
        self.gate.shutting.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::Config;
    use tokio::runtime::Runtime;

    use super::*;

    #[test]
    fn a_call_that_does_not_end_keeps_the_engine_open() {
        let runtime = Runtime::new().unwrap();
        let engine = runtime.block_on(Engine::open(Config::default())).unwrap();
        let (user, gate) = (engine.user_id(), Gate::new(engine));
        let call = gate.core(user).unwrap();

        assert!(gate.shut(Duration::from_millis(10)).is_none());
        // State unchanged: calls are let in as before.
        assert!(!gate.is_suspended());
        drop((gate.core(user).unwrap(), call));

        gate.shut(Duration::ZERO).unwrap().suspend();
        let refused = gate.core(user).err().unwrap();
        assert_eq!(refused.status(), Fault::suspended().status());

        let mut reopenings = gate.reopenings();
        gate.open(Vec::new());
        assert!(reopenings.has_changed().unwrap() && !gate.is_suspended());
        reopenings.mark_unchanged();
        runtime.block_on(async { gate.any().unwrap().close().await }).unwrap();
    }

    #[test]
    fn new_calls_are_refused_while_running_ones_are_waited_for() {
        let runtime = Runtime::new().unwrap();
        let engine = runtime.block_on(Engine::open(Config::default())).unwrap();
        let (user, gate) = (engine.user_id(), Gate::new(engine));
        let call = gate.core(user).unwrap();

        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.shut(Duration::from_secs(30)).unwrap().suspend());
            while gate.core(user).is_ok() {
                std::thread::yield_now();
            }
            assert!(!waiting.is_finished());
            drop(call);
            waiting.join().unwrap();
        });

        assert!(gate.core(user).is_err());
        runtime.block_on(async { gate.any().unwrap().close().await }).unwrap();
    }
}
