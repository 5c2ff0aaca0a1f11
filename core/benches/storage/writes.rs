//! Writes with a flush to the disk: how many are acknowledged when producers share it.

use std::time::{Duration, Instant};

use jotrack_core::{Engine, NewJob, Synchronous, WriteOptions};
use tokio::{runtime::Builder, task::JoinSet};

use crate::{data, meter};

pub(crate) const TITLE: &str = "jobs created, acknowledged after the flush";
const PRODUCERS: [u32; 3] = [1, 32, 256];
const SPAN: Duration = Duration::from_secs(2);

/// Measures jobs created by a growing number of producers, and prints what that gave.
pub(crate) fn print() {
    println!("\n{TITLE}");
    println!("{:44} {:>10} {:>10} {:>14}", "producers", "per second", "CPU us", "per CPU second");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for synchronous in [Synchronous::Full, Synchronous::Relaxed] {
        for producers in PRODUCERS {
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let mut config = data::config(dir.path(), false);
            config.storage.synchronous = synchronous;
            let (written, wall, cpu) = runtime.block_on(produce(config, producers));
            let label = format!("{producers} ({synchronous:?})");
            println!(
                "{label:44} {:>10.0} {:>10.1} {:>14.0}",
                f64::from(written) / wall.as_secs_f64(),
                cpu.as_secs_f64() * 1e6 / f64::from(written),
                f64::from(written) / cpu.as_secs_f64(),
            );
        }
    }
}

async fn produce(config: jotrack_core::Config, producers: u32) -> (u32, Duration, Duration) {
    let engine = Engine::open(config).await.unwrap();
    let span = if meter::is_bench() { SPAN } else { Duration::from_millis(1) };
    let (wall, cpu) = (Instant::now(), meter::process_cpu());
    let mut tasks = JoinSet::new();
    for producer in 0..producers {
        let engine = engine.clone();
        tasks.spawn(async move {
            let mut written = 0;
            while written == 0 || wall.elapsed() < span {
                let company = format!("Invented Works {}", producer % 40);
                let job = NewJob::new(company, format!("Engineer {producer}-{written}"));
                engine.create_job(job, &WriteOptions::default()).await.unwrap();
                written += 1;
            }
            written
        });
    }
    let written = tasks.join_all().await.iter().sum();
    let spent = (written, wall.elapsed(), meter::process_cpu() - cpu);
    engine.close().await.unwrap();
    spent
}
