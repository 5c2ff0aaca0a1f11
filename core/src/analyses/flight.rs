//! Flights: the one call for a key in this process, and everybody who waits for it.
//!
//! Invariant: no caller owns a flight. The task that flies it belongs to the registry; callers
//! board with a run, and may go without anything happening to the others or to a paid call.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{AnswerJson, start::NotStarted};
use crate::{
    ai::{AiError, HttpProvider, PriceTable, Provider, TokenUsage, gate::Gates, log::Log},
    config::AiConfig,
    enums::{AiProvider, ResultSource},
    error::Result,
    id::{AnalysisId, UserId, random_bytes},
    net,
    time::{Clock, Timestamp},
};

/// Bytes of all logs of a process (ai.md section 6). Over it new calls wait in the queue; logs go
/// a few seconds after their calls.
const LOG_BYTES: usize = 64 * 1024 * 1024;

/// One call for a key.
#[derive(Debug)]
pub(crate) struct Flight {
    id: u64,
    pub(crate) slot: Slot,
    pub(crate) log: Log,
    /// Ends the call.
    pub(crate) cancel: CancellationToken,
    stage: watch::Sender<Stage>,
    inner: Mutex<Inner>,
}

/// What a flight is for: a key, and whether kept answers are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) key: String,
    pub(crate) fresh: bool,
}

impl Slot {
    /// Returns the key of the row that other processes see.
    pub(crate) fn lease_key(&self) -> String {
        if self.fresh { format!("{}#f", self.key) } else { self.key.clone() }
    }
}

/// How far a flight has come.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// It is not settled yet whether there will be a call.
    Boarding,
    /// The call is under way, here or in another process.
    Flying,
    /// There is no call: the allowance of this user is used up, or the store failed.
    Refused(UserId, NotStarted),
    /// It is over.
    Landed,
}

#[derive(Debug, Default)]
struct Inner {
    riders: Vec<Rider>,
    landing: Option<Landing>,
}

/// A run that waits for a flight.
#[derive(Debug, Clone)]
pub(crate) struct Rider {
    pub(crate) run: AnalysisId,
    pub(crate) user: UserId,
    /// FRESH for the one that started the call.
    pub(crate) source: ResultSource,
    /// Told when this run alone is cancelled.
    pub(crate) cancelled: CancellationToken,
    /// Nobody asked for it: it makes a kept answer anew, and cannot be done again.
    pub(crate) unasked: bool,
}

/// What a flight brought.
pub(crate) type Landing = std::result::Result<Arc<Answer>, AiError>;

/// An answer, valid against its schema.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) value: AnswerJson,
    /// How the riders who did not start the call have it.
    pub(crate) source: ResultSource,
    /// The run that made it.
    pub(crate) origin: AnalysisId,
    pub(crate) provider: AiProvider,
    pub(crate) model: String,
    pub(crate) prompt_version: String,
    pub(crate) usage: TokenUsage,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Flight {
    /// Returns how far it has come, and a way to hear of more.
    pub(crate) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// Moves on.
    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Boards a run; after the landing there is nothing to board, and the landing is returned. A
    /// call that its last rider cancelled is boarded by nobody.
    pub(crate) fn board(&self, rider: Rider) -> std::result::Result<(), Landing> {
        let mut inner = self.inner.lock();
        match &inner.landing {
            Some(landing) => Err(landing.clone()),
            None if self.cancel.is_cancelled() => Err(Err(AiError::Cancelled)),
            None => {
                // A run whose lease ended may be taken from the queue while it is aboard.
                inner.riders.retain(|aboard| aboard.run != rider.run);
                inner.riders.push(rider);
                Ok(())
            }
        }
    }

    /// Takes a run off, tells its followers, and ends the call when nobody is left. While it is
    /// boarding, whoever starts it may be about to board.
    pub(crate) fn leave(&self, run: AnalysisId) {
        let mut inner = self.inner.lock();
        let Some(at) = inner.riders.iter().position(|rider| rider.run == run) else { return };
        inner.riders.remove(at).cancelled.cancel();
        let boarding = matches!(*self.stage.borrow(), Stage::Boarding);
        if inner.riders.is_empty() && inner.landing.is_none() && !boarding {
            self.cancel.cancel();
        }
    }

    /// Begins the call, or the wait for another process's: from here on it ends when nobody is left.
    /// Returns the run that leads, `asked` where it is still aboard; of `user` where one is named,
    /// who pays. When there is none it does not begin.
    pub(crate) fn depart(
        &self,
        user: Option<UserId>,
        asked: Option<AnalysisId>,
    ) -> Option<AnalysisId> {
        let inner = self.inner.lock();
        let pays = |rider: &&Rider| user.is_none_or(|user| user == rider.user);
        let first = inner.riders.iter().find(|rider| asked == Some(rider.run));
        let leader = first.or_else(|| inner.riders.iter().find(pays)).map(|rider| rider.run);
        match leader {
            Some(_) => drop(self.stage.send_replace(Stage::Flying)),
            None if user.is_none() => self.cancel.cancel(),
            None => {}
        }
        leader
    }

    /// Notes whose call it is: that of one run aboard, or another process's.
    pub(crate) fn led_by(&self, run: Option<AnalysisId>) {
        for rider in &mut self.inner.lock().riders {
            let leads = run == Some(rider.run);
            rider.source = if leads { ResultSource::Fresh } else { ResultSource::Pooled };
        }
    }

    /// Returns everybody aboard.
    pub(crate) fn riders(&self) -> Vec<Rider> {
        self.inner.lock().riders.clone()
    }

    /// Returns one who is aboard. Every follower asks at every word, so the others are not copied.
    pub(crate) fn rider(&self, run: AnalysisId) -> Option<Rider> {
        self.inner.lock().riders.iter().find(|rider| rider.run == run).cloned()
    }

    /// Closes the boarding with what the flight brought, and returns everybody aboard.
    pub(crate) fn land(&self, landing: Landing) -> Vec<Rider> {
        let mut inner = self.inner.lock();
        inner.landing = Some(landing);
        inner.riders.clone()
    }

    /// Opens the boarding again: what was brought could not be kept because another process
    /// leads now.
    pub(crate) fn take_off_again(&self) {
        self.inner.lock().landing = None;
    }

    /// Returns what the flight brought, once it has landed.
    pub(crate) fn landing(&self) -> Option<Landing> {
        self.inner.lock().landing.clone()
    }
}

