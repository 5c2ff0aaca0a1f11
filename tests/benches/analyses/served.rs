//! A kept answer over HTTP: what `jotrack serve` and, where it is wanted, a LiteLLM proxy need for
//! it, on the same machine in the same run.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use jotrack_core::Protocol;
use jotrack_tests::{
    program::Home,
    provider::{FaultServer, Reply, Script},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    runtime::Runtime,
};

use crate::{
    litellm::{self, LiteLlm},
    load::{Figures, Site, post},
    meter::{self, Memory, millis},
    upstream,
};

pub(crate) const TITLE: &str = "kept answers over HTTP";

/// Most CPU of the server per request, and its memory, and how many times a LiteLLM needs more CPU.
const CPU_MOST: Duration = Duration::from_micros(150);
const MEMORY_MOST_KIB: u64 = 80 * 1024;
const RATIO_LEAST: f64 = 25.0;

const RESUME: &str = include_str!("../../../core/benches/storage/resume.txt");
const POSTING: &str = include_str!("../../../core/benches/storage/posting.txt");

const START: &str = "mutation($input: AnalysisStartInput!) { analysisStart(input: $input) { \
    source analysis { id state result } userErrors { code message } } }";

const STATE: &str = "query($id: ID!) { analysis(id: $id) { state error { code message } } }";

/// Starts the servers, asks, and prints.
pub(crate) fn print(runtime: &Runtime) {
    println!("\n{TITLE}");
    runtime.block_on(async {
        let answer = upstream::ecosystem(5, 100);
        let provider = FaultServer::start(script(answer.clone())).await;
        let mut jotrack = Jotrack::start(&provider.url()).await;
        let score = jotrack.match_score().await;
        let companies = jotrack.ecosystem().await;
        let calls = provider.count();
        assert_eq!(calls, 1, "one call for the companies, none for the score");
        println!(
            "jotrack serves {} ms after its start, {} KiB",
            jotrack.ready.as_millis(),
            Memory::of(jotrack.pid).now
        );
        header();
        let requests = if meter::is_bench() { 20_000 } else { 100 };
        for (name, site) in [("match score", &score), ("company ecosystem", &companies)] {
            let size = site.ask().await.len();
            for connections in [1, 16, 64] {
                let figures = site.load(connections, requests).await;
                assert_eq!(figures.bytes, (size, size));
                let verdict = figures.cpu <= CPU_MOST;
                row(&format!("jotrack, {name}"), connections, &figures, jotrack.pid, verdict);
            }
        }
        assert_eq!(provider.count(), calls, "kept answers make no call");
        let memory = Memory::of(jotrack.pid);
        println!(
            "at most {CPU_MOST:?} CPU; memory {} KiB at its most, {}",
            memory.peak,
            verdict(memory.peak < MEMORY_MOST_KIB)
        );
        beside_litellm(&provider, &companies).await;
        jotrack.child.kill().await.unwrap();
    });
}

async fn beside_litellm(provider: &FaultServer, companies: &Site) {
    let mut litellm = match LiteLlm::start(&provider.url()).await {
        Ok(litellm) => litellm,
        Err(why) => {
            println!("without LiteLLM beside it: {why}");
            return;
        }
    };
    let calls = provider.count();
    let size = litellm.site.ask().await.len();
    assert_eq!(litellm.site.ask().await.len(), size);
    assert_eq!(provider.count(), calls + 1, "LiteLLM keeps the answer");
    println!(
        "LiteLLM {} serves {} ms after its start",
        litellm::VERSION,
        litellm.ready.as_millis()
    );
    header();
    let (rounds, requests, theirs) = if meter::is_bench() { (5, 4_000, 400) } else { (1, 40, 40) };
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let own = companies.load(16, requests).await;
        row("jotrack, company ecosystem", 16, &own, companies.pid, own.cpu <= CPU_MOST);
        let other = litellm.site.load(16, theirs).await;
        let ratio = other.cpu.as_secs_f64() / own.cpu.as_secs_f64();
        row("LiteLLM", 16, &other, litellm.site.pid, true);
        ratios.push(ratio);
    }
    assert_eq!(provider.count(), calls + 1, "all of these were kept");
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!(
        "LiteLLM needs {median:.1} times the CPU of jotrack per kept answer (median of {rounds}); at \
         least {RATIO_LEAST}: {}",
        verdict(median >= RATIO_LEAST)
    );
    litellm.child.kill().await.unwrap();
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}

fn header() {
    println!(
        "{:32} {:>5} {:>10} {:>8} {:>8} {:>9} {:>7} {:>11}",
        "", "conns", "a second", "p50 ms", "p99 ms", "CPU ms", "bytes", "memory KiB"
    );
}

