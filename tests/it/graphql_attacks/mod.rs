//! Documents and values made to hurt: each gets a typed error, and nothing is stored. Documents are
//! here, what well-formed documents carry is in `values`.

mod values;

use std::time::{Duration, Instant};

use jotrack_tests::client::{Server, text};
use serde_json::{Value, json};

/// Far above what any refusal takes, even in a debug build on a busy machine; a document that
/// blows up takes minutes.
const QUICK: Duration = Duration::from_secs(5);

/// Sends a document that must be refused before execution; returns code and limit.
async fn refused(server: &Server, document: &str, variables: Value) -> (String, String) {
    let began = Instant::now();
    let answer = server.query(document, variables).await;
    assert!(began.elapsed() < QUICK, "{:?}", began.elapsed());
    let body = answer.json();
    assert!(body.get("data").is_none(), "{}: {body}", short(document));
    let extensions = &body["errors"][0]["extensions"];
    (text(&extensions["code"]), extensions["limit"].as_str().unwrap_or_default().to_owned())
}

fn short(document: &str) -> &str {
    &document[..document.floor_char_boundary(200)]
}

/// A server with one job of which everything must stay as it is.
struct Target {
    server: Server,
    job: String,
    before: (i64, usize),
}

impl Target {
    async fn new() -> Self {
        let server = Server::new().await;
        let create =
            "mutation { jobCreate(input: {company: \"Acme\", title: \"Cook\"}) { job { id } } }";
        let job = text(&server.data(create, json!({})).await["jobCreate"]["job"]["id"]);
        let attach = "mutation($job: ID!) { attachmentCreate(input: {jobId: $job, kind: RESUME,
            filename: \"a.txt\", content: {text: \"Cooked in three invented kitchens.\"}}) { revision } }";
        server.data(attach, json!({"job": job})).await;
        let before = state(&server).await;
        Self { server, job, before }
    }

    async fn assert_untouched(&self) {
        assert_eq!(state(&self.server).await, self.before);
        self.server.lab.assert_healthy().await;
    }

    /// Runs a mutation that must answer user errors; returns code and path of each.
    async fn user_errors(&self, document: &str, variables: Value) -> Vec<(String, String)> {
        let answer = self.server.query(document, variables).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["errors"]),
            (200, &Value::Null),
            "{}: {body}",
            short(document)
        );
        let (_, payload) = body["data"].as_object().unwrap().iter().next().unwrap();
        assert_eq!(payload["revision"], Value::Null, "{body}");
        let path = |error: &Value| {
            let parts = error["path"].as_array().cloned().unwrap_or_default();
            parts.iter().map(text).collect::<Vec<_>>().join(".")
        };
        let errors = payload["userErrors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["code"]), path(error))).collect()
    }
}

/// Revision and number of files.
async fn state(server: &Server) -> (i64, usize) {
    let files = jotrack_tests::files(&server.lab.dir.path().join("blobs")).len();
    (server.lab.engine.revision().await.unwrap(), files)
}

/// Fragments that each spread the next one several times.
fn bomb(levels: usize, spreads: usize) -> String {
    let mut document = String::from("{ ...f0 }");
    for level in 0..levels {
        let next = format!("...f{} ", level + 1).repeat(spreads);
        document.push_str(&format!(" fragment f{level} on Query {{ {next} }}"));
    }
    document.push_str(&format!(" fragment f{levels} on Query {{ __typename }}"));
    document
}

#[tokio::test]
async fn fragment_bombs_are_refused_before_they_go_off() {
    let target = Target::new().await;
    for levels in [13, 20, 32] {
        for spreads in [2, 5, 10] {
            let (code, limit) = refused(&target.server, &bomb(levels, spreads), json!({})).await;
            assert_eq!(code, "QUERY_TOO_COMPLEX", "{levels} levels of {spreads}: {limit}");
        }
    }
    let unused = format!("{{ __typename }} {}", bomb(30, 4).trim_start_matches("{ ...f0 }"));
    assert_eq!(refused(&target.server, &unused, json!({})).await.0, "QUERY_TOO_COMPLEX");
    target.assert_untouched().await;
}