/// All flights of a process.
#[derive(Debug)]
pub(crate) struct Registry {
    flights: Mutex<HashMap<Slot, Arc<Flight>>>,
    riders: Mutex<HashMap<AnalysisId, Arc<Flight>>>,
    next: AtomicU64,
    log_bytes: Arc<AtomicUsize>,
    most: usize,
    /// This process, as other processes see it.
    pub(crate) owner: Uuid,
    pub(crate) gates: Gates,
    /// Every task of an analysis: awaited or ended by `Engine::close`.
    pub(crate) tasks: TaskTracker,
    /// Nothing new is begun.
    pub(crate) closing: CancellationToken,
    /// What is under way ends.
    pub(crate) stop: CancellationToken,
    /// Whether somebody renews the leases.
    pub(crate) beating: AtomicBool,
    /// Whether somebody works on the queue, and how to tell them of more.
    pub(crate) draining: AtomicBool,
    pub(crate) ring: Notify,
    /// Hits of kept answers that are not written down yet.
    pub(crate) hits: Mutex<HashMap<String, i64>>,
    /// Digests of kept answers that have the form of their kind.
    pub(crate) valid: Mutex<HashSet<[u8; 32]>>,
    /// Keys this process calls for, and calls it has reserved in allowances: renewed while held.
    /// With a count: a flight may end while the next one for its key begins.
    held: Mutex<BTreeMap<Hold, usize>>,
    /// Reading the system's certificates takes milliseconds: each client is made once.
    prices: PriceTable,
    operator: OnceLock<Arc<dyn Provider>>,
    guarded: OnceLock<reqwest::Client>,
}

/// A flight that was looked for.
pub(crate) enum Found {
    /// Somebody else's: board it.
    Known(Arc<Flight>),
    /// A new one: its task must be started.
    New(Arc<Flight>),
    /// Too many are under way.
    Full,
}

impl Registry {
    /// Makes an empty registry.
    pub(crate) fn new(config: &AiConfig) -> Result<Self> {
        Ok(Self {
            flights: Mutex::default(),
            riders: Mutex::default(),
            next: AtomicU64::new(1),
            log_bytes: Arc::default(),
            most: config.flights.max(1),
            owner: Uuid::from_bytes(random_bytes()?),
            gates: Gates::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            stop: CancellationToken::new(),
            beating: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            ring: Notify::new(),
            hits: Mutex::default(),
            valid: Mutex::default(),
            held: Mutex::default(),
            prices: PriceTable::new(&config.prices)?,
            operator: OnceLock::new(),
            guarded: OnceLock::new(),
        })
    }

    /// Returns the operator's provider.
    pub(crate) fn operator(
        &self,
        config: &AiConfig,
        clock: &Clock,
    ) -> std::result::Result<Arc<dyn Provider>, AiError> {
        if let Some(known) = self.operator.get() {
            return Ok(Arc::clone(known));
        }
        let made: Arc<dyn Provider> = Arc::new(HttpProvider::operator(config, clock.clone())?);
        Ok(Arc::clone(self.operator.get_or_init(|| made)))
    }

    /// Returns what calls cost.
    pub(crate) fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// Returns the client for addresses that users set.
    pub(crate) fn guarded(
        &self,
        config: &AiConfig,
    ) -> std::result::Result<reqwest::Client, AiError> {
        if let Some(known) = self.guarded.get() {
            return Ok(known.clone());
        }
        let connect = std::time::Duration::from_millis(config.connect_ms);
        let made = net::client(net::SetBy::User, connect)?;
        Ok(self.guarded.get_or_init(|| made).clone())
    }

