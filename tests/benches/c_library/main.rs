//! The C library beside the core that it translates: what a call over the border costs, a page of
//! jobs, GraphQL in the process against HTTP on loopback, 10,000 engines one after the other, and
//! how large the library is.
//!
//! `cargo bench -p jotrack-tests --bench c_library`; `-- border`, `-- engines` and `-- size` pick a
//! part. Needs a C compiler. The sizes are of builds of their own, in `target/sizes`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails by panicking, and prints"
)]

#[path = "../clocks.rs"]
mod clocks;
#[path = "../../../core/benches/storage/data.rs"]
#[allow(dead_code, reason = "each benchmark takes what it needs")]
mod data;

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Instant};

use jotrack_core::{Engine, JobQuery, PageRequest};
use jotrack_tests::{
    c::{Workbench, repository, tool},
    client::Server,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

/// What the design asks for.
const OVERHEAD_MOST_NS: f64 = 1_000.0;
const PAGE_RATIO_MOST: f64 = 1.2;
const SLIM_MOST: u64 = 8 * 1024 * 1024;

const DOCUMENT: &str = "{ jobs(first: 100) { nodes { id company { name } title status } } }";

fn main() {
    println!("load at the start: {}", clocks::load());
    if clocks::is_wanted("border") {
        border();
    }
    if clocks::is_wanted("engines") {
        engines();
    }
    // Two builds of the whole library are nothing that `cargo test --benches` should wait for.
    if clocks::is_wanted("size") && clocks::is_bench() {
        sizes();
    }
    println!("\nload at the end: {}", clocks::load());
}

fn border() {
    let (jobs, rounds) = if clocks::is_bench() { (1_000, 2_000) } else { (120, 5) };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(data::fill(dir.path(), jobs, false));
    let bench = Workbench::new();
    let source = repository("tests/benches/c_library/border.c");
    let program = bench.compile_c("c99", &[source]);

    // In turn, so that what else the machine does meets both; the best of three medians counts.
    let (mut typed, mut core) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..3 {
        let rounds_text = rounds.to_string();
        let printed = bench.run(&program, &[dir.path().as_os_str(), rounds_text.as_ref()]);
        for (name, time) in printed.lines().filter_map(|line| line.split_once(' ')) {
            if let Ok(time) = time.parse() {
                best(&mut typed, name, time);
            }
        }
        of_core(&runtime, dir.path(), rounds, &mut core);
    }
    over_http(&runtime, rounds, &mut core);

    println!("\nborder: {jobs} jobs, median of {rounds} rounds, best of 3");
    println!(
        "  the border alone (jotrack_dispatch, nothing waits)  {:.3} us",
        typed["nothing"] / 1e3
    );
    for name in ["revision", "one", "page"] {
        let (c, rust) = (typed[name], core[name]);
        println!(
            "  {name:9} typed {:8.2} us   core {:8.2} us   over {:+7.3} us   ratio {:.3}",
            c / 1e3,
            rust / 1e3,
            (c - rust) / 1e3,
            c / rust
        );
    }
    verdict("overhead of a call", typed["one"] - core["one"], OVERHEAD_MOST_NS, "ns");
    verdict("page of 100 jobs", typed["page"] / core["page"], PAGE_RATIO_MOST, "times the core");
    if let Some(in_process) = typed.get("graphql") {
        let http = core["http"];
        println!(
            "  graphql of 100 jobs: in-process {:.1} us, HTTP on loopback {:.1} us, {:.2} times",
            in_process / 1e3,
            http / 1e3,
            http / in_process
        );
    }
}

/// The same questions, asked as a Rust program would.
fn of_core(runtime: &Runtime, dir: &Path, rounds: usize, times: &mut BTreeMap<String, f64>) {
    let engine = runtime.block_on(Engine::open(data::config(dir, false))).unwrap();
    let page = |size| JobQuery { page: PageRequest::first(size), ..JobQuery::default() };
    let first = runtime.block_on(engine.list_jobs(&page(1))).unwrap().items.remove(0).id;
    let hundred = page(100);

    let revision = median(rounds, 10, || {
        runtime.block_on(engine.revision()).unwrap();
    });
    // A page of the C library tells the revision it was read at.
    let one = median(rounds, 1, || {
        runtime.block_on(async {
            engine.revision().await.unwrap();
            engine.get_job(first).await.unwrap()
        });
    });
    let page = median(rounds, 1, || {
        let page = runtime.block_on(engine.list_jobs(&hundred)).unwrap();
        assert!(page.items.iter().all(|job| !job.title.is_empty()));
    });
    for (name, time) in [("revision", revision), ("one", one), ("page", page)] {
        best(times, name, time);
    }
    runtime.block_on(engine.close()).unwrap();
}

/// GraphQL as a client on the same machine asks: one connection, kept open.
fn over_http(runtime: &Runtime, rounds: usize, times: &mut BTreeMap<String, f64>) {
    let server = runtime.block_on(async {
        let server = Server::listen().await;
        for n in 0..100 {
            let create = "mutation($title: String!) { jobCreate(input: { company: \"Fjordline\", \
                title: $title }) { job { id } userErrors { code message } } }";
            server.data(create, json!({ "title": format!("Engineer {n}") })).await;
        }
        server
    });
    let body = json!({ "query": DOCUMENT }).to_string();
    let (parts, _) = server.post(body.clone()).into_parts();
    let address = server.origin().trim_start_matches("http://").to_owned();
    let mut head = format!("POST /graphql HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = runtime.block_on(TcpStream::connect(&address)).unwrap();

    let time = median(rounds, 1, || {
        let answer = runtime.block_on(ask(&mut stream, request.as_bytes()));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("Engineer"), "{answer}");
    });
    best(times, "http", time);
}

/// Sends a request and reads its answer to the end, by its length.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut piece).await.unwrap();
        assert!(n > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").parse().unwrap();
            if body.len() >= length {
                return text.into_owned();
            }
        }
    }
}

