//! How many statements an operation runs, as SQLite counted them: the number may depend on the
//! document, never on how many rows it answers with. Latency and CPU stand beside it.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use jotrack_core::Synchronous;
use jotrack_tests::{
    Lab,
    c::repository,
    client::{Graphql, text},
};
use serde_json::{Value, json};

/// The list of the issue: attachments, active résumé and job description, coach and match score.
const NESTED: &str = "query($first: Int!) { jobs(first: $first) { nodes {
    title company { name } status
    attachments(first: 3) { nodes { kind filename } }
    resume: document(kind: RESUME) { text }
    jd: document(kind: JD) { text }
    coach { status progress nextStep }
    matchScore { value band }
} } }";
const NESTED_MOST: u64 = 4;

/// Statements that one operation ran, and what they cost.
struct Cost {
    statements: BTreeMap<&'static str, u64>,
    wall: Duration,
    cpu: Option<Duration>,
}

impl Cost {
    fn total(&self) -> u64 {
        self.statements.values().sum()
    }
}

/// CPU time of this thread, on which reads run; `None` where the system does not tell.
fn cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(stat.split(' ').next()?.parse().ok()?))
}

/// How often a read is repeated to measure its time; the system counts CPU in coarse steps.
const REPEATED: u32 = 20;

/// Runs a document three times and counts the last: the first prepares and plans. A write is
/// measured once, a read by the mean of many runs.
async fn measure(
    api: &Graphql,
    document: &str,
    variables: impl Fn(usize) -> Value,
) -> (Value, Cost) {
    for round in 0..2 {
        api.data(document, variables(round)).await;
    }
    let variables = variables(2);
    let before = api.statements();
    let (mut began, mut cpu_before, mut runs) = (Instant::now(), cpu(), 1);
    let data = api.data(document, variables.clone()).await;
    let after = api.statements();
    if !document.contains("mutation ") {
        (began, cpu_before, runs) = (Instant::now(), cpu(), REPEATED);
        for _ in 0..REPEATED {
            api.data(document, variables.clone()).await;
        }
    }
    let wall = began.elapsed() / runs;
    let cpu = cpu_before.and_then(|was| Some((cpu()? - was) / runs));
    let ran =
        after.into_iter().map(|(name, runs)| (name, runs - before.get(name).copied().unwrap_or(0)));
    (data, Cost { statements: ran.filter(|(_, runs)| *runs > 0).collect(), wall, cpu })
}

/// Enters jobs that have everything, up to a number.
async fn fill(lab: &Lab, api: &Graphql, have: usize, want: usize) {
    for n in have..want {
        lab.clock.advance_ms(1_000);
        let job = api.job(&format!("Company {}", n % 7), &format!("Engineer {n}")).await;
        for (kind, content) in [
            (
                "RESUME",
                format!("Six years of Rust and PostgreSQL, number {n}. Led a team of four."),
            ),
            ("JD", format!("Required: Rust, PostgreSQL. Nice to have: Kubernetes. Posting {n}.")),
            ("COVER_LETTER", format!("Dear invented people, this is letter {n}.")),
        ] {
            api.paste(&job, kind, &content).await;
        }
        let move_on = "mutation($id: ID!) {
            jobsUpdateStatus(ids: [$id], status: APPLIED) { revision }
            coachStateUpdate(jobId: $id, patch: {currentStep: DISCOVERY, profile: {}}) { revision } }";
        api.data(move_on, json!({"id": job})).await;
    }
    lab.engine.run_due_tasks().await.unwrap();
}

async fn start() -> (Lab, Graphql) {
    let lab = Lab::with(|config| config.storage.synchronous = Synchronous::Relaxed).await;
    let api = Graphql::of(&lab.engine);
    (lab, api)
}

fn report(what: &str, cost: &Cost, bytes: usize) {
    let cpu = cost.cpu.map_or_else(|| "unknown".to_owned(), |cpu| format!("{cpu:.1?}"));
    println!(
        "{what}: {} statements, {:.1?} wall, {cpu} CPU, {bytes} bytes: {:?}",
        cost.total(),
        cost.wall,
        cost.statements
    );
}

