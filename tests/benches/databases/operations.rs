//! What is asked of every database.

use std::sync::Arc;

use jotrack_core::{
    Engine, Job, JobQuery, JobStatus, NewJob, PageRequest, StatusChangeInput, WriteOptions,
};
use jotrack_graphql::schema::{Caller, Executor, GraphqlRequest};
use serde_json::{Value, json};

use crate::meter::{Answer, Ask};

const DETAIL: &str = "query Detail($id: ID!) { job(id: $id) {
    id title company { id name } url location source status statusSince notes version appliedAt
    attachments(first: 10) { nodes { id kind version filename mediaType size createdAt } }
    coach { status progress nextStep milestones { milestone completedAt }
        discovery { id question answer skipped } }
    matchScore { value band }
    statusHistory(first: 20) { nodes { id from to at note } }
} }";

const NESTED: &str = include_str!("../../../graphql/benches/board.graphql");

/// A title, what must be in the answer, and how to ask an engine.
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) rows: usize,
    pub(crate) ask: Box<dyn Fn(&Engine) -> Ask>,
}

/// All reads, then the writes.
pub(crate) fn questions(executor: &Executor, jobs: &Arc<[Job]>, all_jobs: usize) -> Vec<Question> {
    let graphql = |title: String, document: &'static str, variables: Value, rows| {
        let executor = executor.clone();
        let ask = move |engine: &Engine| execute(&executor, engine, document, &variables);
        Question { title, rows, ask: Box::new(ask) }
    };
    let mut all = Vec::new();
    for rows in [10, 50] {
        let ask = move |engine: &Engine| list(engine, PageRequest::first(rows));
        all.push(question(format!("list of {rows}"), rows, ask));
    }
    // The job has everything, a coach too: every second one has.
    let detail = json!({"id": jobs[1].id.node_id()});
    all.push(graphql(String::from("detail, GraphQL"), DETAIL, detail, 1));
    for rows in [10, 50] {
        let title = format!("nested list of {rows}, GraphQL");
        all.push(graphql(title, NESTED, json!({"first": rows}), rows));
    }
    all.push(question("search, 20 of every job", 20, |engine| search(engine, "kubernetes")));
    // Every 400th job is of that company.
    let rows = (all_jobs / 400).clamp(1, 20).try_into().unwrap();
    all.push(question("search, 20 of one company's", rows, |engine| search(engine, "works 017")));
    all.push(question("create a job", 1, create));
    let jobs = Arc::clone(jobs);
    all.push(question("status change", 1, move |engine| change_status(engine, &jobs)));
    all
}

fn question(
    title: impl Into<String>,
    rows: u32,
    ask: impl Fn(&Engine) -> Ask + 'static,
) -> Question {
    Question { title: title.into(), rows: rows.try_into().unwrap(), ask: Box::new(ask) }
}

/// A page of jobs, as owned structs.
pub(crate) fn list(engine: &Engine, page: PageRequest) -> Ask {
    let (engine, query) = (engine.clone(), JobQuery { page, ..JobQuery::default() });
    let query = Arc::new(query);
    Arc::new(move |_| {
        let (engine, query) = (engine.clone(), Arc::clone(&query));
        Box::pin(async move {
            let jobs = engine.list_jobs(&query).await.unwrap().items;
            let bytes = jobs.iter().map(|job| job.company.len() + job.title.len()).sum();
            Answer { rows: jobs.len(), bytes }
        })
    })
}

fn search(engine: &Engine, words: &'static str) -> Ask {
    let engine = engine.clone();
    Arc::new(move |_| {
        let engine = engine.clone();
        Box::pin(async move {
            let snapshot = engine.snapshot().await.unwrap();
            let page = snapshot.search_jobs(words, &PageRequest::first(20), false).await.unwrap();
            let bytes = page.items.iter().filter_map(|hit| hit.snippet.as_ref().map(String::len));
            Answer { rows: page.items.len(), bytes: bytes.sum() }
        })
    })
}

/// A document; the answer is counted as JSON.
fn execute(executor: &Executor, engine: &Engine, document: &str, variables: &Value) -> Ask {
    let (executor, variables) = (executor.clone(), variables.as_object().unwrap().clone());
    let caller = Caller { engine: engine.clone(), downloads: None };
    let request =
        GraphqlRequest { query: document.to_owned(), variables, ..GraphqlRequest::default() };
    Arc::new(move |_| {
        let (executor, caller, request) = (executor.clone(), caller.clone(), request.clone());
        Box::pin(async move {
            let prepared = executor.prepare(&request).unwrap();
            let response = executor.execute(&caller, prepared, request).await;
            assert!(response.errors().is_empty(), "{:?}", response.errors());
            let json = response.to_json(usize::MAX).unwrap();
            let rows = answered(&serde_json::from_str::<Value>(&json).unwrap()["data"]);
            Answer { rows, bytes: json.len() }
        })
    })
}

/// How many jobs an answer tells about.
fn answered(data: &Value) -> usize {
    match (&data["job"], &data["jobs"]["nodes"]) {
        (Value::Object(_), _) => 1,
        (_, Value::Array(nodes)) => nodes.len(),
        _ => 0,
    }
}

/// A new job, of the same size each time.
pub(crate) fn create(engine: &Engine) -> Ask {
    let engine = engine.clone();
    Arc::new(move |n| {
        let engine = engine.clone();
        Box::pin(async move {
            let company = format!("Invented Works {:03} GmbH", n % 40);
            let job = NewJob::new(company, format!("Platform Engineer {n:08}"));
            let written = engine.create_job(job, &WriteOptions::default()).await.unwrap();
            assert!(written.revision.is_some());
            let bytes = written.jobs.iter().map(|job| job.company.len() + job.title.len()).sum();
            Answer { rows: written.jobs.len(), bytes }
        })
    })
}

/// The next of the jobs moves on to the next status; each lap moves all of them once.
fn change_status(engine: &Engine, jobs: &Arc<[Job]>) -> Ask {
    let (engine, jobs) = (engine.clone(), Arc::clone(jobs));
    Arc::new(move |n| {
        let (engine, jobs) = (engine.clone(), Arc::clone(&jobs));
        Box::pin(async move {
            let n = usize::try_from(n).unwrap();
            let (job, lap) = (&jobs[n % jobs.len()], n / jobs.len());
            let first = JobStatus::ALL.iter().position(|status| *status == job.status).unwrap();
            let status = JobStatus::ALL[(first + 1 + lap) % JobStatus::ALL.len()];
            let input = StatusChangeInput { status, at: None, note: None };
            let written =
                engine.set_jobs_status(&[job.id], input, &WriteOptions::default()).await.unwrap();
            assert!(written.revision.is_some(), "it had that status");
            let bytes = written.jobs.iter().map(|job| job.company.len() + job.title.len()).sum();
            Answer { rows: written.jobs.len(), bytes }
        })
    })
}
