//! A document that was executed before is answered as a new one is, whatever its variables hold.

use super::*;

const DOCUMENTS: [&str; 4] = [
    "query($n: Int) { jobs(first: $n) { nodes { id } } }",
    "query($n: ID!, $skip: Boolean = false) { job(id: $n) { id title @skip(if: $skip) } }",
    "query($n: [JobStatus!]) { jobs(filter: { status: $n }) { nodes { id } } }",
    "query($n: String) { jobs(filter: { company: $n, search: $n }) { nodes { id } } }",
];

#[tokio::test]
async fn a_known_document_takes_and_refuses_the_variables_of_a_new_one() {
    let known = Api::open().await;
    known.create("Engineer").await;
    for (document, value) in DOCUMENTS.iter().zip([json!(1), json!("job_1"), json!([]), json!("a")])
    {
        known.run(document, json!({ "n": value })).await;
    }

    for document in DOCUMENTS {
        for variables in [
            json!({}),
            json!({"n": null}),
            json!({"n": 1}),
            json!({"n": 0}),
            json!({"n": 1.5}),
            json!({"n": 4_000_000_000_u64}),
            json!({"n": "1"}),
            json!({"n": true}),
            json!({"n": ["OFFER"]}),
            json!({"n": ["NOWHERE"]}),
            json!({"n": "OFFER", "skip": "yes"}),
            json!({"n": {"a": 1}}),
        ] {
            let request = request(document, variables.clone());
            let answer = async |executor: &Executor| {
                let prepared = executor.prepare(&request).unwrap();
                let answer = executor.execute(&known.caller, prepared, request.clone()).await;
                serde_json::to_value(answer).unwrap()
            };

            let expected = answer(&Executor::new(Limits::default())).await;

            assert_eq!(answer(&known.executor).await, expected, "{document} {variables}");
        }
    }
}
