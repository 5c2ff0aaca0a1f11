use std::{collections::BTreeMap, sync::Arc};

use futures_util::StreamExt;
use jotrack_core::{AttachmentId, Config, Engine, StorageConfig};
use serde_json::{Value, json};

use super::*;

mod cost;
mod known;
mod patch;

const NESTED: &str = "query($n: Int) { jobs(first: $n) { nodes {
    id title company { name key } status attachmentCount
    attachments(first: 3) { nodes { kind filename } totalCount }
    resume: document(kind: RESUME) { name wordCount }
    jd: document(kind: JD) { name wordCount }
    coach { status progress nextStep }
    matchScore { value band }
} } }";

struct Api {
    executor: Executor,
    caller: Caller,
    _dir: tempfile::TempDir,
}

impl Api {
    async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            background: false,
            limits: limits.clone(),
            storage: StorageConfig { statement_stats: true, ..StorageConfig::default() },
            ..Config::in_dir(dir.path())
        };
        let engine = Engine::open(config).await.unwrap();
        let caller = Caller { engine, downloads: None };
        Self { executor: Executor::new(limits), caller, _dir: dir }
    }

    async fn run(&self, query: &str, variables: Value) -> Value {
        let request = request(query, variables);
        let prepared = match self.executor.prepare(&request) {
            Ok(prepared) => prepared,
            Err(refusal) => return serde_json::to_value(refused(&refusal)).unwrap(),
        };
        let response = self.executor.execute(&self.caller, prepared, request).await;
        serde_json::to_value(response).unwrap()
    }

    async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.run(query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].take()
    }

    async fn create(&self, title: &str) -> String {
        let create = "mutation($t: String!) {
            jobCreate(input: {company: \"Acme\", title: $t, url: \"https://jobs.test/1\", notes: \"n\"}) {
                job { id } userErrors { message } } }";
        let data = self.data(create, json!({"t": title})).await;
        data["jobCreate"]["job"]["id"].as_str().unwrap().to_owned()
    }

    async fn attach(&self, job: &str, kind: &str, text: &str) -> Value {
        let attach = "mutation($job: ID!, $kind: AttachmentKind!, $text: String!) {
            attachmentCreate(input: {jobId: $job, kind: $kind, filename: \"a.txt\", content: {text: $text}}) {
                created warnings attachment { id version isActive job { id } }
                userErrors { __typename code message path } } }";
        let variables = json!({"job": job, "kind": kind, "text": text});
        self.data(attach, variables).await["attachmentCreate"].take()
    }

    fn statements(&self) -> BTreeMap<&'static str, u64> {
        let stats = self.caller.engine.statement_stats();
        stats.into_iter().map(|(name, stats)| (name, stats.runs)).collect()
    }
}

fn request(query: &str, variables: Value) -> GraphqlRequest {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    GraphqlRequest { query: query.to_owned(), variables, ..GraphqlRequest::default() }
}

const RESUME: &str = "Senior engineer. Rust, PostgreSQL and Kubernetes in production for six years. \
    Led a team of four; cut the p99 latency of the ledger by 40 percent.";
const JD: &str = "We need an engineer with Rust and PostgreSQL; Kubernetes is a plus. You own the \
    ledger service and mentor others.";