fn row(name: &str, connections: usize, figures: &Figures, pid: u32, kept: bool) {
    println!(
        "{name:32} {connections:>5} {:>10.0} {:>8.2} {:>8.2} {:>9.4} {:>7} {:>11}  {}",
        figures.per_second,
        millis(figures.p50),
        millis(figures.p99),
        millis(figures.cpu),
        figures.bytes.1,
        Memory::of(pid).now,
        verdict(kept)
    );
}

/// The answer of the model, streamed or not, as each proxy asks.
fn script(text: String) -> Script {
    Script::function(move |call| {
        if call.body["stream"] == true {
            return Reply::answer(Protocol::Chat, &text);
        }
        let choice = json!({
            "index": 0,
            "finish_reason": "stop",
            "message": { "role": "assistant", "content": text },
        });
        Reply::status(200).json(&json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "bench",
            "choices": [choice],
            "usage": { "prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 600 },
        }))
    })
}

/// `jotrack serve`, as a child.
struct Jotrack {
    child: Child,
    _home: Home,
    _lines: Lines<BufReader<ChildStdout>>,
    pid: u32,
    address: SocketAddr,
    token: String,
    /// From the start to the address.
    ready: Duration,
}

impl Jotrack {
    async fn start(provider: &str) -> Self {
        let home = Home::new();
        let mut command: Command =
            home.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
        command
            .env("JOTRACK_AI_PROVIDER", "openai_compatible")
            .env("JOTRACK_AI_BASE_URL", provider)
            .env("JOTRACK_AI_MODEL", "bench")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let link = lines.next_line().await.unwrap().expect("an address");
        let ready = began.elapsed();
        let (address, token) =
            link.strip_prefix("http://").unwrap().split_once("/#token=").unwrap();
        let (address, token) = (address.parse().unwrap(), token.to_owned());
        let pid = child.id().unwrap();
        Self { child, _home: home, _lines: lines, pid, address, token, ready }
    }

    fn site(&self, query: &str, variables: &Value) -> Site {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = post(self.address, "/graphql", &self.token, &body);
        Site { address: self.address, pid: self.pid, request }
    }

    /// Asks something that must succeed.
    async fn data(&self, query: &str, variables: &Value) -> Value {
        let answer: Value =
            serde_json::from_slice(&self.site(query, variables).ask().await).unwrap();
        assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
        answer["data"].clone()
    }

    /// A job with documents, and its score.
    async fn match_score(&self) -> Site {
        let create = "mutation { jobCreate(input: { company: \"Ruede\", title: \"Smith\" }) \
            { job { id } } }";
        let job = self.data(create, &json!({})).await["jobCreate"]["job"]["id"].clone();
        let attach = "mutation($input: AttachmentCreateInput!) { attachmentCreate(input: $input) \
            { attachment { id } userErrors { code message } } }";
        for (kind, text) in [("RESUME", RESUME), ("JD", POSTING)] {
            let content = json!({ "text": text });
            let input = json!({
                "jobId": job, "kind": kind, "filename": "pasted.txt", "content": content,
            });
            let data = self.data(attach, &json!({ "input": input })).await;
            assert!(data["attachmentCreate"]["attachment"].is_object(), "{data}");
        }
        let target = json!({ "jobId": job });
        let input = json!({ "kind": "MATCH_SCORE", "target": target, "provider": "LOCAL" });
        self.kept(input).await
    }

    async fn ecosystem(&self) -> Site {
        let target = json!({ "company": "Ruede Metals" });
        self.kept(json!({ "kind": "COMPANY_ECOSYSTEM", "target": target })).await
    }

    /// Starts an analysis, waits for its end, and returns the request for what is then kept.
    async fn kept(&self, input: Value) -> Site {
        let variables = json!({ "input": input });
        let began = Instant::now();
        loop {
            let data = self.data(START, &variables).await;
            let payload = &data["analysisStart"];
            assert!(payload["analysis"].is_object(), "{data}");
            if ["CACHE", "SHARED"].iter().any(|source| payload["source"] == *source) {
                assert_eq!(payload["analysis"]["state"], "SUCCEEDED");
                return self.site(START, &variables);
            }
            let analysis = payload["analysis"]["id"].clone();
            let state = self.data(STATE, &json!({ "id": analysis })).await;
            assert_eq!(state["analysis"]["error"], Value::Null, "{data}");
            assert!(began.elapsed() < Duration::from_secs(30), "{data}\n{state}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