/// Ten thousand engines, one after the other, and nothing of them stays.
fn engines() {
    let cycles = if clocks::is_bench() { "10000" } else { "100" };
    let bench = Workbench::new();
    let program = bench.compile_c("c99", &[repository("tests/c/lifecycle.c")]);
    let folder = bench.path("data");
    let start = Instant::now();

    let output = bench.output(
        &program,
        &[folder.as_os_str(), cycles.as_ref(), "100000".as_ref(), "1024".as_ref()],
    );

    println!("\nengines: {cycles} opened and closed, and 100000 calls of one");
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        println!("  {line}");
    }
    println!("  {:.1} s in all", start.elapsed().as_secs_f64());
    assert!(output.status.success(), "{}", output.status);
}

/// Installs the library as it is shipped, without GraphQL, and that for size.
fn sizes() {
    println!("\nsize: the shared library, as it is installed");
    let without = "--no-graphql";
    for (name, options) in
        [("with GraphQL", &[][..]), ("without", &[without]), ("slim", &[without, "--small"])]
    {
        let prefix = repository("target/sizes").join(name.replace(' ', "-"));
        let mut install = Command::new(repository("ffi/install.sh"));
        // In a folder of its own: the library has the same name with and without GraphQL.
        install.env("CARGO_TARGET_DIR", prefix.join("target"));
        tool(install.arg("--prefix").arg(&prefix).args(options));
        let size = fs::metadata(prefix.join("lib/libjotrack.so")).unwrap().len();
        println!("  {name:12} {:.2} MiB", size as f64 / 1024.0 / 1024.0);
        if name == "slim" {
            verdict("slim library", size as f64, SLIM_MOST as f64, "bytes");
        }
    }
}

fn verdict(what: &str, value: f64, most: f64, unit: &str) {
    let words = if value <= most { "reached" } else { "MISSED" };
    println!("  {what}: {value:.2} {unit}, target at most {most}: {words}");
}

fn best(times: &mut BTreeMap<String, f64>, name: &str, time: f64) {
    let kept = times.entry(name.to_owned()).or_insert(f64::INFINITY);
    *kept = kept.min(time);
}

/// The median of so many rounds of so many calls, in nanoseconds a call.
fn median(rounds: usize, at_once: u32, mut call: impl FnMut()) -> f64 {
    for _ in 0..=rounds / 10 {
        call();
    }
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            (0..at_once).for_each(|_| call());
            start.elapsed() / at_once
        })
        .collect();
    times.sort();
    clocks::percentile(&times, 50).as_nanos() as f64
}
