//! What the engine adds to SQLite: lists, searches and texts beside their bare statement, writes
//! by how many producers share a flush, and the local analysis.
//!
//! `cargo bench -p jotrack-core`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark fails by panicking, and prints"
)]

mod bare;
mod data;
mod meter;
mod writes;

use std::path::Path;

use jotrack_core::{
    AttachmentKind, Engine, Job, JobId, JobQuery, PageRequest, Result, VariantName,
    analysis::{self, MatchInput, Today},
};
use tokio::runtime::{Builder, Runtime};

use self::{
    bare::Bare,
    meter::{Answer, Operation, measure, spend},
};

/// Most a list through the engine may cost, as a multiple of its statement.
const ENGINE_MOST: f64 = 2.0;

struct Bench {
    runtime: Runtime,
    bare: Bare,
    engine: Engine,
    counting: Engine,
}

fn main() {
    let jobs = if meter::is_bench() { 10_000 } else { 120 };
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(data::fill(dir.path(), jobs, true));
    let bench = Bench::open(dir.path(), runtime);
    meter::print_machine(&format!("{jobs} jobs, {} attachments", jobs * 3));

    for rows in [10, 20, 50] {
        let title = format!("list of {rows}");
        if !meter::is_wanted(&title) {
            continue;
        }
        let mut operations = bench.lists(rows);
        let figures = measure(&mut operations);
        meter::print(&title, &operations, &figures);
        let ratio = figures[1].cpu_us / figures[0].cpu_us;
        let verdict = if ratio <= ENGINE_MOST { "kept" } else { "MISSED" };
        println!("at most {ENGINE_MOST:.0}x: {verdict}");
    }
    for (title, mut operations) in
        [("reads of the engine", bench.reads()), ("local match", vec![analysis()])]
    {
        if meter::is_wanted(title) {
            let figures = measure(&mut operations);
            meter::print(title, &operations, &figures);
        }
    }

    bench.runtime.block_on(async {
        bench.engine.close().await.unwrap();
        bench.counting.close().await.unwrap();
    });
    if meter::is_wanted(writes::TITLE) {
        writes::print();
    }
}

impl Bench {
    fn open(dir: &Path, runtime: Runtime) -> Self {
        let open = |counts| runtime.block_on(Engine::open(data::config(dir, counts))).unwrap();
        let (engine, counting) = (open(false), open(true));
        Self { bare: Bare::open(dir), engine, counting, runtime }
    }

    fn lists(&self, rows: u32) -> Vec<Operation<'_>> {
        let floor = size(&self.bare.list(rows));
        self.bare.runs();
        drop(self.bare.list(rows));
        let statements = self.bare.runs();
        let list = async move |engine: Engine| {
            let query = JobQuery { page: PageRequest::first(rows), ..JobQuery::default() };
            Ok(size(&engine.list_jobs(&query).await?.items))
        };
        let through = self.operation("Engine::list_jobs", list);
        assert_eq!(through.answer, floor);
        vec![
            Operation {
                name: String::from("statement alone"),
                answer: floor,
                statements,
                run: Box::new(move |times| {
                    spend(|| (0..times).for_each(|_| drop(self.bare.list(rows))))
                }),
            },
            through,
        ]
    }

    fn reads(&self) -> Vec<Operation<'_>> {
        let newest =
            |rows| -> Vec<JobId> { self.bare.list(rows).iter().map(|job| job.id).collect() };
        let one = newest(1)[0];
        let page = newest(10);
        let both = [AttachmentKind::Resume, AttachmentKind::Jd];
        let text = |bytes: usize| Answer { rows: 1, bytes };
        vec![
            self.operation("Engine::get_job", async move |engine| {
                let (job, notes) = engine.get_job(one).await?;
                Ok(text(job.title.len() + notes.len()))
            }),
            self.operation("Snapshot::documents, 10 jobs", {
                let page = page.clone();
                async move |engine| {
                    let snapshot = engine.snapshot().await?;
                    let texts = snapshot.documents(&page, &both, &[VariantName::Raw]).await?;
                    let bytes = texts.iter().map(|row| row.variant.text.len()).sum();
                    Ok(Answer { rows: texts.len(), bytes })
                }
            }),
            self.operation("Snapshot::details, 10 jobs", async move |engine| {
                let rows = engine.snapshot().await?.details(&page).await?;
                Ok(Answer { rows: rows.len(), bytes: 0 })
            }),
            self.operation("search, 20 of the jobs of one company", async |engine| {
                found(&engine, "137").await
            }),
            self.operation("search, 20 of 10,000 hits", async |engine| {
                found(&engine, "kubernetes").await
            }),
            self.operation("search, one of 10,000 by a phrase", async |engine| {
                found(&engine, "\"ledgers 77\"").await
            }),
        ]
    }

    /// An operation of the engine, counted on one engine and timed on another.
    fn operation(
        &self,
        name: &str,
        ask: impl AsyncFn(Engine) -> Result<Answer> + 'static,
    ) -> Operation<'_> {
        let runs = || self.counting.statement_stats().iter().map(|(_, stats)| stats.runs).sum();
        let before: u64 = runs();
        let answer = self.runtime.block_on(ask(self.counting.clone())).unwrap();
        let statements = runs() - before;
        Operation {
            name: name.to_owned(),
            answer,
            statements,
            run: Box::new(move |times| {
                spend(|| {
                    self.runtime.block_on(async {
                        for _ in 0..times {
                            assert_eq!(ask(self.engine.clone()).await.unwrap(), answer);
                        }
                    });
                })
            }),
        }
    }
}

async fn found(engine: &Engine, query: &str) -> Result<Answer> {
    let page = engine.snapshot().await?.search_jobs(query, &PageRequest::first(20), false).await?;
    let bytes = page.items.iter().filter_map(|hit| hit.snippet.as_ref()).map(String::len).sum();
    Ok(Answer { rows: page.items.len(), bytes })
}

fn analysis() -> Operation<'static> {
    let today = Today { year: 2026, month: 9 };
    let input = MatchInput { resume: data::RESUME, jd: data::POSTING, extra_skills: &[], today };
    let skills = analysis::analyze(&input).skills.len();
    assert!(skills > 10, "{skills} skills");
    Operation {
        name: String::from("resume and posting of 1.7 kB each"),
        answer: Answer { rows: skills, bytes: data::RESUME.len() + data::POSTING.len() },
        statements: 0,
        run: Box::new(move |times| {
            spend(|| (0..times).for_each(|_| drop(analysis::analyze(&input))))
        }),
    }
}

fn size(jobs: &[Job]) -> Answer {
    let bytes = jobs.iter().map(|job| job.company.len() + job.title.len()).sum();
    Answer { rows: jobs.len(), bytes }
}