    /// Finds the flight of a slot, or makes one. A flight with `fresh` that has landed is not
    /// joined: what it kept is not fresh any more. Nor is one that was cancelled.
    pub(crate) fn find(&self, slot: &Slot) -> Found {
        let mut flights = self.flights.lock();
        if let Some(flight) = flights.get(slot)
            && !flight.cancel.is_cancelled()
            && !(slot.fresh && flight.landing().is_some())
        {
            return Found::Known(Arc::clone(flight));
        }
        if flights.len() >= self.most {
            // What only waits to be forgotten makes room.
            flights.retain(|_, flight| flight.landing().is_none());
        }
        if flights.len() >= self.most || self.log_bytes.load(Ordering::Relaxed) > LOG_BYTES {
            return Found::Full;
        }
        let flight = Arc::new(Flight {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            slot: slot.clone(),
            log: Log::new(Arc::clone(&self.log_bytes)),
            cancel: CancellationToken::new(),
            stage: watch::Sender::new(Stage::Boarding),
            inner: Mutex::default(),
        });
        flights.insert(slot.clone(), Arc::clone(&flight));
        Found::New(flight)
    }

    /// Forgets a flight, if the slot is still its own.
    pub(crate) fn forget(&self, flight: &Flight) {
        let mut flights = self.flights.lock();
        if flights.get(&flight.slot).is_some_and(|known| known.id == flight.id) {
            flights.remove(&flight.slot);
        }
    }

    /// Forgets landed flights whose key begins so: nobody gets their answer any more.
    pub(crate) fn forget_landed(&self, prefix: &str) {
        let is_one = |slot: &Slot| slot.key.starts_with(prefix);
        self.flights.lock().retain(|slot, flight| !is_one(slot) || flight.landing().is_none());
    }

    /// Remembers which flight a run is aboard.
    pub(crate) fn seat(&self, run: AnalysisId, flight: &Arc<Flight>) {
        self.riders.lock().insert(run, Arc::clone(flight));
    }

    /// Forgets that a run was aboard of this flight.
    pub(crate) fn unseat(&self, run: AnalysisId, flight: &Flight) {
        let mut riders = self.riders.lock();
        if riders.get(&run).is_some_and(|known| known.id == flight.id) {
            riders.remove(&run);
        }
    }

    /// Returns the flight a run is aboard.
    pub(crate) fn flight_of(&self, run: AnalysisId) -> Option<Arc<Flight>> {
        self.riders.lock().get(&run).map(Arc::clone)
    }

    /// Holds a key or a reserved call until the returned guard goes, however it goes.
    pub(crate) fn hold(self: &Arc<Self>, hold: Hold) -> Held {
        *self.held.lock().entry(hold.clone()).or_default() += 1;
        Held { registry: Arc::clone(self), hold }
    }

    /// Returns what is held, in one order everywhere: processes that renew in different orders
    /// would wait for each other's rows.
    pub(crate) fn held(&self) -> Vec<Hold> {
        self.held.lock().keys().cloned().collect()
    }

    /// Returns the runs that are aboard of a flight.
    pub(crate) fn runs(&self) -> Vec<AnalysisId> {
        self.riders.lock().keys().copied().collect()
    }

    /// Reports whether a call is under way, or its end is not written yet.
    pub(crate) fn is_busy(&self) -> bool {
        !self.held.lock().is_empty()
            || self.flights.lock().values().any(|flight| flight.landing().is_none())
    }
}

/// What a process may hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// The right to call for a key.
    Key(String),
    /// A call in the allowance of a subject.
    Call(String, Uuid),
}

/// Lets go when it is dropped. What is not held is not renewed and ends by itself.
#[derive(Debug)]
pub(crate) struct Held {
    registry: Arc<Registry>,
    hold: Hold,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.registry.held.lock();
        if let Some(count) = held.get_mut(&self.hold) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.hold);
            }
        }
    }
}

/// Removes a flight and its riders from the registry when its task ends, however it ends.
pub(crate) struct Seat {
    pub(crate) registry: Arc<Registry>,
    pub(crate) flight: Arc<Flight>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.registry.forget(&self.flight);
        // First the boarding closes: who came after the last look would wait for ever.
        if self.flight.landing().is_none() {
            drop(self.flight.land(Err(AiError::Internal)));
        }
        for rider in self.flight.riders() {
            self.registry.unseat(rider.run, &self.flight);
        }
        let stage = &self.flight.stage;
        if !matches!(*stage.borrow(), Stage::Refused(..) | Stage::Landed) {
            stage.send_replace(Stage::Landed);
        }
        // Followers look for the flight again, do not find it, and read the row.
        self.flight.log.tell();
    }
}