#[tokio::test]
async fn a_job_is_created_and_read_back() {
    let api = Api::open().await;
    let id = api.create("Engineer").await;

    let data = api
        .data(
            "query($id: ID!) {
                job(id: $id) { __typename id title url notes version status coach { status progress } }
                node(id: $id) { id ... on Job { title } }
                nodes(ids: [\"nonsense\", $id]) { id }
                jobStats { total byStatus { status count } }
                viewer { id displayName tier }
                serverInfo { version database schemaHash }
            }",
            json!({"id": id}),
        )
        .await;

    assert_eq!(data["job"]["title"], "Engineer");
    assert_eq!(data["job"]["url"], "https://jobs.test/1");
    assert_eq!(data["job"]["coach"]["progress"], 0);
    assert_eq!(data["node"], json!({"id": id, "title": "Engineer"}));
    assert_eq!(data["nodes"], json!([null, {"id": id}]));
    assert_eq!(data["jobStats"]["total"], 1);
    assert_eq!(data["viewer"]["tier"], "ENTERPRISE");
    assert_eq!(data["serverInfo"]["schemaHash"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn an_answer_keeps_the_order_of_its_document() {
    let api = Api::open().await;
    api.create("Engineer").await;
    let document = "{ jobs { nodes { matchScore { value } title notes id } } viewer { tier } jobStats { total } a: viewer { id } }";

    let request = request(document, json!({}));
    let prepared = api.executor.prepare(&request).unwrap();
    let response = api.executor.execute(&api.caller, prepared, request).await;

    let text = response.to_json(usize::MAX).unwrap();
    let places = ["jobs", "matchScore", "title", "notes", "id", "viewer", "jobStats", "a"]
        .map(|key| text.find(&format!("\"{key}\"")).unwrap());
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_list_with_relations_runs_four_statements_for_any_size() {
    let limits = Limits { complexity: 20_000, ..Limits::default() };
    let api = Api::with(limits).await;
    for n in 0..100 {
        let job = api.create(&format!("Engineer {n}")).await;
        api.attach(&job, "RESUME", &format!("{RESUME} {n}")).await;
        api.attach(&job, "JD", &format!("{JD} {n}")).await;
    }
    api.caller.engine.run_due_tasks().await.unwrap();

    for n in [1, 10, 100] {
        let before = api.statements();
        let data = api.data(NESTED, json!({"n": n})).await;
        let after = api.statements();

        let jobs = data["jobs"]["nodes"].as_array().unwrap();
        assert_eq!(jobs.len(), n);
        for job in jobs {
            assert_eq!(job["attachments"]["totalCount"], 2, "{job}");
            assert_eq!(job["resume"]["name"], "RAW", "{job}");
            assert_eq!(job["jd"]["name"], "RAW", "{job}");
            assert!(job["matchScore"]["value"].as_f64().unwrap() > 0.0, "{job}");
        }
        let ran: BTreeMap<_, _> = after
            .iter()
            .map(|(name, runs)| (*name, runs - before.get(name).copied().unwrap_or(0)))
            .filter(|(_, runs)| *runs > 0)
            .collect();
        assert!(ran.values().sum::<u64>() <= 4, "{n}: {ran:?}");
    }
}

#[tokio::test]
async fn what_the_caller_can_fix_is_a_user_error_with_its_path() {
    let api = Api::open().await;
    let id = api.create("Engineer").await;

    let data = api
        .data(
            "mutation($id: ID!, $gone: ID!) {
                a: jobCreate(input: {company: \"\", title: \" \", url: \"ftp://x\"}) { job { id } revision userErrors { __typename message code path } }
                b: jobUpdate(id: \"job_1\", patch: {}) { job { id } userErrors { __typename code path ... on NotFoundError { id } } }
                c: jobUpdate(id: $id, patch: {title: \"T\"}, expectedVersion: 9) { userErrors { code path ... on VersionMismatchError { currentVersion } } }
                d: jobsTrash(ids: [$id, $gone]) { jobs { id } userErrors { __typename path ... on NotFoundError { id } } }
                e: jobPurge(id: $id) { deletedJobId userErrors { __typename ... on ConflictError { reason } } }
                f: coachResumeFinalize(jobId: $id) { coach { status } userErrors { code } }
                g: jobDuplicate(id: $id) { job { title } userErrors { code } revision }
            }",
            json!({"id": id, "gone": "job_0123456789abcdef0123456789abcdef"}),
        )
        .await;

    let paths: Vec<_> =
        data["a"]["userErrors"].as_array().unwrap().iter().map(|e| &e["path"]).collect();
    assert_eq!(
        paths,
        [&json!(["input", "company"]), &json!(["input", "title"]), &json!(["input", "url"])]
    );
    assert_eq!(data["a"]["job"], Value::Null);
    assert_eq!(data["a"]["revision"], Value::Null);
    assert_eq!(
        data["b"]["userErrors"],
        json!([{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"], "id": "job_1"}])
    );
    assert_eq!(
        data["c"]["userErrors"],
        json!([{"code": "VERSION_MISMATCH", "path": ["expectedVersion"], "currentVersion": 1}])
    );
    assert_eq!(
        data["d"]["userErrors"],
        json!([{"__typename": "NotFoundError", "path": ["ids", "1"], "id": "job_0123456789abcdef0123456789abcdef"}])
    );
    assert_eq!(
        data["e"]["userErrors"],
        json!([{"__typename": "ConflictError", "reason": "NOT_IN_TRASH"}])
    );
    assert_eq!(data["f"]["userErrors"], json!([{"code": "CONFLICT"}]));
    assert_eq!(data["g"]["job"]["title"], "Engineer (copy)");
    assert!(data["g"]["revision"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_answer_again() {
    let api = Api::open().await;
    let create = |title: &str| {
        format!("mutation {{ jobCreate(input: {{company: \"Acme\", title: \"{title}\"}}, idempotencyKey: \"k\") {{
            job {{ id title }} revision userErrors {{ code path }} }} }}")
    };

    let first = api.data(&create("One"), json!({})).await;
    let again = api.data(&create("One"), json!({})).await;
    let other = api.data(&create("Two"), json!({})).await;

    assert_eq!(first, again);
    assert_eq!(
        other["jobCreate"]["userErrors"],
        json!([{"code": "IDEMPOTENCY_MISMATCH", "path": ["idempotencyKey"]}])
    );
}

#[tokio::test]
async fn null_travels_up_to_the_nearest_field_that_may_be_null() {
    let api = Api::open().await;

    let answer =
        api.run("{ serverInfo { version } jobs(first: 0) { totalCount } }", json!({})).await;

    assert_eq!(answer["data"], Value::Null);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(answer["errors"][0]["path"], json!(["jobs"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT");
}

#[tokio::test]
async fn pages_are_refused_outside_their_limits() {
    let api = Api::open().await;
    let id = api.create("Engineer").await;
    for arguments in [
        "first: 101",
        "first: -1",
        "last: 0",
        "first: 1, last: 1",
        "after: \"x\", before: \"y\"",
        "after: \"x\"",
    ] {
        let answer =
            api.run(&format!("{{ jobs({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT", "{arguments}");
    }

    let answer = api
        .run(
            "query($id: ID!) { job(id: $id) { title attachments(first: 0) { totalCount } } }",
            json!({"id": id}),
        )
        .await;

    assert_eq!(answer["data"], json!({"job": null}));
    assert_eq!(answer["errors"][0]["path"], json!(["job", "attachments"]));
}

#[tokio::test]
async fn requests_that_are_not_executed_say_so() {
    let api = Api::open().await;
    let cases = [
        ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("query($id: ID!) { job(id: $id) { id } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { job(id: $id) { id } }", json!({"id": {}}), "GRAPHQL_VALIDATION_FAILED"),
        (
            "query($at: DateTime) { jobs(filter: {createdAt: {from: $at}}) { totalCount } }",
            json!({"at": "soon"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription { changes(since: 0) { revision } a: changes { revision } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ jobs(first: 100) { nodes { attachments(first: 100) { nodes { id } } } } }",
            json!({}),
            "QUERY_TOO_COMPLEX",
        ),
    ];
    for (query, variables, code) in cases {
        let answer = api.run(query, variables).await;

        assert_eq!(answer["data"], Value::Null, "{query}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
    }
}

#[tokio::test]
async fn absent_variables_leave_their_arguments_out() {
    let api = Api::open().await;
    api.create("Engineer").await;

    let data = api
        .data(
            "query($first: Int, $archived: Boolean, $order: JobOrderField) {
                jobs(first: $first, filter: {archived: $archived}, orderBy: {field: $order}) { nodes { title } pageInfo { hasNextPage } } }",
            json!({}),
        )
        .await;

    assert_eq!(data["jobs"]["nodes"], json!([{"title": "Engineer"}]));
}

#[tokio::test]
async fn introspection_of_common_clients_passes() {
    let api = Api::open().await;
    let query = include_str!("../guard/introspection.graphql");

    let data = api.data(query, json!({})).await;

    assert!(data["__schema"]["types"].as_array().unwrap().len() > 50);
}

#[tokio::test]
async fn documents_attachments_and_skills_are_read_with_evidence() {
    let api = Api::open().await;
    let id = api.create("Engineer").await;
    let payload = api.attach(&id, "RESUME", RESUME).await;
    api.attach(&id, "JD", JD).await;
    api.caller.engine.run_due_tasks().await.unwrap();
    assert_eq!(payload["created"], true);
    assert_eq!(payload["attachment"]["job"]["id"], json!(id));

    let data = api
        .data(
            "query($id: ID!) { job(id: $id) {
                skillMatchPercentage
                skills { skill strength importance jdEvidence { quote variant { name attachment { kind } } } resumeEvidence { quote variant { id } } }
                attachments(first: 1) { edges { cursor node { id kind downloadUrl variants { id name text attachment { id } } } } pageInfo { endCursor hasNextPage } }
                statusHistory { nodes { id from to at leftAt durationSeconds note } }
            } }",
            json!({"id": id}),
        )
        .await;

    let job = &data["job"];
    let skills = job["skills"].as_array().unwrap();
    let rust = skills.iter().find(|skill| skill["skill"] == "Rust").unwrap();
    assert_eq!(rust["jdEvidence"]["variant"]["attachment"]["kind"], "JD");
    assert!(rust["resumeEvidence"]["quote"].as_str().unwrap().contains("Rust"));
    assert!(job["skillMatchPercentage"].as_i64().unwrap() > 0);
    let edge = &job["attachments"]["edges"][0];
    assert_eq!(edge["node"]["downloadUrl"], Value::Null);
    assert_eq!(edge["node"]["variants"][0]["text"], RESUME);
    assert_eq!(edge["cursor"], job["attachments"]["pageInfo"]["endCursor"]);
    assert_eq!(job["attachments"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(job["statusHistory"]["nodes"][0]["to"], "ON_RADAR");

    let after = "query($id: ID!, $after: String) { job(id: $id) {
        attachments(first: 5, after: $after) { nodes { kind } pageInfo { hasPreviousPage } } } }";
    let rest = api.data(after, json!({"id": id, "after": edge["cursor"]})).await;
    assert_eq!(
        rest["job"]["attachments"],
        json!({"nodes": [{"kind": "JD"}], "pageInfo": {"hasPreviousPage": true}})
    );
}

#[tokio::test]
async fn search_finds_jobs() {
    let api = Api::open().await;
    api.create("Rust engineer").await;
    api.create("Cook").await;

    let data = api
        .data("{ search(query: \"rust\") { edges { score node { ... on Job { title } } } nodes { __typename } pageInfo { hasNextPage } } }", json!({}))
        .await;

    assert_eq!(data["search"]["edges"][0]["node"]["title"], "Rust engineer");
    assert_eq!(data["search"]["nodes"], json!([{"__typename": "Job"}]));
}

#[tokio::test]
async fn a_subscription_delivers_each_change_with_its_present_state() {
    let api = Api::open().await;
    let request = request(
        "subscription { changes { revision resync changes { entity op id node { id ... on Job { title } } } } }",
        json!({}),
    );
    let prepared = api.executor.prepare(&request).unwrap();
    assert_eq!(prepared.kind(), OperationKind::Subscription);
    let mut events = api.executor.subscribe(api.caller.clone(), prepared, request);
    let waiting = tokio::spawn(async move {
        let event = events.next().await.unwrap();
        (event, events)
    });
    // The subscription starts with its first poll.
    tokio::task::yield_now().await;

    let id = api.create("Engineer").await;
    let (event, mut events) = waiting.await.unwrap();

    let event = serde_json::to_value(event).unwrap();
    let changes = event["data"]["changes"]["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["node"] == json!({"id": id, "title": "Engineer"})),
        "{event}"
    );
    api.caller.engine.close().await.unwrap();
    let last = serde_json::to_value(events.next().await.unwrap()).unwrap();
    assert_eq!(last["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_prepared_document_is_kept_once_it_was_executed() {
    let api = Api::open().await;
    let valid = request("{ serverInfo { version } }", json!({}));
    let wrong = request("{ nothing }", json!({}));

    for request in [&valid, &wrong] {
        let prepared = api.executor.prepare(request).unwrap();
        api.executor.execute(&api.caller, prepared, request.clone()).await;
    }

    let kept = |request: &GraphqlRequest| {
        let hash = Sha256::digest(&request.query).into();
        api.executor.is_kept(&hash)
    };
    assert!(kept(&valid));
    assert!(!kept(&wrong));
}

#[tokio::test]
async fn download_urls_are_made_by_the_transport() {
    struct Paths;
    impl DownloadUrls for Paths {
        fn url(&self, attachment: AttachmentId) -> String {
            format!("/downloads/{attachment}")
        }
    }
    let mut api = Api::open().await;
    api.caller.downloads = Some(Arc::new(Paths));
    let id = api.create("Engineer").await;
    api.attach(&id, "OTHER", "notes").await;

    let data =
        api.data("{ jobs { nodes { attachments { nodes { downloadUrl } } } } }", json!({})).await;

    let url = &data["jobs"]["nodes"][0]["attachments"]["nodes"][0]["downloadUrl"];
    assert!(url.as_str().unwrap().starts_with("/downloads/"));
}

#[test]
fn requests_have_strict_types() {
    let parse = |json: Value| serde_json::from_value::<GraphqlRequest>(json);

    let lenient = json!({"query": "{ a }", "variables": null, "operationName": null, "x": 1});
    assert!(parse(lenient).is_ok());
    for wrong in [
        json!({}),
        json!({"query": 1}),
        json!({"query": "{ a }", "variables": []}),
        json!({"query": "{ a }", "operationName": 1}),
        json!({"query": "{ a }", "extensions": "x"}),
        json!([{"query": "{ a }"}]),
    ] {
        assert!(parse(wrong.clone()).is_err(), "{wrong}");
    }
}