#[tokio::test]
async fn the_nested_list_runs_the_same_few_statements_for_1_10_and_100_jobs() {
    let (lab, api) = start().await;
    fill(&lab, &api, 0, 101).await;
    let mut ran = Vec::new();
    for rows in [1, 10, 100] {
        let (data, cost) = measure(&api, NESTED, |_| json!({"first": rows})).await;

        let nodes = data["jobs"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), rows);
        for job in nodes {
            assert_eq!(job["attachments"]["nodes"].as_array().unwrap().len(), 3, "{job}");
            assert!(text(&job["resume"]["text"]).contains("Six years"), "{job}");
            assert!(text(&job["jd"]["text"]).contains("Required"), "{job}");
            assert_eq!(job["coach"]["nextStep"], "DISCOVERY", "{job}");
            assert!(job["matchScore"]["value"].as_f64().unwrap() > 0.0, "{job}");
        }
        report(&format!("nested list of {rows}"), &cost, data.to_string().len());
        assert!(cost.total() <= NESTED_MOST, "{rows} jobs: {:?}", cost.statements);
        ran.push(cost.statements);
    }
    assert_eq!(ran[0], ran[1], "1 job and 10");
    assert_eq!(ran[1], ran[2], "10 jobs and 100");
}

#[tokio::test]
async fn a_list_without_relations_is_one_statement() {
    let (lab, api) = start().await;
    fill(&lab, &api, 0, 12).await;
    let document = "{ jobs(first: 10) { nodes { id title status version company { id name }
        attachmentCount coach { status progress } } pageInfo { hasNextPage endCursor } } }";

    let (data, cost) = measure(&api, document, |_| json!({})).await;

    assert_eq!(data["jobs"]["nodes"].as_array().unwrap().len(), 10);
    report("plain list of 10", &cost, data.to_string().len());
    assert_eq!(cost.total(), 1, "{:?}", cost.statements);
}

/// The documents of the playground, and the most statements each may run. A write counts its
/// checks, its batch and what its payload reads.
const EXAMPLES: [(&str, u64); 8] = [
    ("01_job_board", 8),
    ("02_create_and_move_a_job", 32),
    ("03_live_changes", 0),
    ("04_one_job", 6),
    ("05_search", 2),
    ("06_coach_walk", 15),
    ("07_bulk_changes", 57),
    ("08_attach_text", 23),
];

fn example(name: &str, ending: &str) -> String {
    fs::read_to_string(repository(&format!("examples/graphql/{name}.{ending}"))).unwrap()
}

/// Names of all examples, which must be those of the table.
fn examples() -> Vec<String> {
    let files = fs::read_dir(repository("examples/graphql")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter_map(|name| name.strip_suffix(".graphql").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Runs an example against new jobs of its own in the places of its `JOB_n`.
async fn run_example(lab: &Lab, api: &Graphql, name: &str, round: usize) -> (Value, Cost) {
    lab.clock.advance_ms(1_000);
    let document = example(name, "graphql");
    let written = example(name, "variables.json");
    let mut rounds = Vec::new();
    for measured in 0..3 {
        let mut variables = written.clone();
        for place in ["JOB_1", "JOB_2", "JOB_3"] {
            if variables.contains(place) {
                let job = api.job("Acme", &format!("{place} {round} {measured}")).await;
                variables = variables.replace(place, &job);
            }
        }
        let key = format!("key-{round}-{measured}");
        rounds.push(variables.replace("playground-create-1", &key));
    }
    measure(api, &document, |round| serde_json::from_str(&rounds[round]).unwrap()).await
}

#[tokio::test]
async fn each_example_runs_the_same_statements_among_10_jobs_and_100() {
    assert_eq!(examples(), EXAMPLES.map(|(name, _)| name), "an example without a row");
    let (lab, api) = start().await;
    let mut ran: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    let mut have = 0;
    for (round, jobs) in [10, 100].into_iter().enumerate() {
        fill(&lab, &api, have, jobs).await;
        have = jobs;
        for (name, most) in EXAMPLES.into_iter().filter(|(name, _)| *name != "03_live_changes") {
            let (data, cost) = run_example(&lab, &api, name, round).await;

            report(&format!("{name} among {jobs}"), &cost, data.to_string().len());
            assert!(cost.total() <= most, "{name}: {:?}", cost.statements);
            if let Some(before) = ran.insert(name, cost.statements.clone()) {
                assert_eq!(before, cost.statements, "{name} among 10 jobs and among {jobs}");
            }
        }
    }
}
