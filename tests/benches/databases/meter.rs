//! Measures operations side by side: each gets a turn in every round, so that a load from elsewhere
//! falls on all of them. The spread of single calls stands beside the CPU of both sides.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use jotrack_core::Engine;
use tokio::runtime::Runtime;

pub(crate) use crate::clocks::*;
use crate::servers::{ServerCpu, Servers};

/// Turns that each operation gets.
const ROUNDS: u32 = 25;
/// Length of one turn.
const TURN: Duration = Duration::from_millis(40);

/// What an answer holds; equal for operations that answer the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// Asks once. Writes take the number to write something else each time.
pub(crate) type Ask = Arc<dyn Fn(u64) -> BoxFuture<'static, Answer> + Send + Sync>;

/// An operation to be measured.
pub(crate) struct Operation<'a> {
    pub(crate) name: String,
    pub(crate) answer: Answer,
    /// Statements per call, without BEGIN and COMMIT.
    pub(crate) statements: u64,
    pub(crate) ask: Ask,
    /// The engine that is asked.
    pub(crate) engine: Engine,
    /// Absent where the database is in this process.
    pub(crate) servers: Option<&'a Servers>,
}

/// What one call took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) runs: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Waits for the database per call.
    pub(crate) trips: f64,
    /// The most that one call needed, where that is known.
    pub(crate) trips_most: u64,
    /// Of this process.
    pub(crate) client: Duration,
    pub(crate) server: Duration,
    pub(crate) pooler: Duration,
}

impl Figures {
    /// Works out what calls took on average, and their spread.
    pub(crate) fn of(mut calls: Vec<Duration>, client: Duration, servers: ServerCpu) -> Self {
        calls.sort_unstable();
        let per_call = |time: Duration| time / u32::try_from(calls.len()).unwrap();
        Self {
            runs: calls.len(),
            trips: 0.0,
            trips_most: 0,
            p50: percentile(&calls, 50),
            p99: percentile(&calls, 99),
            client: per_call(client),
            server: per_call(servers.postgres),
            pooler: per_call(servers.pooler),
        }
    }

    /// CPU of all sides.
    pub(crate) fn cpu(&self) -> Duration {
        self.client + self.server + self.pooler
    }
}

pub(crate) fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

/// Measures all operations in turns; a call of each unless this is a benchmark.
pub(crate) fn measure(runtime: &Runtime, operations: &[Operation<'_>]) -> Vec<Figures> {
    let (rounds, span) = if is_bench() { (ROUNDS, TURN) } else { (1, Duration::ZERO) };
    let mut spent: Vec<_> = operations.iter().map(|_| Spent::default()).collect();
    // The first turn warms up: connections, caches, plans.
    for round in 0..=rounds {
        for (operation, spent) in operations.iter().zip(&mut spent) {
            let servers = || operation.servers.map(Servers::spent).unwrap_or_default();
            // Asking the servers costs this process more than many a call: not inside.
            let servers_before = servers();
            let cpu_before = process_cpu();
            let (calls, answers) = runtime.block_on(turn(operation, spent.next, span));
            let cpu = process_cpu() - cpu_before;
            let servers = servers().since(servers_before);
            spent.next += u64::try_from(calls.len()).unwrap();
            let odd = answers.iter().find(|(answer, _)| *answer != operation.answer);
            assert_eq!(odd, None, "{} answers {:?} else", operation.name, operation.answer);
            if round > 0 || rounds == 1 {
                spent.client += cpu;
                spent.servers.add(servers);
                spent.calls.extend(calls);
                spent.trips.extend(answers.iter().map(|(_, trips)| trips));
            }
        }
    }
    spent.into_iter().map(Spent::figures).collect()
}

#[derive(Default)]
struct Spent {
    next: u64,
    calls: Vec<Duration>,
    trips: Vec<u64>,
    client: Duration,
    servers: ServerCpu,
}

impl Spent {
    fn figures(self) -> Figures {
        Figures {
            trips: self.trips.iter().sum::<u64>() as f64 / self.trips.len() as f64,
            trips_most: self.trips.iter().copied().max().unwrap_or_default(),
            ..Figures::of(self.calls, self.client, self.servers)
        }
    }
}

/// Asks for as long as a turn lasts, in a task, as a server does.
async fn turn(
    operation: &Operation<'_>,
    first: u64,
    span: Duration,
) -> (Vec<Duration>, Vec<(Answer, u64)>) {
    let (ask, engine) = (Arc::clone(&operation.ask), operation.engine.clone());
    let asking = async move {
        let (mut calls, mut answers) = (Vec::new(), Vec::new());
        let began = Instant::now();
        for n in first.. {
            let trips = engine.round_trips();
            let asked = Instant::now();
            let answer = ask(n).await;
            calls.push(asked.elapsed());
            answers.push((answer, engine.round_trips() - trips));
            if began.elapsed() >= span {
                break;
            }
        }
        (calls, answers)
    };
    tokio::spawn(asking).await.unwrap()
}

/// Prints operations; time and CPU also as a multiple of the first one's.
pub(crate) fn print(title: &str, operations: &[Operation<'_>], figures: &[Figures]) {
    println!("\n{title}");
    println!(
        "{:18} {:>7} {:>7} {:>6} | {:>7} {:>7} {:>7} {:>6} | {:>3} {:>5} {:>4} {:>4} {:>7} {:>6}",
        "",
        "p50 us",
        "p99 us",
        "x",
        "client",
        "server",
        "pooler",
        "x",
        "SQL",
        "trips",
        "most",
        "rows",
        "bytes",
        "runs"
    );
    for (operation, figure) in operations.iter().zip(figures) {
        println!(
            "{:18} {:>7.0} {:>7.0} {:>6.2} | {:>7.1} {:>7.1} {:>7.1} {:>6.2} | {:>3} {:>5.2} {:>4} \
             {:>4} {:>7} {:>6}",
            operation.name,
            micros(figure.p50),
            micros(figure.p99),
            ratio(figure.p50, figures[0].p50),
            micros(figure.client),
            micros(figure.server),
            micros(figure.pooler),
            ratio(figure.cpu(), figures[0].cpu()),
            operation.statements,
            figure.trips,
            figure.trips_most,
            operation.answer.rows,
            operation.answer.bytes,
            figure.runs,
        );
    }
}