#[tokio::test]
async fn each_document_beyond_a_limit_names_that_limit() {
    let target = Target::new().await;
    let repeated =
        |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let nested = |count: usize, open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let introspect =
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    let variables = repeated(101, &|n| format!("$v{n}: Int "));
    let definitions = repeated(51, &|n| format!("query q{n} {{ __typename }} "));
    let cases = [
        (
            format!("{{ serverInfo {{ {} }} }}", repeated(2_000, &|n| format!("a{n}: version "))),
            "document_tokens|aliases|selection_set",
        ),
        (
            format!("{{ serverInfo {{ {} }} }}", repeated(31, &|n| format!("a{n}: version "))),
            "aliases",
        ),
        (format!("{{ serverInfo {{ {} }} }}", "version ".repeat(201)), "selection_set"),
        (format!("{{ serverInfo {{ {} }} }}", "version ".repeat(5_000)), "document_tokens"),
        (
            format!("{{ {} }}", repeated(11, &|n| format!("a{n}: serverInfo {{ version }} "))),
            "root_fields",
        ),
        (
            format!("{{ serverInfo {{ version {} }} }}", "@include(if: true) ".repeat(5)),
            "directives_per_location",
        ),
        (format!("{{ serverInfo {{ version {} }} }}", "@a ".repeat(5_000)), "document_tokens"),
        (
            format!("{{ {} }}", repeated(21, &|_| String::from("__typename @include(if: true) "))),
            "directives|root_fields",
        ),
        (nested(3_000, "{ jobs ", "{ id }", " }"), "nesting"),
        (format!("{{ jobs {{ {} }} }}", nested(3_000, "... { ", "__typename", " }")), "nesting"),
        (format!("{{ nodes(ids: {}) {{ id }} }}", nested(3_000, "[", "", "]")), "nesting"),
        (nested(13, "{ job ", "{ id }", " }"), "depth"),
        (introspect.to_owned(), "introspection_nesting"),
        (definitions, "definitions"),
        (format!("query({variables}) {{ __typename }}"), "variables"),
        (format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(5_000)), "document_tokens"),
        (
            "{ jobs(first: 100) { nodes { attachments(first: 100) { nodes { id } } } } }"
                .to_owned(),
            "complexity",
        ),
        (
            "{ jobs(first: 100) { nodes { skills { skill jdEvidence { quote } } } } }".to_owned(),
            "complexity",
        ),
        (
            "{ search(query: \"a\", first: 100) { nodes { ... on Job { skills { skill category } } } } }"
                .to_owned(),
            "complexity",
        ),
    ];
    for (document, expected) in cases {
        let (code, limit) = refused(&target.server, &document, json!({})).await;

        assert_eq!(code, "QUERY_TOO_COMPLEX", "{}", short(&document));
        assert!(
            expected.split('|').any(|name| name == limit),
            "{limit}, not {expected}: {}",
            short(&document)
        );
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn variables_have_their_own_limits() {
    let target = Target::new().await;
    let many: serde_json::Map<_, _> = (0..2_000).map(|n| (format!("v{n}"), json!(n))).collect();
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));

    for (variables, limit) in
        [(Value::Object(many), "variables"), (json!({"v": deep}), "variables_depth")]
    {
        let refusal = refused(&target.server, "{ __typename }", variables).await;
        assert_eq!(refusal, ("QUERY_TOO_COMPLEX".to_owned(), limit.to_owned()));
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn documents_that_break_the_rules_are_told_so() {
    let target = Target::new().await;
    let job = &target.job;
    for (document, code) in [
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...a } fragment a on Query { ...a }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ job(id: 1, id: 2) { id } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs { nodes { id: title id } } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs(order: 1) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ job { id } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (format!("{{ job(id: \"{job}\") }}"), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs @nothing { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs(filter: {nothing: 1}) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs(filter: {status: APPLYED}) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs(orderBy: {field: SALARY}) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ jobs(filter: {createdAt: {from: \"yesterday\"}}) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ changes(since: -1) { revision } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ changes(since: \"1\") { revision } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ jobUpdate(id: \"{job}\", patch: {{status: HIRED}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ jobUpdate(id: \"{job}\", patch: {{title: 1}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ jobUpdate(id: \"{job}\", patch: {{salary: 1}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { jobCreate(input: {company: \"A\"}) { revision } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { jobCreate(input: {company: null, title: \"B\"}) { revision } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { jobCreate(input: {company: \"A\", title: \"B\", status: null}) { revision } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ attachmentCreate(input: {{jobId: \"{job}\", kind: CV, filename: \"a\", content: {{text: \"a\"}}}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ attachmentCreate(input: {{jobId: \"{job}\", kind: JD, filename: \"a\", content: {{}}}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ attachmentCreate(input: {{jobId: \"{job}\", kind: JD, filename: \"a\", content: {{text: null}}}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        (format!("mutation {{ attachmentCreate(input: {{jobId: \"{job}\", kind: JD, filename: \"a\", content: {{text: \"a\", uploadId: \"b\"}}}}) {{ revision }} }}"), "GRAPHQL_VALIDATION_FAILED"),
        ("{ job(id: \"\\ud800\") { id } }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("{ job(id: \"open) { id } }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("{ \u{0} }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("{ jobs(first: 99999999999999999999999999) { totalCount } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        (String::new(), "GRAPHQL_PARSE_FAILED"),
    ] {
        let refusal = refused(&target.server, &document, json!({})).await;
        assert_eq!(refusal, (code.to_owned(), String::new()), "{document}");
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn variables_of_a_wrong_type_are_refused_before_execution() {
    let target = Target::new().await;
    let id = &target.job;
    let update = "mutation($id: ID!, $patch: JobPatch!, $v: Int) {
        jobUpdate(id: $id, patch: $patch, expectedVersion: $v) { revision } }";
    for (document, variables) in [
        (update, json!({"id": id})),
        (update, json!({"id": id, "patch": null})),
        (update, json!({"id": null, "patch": {}})),
        (update, json!({"id": id, "patch": {"title": {}}})),
        (update, json!({"id": id, "patch": {"status": "HIRED"}})),
        (update, json!({"id": id, "patch": {"nothing": 1}})),
        (update, json!({"id": id, "patch": {"title": "T"}, "v": "1"})),
        (update, json!({"id": id, "patch": {"title": "T"}, "v": 1.5})),
        (update, json!({"id": {"a": 1}, "patch": {}})),
        (
            "query($s: [JobStatus!]) { jobs(filter: {status: $s}) { totalCount } }",
            json!({"s": ["APPLIED", null]}),
        ),
        (
            "query($s: [JobStatus!]) { jobs(filter: {status: $s}) { totalCount } }",
            json!({"s": ["applied"]}),
        ),
        ("query($r: Revision!) { changes(since: $r) { revision } }", json!({"r": 1.5})),
        (
            "query($r: Revision!) { changes(since: $r) { revision } }",
            json!({"r": 9_007_199_254_740_992_u64}),
        ),
    ] {
        let (code, _) = refused(&target.server, document, variables.clone()).await;
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{variables}");
    }
    target.assert_untouched().await;
}

/// Stock validation lets a list or a scalar stand for an input object; resolving it fails then.
#[tokio::test]
async fn something_else_where_an_object_belongs_is_refused() {
    let target = Target::new().await;
    for patch in [json!([]), json!("title"), json!(1), json!([{"title": "T"}])] {
        let document = "mutation($id: ID!, $patch: JobPatch!) {
            jobUpdate(id: $id, patch: $patch) { revision } }";
        let answer = target.server.query(document, json!({"id": target.job, "patch": patch})).await;

        assert_eq!(answer.code(), "INVALID_INPUT", "{patch}");
        assert_eq!(answer.json()["data"], Value::Null, "{patch}");
    }
    target.assert_untouched().await;
}
