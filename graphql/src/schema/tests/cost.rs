use serde_json::json;

use super::*;

#[tokio::test]
async fn no_more_is_read_after_a_write_than_is_asked_for() {
    let api = Api::open().await;
    let id = api.create("Engineer").await;
    let mut cost = Vec::new();
    for (status, asked) in [
        ("APPLIED", "revision"),
        ("OFFER", "revision ... on JobsPayload { found: jobs { id status } }"),
        ("REJECTED", "jobs { id notes }"),
    ] {
        let document = format!(
            "mutation($id: ID!) {{ jobsUpdateStatus(ids: [$id], status: {status}) {{ {asked} }} }}"
        );
        let request = request(&document, json!({"id": id}));
        let prepared = api.executor.prepare(&request).unwrap();

        let (answer, spent) = api.executor.execute_measured(&api.caller, prepared, request).await;

        assert!(answer.errors().is_empty(), "{answer:?}");
        assert!(answer.extensions().is_empty(), "{answer:?}");
        cost.push(spent);
    }

    // The jobs come back with the write; only what is not on their rows is read.
    assert_eq!(cost, [0, 0, 1].map(|statements| Cost { statements, round_trips: 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_progress_of_the_coach_need_no_statement() {
    let api = Api::open().await;
    api.create("Engineer").await;

    let before: u64 = api.statements().values().sum();
    api.data(
        "{ jobs(first: 5) { nodes { title coach { status progress } company { name } } } }",
        json!({}),
    )
    .await;
    let after: u64 = api.statements().values().sum();

    assert_eq!(after - before, 1);
}
