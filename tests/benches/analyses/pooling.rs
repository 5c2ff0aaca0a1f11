//! Many identical requests that nobody has an answer for: one call, and all are answered, whatever
//! becomes of the one who asked first.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use jotrack_core::{AnalysisState, Engine, Result, ResultSource};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    meter::{self, Memory, micros, millis, percentile},
    upstream::{self, Upstream},
};

pub(crate) const TITLE: &str = "identical cold requests";

/// Runs in which the first caller is dropped.
const DROPS: usize = 10;
/// How many times the first caller can be woken before it is dropped, at most.
const WAKES_MOST: u64 = 12;

/// How one crowd fared.
struct Fared {
    calls: usize,
    answered: usize,
    fresh: usize,
    wall: Duration,
    cpu: Duration,
    waits: Vec<Duration>,
    /// Runs of statements.
    statements: u64,
}

/// Lets crowds ask, checks the counts and prints what it took.
pub(crate) fn print(runtime: &Runtime) {
    let callers = if meter::is_bench() { 1_000 } else { 40 };
    println!("\n{TITLE}: {callers} at once, an upstream of 20 tokens in 100 ms");
    println!(
        "{:44} {:>6} {:>9} {:>6} {:>9} {:>9} {:>9} {:>12} {:>9}",
        "", "calls", "answered", "fresh", "wall ms", "p50 ms", "p99 ms", "CPU us each", "SQL each"
    );
    runtime.block_on(async {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let text = upstream::ecosystem(5, 100);
        let upstream = Upstream::new(&text, text.len() / 20 + 1, Duration::from_millis(5));
        let engine = upstream::engine(dir.path(), &upstream).await;
        let memory = Memory::here().now;
        for run in 0..3 {
            let fared = crowd(&engine, &upstream, &format!("Patient {run}"), callers, None).await;
            row("all wait", &fared);
            assert_eq!((fared.calls, fared.answered, fared.fresh), (1, callers, 1));
        }
        for run in 0..DROPS {
            let name = format!("Hasty {run}");
            let wakes = u64::from_le_bytes(jotrack_core::random_bytes().unwrap()) % WAKES_MOST;
            let fared = crowd(&engine, &upstream, &name, callers, Some(wakes)).await;
            row(&format!("the first is dropped when woken {wakes} times"), &fared);
            assert_eq!((fared.calls, fared.answered), (1, callers - 1));
        }
        let grown = Memory::here().now.saturating_sub(memory);
        println!("memory grew by {grown} KiB over {} requests", (3 + DROPS) * callers);
        engine.close().await.unwrap();
    });
}

/// Lets `callers` ask for the same thing. The first one begins a little before the others; with
/// `wakes` it is dropped when it was woken so often.
async fn crowd(
    engine: &Engine,
    upstream: &Upstream,
    company: &str,
    callers: usize,
    wakes: Option<u64>,
) -> Fared {
    let request = upstream::about(company);
    let statements = || engine.statement_stats().iter().map(|(_, stats)| stats.runs).sum::<u64>();
    let statements_before = statements();
    let (before, began, cpu) = (upstream.calls(), Instant::now(), meter::process_cpu());
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (engine, request) = (engine.clone(), request.clone());
        tasks.spawn(async move {
            let asked = Box::pin(async move {
                let began = Instant::now();
                let ended = engine.analyze(&request).await?;
                assert_eq!(ended.state, AnalysisState::Succeeded);
                assert_eq!(ended.result.unwrap()["companies"].as_array().unwrap().len(), 5);
                Result::Ok((began.elapsed(), ended.source == Some(ResultSource::Fresh)))
            });
            match wakes.filter(|_| caller == 0) {
                Some(wakes) => woken(asked, wakes).await,
                None => Some(asked.await),
            }
        });
        if caller == 0 {
            tokio::task::yield_now().await;
        }
    }
    let all = tokio::time::timeout(Duration::from_secs(60), tasks.join_all());
    let all = all.await.expect("nobody waits for ever");
    let answers: Vec<_> = all.into_iter().flatten().map(Result::unwrap).collect();
    let mut waits: Vec<_> = answers.iter().map(|(wait, _)| *wait).collect();
    waits.sort_unstable();
    Fared {
        calls: upstream.calls() - before,
        // A first caller that was quicker than its drop is not counted.
        answered: answers.len().min(callers - usize::from(wakes.is_some())),
        fresh: answers.iter().filter(|(_, fresh)| *fresh).count(),
        wall: began.elapsed(),
        cpu: meter::process_cpu() - cpu,
        waits,
        statements: statements() - statements_before,
    }
}

/// Polls a future until it is ready or was polled once more than `wakes` times; then it is dropped.
async fn woken<T>(mut future: Pin<Box<impl Future<Output = T>>>, wakes: u64) -> Option<T> {
    let mut polls = 0;
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if polls == wakes => Poll::Ready(None),
        Poll::Pending => {
            polls += 1;
            Poll::Pending
        }
    })
    .await
}

fn row(name: &str, fared: &Fared) {
    println!(
        "{name:44} {:>6} {:>9} {:>6} {:>9.1} {:>9.1} {:>9.1} {:>12.1} {:>9.1}",
        fared.calls,
        fared.answered,
        fared.fresh,
        millis(fared.wall),
        millis(percentile(&fared.waits, 50)),
        millis(percentile(&fared.waits, 99)),
        micros(fared.cpu) / fared.waits.len() as f64,
        fared.statements as f64 / fared.waits.len() as f64,
    );
}
