//! GraphQL over HTTP: statuses, media types and the order of refusals; who may send a request is in
//! `credentials`.

mod credentials;

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, header},
};
use jotrack_tests::client::{Answer, Server};
use serde_json::{Value, json};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const CREATE: &str =
    r#"mutation { jobCreate(input: {company: "Acme", title: "Cook"}) { revision } }"#;

fn accepting(mut request: Request<Body>, accept: Option<&'static str>) -> Request<Body> {
    if let Some(accept) = accept {
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
    }
    request
}

/// Asserts the shape that every refusal has, whatever refused it.
fn assert_refusal(answer: &Answer) {
    let body = answer.json();
    assert!(body.get("data").is_none(), "{body}");
    let errors = body["errors"].as_array().unwrap();
    assert!(!errors.is_empty(), "{body}");
    for error in errors {
        let extensions = &error["extensions"];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(extensions["code"].is_string() && extensions["retryable"].is_boolean(), "{body}");
        assert_eq!(extensions["requestId"], answer.header("x-request-id"), "{body}");
    }
}

#[tokio::test]
async fn each_row_of_the_status_table_holds_for_each_accept() {
    let server = Server::new().await;
    let document = |text: &str| json!({"query": text}).to_string();
    let aliases: String = (0..31).map(|n| format!("a{n}: version ")).collect();
    // Body, status for the newer media type, status for the older, whether anything was executed.
    let rows = [
        (document("{ __typename }"), 200, 200, true),
        (document("{ job(id: \"x\") { id } }"), 200, 200, true),
        (document("{ jobs(first: 0) { totalCount } }"), 200, 200, true),
        (document("{ job("), 400, 200, false),
        (document("{ nothing }"), 400, 200, false),
        (document("query A { __typename } query B { __typename }"), 400, 200, false),
        (json!({"query": "query A { __typename }", "operationName": "B"}).to_string(), 400, 200, false),
        (document("query($id: ID!) { job(id: $id) { id } }"), 400, 200, false),
        (json!({"query": "query($n: Int) { jobs(first: $n) { totalCount } }", "variables": {"n": "1"}}).to_string(), 400, 200, false),
        (document(&format!("{{ serverInfo {{ {aliases} }} }}")), 400, 200, false),
        (document("{ jobs(first: 100) { nodes { attachments(first: 100) { nodes { id } } } } }"), 400, 200, false),
        ("{".to_owned(), 400, 400, false),
        ("\"text\"".to_owned(), 400, 400, false),
        ("\u{0}".to_owned(), 400, 400, false),
        (json!([{"query": "{ __typename }"}]).to_string(), 400, 400, false),
        (json!({}).to_string(), 400, 400, false),
        (json!({"query": 1}).to_string(), 400, 400, false),
        (json!({"query": ["{ __typename }"]}).to_string(), 400, 400, false),
        (json!({"query": "{ __typename }", "operationName": 1}).to_string(), 400, 400, false),
        (json!({"query": "{ __typename }", "variables": "{}"}).to_string(), 400, 400, false),
        (json!({"query": "{ __typename }", "variables": []}).to_string(), 400, 400, false),
        (json!({"query": "{ __typename }", "extensions": 0}).to_string(), 400, 400, false),
    ];
    let accepts = [
        (Some(RESPONSE), RESPONSE, true),
        (Some("application/graphql-response+json, application/json;q=0.9"), RESPONSE, true),
        (Some(JSON), JSON, false),
        (Some("*/*"), JSON, false),
        (None, JSON, false),
    ];
    for (body, newer, older, executed) in rows {
        for (accept, media, is_newer) in accepts {
            let answer = server.send(accepting(server.post(body.clone()), accept)).await;

            let status = if is_newer { newer } else { older };
            assert_eq!(answer.status, status, "{body} {accept:?}: {answer:?}");
            assert_eq!(answer.header("content-type"), format!("{media}; charset=utf-8"));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.json().get("data").is_some(), executed, "{body}: {answer:?}");
            if !executed {
                assert_refusal(&answer);
            }
        }
    }
    assert_eq!(server.lab.engine.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn malformed_bodies_show_nothing_of_the_parser() {
    let server = Server::new().await;
    let bytes = |bytes: &[u8]| Body::from(bytes.to_vec());
    for body in [
        bytes(b"{\"query\":"),
        bytes(b"{\"query\": \"\xff\xfe\"}"),
        bytes(b"\xef\xbb\xbf{\"query\":\"{__typename}\"}"),
        bytes(b"{\"query\":\"{__typename}\"} trailing"),
        bytes(b"{\"query\":\"\\ud800\"}"),
        bytes("[".repeat(100_000).as_bytes()),
    ] {
        let answer = server.send(server.post(body)).await;

        assert_eq!(answer.status, 400);
        assert_refusal(&answer);
        assert_eq!(answer.json()["errors"][0]["message"], "The body is not valid JSON.");
    }
}

#[tokio::test]
async fn content_types_other_than_json_are_refused_and_run_nothing() {
    let server = Server::new().await;
    let body = json!({"query": CREATE}).to_string();
    for (content_type, status) in [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (Some("application/graphql"), 415),
        (Some("application/json; charset=latin1"), 415),
        (Some("application/json; charset=utf-8"), 200),
        (Some("Application/JSON"), 200),
    ] {
        let mut request = server.post(body.clone());
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(content_type) = content_type {
            request
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let before = server.lab.engine.revision().await.unwrap();

        let answer = server.send(request).await;

        assert_eq!(answer.status, status, "{content_type:?}");
        let written = server.lab.engine.revision().await.unwrap() - before;
        assert_eq!(written, i64::from(status == 200), "{content_type:?}");
    }
}

#[tokio::test]
async fn get_runs_queries_and_nothing_else() {
    let server = Server::new().await;
    let get = async |query: &str| {
        server.send_empty(server.request(Method::GET, &format!("/graphql?{query}"))).await
    };

    let named = get("query=query%20A%7B__typename%7Dquery%20B(%24n%3AInt)%7Bjobs(first%3A%24n)%7BtotalCount%7D%7D&operationName=B&variables=%7B%22n%22%3A1%7D").await;
    assert_eq!((named.status, named.json()), (200, json!({"data": {"jobs": {"totalCount": 0}}})));

    let create =
        "mutation%7BjobCreate(input%3A%7Bcompany%3A%22A%22%2Ctitle%3A%22B%22%7D)%7Brevision%7D%7D";
    for refused in [create, "subscription%7Bchanges%7Brevision%7D%7D"] {
        let answer = get(&format!("query={refused}")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, POST"), "{refused}");
        assert_refusal(&answer);
    }
    for malformed in [
        "",
        "query=",
        "variables=%7B%7D",
        "query=%7Ba%7D&query=%7Ba%7D",
        "query=%7B__typename%7D&variables=%5B%5D",
        "query=%7B__typename%7D&variables=x",
    ] {
        let answer = get(malformed).await;
        let is_document = malformed == "query=";
        assert_eq!(answer.status, if is_document { 200 } else { 400 }, "{malformed}");
        assert_refusal(&answer);
    }
    let head =
        server.send_empty(server.request(Method::HEAD, "/graphql?query=%7B__typename%7D")).await;
    assert_eq!(head.status, 405);
    assert_eq!(server.lab.engine.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn an_accept_that_nothing_satisfies_is_406() {
    let server = Server::new().await;
    for accept in ["text/html", "image/*", "application/json;q=0"] {
        let answer = server
            .send(accepting(server.post(json!({"query": CREATE}).to_string()), Some(accept)))
            .await;
        assert_eq!(answer.status, 406, "{accept}");
    }
    assert_eq!(server.lab.engine.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_announced_or_not() {
    let server = Server::with(|config| config.limits.body_bytes = 1_000).await;
    let padding = " ".repeat(1_000);
    let body = json!({"query": CREATE, "padding": padding}).to_string();
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        body.as_bytes().chunks(100).map(|piece| Ok(piece.to_vec())).collect();
    let mut announced = server.post(Body::empty());
    announced.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(1_001));
    let streamed = server.post(Body::from_stream(futures_util::stream::iter(pieces)));

    for request in [server.post(body), announced, streamed] {
        let answer = server.send(request).await;

        assert_eq!((answer.status, answer.code().as_str()), (413, "TOO_LARGE"));
        assert_eq!(answer.json()["errors"][0]["extensions"]["limit"], "body_bytes");
        assert_refusal(&answer);
    }
    assert_eq!(server.lab.engine.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn one_request_too_many_is_told_when_to_come_back() {
    let server = Server::with(|config| config.limits.in_flight = 1).await;
    let silent = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let mut first = Box::pin(server.send(server.post(Body::from_stream(silent))));
    assert!(futures_util::poll!(&mut first).is_pending());

    let second = server.query(CREATE, json!({})).await;

    assert_eq!((second.status, second.code().as_str()), (503, "UNAVAILABLE"));
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(second.json()["errors"][0]["extensions"]["retryAfterSeconds"], 1);
    assert_refusal(&second);
    drop(first);
    assert_eq!(server.query(CREATE, json!({})).await.status, 200, "the place is free again");
}

/// A request whose parts are put right one after another.
#[derive(Clone)]
struct Attempt {
    host: &'static str,
    method: Method,
    content_type: &'static str,
    site: &'static str,
    bearer: bool,
    accept: &'static str,
    body: String,
}

impl Attempt {
    async fn status(&self, server: &Server) -> u16 {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri("/graphql")
            .header(header::HOST, self.host)
            .header(header::CONTENT_TYPE, self.content_type)
            .header(header::ACCEPT, self.accept)
            .header("sec-fetch-site", self.site)
            .header(header::COOKIE, "jt_session=none");
        if self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", server.token));
        }
        server.send(request.body(Body::from(self.body.clone())).unwrap()).await.status
    }
}

#[tokio::test]
async fn the_first_reason_of_the_fixed_order_refuses() {
    let server = Server::with(|config| config.limits.body_bytes = 200).await;
    let aliases: String = (0..31).map(|n| format!("a{n}: nothing ")).collect();
    let guarded = json!({"query": format!("{{{aliases}}}")}).to_string();
    let mut attempt = Attempt {
        host: "attacker.example",
        method: Method::PATCH,
        content_type: "text/plain",
        site: "cross-site",
        bearer: false,
        accept: RESPONSE,
        body: "x".repeat(201),
    };
    let mut seen = vec![attempt.status(&server).await];
    let steps: [&dyn Fn(&mut Attempt); 8] = [
        &|it| it.host = "127.0.0.1:4000",
        &|it| it.method = Method::POST,
        &|it| it.content_type = JSON,
        &|it| it.site = "same-origin",
        &|it| it.bearer = true,
        &|it| it.body = "{".to_owned(),
        &|it| it.body = json!({"query": "{ nothing }"}).to_string(),
        &|it| it.body = json!({"query": "{ __typename }"}).to_string(),
    ];
    for step in steps {
        step(&mut attempt);
        seen.push(attempt.status(&server).await);
    }

    // Host, method, type, other site, credentials, size, JSON, document; then it runs.
    assert_eq!(seen, [403, 405, 415, 403, 401, 413, 400, 400, 200]);

    let limited = Server::new().await;
    let answer = limited.send(accepting(limited.post(guarded), Some(RESPONSE))).await;
    assert_eq!(answer.code(), "QUERY_TOO_COMPLEX", "the guard speaks before validation");
}

#[tokio::test]
async fn mutations_of_one_operation_run_in_order_and_a_refused_one_stops_none() {
    let server = Server::new().await;
    let document = "mutation {
        a: jobCreate(input: {company: \"Acme\", title: \"One\"}) { revision }
        b: jobCreate(input: {company: \"\", title: \"Two\"}) { revision userErrors { code } }
        c: jobCreate(input: {company: \"Acme\", title: \"Three\"}) { revision } }";

    let answer = server.query(document, json!({})).await;

    let expected = json!({
        "a": {"revision": 1},
        "b": {"revision": null, "userErrors": [{"code": "INVALID_INPUT"}]},
        "c": {"revision": 2},
    });
    let body = answer.json();
    assert_eq!((answer.status, &body["errors"], &body["data"]), (200, &Value::Null, &expected));
}
