//! Arguments that no document may bring in: sizes, cursors, ids, texts, keys, files.

use jotrack_tests::client::{Server, text};
use serde_json::{Value, json};

use super::{Target, short, state};

#[tokio::test]
async fn pages_and_cursors_out_of_range_are_errors_with_a_code() {
    let target = Target::new().await;
    let other_order = "{ jobs(orderBy: {field: TITLE}) { pageInfo { endCursor } } }";
    let foreign =
        text(&target.server.data(other_order, json!({})).await["jobs"]["pageInfo"]["endCursor"]);
    let mut cases: Vec<String> = Vec::new();
    for size in ["0", "-1", "101", "2147483647", "-2147483648"] {
        cases.push(format!("jobs(first: {size}) {{ totalCount }}"));
        cases.push(format!("jobs(last: {size}) {{ totalCount }}"));
        cases.push(format!("search(query: \"a\", first: {size}) {{ nodes {{ __typename }} }}"));
        let job = &target.job;
        cases.push(format!("job(id: \"{job}\") {{ attachments(first: {size}) {{ totalCount }} }}"));
        cases.push(format!(
            "job(id: \"{job}\") {{ statusHistory(first: {size}) {{ nodes {{ id }} }} }}"
        ));
    }
    for size in ["0", "-1", "501"] {
        cases.push(format!("changes(since: 0, first: {size}) {{ revision }}"));
    }
    let long = "A".repeat(5_000);
    for cursor in [
        "",
        "x",
        "AAAA",
        "%%%",
        "\\u0000",
        "../..",
        &foreign[1..],
        &foreign,
        &format!("{foreign}A"),
        &long,
    ] {
        let job = &target.job;
        cases.push(format!("jobs(after: \"{cursor}\") {{ totalCount }}"));
        cases.push(format!("jobs(last: 1, before: \"{cursor}\") {{ totalCount }}"));
        cases.push(format!(
            "search(query: \"a\", after: \"{cursor}\") {{ nodes {{ __typename }} }}"
        ));
        cases.push(format!(
            "job(id: \"{job}\") {{ attachments(after: \"{cursor}\") {{ totalCount }} }}"
        ));
        cases.push(format!(
            "job(id: \"{job}\") {{ statusHistory(after: \"{cursor}\") {{ nodes {{ id }} }} }}"
        ));
    }
    cases.push("jobs(first: 1, last: 1) { totalCount }".to_owned());
    cases.push("jobs(after: \"a\", before: \"b\") { totalCount }".to_owned());
    cases.push("nodes(ids: []) { id }".to_owned());
    let ids = "\"job_1\",".repeat(101);
    cases.push(format!("nodes(ids: [{ids}]) {{ id }}"));

    for case in cases {
        let answer = target.server.query(&format!("{{ {case} }}"), json!({})).await;

        let body = answer.json();
        assert_eq!(answer.status, 200, "{}", short(&case));
        assert_eq!(
            body["errors"][0]["extensions"]["code"],
            "INVALID_INPUT",
            "{}: {body}",
            short(&case)
        );
        assert!(body["errors"][0]["path"][0].is_string(), "{body}");
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn searches_are_never_a_syntax_error() {
    let target = Target::new().await;
    for query in [
        "\"",
        "\"\"\"",
        "c++",
        "full-stack",
        "-",
        "--",
        "*",
        "(",
        "NEAR(a b)",
        "a AND",
        "title:",
        "company:",
        "'; DROP TABLE jobs; --",
        "\u{202e}",
        "\u{1f600}",
        "a:b:c",
        "^",
        "{a}",
        "a\u{0}b",
    ] {
        let answer = target
            .server
            .query(
                "query($q: String!) { search(query: $q) { nodes { __typename } } }",
                json!({"q": query}),
            )
            .await;
        assert_eq!(
            (answer.status, &answer.json()["errors"]),
            (200, &Value::Null),
            "{query}: {}",
            answer.json()
        );
    }
    for query in [
        String::new(),
        " ".to_owned(),
        "-only".to_owned(),
        "has:wings".to_owned(),
        "status:hired".to_owned(),
        "after:yesterday".to_owned(),
        "a".repeat(201),
    ] {
        let answer = target
            .server
            .query(
                "query($q: String!) { search(query: $q) { nodes { __typename } } }",
                json!({"q": query}),
            )
            .await;
        assert_eq!(answer.code(), "INVALID_INPUT", "{}", answer.json());
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn texts_that_break_a_rule_are_named_all_at_once() {
    let target = Target::new().await;
    let create = "mutation($i: JobCreateInput!) { jobCreate(input: $i) { revision userErrors { code path } } }";
    let update = "mutation($id: ID!, $p: JobPatch!) { jobUpdate(id: $id, patch: $p) { revision userErrors { code path } } }";
    let invalid = |paths: &[&str]| {
        paths
            .iter()
            .map(|path| ("INVALID_INPUT".to_owned(), (*path).to_owned()))
            .collect::<Vec<_>>()
    };
    let (line, address, notes) =
        ("x".repeat(201), format!("https://a.test/{}", "x".repeat(2_100)), "x".repeat(100_001));
    for (input, paths) in [
        (
            json!({"company": "a\u{0}b", "title": "a\nb", "url": "javascript:alert(1)", "location": "a\u{0}", "source": line, "notes": notes}),
            &["company", "title", "location", "source", "url", "notes"][..],
        ),
        (json!({"company": "", "title": "\u{a0}\t "}), &["company", "title"]),
        (json!({"company": line, "title": line}), &["company", "title"]),
        (json!({"company": "A", "title": "B", "url": address}), &["url"]),
        (json!({"company": "A", "title": "B", "url": "https://user:secret@a.test/"}), &["url"]),
        (json!({"company": "A", "title": "B", "url": "/jobs/1"}), &["url"]),
        (
            json!({"company": "A", "title": "B", "status": "APPLIED", "statusAt": "1989-12-31T00:00:00Z"}),
            &["statusAt"],
        ),
        (
            json!({"company": "A", "title": "B", "status": "APPLIED", "statusAt": "2999-01-01T00:00:00Z"}),
            &["statusAt"],
        ),
    ] {
        let mut found = target.user_errors(create, json!({"i": input})).await;
        let mut expected = invalid(
            &paths
                .iter()
                .map(|path| format!("input.{path}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", short(&input.to_string()));
    }
    for (patch, paths) in [
        (
            json!({"company": null, "title": null, "status": null}),
            &["patch.company", "patch.title", "patch.status"][..],
        ),
        (json!({"title": "a\u{0}"}), &["patch.title"]),
        (json!({"title": "\u{7}"}), &["patch.title"]),
        (json!({"notes": "\u{0}"}), &["patch.notes"]),
        (json!({"url": "ftp://a.test"}), &["patch.url"]),
    ] {
        let found = target.user_errors(update, json!({"id": target.job, "p": patch})).await;
        assert_eq!(found, invalid(paths), "{patch}");
    }
    target.assert_untouched().await;
}

#[tokio::test]
async fn keys_versions_and_lists_of_ids_have_their_rules() {
    let target = Target::new().await;
    let id = &target.job;
    let trash =
        "mutation($ids: [ID!]!) { jobsTrash(ids: $ids) { revision userErrors { code path } } }";
    let keyed = "mutation($id: ID!, $k: String) { jobTrash(id: $id, idempotencyKey: $k) { revision userErrors { code path } } }";
    let versioned = "mutation($id: ID!, $v: Int) { jobUpdate(id: $id, patch: {title: \"T\"}, expectedVersion: $v) { revision userErrors { code path } } }";
    let error = |code: &str, path: &str| vec![(code.to_owned(), path.to_owned())];

    for key in [
        "".to_owned(),
        "k".repeat(129),
        "a b".to_owned(),
        "clé".to_owned(),
        "a\u{0}".to_owned(),
        "a\n".to_owned(),
    ] {
        let found = target.user_errors(keyed, json!({"id": id, "k": key})).await;
        assert_eq!(found, error("INVALID_INPUT", "idempotencyKey"), "{key:?}");
    }
    for version in [0, -1, 99, i32::MAX, i32::MIN] {
        let found = target.user_errors(versioned, json!({"id": id, "v": version})).await;
        assert_eq!(found, error("VERSION_MISMATCH", "expectedVersion"), "{version}");
    }
    assert_eq!(target.user_errors(trash, json!({"ids": []})).await, error("INVALID_INPUT", "ids"));
    let unknown = |n: usize| format!("job_{n:032x}");
    let many: Vec<_> = (0..101).map(unknown).collect();
    assert_eq!(
        target.user_errors(trash, json!({"ids": many})).await,
        error("INVALID_INPUT", "ids")
    );
    let mixed =
        target.user_errors(trash, json!({"ids": [id, unknown(1), "nonsense", unknown(2)]})).await;
    assert!(!mixed.is_empty() && mixed.iter().all(|(code, _)| code == "NOT_FOUND"), "{mixed:?}");
    let several = target.user_errors(trash, json!({"ids": [unknown(1), id, unknown(2)]})).await;
    assert_eq!(several, [error("NOT_FOUND", "ids.0"), error("NOT_FOUND", "ids.2")].concat());
    target.assert_untouched().await;
}

#[tokio::test]
async fn ids_that_do_not_decode_are_objects_that_are_not_there() {
    let target = Target::new().await;
    let job = &target.job;
    let hex = job.trim_start_matches("job_");
    let ids = [
        "".to_owned(),
        "1".to_owned(),
        "null".to_owned(),
        "job_".to_owned(),
        hex.to_owned(),
        job.to_uppercase(),
        format!("{job} "),
        format!(" {job}"),
        format!("{job}0"),
        job[..job.len() - 1].to_owned(),
        format!("att_{hex}"),
        format!("usr_{hex}"),
        format!("job_{}", "0".repeat(32)),
        format!("job_{}", "f".repeat(32)),
        "job_\u{0}".to_owned(),
        "' OR 1=1 --".to_owned(),
        "j".repeat(100_000),
    ];
    for id in ids {
        let read = target.server.data("query($id: ID!) { job(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id } }", json!({"id": id})).await;
        assert_eq!(read, json!({"job": null, "node": null, "nodes": [null]}), "{}", short(&id));

        let update = "mutation($id: ID!) { jobUpdate(id: $id, patch: {title: \"T\"}) { revision userErrors { code path } } }";
        let found = target.user_errors(update, json!({"id": id})).await;
        assert_eq!(found, [("NOT_FOUND".to_owned(), "id".to_owned())], "{}", short(&id));
    }
    let number = target.server.data("{ job(id: 12) { id } }", json!({})).await;
    assert_eq!(number["job"], Value::Null);
    target.assert_untouched().await;
}

#[tokio::test]
async fn attachments_and_profiles_are_checked_before_a_byte_is_kept() {
    let target = Target::new().await;
    let job = &target.job;
    let attach = "mutation($i: AttachmentCreateInput!) { attachmentCreate(input: $i) { revision userErrors { code path } } }";
    let content = |content: Value| json!({"i": {"jobId": job, "kind": "JD", "filename": "a.txt", "content": content}});
    let coach = "mutation($job: ID!, $p: CoachStatePatch!) { coachStateUpdate(jobId: $job, patch: $p) { revision userErrors { code path } } }";
    let deep = (0..30).fold(json!(1), |inner, _| json!({"a": inner}));

    for (variables, code, path) in [
        (content(json!({"text": ""})), "INVALID_INPUT", "input.content.text"),
        (content(json!({"text": "a\u{0}b"})), "INVALID_INPUT", "input.content.text"),
        (content(json!({"uploadId": "upl_1"})), "NOT_FOUND", "input.content.uploadId"),
        (
            content(json!({"uploadId": format!("upl_{}", "0".repeat(32))})),
            "NOT_FOUND",
            "input.content.uploadId",
        ),
        (
            json!({"i": {"jobId": "job_1", "kind": "JD", "filename": "a.txt", "content": {"text": "a"}}}),
            "NOT_FOUND",
            "input.jobId",
        ),
    ] {
        let found = target.user_errors(attach, variables.clone()).await;
        assert_eq!(found, [(code.to_owned(), path.to_owned())], "{variables}");
    }
    for (patch, path) in [
        (json!({"profile": [1, 2]}), "patch.profile"),
        (json!({"profile": "text"}), "patch.profile"),
        (json!({"profile": {"a": "x".repeat(300_000)}}), "patch.profile"),
        (json!({"profile": {"a": ["\u{0}"]}}), "patch.profile"),
        (json!({"profile": {"a\u{0}": 1}}), "patch.profile"),
        (json!({"answers": [{"questionId": "q1", "answer": "a"}]}), "patch.answers.0.questionId"),
        (json!({"answers": null}), "patch.answers"),
    ] {
        let found = target.user_errors(coach, json!({"job": job, "p": patch})).await;
        assert_eq!(
            found,
            [("INVALID_INPUT".to_owned(), path.to_owned())],
            "{}",
            short(&patch.to_string())
        );
    }
    assert_eq!(
        target.user_errors(coach, json!({"job": job, "p": {"currentStep": "PEER"}})).await[0].0,
        "STEP_LOCKED"
    );
    let allowed = target.server.query(coach, json!({"job": "job_1", "p": {"profile": deep}})).await;
    assert_eq!(allowed.json()["data"]["coachStateUpdate"]["userErrors"][0]["code"], "NOT_FOUND");
    target.assert_untouched().await;
}

#[tokio::test]
async fn texts_beyond_the_limit_are_refused() {
    let server = Server::with(|config| config.limits.text_bytes = 1_000).await;
    let create =
        "mutation { jobCreate(input: {company: \"Acme\", title: \"Cook\"}) { job { id } } }";
    let job = text(&server.data(create, json!({})).await["jobCreate"]["job"]["id"]);
    let before = state(&server).await;
    let attach = "mutation($i: AttachmentCreateInput!) { attachmentCreate(input: $i) { revision userErrors { __typename code path ... on TooLargeError { limit } } } }";
    let input = json!({"jobId": job, "kind": "JD", "filename": "a.txt", "content": {"text": "x".repeat(1_001)}});

    let payload = server.data(attach, json!({"i": input})).await["attachmentCreate"].take();

    assert_eq!(payload["revision"], Value::Null, "{payload}");
    assert_eq!(payload["userErrors"][0]["code"], "TOO_LARGE", "{payload}");
    assert_eq!(state(&server).await, before);
}
