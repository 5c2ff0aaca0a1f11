//! Measures operations side by side. `divan` and `criterion` time one function after the other; on
//! a shared machine the load then differs between the two that are compared, and neither counts
//! CPU or statements. Here every operation gets a turn in every round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Turns that each operation gets.
const ROUNDS: u32 = 25;
/// Length of one turn.
const TURN: Duration = Duration::from_millis(15);

/// How long an operation runs for a profiler.
const PROFILE: Duration = Duration::from_secs(4);

/// Time that a number of runs took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) wall: Duration,
    /// Of all threads; without the client's where there is one.
    pub(crate) cpu: Duration,
}

/// What an answer holds; equal for operations that answer the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// An operation to be measured.
pub(crate) struct Operation<'a> {
    pub(crate) name: String,
    pub(crate) answer: Answer,
    /// Runs of statements per operation, as SQLite counts them.
    pub(crate) statements: u64,
    /// Runs the operation that many times.
    pub(crate) run: Box<dyn FnMut(u32) -> Spent + 'a>,
}

/// Medians over all turns, per run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) wall_us: f64,
    pub(crate) cpu_us: f64,
}

/// Reports whether `cargo bench` runs this; `cargo test --benches` only wants to see it work.
pub(crate) fn is_bench() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// Reports whether the caller wants this part: `cargo bench -- WORDS` picks those whose title holds
/// the words.
pub(crate) fn is_wanted(title: &str) -> bool {
    std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).all(|word| title.contains(&word))
}

/// Returns the CPU time of this process.
pub(crate) fn process_cpu() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

/// Returns what a clock shows.
pub(crate) fn duration(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Times something that works on behalf of this process alone.
pub(crate) fn spend(work: impl FnOnce()) -> Spent {
    let (wall, cpu) = (Instant::now(), process_cpu());
    work();
    Spent { wall: wall.elapsed(), cpu: process_cpu() - cpu }
}

/// Measures all operations in turns; one run of each unless this is a benchmark.
pub(crate) fn measure(operations: &mut [Operation<'_>]) -> Vec<Figures> {
    if !is_bench() {
        return operations.iter_mut().map(|it| figures(&mut [per_run((it.run)(1), 1)])).collect();
    }
    if let Some(name) = only() {
        operations.iter_mut().filter(|it| it.name.contains(&name)).for_each(|it| profile(it));
        return vec![Figures { wall_us: 0.0, cpu_us: 0.0 }; operations.len()];
    }
    let runs: Vec<u32> = operations.iter_mut().map(|it| runs_per_turn(&mut it.run)).collect();
    let mut turns = vec![Vec::new(); operations.len()];
    for _ in 0..ROUNDS {
        for ((operation, runs), turns) in operations.iter_mut().zip(&runs).zip(&mut turns) {
            turns.push(per_run((operation.run)(*runs), *runs));
        }
    }
    turns.iter_mut().map(|turns| figures(turns)).collect()
}

/// The operation that `--only=WORDS` names: it runs alone, for a profiler.
fn only() -> Option<String> {
    std::env::args().find_map(|arg| Some(arg.strip_prefix("--only=")?.to_owned()))
}

fn profile(operation: &mut Operation<'_>) {
    let (started, runs) = (Instant::now(), runs_per_turn(&mut operation.run));
    while started.elapsed() < PROFILE {
        (operation.run)(runs);
    }
}

/// Finds how many runs fill a turn; this also warms caches up.
fn runs_per_turn(run: &mut dyn FnMut(u32) -> Spent) -> u32 {
    let mut runs = 1;
    loop {
        let spent = run(runs).wall;
        if spent >= TURN / 2 {
            let fitting = f64::from(runs) * TURN.as_secs_f64() / spent.as_secs_f64();
            return (fitting as u32).max(1);
        }
        runs *= 2;
    }
}

fn per_run(spent: Spent, runs: u32) -> (f64, f64) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(runs);
    (micros(spent.wall), micros(spent.cpu))
}

fn figures(turns: &mut [(f64, f64)]) -> Figures {
    turns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wall_us = turns[turns.len() / 2].0;
    turns.sort_by(|a, b| a.1.total_cmp(&b.1));
    Figures { wall_us, cpu_us: turns[turns.len() / 2].1 }
}

/// Prints operations, with CPU as a multiple of the first one's where they give the same answer.
pub(crate) fn print(title: &str, operations: &[Operation<'_>], figures: &[Figures]) {
    println!("\n{title}");
    println!(
        "{:44} {:>10} {:>10} {:>7} {:>5} {:>6} {:>8}",
        "", "wall us", "CPU us", "CPU x", "SQL", "rows", "bytes"
    );
    for (operation, figure) in operations.iter().zip(figures) {
        let Operation { name, answer, statements, run: _ } = operation;
        let ratio = if *answer == operations[0].answer {
            format!("{:.2}", figure.cpu_us / figures[0].cpu_us)
        } else {
            String::from("-")
        };
        println!(
            "{name:44} {:>10.1} {:>10.1} {ratio:>7} {statements:>5} {:>6} {:>8}",
            figure.wall_us, figure.cpu_us, answer.rows, answer.bytes,
        );
    }
}

/// Prints what the figures must be seen with.
pub(crate) fn print_machine(data: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| String::from("?"));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load: Vec<_> = load.split(' ').take(3).collect();
    println!("{data}; SQLite {}; {cores} cores, load {}", rusqlite::version(), load.join(" "));
    println!(
        "medians of {ROUNDS} turns of {TURN:?}; SQL as SQLite counts it, without BEGIN and COMMIT"
    );
}
