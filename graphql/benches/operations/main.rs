//! One list of jobs on every way to it, side by side in one run: the bare statement, the engine,
//! the C library, the schema, HTTP, and what one would write by hand instead.
//!
//! `cargo bench -p jotrack-graphql`. CPU is what the answering side spends, without the client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    unreachable_pub,
    reason = "a benchmark fails by panicking, and prints"
)]

#[path = "../../../core/benches/storage/bare.rs"]
mod bare;
#[path = "../../../core/benches/storage/data.rs"]
mod data;
mod http;
#[path = "../../../core/benches/storage/meter.rs"]
mod meter;
mod native;
mod raw;

use std::{cell::RefCell, net::SocketAddr, path::Path};

use jotrack_core::{Engine, Job, JobQuery, PageRequest};
use jotrack_graphql::{
    schema::{Caller, Executor, GraphqlRequest},
    server::Token,
};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use self::{
    bare::Bare,
    http::Client,
    meter::{Answer, Operation, measure, spend},
    native::Native,
    raw::Raw,
};

const PLAIN: &str = "query Board($first: Int!) { jobs(first: $first) { nodes {
    id title company { name } status createdAt updatedAt attachmentCount coach { status progress }
} pageInfo { hasNextPage } } }";

const NESTED: &str = include_str!("../board.graphql");

/// Sizes of the pages that are compared.
const PAGES: [u32; 2] = [10, 50];

/// Most a list through the engine may cost, as a multiple of its statement.
const ENGINE_MOST: f64 = 2.0;
/// Most the nested answer of the schema may cost, as a multiple of the same one written by hand.
const NESTED_MOST: f64 = 4.0;

/// Everything that answers.
struct Bench {
    here: Runtime,
    bare: Bare,
    raw: Raw,
    /// Not counted, to be timed.
    engine: Engine,
    executor: Executor,
    /// Counts its statements.
    counting: Engine,
    server: (SocketAddr, Token),
    counting_server: (SocketAddr, Token),
    raw_server: SocketAddr,
    native: Result<RefCell<Native>, String>,
}

fn main() {
    let jobs = if meter::is_bench() { 10_000 } else { 120 };
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let here = Builder::new_current_thread().enable_all().build().unwrap();
    here.block_on(data::fill(dir.path(), jobs, false));
    let there = http::runtime();
    let bench = Bench::open(dir.path(), here, &there);
    meter::print_machine(&format!("{jobs} jobs, {} attachments", jobs * 3));
    if let Err(why) = &bench.native {
        println!("no C library: {why}");
    }

    let mut targets = Vec::new();
    let mut compare = |title: &str, ways: Ways<'_, '_>, target: Option<f64>| {
        if meter::is_wanted(title) {
            let mut operations = ways();
            let figures = measure(&mut operations);
            meter::print(title, &operations, &figures);
            targets.push((title.to_owned(), figures[1].cpu_us / figures[0].cpu_us, target));
        }
    };
    for first in PAGES {
        compare(&format!("list of {first}"), &|| bench.lists(first), Some(ENGINE_MOST));
    }
    for (question, target) in [(Question::Plain, None), (Question::Nested, Some(NESTED_MOST))] {
        for first in PAGES {
            let title = format!("{} answer of {first}", question.name());
            compare(&title, &|| bench.answers(question, first), target);
        }
    }
    println!("\nCPU of the second line over the first");
    for (title, ratio, target) in targets {
        let verdict = match target {
            None => String::from("no target"),
            Some(most) if ratio <= most => format!("at most {most:.0}: kept"),
            Some(most) => format!("at most {most:.0}: MISSED"),
        };
        println!("{title:44} {ratio:>10.2}   {verdict}");
    }
    bench.here.block_on(async {
        bench.counting.close().await.unwrap();
        bench.engine.close().await.unwrap();
    });
}

/// The ways to one answer, made when they are wanted.
type Ways<'a, 'b> = &'b dyn Fn() -> Vec<Operation<'a>>;

impl Bench {
    fn open(dir: &Path, here: Runtime, there: &Runtime) -> Self {
        let open = |counts| here.block_on(Engine::open(data::config(dir, counts))).unwrap();
        let (engine, counting) = (open(false), open(true));
        let native = if meter::is_bench() {
            Native::start(dir).map(RefCell::new)
        } else {
            Err(String::from("it is built for benchmarks only"))
        };
        Self {
            bare: Bare::open(dir),
            raw: Raw::open(dir),
            executor: Executor::new(engine.config().limits.clone()),
            server: http::serve(there, engine.clone()),
            counting_server: http::serve(there, counting.clone()),
            raw_server: http::serve_raw(there, Raw::open(dir)),
            here,
            engine,
            counting,
            native,
        }
    }

    /// The statement, the engine and the C library: the same rows as owned structs.
    fn lists(&self, first: u32) -> Vec<Operation<'_>> {
        let query = JobQuery { page: PageRequest::first(first), ..JobQuery::default() };
        let bare_answer = size(&self.bare.list(first));
        assert_eq!(bare_answer.rows, usize::try_from(first).unwrap());
        self.bare.runs();
        self.bare.list(first);
        let bare_runs = self.bare.runs();
        let listed =
            |engine: &Engine| size(&self.here.block_on(engine.list_jobs(&query)).unwrap().items);
        assert_eq!(listed(&self.engine), bare_answer);
        let engine_runs = self.count(|| _ = listed(&self.counting));
        // The library gives no counters away; it asks the engine for the revision and the page.
        let native_runs = self.count(|| {
            self.here.block_on(self.counting.revision()).unwrap();
            listed(&self.counting);
        });

