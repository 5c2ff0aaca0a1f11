//! The database against a naive window, step by step.

use jotrack_core::{RateState, Window};
use jotrack_tests::Lab;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use uuid::Uuid;

use super::Time;

const SPAN: i64 = 1_000;

#[derive(Debug, Clone, Copy)]
enum Step {
    Clock(i64),
    Take(u8, Option<i64>),
    Settle(u8),
    Extend(u8, i64),
    Refund(u8),
    RefundAfterOutput(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 0_u8..12;
    prop_oneof![
        4 => (0_i64..700).prop_map(Step::Clock),
        1 => (-1_500_i64..1_500).prop_map(Step::Clock),
        8 => (id(), proptest::option::of(1_i64..600)).prop_map(|(id, ms)| Step::Take(id, ms)),
        2 => id().prop_map(Step::Settle),
        2 => (id(), 1_i64..600).prop_map(|(id, ms)| Step::Extend(id, ms)),
        1 => id().prop_map(Step::Refund),
        2 => id().prop_map(Step::RefundAfterOutput),
    ]
}

/// Every call that was let in, with its time and its end. All times move when the clock is behind
/// the last look at it.
#[derive(Default)]
struct Log {
    last: i64,
    calls: Vec<(u8, i64, Option<i64>)>,
}

impl Log {
    fn look(&mut self, clock: i64) {
        let back = (self.last - clock).max(0);
        for (_, at, until) in &mut self.calls {
            *at -= back;
            *until = until.map(|until| until - back);
        }
        self.last = clock;
    }

    /// Lets a call in and returns whether it is.
    fn take(&mut self, clock: i64, limit: Option<u32>, id: u8, for_ms: Option<i64>) -> bool {
        self.look(clock);
        self.calls.retain(|(_, at, until)| clock < at + SPAN && until.is_none_or(|u| clock < u));
        let full = limit.is_some_and(|limit| self.calls.len() >= limit as usize);
        if !self.has(id) && !full {
            self.calls.push((id, clock, for_ms.map(|ms| clock + ms)));
        }
        self.has(id)
    }

    fn has(&self, id: u8) -> bool {
        self.calls.iter().any(|(own, ..)| *own == id)
    }

    fn remove(&mut self, id: u8) {
        self.calls.retain(|(own, ..)| *own != id);
    }

    fn end(&mut self, id: u8, change: impl Fn(Option<i64>) -> Option<i64>) {
        for (own, _, until) in &mut self.calls {
            if *own == id {
                *until = change(*until);
            }
        }
    }

    /// How many calls count, and when the oldest leaves.
    fn state(&self, clock: i64) -> (usize, i64) {
        let ahead = (self.last - clock).max(0);
        let now = clock + ahead;
        let live = self
            .calls
            .iter()
            .filter(|(_, at, until)| now < at + SPAN && until.is_none_or(|until| now < until));
        let reset = live.clone().map(|(_, at, _)| at + SPAN - ahead).min();
        (live.count(), reset.unwrap_or(clock))
    }
}

fn assert_state(state: RateState, limit: Option<u32>, (used, reset): (usize, i64), clock: i64) {
    assert_eq!(state.used as usize, used);
    assert_eq!(state.reset_at.as_ms(), reset);
    let remaining = limit.map(|limit| limit.saturating_sub(state.used));
    assert_eq!((state.limit, state.remaining), (limit, remaining));
    let wait = if remaining == Some(0) { reset - clock } else { 0 };
    assert_eq!(state.retry_after_ms, wait);
}

#[tokio::test]
async fn the_database_is_the_naive_window() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for round in 0..24 {
        let limit = [Some(1), Some(3), Some(5), None][round % 4];
        let window = Window { limit, span_ms: SPAN };
        let quota = lab.engine.quota(&format!("round {round}"), window).unwrap();
        let steps = proptest::collection::vec(step(), 40);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let (mut log, mut refunds) = (Log::default(), Log::default());
        for (n, step) in steps.iter().enumerate() {
            let clock = time.now().as_ms();
            let own = |id: u8| Uuid::from_u128(u128::from(id) + 1);
            let at = format!("round {round}, step {n} of {steps:?}");
            match *step {
                Step::Clock(ms) => time.step(ms).await,
                Step::Take(id, for_ms) => {
                    let taken = quota.take(own(id), for_ms).await.unwrap();
                    let admitted = log.take(clock, limit, id, for_ms);
                    assert_eq!(taken.is_admitted(), admitted, "{at}");
                    assert_state(taken.state(), limit, log.state(clock), clock);
                }
                Step::Settle(id) => {
                    quota.settle(own(id)).await.unwrap();
                    log.end(id, |_| None);
                }
                Step::Extend(id, ms) => {
                    quota.extend(own(id), ms).await.unwrap();
                    log.look(clock);
                    log.end(id, |until| until.map(|_| clock + ms));
                }
                Step::Refund(id) => {
                    quota.refund(own(id)).await.unwrap();
                    log.remove(id);
                }
                Step::RefundAfterOutput(id) => {
                    quota.refund_after_output(own(id)).await.unwrap();
                    if refunds.take(clock, Some(3), id, None) {
                        log.remove(id);
                    }
                    log.end(id, |_| None);
                }
            }
            let clock = time.now().as_ms();
            assert_state(quota.state().await.unwrap(), limit, log.state(clock), clock);
        }
    }
}
