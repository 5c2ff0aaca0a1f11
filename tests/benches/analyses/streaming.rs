//! Tokens on their way from the provider to everybody who reads along, and the memory that takes.

use std::time::{Duration, Instant};

use jotrack_core::{AnalysisId, AnalysisState, Engine, WriteOptions, ai::EventData};
use tokio::{runtime::Runtime, sync::mpsc, task::JoinSet};

use crate::{
    meter::{self, Memory, micros, percentile},
    upstream::{self, Upstream},
};

pub(crate) const TITLE: &str = "streaming to many readers";

const READERS: usize = 100;
/// Most a token may take to the slowest but one of a hundred readers.
const P99_MOST: Duration = Duration::from_millis(1);

/// What one reader saw: how long after a token was read, and how long after it was sent that was.
type Seen = Vec<(usize, Instant)>;

/// Streams to readers and prints how late they were.
pub(crate) fn print(runtime: &Runtime) {
    println!("\n{TITLE}: {READERS} readers of one flight, tokens of 4 bytes");
    println!(
        "{:44} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9} {:>11}",
        "", "tokens", "p50 us", "p90 us", "p99 us", "max us", "CPU us/tk", "memory KiB"
    );
    let pauses = if meter::is_bench() { [20, 5, 1] } else { [1, 0, 0] };
    for pause in pauses.map(Duration::from_millis) {
        for shared in [true, false] {
            runtime.block_on(stream(pause, shared));
        }
    }
    println!("at most {P99_MOST:?} for 99 of 100");
    runtime.block_on(memory());
}

/// One answer, read by many: all of one analysis, or each of an analysis of their own.
async fn stream(pause: Duration, shared: bool) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let text = upstream::ecosystem(4, 300);
    let upstream = Upstream::new(&text, 4, pause);
    let engine = upstream::engine(dir.path(), &upstream).await;
    let analyses = if shared { 1 } else { READERS };
    upstream.hold(true);
    let ids = start(&engine, "Ruede", analyses).await;
    let mut readers = JoinSet::new();
    let (ready, mut readies) = mpsc::channel(READERS);
    for reader in 0..READERS {
        readers.spawn(read(engine.clone(), ids[reader % analyses], ready.clone()));
    }
    for _ in 0..READERS {
        readies.recv().await.unwrap();
    }
    upstream.hold(false);
    let (memory, cpu) = (Memory::here().now, meter::process_cpu());
    let seen = readers.join_all().await;
    let cpu = meter::process_cpu() - cpu;
    let grown = Memory::here().now.saturating_sub(memory);

    let sent = upstream.sent();
    assert_eq!((upstream.calls(), sent.len()), (1, upstream.tokens()));
    let mut late: Vec<Duration> = Vec::with_capacity(sent.len() * READERS);
    for seen in &seen {
        assert_eq!(seen.last().unwrap().0, text.len(), "every reader has the whole text");
        let mut next = 0;
        for (end, at) in seen {
            while next < sent.len() && sent[next].end <= *end {
                late.push(at.saturating_duration_since(sent[next].at));
                next += 1;
            }
        }
    }
    late.sort_unstable();
    let name =
        format!("every {pause:?}, {}", if shared { "one analysis" } else { "an analysis each" });
    let p99 = percentile(&late, 99);
    let verdict = if p99 <= P99_MOST { "kept" } else { "MISSED" };
    println!(
        "{name:44} {:>7} {:>8.0} {:>8.0} {:>8.0} {:>8.0} {:>9.0} {grown:>11}  {verdict}",
        sent.len(),
        micros(percentile(&late, 50)),
        micros(percentile(&late, 90)),
        micros(p99),
        micros(*late.last().unwrap()),
        micros(cpu) / sent.len() as f64,
    );
    engine.close().await.unwrap();
}

/// Starts so many analyses of one thing.
async fn start(engine: &Engine, company: &str, analyses: usize) -> Vec<AnalysisId> {
    let mut ids = Vec::new();
    for _ in 0..analyses {
        let request = upstream::about(company);
        let started = engine.start_analysis(&request, &WriteOptions::default()).await.unwrap();
        ids.push(started.analysis.id);
    }
    ids
}

/// Reads to the end. Tells when it has seen that the call was sent.
async fn read(engine: Engine, id: AnalysisId, ready: mpsc::Sender<()>) -> Seen {
    let mut seen = Seen::new();
    let mut length = 0;
    let mut events = engine.analysis_events(id, None).await.unwrap();
    while let Some(event) = events.next().await.unwrap() {
        match &event.data {
            EventData::Started { .. } => ready.send(()).await.unwrap(),
            EventData::Delta(text) => {
                length += text.len();
                seen.push((length, Instant::now()));
            }
            _ => {}
        }
    }
    seen
}

/// How much memory a flight takes at most: an answer that does not end, read by many, and by many
/// who come when it is all there.
async fn memory() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let limit = 2 * 1024 * 1024;
    let upstream = Upstream::new(&"x".repeat(2 * limit), 512, Duration::ZERO);
    let engine = upstream::engine(dir.path(), &upstream).await;
    upstream.hold(true);
    let id = start(&engine, "Endless", 1).await[0];
    let before = Memory::here().now;
    meter::forget_peak();
    let mut readers = JoinSet::new();
    let (ready, mut readies) = mpsc::channel(READERS);
    for _ in 0..READERS {
        readers.spawn(read(engine.clone(), id, ready.clone()));
    }
    for _ in 0..READERS {
        readies.recv().await.unwrap();
    }
    upstream.hold(false);
    for seen in readers.join_all().await {
        let length = seen.last().unwrap().0;
        assert!((limit - 512..=limit).contains(&length), "{length} bytes");
    }
    let row = |name: &str| {
        let grown = Memory::here().peak.saturating_sub(before);
        println!("{name:44} memory grew by at most {grown} KiB for a text of {} KiB", limit / 1024);
    };
    row("an answer that does not end, read along");
    let analysis = engine.analysis(id).await.unwrap();
    assert_eq!(analysis.state, AnalysisState::Failed, "{analysis:?}");
    println!("{:?}", analysis.error);
    engine.close().await.unwrap();
}