        let mut operations = vec![
            Operation {
                name: String::from("statement alone"),
                answer: bare_answer,
                statements: bare_runs,
                run: Box::new(move |times| {
                    spend(|| (0..times).for_each(|_| drop(self.bare.list(first))))
                }),
            },
            Operation {
                name: String::from("Engine::list_jobs"),
                answer: bare_answer,
                statements: engine_runs,
                run: Box::new(move |times| {
                    spend(|| {
                        self.here.block_on(async {
                            for _ in 0..times {
                                drop(self.engine.list_jobs(&query).await.unwrap());
                            }
                        });
                    })
                }),
            },
        ];
        if let Ok(native) = &self.native {
            assert_eq!(native.borrow_mut().run(first, 1).1, bare_answer);
            operations.push(Operation {
                name: String::from("jotrack_job_list, from C"),
                answer: bare_answer,
                statements: native_runs,
                run: Box::new(move |times| native.borrow_mut().run(first, times).0),
            });
        }
        operations
    }

    /// One JSON answer by hand, by the schema, and both over HTTP: the same bytes.
    fn answers(&self, question: Question, first: u32) -> Vec<Operation<'_>> {
        let body = question.by_hand(&self.raw, first);
        let answer = Answer { rows: usize::try_from(first).unwrap(), bytes: body.len() };
        self.raw.runs();
        drop(question.by_hand(&self.raw, first));
        let raw_runs = self.raw.runs();

        let (caller, counting) = (caller(&self.engine), caller(&self.counting));
        let request = question.request(first);
        let execute = async |caller: &Caller| {
            let prepared = self.executor.prepare(&request).unwrap();
            let response = self.executor.execute(caller, prepared, request.clone()).await;
            serde_json::to_vec(&response).unwrap()
        };
        assert_same(&self.here.block_on(execute(&caller)), &body);
        let schema_runs = self.count(|| drop(self.here.block_on(execute(&counting))));

        let post = serde_json::to_string(&json!({
            "query": question.document(), "variables": {"first": first}
        }))
        .unwrap();
        let client = |server: &(SocketAddr, Token)| Client::post(server.0, &server.1, &post);
        let mut http = client(&self.server);
        assert_same(http.ask(), &body);
        let mut counted = client(&self.counting_server);
        counted.ask();
        let http_runs = self.count(|| _ = counted.ask());
        let mut raw_http = Client::get(self.raw_server, &format!("/{}/{first}", question.name()));
        assert_same(raw_http.ask(), &body);

        let operation = |name: &str, statements, run| Operation {
            name: name.to_owned(),
            answer,
            statements,
            run,
        };
        vec![
            operation(
                "by hand",
                raw_runs,
                Box::new(move |times| {
                    spend(|| (0..times).for_each(|_| drop(question.by_hand(&self.raw, first))))
                }),
            ),
            operation(
                "schema, in process",
                schema_runs,
                Box::new(move |times| {
                    spend(|| {
                        self.here.block_on(async {
                            for _ in 0..times {
                                let prepared = self.executor.prepare(&request).unwrap();
                                let answer =
                                    self.executor.execute(&caller, prepared, request.clone());
                                drop(serde_json::to_vec(&answer.await).unwrap());
                            }
                        });
                    })
                }),
            ),
            operation("by hand, over HTTP", raw_runs, Box::new(move |times| raw_http.run(times))),
            operation("schema, over HTTP", http_runs, Box::new(move |times| http.run(times))),
        ]
    }

    /// Returns how many statements SQLite ran for something that asks the counting engine.
    fn count(&self, ask: impl FnOnce()) -> u64 {
        let runs = || self.counting.statement_stats().iter().map(|(_, stats)| stats.runs).sum();
        let before: u64 = runs();
        ask();
        runs() - before
    }
}

/// What is asked.
#[derive(Clone, Copy)]
enum Question {
    Plain,
    Nested,
}

impl Question {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Nested => "nested",
        }
    }

    fn document(self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::Nested => NESTED,
        }
    }

    fn by_hand(self, raw: &Raw, first: u32) -> Vec<u8> {
        match self {
            Self::Plain => raw.plain(first),
            Self::Nested => raw.nested(first),
        }
    }

    fn request(self, first: u32) -> GraphqlRequest {
        let variables = json!({"first": first}).as_object().unwrap().clone();
        GraphqlRequest { query: self.document().to_owned(), variables, ..GraphqlRequest::default() }
    }
}

fn caller(engine: &Engine) -> Caller {
    Caller { engine: engine.clone(), downloads: None }
}

fn assert_same(answer: &[u8], expected: &[u8]) {
    let differs = answer.iter().zip(expected).position(|(a, b)| a != b);
    let at = differs.unwrap_or(answer.len().min(expected.len())).saturating_sub(60);
    let [is, wanted] = [answer, expected]
        .map(|body| String::from_utf8_lossy(&body[at..body.len().min(at + 300)]).into_owned());
    assert!(answer == expected, "is: {is}\nnot: {wanted}");
}

fn size(jobs: &[Job]) -> Answer {
    let bytes = jobs.iter().map(|job| job.company.len() + job.title.len()).sum();
    Answer { rows: jobs.len(), bytes }
}
