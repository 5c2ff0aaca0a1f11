//! How often an operation of GraphQL waits for PostgreSQL.

use jotrack_tests::{Lab, client::Graphql, services};
use serde_json::{Value, json};

const NESTED: &str = "query ($n: Int!) { jobs(first: $n) { edges { node {
    id title attachments(first: 10) { nodes { id filename } } coach { status } company { name }
    matchScore { value } } } } }";
const CREATE: &str = "mutation ($input: JobCreateInput!) { jobCreate(input: $input) {
    job { id title status version } userErrors { message } } }";
const UPDATE: &str = "mutation ($id: ID!, $patch: JobPatch!) { jobUpdate(id: $id, patch: $patch) {
    job { id title status version } userErrors { message } } }";

/// Runs an operation as the server does, in a task, and returns the fewest waits of some runs: a
/// task that starts late on a busy machine may wait once more.
async fn trips(api: &Graphql, document: &'static str, variables: impl Fn(usize) -> Value) -> u64 {
    let mut least = u64::MAX;
    for run in 0..5 {
        let before = api.engine().round_trips();
        let (own, variables) = (api.clone(), variables(run));
        let task = tokio::spawn(async move { own.data(document, variables).await });
        let data = task.await.unwrap();
        assert!(!data.to_string().contains("message"), "{data}");
        least = least.min(api.engine().round_trips() - before);
    }
    least
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nested_list_of_any_size_waits_thrice_at_most_and_a_mutation_twice() {
    let Some(postgres) = services::shared() else { return };
    let lab = Lab::on(Some(postgres.cluster()), |_| {}).await;
    let api = Graphql::of(&lab.engine);
    let mut ids = Vec::new();
    for n in 0..50 {
        let job = api.job("Acme", &format!("Job {n}")).await;
        if n % 10 == 0 {
            api.paste(&job, "RESUME", "Rust and SQL for seven years.").await;
            api.paste(&job, "JD", "Rust is required, SQL is a plus.").await;
        }
        ids.push(job);
    }

    let mut lists = Vec::new();
    for n in [1, 10, 50] {
        lists.push(trips(&api, NESTED, |_| json!({"n": n})).await);
    }
    let create = trips(
        &api,
        CREATE,
        |run| json!({"input": {"company": "Nightjar", "title": format!("Engineer {run}")}}),
    );
    let create = create.await;
    let update = trips(
        &api,
        UPDATE,
        |run| json!({"id": ids[run], "patch": {"title": format!("Changed {run}")}}),
    );
    let update = update.await;

    println!("round trips: nested lists of 1, 10, 50: {lists:?}; create {create}, update {update}");
    assert!(lists.iter().all(|trips| *trips <= 3), "{lists:?}");
    assert!(create <= 2 && update <= 2, "create {create}, update {update}");
    lab.engine.close().await.unwrap();
}
