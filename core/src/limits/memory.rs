//! The same windows in the memory of one process, for requests: they are many, and nothing is lost
//! with them.

use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
};

use parking_lot::Mutex;

use super::{RateState, Taken, Window};
use crate::time::Timestamp;

const SHARDS: usize = 16;
/// Subjects in memory: about 40 MB with ten calls each.
const SUBJECTS: usize = 200_000;

/// The windows of many subjects.
#[derive(Debug)]
pub(crate) struct Memory {
    shards: Vec<Mutex<HashMap<String, Log>>>,
    hasher: RandomState,
    /// Most subjects of one shard.
    most: usize,
}

/// The calls of one subject, by a time of its own: it goes on with the clock, and stands still
/// where the clock was set back.
#[derive(Debug, Default)]
struct Log {
    last: i64,
    now: i64,
    calls: VecDeque<i64>,
}

impl Log {
    fn tick(&mut self, clock: Timestamp) {
        self.now = self.at(clock);
        self.last = clock.as_ms();
    }

    fn at(&self, clock: Timestamp) -> i64 {
        self.now.saturating_add(clock.as_ms().saturating_sub(self.last).max(0))
    }

    fn expire(&mut self, span_ms: i64) {
        while self.calls.front().is_some_and(|at| *at <= self.now.saturating_sub(span_ms)) {
            self.calls.pop_front();
        }
    }

    fn state(&self, window: Window, clock: Timestamp) -> RateState {
        let now = self.at(clock);
        let live = self.calls.iter().filter(|at| **at > now.saturating_sub(window.span_ms));
        let oldest = live.clone().next().map(|at| clock.plus_ms(at.saturating_sub(now)));
        window.state(clock, u32::try_from(live.count()).unwrap_or(u32::MAX), oldest)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::holding(SUBJECTS)
    }
}

impl Memory {
    fn holding(subjects: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            most: subjects.div_ceil(SHARDS),
        }
    }

    /// Takes a place in the window of a subject. A subject that has no room in memory is refused.
    pub(super) fn take(&self, subject: &str, limit: u32, span_ms: i64, clock: Timestamp) -> Taken {
        let window = Window { limit: Some(limit), span_ms };
        let mut refused = window.state(clock, limit, None);
        let Some(mut shard) = self.shard(subject).map(Mutex::lock) else {
            return Taken::Denied(refused);
        };
        if !shard.contains_key(subject) {
            if shard.len() >= self.most {
                shard.retain(|_, log| log.state(window, clock).used > 0);
            }
            if shard.len() >= self.most {
                refused.reset_at = clock.plus_ms(span_ms);
                return Taken::Denied(refused);
            }
            let log = Log { last: clock.as_ms(), now: clock.as_ms(), calls: VecDeque::new() };
            shard.insert(subject.to_owned(), log);
        }
        let Some(log) = shard.get_mut(subject) else { return Taken::Denied(refused) };
        log.tick(clock);
        log.expire(span_ms);
        if log.calls.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Taken::Denied(log.state(window, clock));
        }
        log.calls.push_back(log.now);
        Taken::Admitted(log.state(window, clock))
    }

    /// Tells how full the window of a subject is.
    pub(super) fn state(&self, subject: &str, window: Window, clock: Timestamp) -> RateState {
        let shard = self.shard(subject).map(Mutex::lock);
        let log = shard.as_ref().and_then(|shard| shard.get(subject));
        log.map_or_else(|| window.state(clock, 0, None), |log| log.state(window, clock))
    }

    /// Forgets subjects whose windows are empty.
    pub(super) fn sweep(&self, clock: Timestamp, span_ms: i64) {
        let window = Window { limit: None, span_ms };
        for shard in &self.shards {
            shard.lock().retain(|_, log| log.state(window, clock).used > 0);
        }
    }

    fn shard(&self, subject: &str) -> Option<&Mutex<HashMap<String, Log>>> {
        let hash = self.hasher.hash_one(subject);
        let count = u64::try_from(self.shards.len().max(1)).unwrap_or(1);
        self.shards.get(usize::try_from(hash % count).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPAN: i64 = 1_000;

    fn ms(at: i64) -> Timestamp {
        Timestamp::from_ms(at)
    }

    /// Every call with its time; all of them move when the clock goes back.
    #[derive(Default)]
    struct Naive {
        last: i64,
        calls: Vec<i64>,
    }

    impl Naive {
        fn rebase(&mut self, clock: i64) {
            let back = (self.last - clock).max(0);
            self.calls.iter_mut().for_each(|at| *at -= back);
            self.last = clock;
        }

        fn used(&self) -> Vec<i64> {
            self.calls.iter().copied().filter(|at| self.last < at + SPAN).collect()
        }

        fn take(&mut self, clock: i64, limit: u32) -> bool {
            self.rebase(clock);
            let admitted = self.used().len() < limit as usize;
            if admitted {
                self.calls.push(clock);
            }
            admitted
        }
    }

    proptest! {
        #[test]
        fn it_is_the_naive_window(
            steps in prop::collection::vec((-1_500_i64..1_500, prop::bool::weighted(0.7)), 1..120),
            limit in 0_u32..6,
        ) {
            let (memory, mut naive, mut clock) = (Memory::default(), Naive::default(), 1_000_000);
            for (step, forward) in steps {
                clock += if forward { step.abs() / 3 } else { step };
                let taken = memory.take("a", limit, SPAN, ms(clock));

                prop_assert_eq!(taken.is_admitted(), naive.take(clock, limit));
                let (state, used) = (taken.state(), naive.used());
                prop_assert_eq!(state.used as usize, used.len());
                let oldest = used.iter().min();
                prop_assert_eq!(state.reset_at, ms(oldest.map_or(clock, |at| at + SPAN)));
                let again = memory.state("a", Window { limit: Some(limit), span_ms: SPAN }, ms(clock));
                prop_assert_eq!(state, again);
            }
        }
    }

    #[test]
    fn a_place_is_free_exactly_when_its_call_leaves() {
        let memory = Memory::default();
        let take = |at| memory.take("a", 1, SPAN, ms(at));

        assert!(take(5_000).is_admitted());
        assert_eq!(take(5_999).state().retry_after_ms, 1);
        assert!(!take(5_999).is_admitted());
        assert!(take(6_000).is_admitted());
    }

    #[test]
    fn a_clock_set_back_frees_nothing_and_locks_nobody_out() {
        let memory = Memory::default();
        let take = |at| memory.take("a", 1, SPAN, ms(at));
        assert!(take(9_000_000).is_admitted());

        let denied = take(1_000);
        assert!(!denied.is_admitted());
        assert!(denied.state().retry_after_ms <= SPAN);
        assert!(!take(1_999).is_admitted());
        assert!(take(2_000).is_admitted());
    }

    #[test]
    fn full_memory_forgets_the_idle_and_refuses_the_rest() {
        let memory = Memory::holding(SHARDS);
        let names: Vec<String> = (0..200).map(|n| format!("user {n}")).collect();
        let at = |clock| {
            let taken = names.iter().map(|name| memory.take(name, 1, SPAN, ms(clock)));
            taken.filter(|taken| taken.is_admitted()).count()
        };
        let held = || memory.shards.iter().map(|shard| shard.lock().len()).sum::<usize>();

        let admitted = at(10_000);
        assert!((1..=SHARDS).contains(&admitted), "{admitted}");
        assert_eq!(held(), admitted);
        assert_eq!(at(10_500), 0, "the place of a busy subject was given away");
        assert_eq!(at(11_000), admitted);
        memory.sweep(ms(12_000), SPAN);
        assert_eq!(held(), 0);
    }
}
