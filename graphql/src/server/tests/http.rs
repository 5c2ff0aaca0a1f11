use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
    middleware,
    routing::get,
};
use bytes::Bytes;
use jotrack_core::Limits;
use serde_json::json;
use tower::ServiceExt;

use super::{
    super::{SharedState, Timing, admit},
    Answer, CHANGES, CREATE, OWN, Server, anonymous, sign_in,
};

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

fn accepting(mut request: Request<Body>, accept: &'static str) -> Request<Body> {
    request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
    request
}

#[tokio::test]
async fn statuses_follow_the_media_type_of_the_answer() {
    let server = Server::start().await;
    for (query, refused, has_data) in [
        ("{ __typename }", false, true),
        ("{ job(id: \"nothing\") { id } }", false, true),
        ("{", true, false),
        ("{ a a: b }", true, false),
        ("{ nothing }", true, false),
        ("query A { __typename } query B { __typename }", true, false),
        ("query($x: Int!) { __typename }", true, false),
    ] {
        for (accept, media, strict) in [
            (RESPONSE, "application/graphql-response+json; charset=utf-8", true),
            (JSON, "application/json; charset=utf-8", false),
            ("*/*", "application/json; charset=utf-8", false),
        ] {
            let answer = server.send(accepting(server.post(query), accept)).await;

            let expected = if refused && strict { 400 } else { 200 };
            assert_eq!(answer.status, expected, "{query} {accept}: {answer:?}");
            assert_eq!(answer.header(header::CONTENT_TYPE), media);
            assert_eq!(answer.json().get("data").is_some(), has_data, "{query}: {answer:?}");
            assert_eq!(answer.json().get("errors").is_some(), refused, "{query}");
        }
    }
}

#[tokio::test]
async fn refused_documents_carry_code_place_and_request_id() {
    let server = Server::start().await;

    let parse = server.send(server.post("{\n  job(")).await;
    let aliases: String = (0..31).map(|n| format!("a{n}: id ")).collect();
    let complex = server.send(server.post(&format!("{{ job(id: 1) {{ {aliases} }} }}"))).await;

    let error = parse.json()["errors"][0].clone();
    assert_eq!(error["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    assert_eq!(error["locations"][0]["line"], 2);
    assert_eq!(error["extensions"]["requestId"], parse.header("x-request-id"));
    assert_eq!(complex.code(), "QUERY_TOO_COMPLEX");
    assert_eq!(complex.json()["errors"][0]["extensions"]["limit"], "aliases");
}

#[tokio::test]
async fn malformed_bodies_are_400_whatever_is_accepted() {
    let server = Server::start().await;
    for body in [
        "",
        "{",
        "[]",
        r#"[{"query":"{__typename}"}]"#,
        "{}",
        r#"{"query":1}"#,
        r#"{"query":"{__typename}","variables":[]}"#,
        r#"{"query":"{__typename}","operationName":{}}"#,
        r#"{"query":"{__typename}","extensions":"x"}"#,
    ] {
        for accept in [RESPONSE, JSON] {
            let answer = server.send(accepting(server.post_body(body), accept)).await;

            assert_eq!(answer.status, 400, "{body}");
            assert_eq!(answer.code(), "INVALID_INPUT");
            assert!(answer.json().get("data").is_none());
            assert!(answer.header(header::CONTENT_TYPE).starts_with(accept));
        }
    }
}

#[tokio::test]
async fn mutations_are_posted_as_json_or_not_executed() {
    let server = Server::start().await;
    let body = json!({"query": CREATE}).to_string();
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    {
        let mut request = server.post_body(body.clone());
        if content_type.is_empty() {
            request.headers_mut().remove(header::CONTENT_TYPE);
        } else {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }

        assert_eq!(server.send(request).await.status, 415, "{content_type}");
    }

    let created = server.send(server.post_body(body)).await;

    assert_eq!(created.json()["data"]["jobCreate"]["job"]["title"], "Cook", "{created:?}");
}

fn encoded(query: &str) -> String {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/graphql?query={query}")
}

#[tokio::test]
async fn get_answers_queries_only() {
    let server = Server::start().await;
    let get = async |path: &str| {
        server.send(server.request(Method::GET, path).body(Body::empty()).unwrap()).await
    };

    let query = get(&encoded("{ __typename }")).await;
    assert_eq!(
        (query.status, &query.json()["data"]["__typename"]),
        (StatusCode::OK, &json!("Query"))
    );

    for refused in [CREATE, CHANGES] {
        let answer = get(&encoded(refused)).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header(header::ALLOW), "GET, POST");
    }
    assert_eq!(get("/graphql").await.status, 400);
    assert_eq!(get("/graphql?query={a}&variables=x").await.status, 400);
}

#[tokio::test]
async fn a_subscription_needs_a_stream() {
    let server = Server::start().await;

    assert_eq!(server.send(server.post(CHANGES)).await.status, 400);
}

#[tokio::test]
async fn other_methods_and_answers_nobody_gives_are_refused() {
    let server = Server::start().await;
    for (method, path, allow) in [
        (Method::PUT, "/graphql", "GET, POST"),
        (Method::OPTIONS, "/graphql", "GET, POST"),
        (Method::POST, "/uploads", "PUT"),
        (Method::GET, "/session", "POST"),
        (Method::POST, "/graphql/ws", "GET"),
        (Method::DELETE, "/health/live", "GET, HEAD"),
        (Method::POST, "/", "GET, HEAD"),
    ] {
        let answer = server.send(anonymous(method, path).body(Body::empty()).unwrap()).await;

        assert_eq!(
            (answer.status, answer.header(header::ALLOW)),
            (StatusCode::METHOD_NOT_ALLOWED, allow)
        );
    }

    let answer = server.send(accepting(server.post("{ __typename }"), "text/html")).await;
    assert_eq!(answer.status, 406);
}

#[tokio::test]
async fn bodies_and_heads_beyond_their_limit_are_refused() {
    let limits = Limits { body_bytes: 100, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let long = "x".repeat(101);

    let body = server.send(server.post_body(long.clone())).await;
    assert_eq!((body.status, body.code()), (StatusCode::PAYLOAD_TOO_LARGE, json!("TOO_LARGE")));
    assert_eq!(body.json()["errors"][0]["extensions"]["limit"], "body_bytes");

    let mut packed = server.post("{ __typename }");
    packed.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(server.send(packed).await.status, 415);

    let path = format!("/graphql?query={}", "x".repeat(2_048));
    let url = server.request(Method::GET, &path).body(Body::empty()).unwrap();
    assert_eq!(server.send(url).await.status, 414);

    let mut head = server.post("{ __typename }");
    head.headers_mut().insert("x-padding", "x".repeat(16 * 1024).parse().unwrap());
    assert_eq!(server.send(head).await.status, 431);
}

#[tokio::test]
async fn an_answer_beyond_its_limit_becomes_an_error() {
    let limits = Limits { response_bytes: 30, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;

    let answer = server.send(server.post("{ __schema { types { name } } }")).await;

    assert_eq!((answer.status, answer.code()), (StatusCode::OK, json!("TOO_LARGE")));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let limits = Limits { execution_ms: 1, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let silent = Body::from_stream(futures_util::stream::pending::<Result<Bytes, String>>());

    assert_eq!(server.send(server.post_body(silent)).await.status, 408);
}

#[tokio::test]
async fn too_many_requests_at_once_are_told_to_come_back() {
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let silent = Body::from_stream(futures_util::stream::pending::<Result<Bytes, String>>());
    let mut first = Box::pin(server.send(server.post_body(silent)));
    assert!(futures_util::poll!(&mut first).is_pending());

    let second = server.send(server.post("{ __typename }")).await;
    assert_eq!(
        (second.status, second.code()),
        (StatusCode::SERVICE_UNAVAILABLE, json!("UNAVAILABLE"))
    );
    assert_eq!(second.header(header::RETRY_AFTER), "1");

    drop(first);
    assert_eq!(server.send(server.post("{ __typename }")).await.status, 200);
}

#[tokio::test]
async fn everything_but_the_public_addresses_needs_credentials() {
    let server = Server::start().await;
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::GET, "/favicon.ico", 204),
        (Method::GET, "/health/live", 200),
        (Method::GET, "/health/ready", 200),
        (Method::GET, "/graphql?query=%7B__typename%7D", 401),
        (Method::PUT, "/uploads?filename=a.txt", 401),
        (Method::GET, "/downloads/a/b/c", 401),
        (Method::GET, "/anything", 401),
        (Method::GET, "/graphql/", 401),
    ] {
        let request = anonymous(method.clone(), path).body(Body::empty()).unwrap();
        assert_eq!(server.send(request).await.status, status, "{path}");

        for wrong in ["Bearer wrong", "Basic x", ""] {
            if status == 401 {
                let request = anonymous(method.clone(), path)
                    .header(header::AUTHORIZATION, wrong)
                    .body(Body::empty())
                    .unwrap();
                let answer = server.send(request).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.code()),
                    (401, json!("UNAUTHENTICATED"))
                );
                assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
            }
        }
    }
    let unknown = server.request(Method::GET, "/anything").body(Body::empty()).unwrap();
    assert_eq!(server.send(unknown).await.status, 404);
}

#[tokio::test]
async fn another_host_is_refused_even_with_the_token() {
    let server = Server::start().await;
    for (path, host) in [
        ("/graphql?query=%7B__typename%7D", "attacker.example:4000"),
        ("/", "attacker.example:4000"),
        ("/health/live", "127.0.0.1:4001"),
    ] {
        let mut request = server.request(Method::GET, path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::HOST, host.parse().unwrap());

        assert_eq!(server.send(request).await.status, 403, "{host}");
    }
}

#[tokio::test]
async fn the_token_opens_a_session_for_the_own_page() {
    let server = Server::start().await;
    let cookie = server.sign_in().await;
    let with_cookie = |site: Option<&str>, origin: Option<&str>| {
        let mut request = anonymous(Method::POST, "/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &cookie);
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        request.body(Body::from(r#"{"query":"{__typename}"}"#)).unwrap()
    };

    for (site, origin, status) in [
        (Some("same-origin"), Some(OWN), 200),
        (Some("none"), None, 200),
        (None, Some(OWN), 200),
        (Some("cross-site"), Some("http://attacker.example"), 403),
        (Some("same-site"), Some("http://127.0.0.1:5000"), 403),
        (None, Some("null"), 403),
        (None, None, 403),
    ] {
        let answer = server.send(with_cookie(site, origin)).await;
        assert_eq!(answer.status, status, "{site:?} {origin:?}");
    }

    for body in [json!({"token": "wrong"}), json!({"token": ""})] {
        let answer = server.send(sign_in(&body)).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    for body in [json!({}), json!([]), json!({"token": 1})] {
        assert_eq!(server.send(sign_in(&body)).await.status, 400);
    }
}

#[tokio::test]
async fn the_first_matching_reason_refuses() {
    let limits = Limits { body_bytes: 10, in_flight: 0, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let mut request = anonymous(Method::PATCH, "/graphql")
        .header(header::COOKIE, "jt_session=none")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("x".repeat(20)))
        .unwrap();
    request.headers_mut().insert(header::HOST, "attacker.example".parse().unwrap());
    let mut statuses = Vec::new();
    let steps: [fn(&mut Request<Body>, &Server); 6] = [
        |_, _| {},
        |request, _| {
            request.headers_mut().insert(header::HOST, "127.0.0.1:4000".parse().unwrap());
        },
        |request, _| *request.method_mut() = Method::POST,
        |request, _| {
            request.headers_mut().insert(header::CONTENT_TYPE, JSON.parse().unwrap());
        },
        |request, _| {
            request.headers_mut().insert("sec-fetch-site", "same-origin".parse().unwrap());
        },
        |request, server| {
            let bearer = format!("Bearer {}", server.token).parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        },
    ];
    for step in steps {
        step(&mut request, &server);
        let mut copy = Request::new(Body::from("x".repeat(20)));
        copy.headers_mut().clone_from(request.headers());
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        statuses.push(server.send(copy).await.status.as_u16());
    }

    assert_eq!(statuses, [403, 405, 415, 403, 401, 503]);
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers() {
    let server = Server::start().await;
    let refused =
        server.send(anonymous(Method::GET, "/graphql").body(Body::empty()).unwrap()).await;
    let served = server.send(server.post("{ __typename }")).await;
    let page = server.send(anonymous(Method::GET, "/").body(Body::empty()).unwrap()).await;

    let ids: Vec<_> = [&refused, &served, &page].map(|answer| answer.header("x-request-id")).into();
    assert!(ids.iter().all(|id| id.len() == 17), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    for answer in [&refused, &served, &page] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(served.header(header::CACHE_CONTROL), "private, no-store");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
}

#[tokio::test]
async fn a_panic_is_answered_and_says_nothing() {
    let server = Server::start().await;
    let state = SharedState::clone(&server.state);
    let router: Router = Router::new()
        .route("/", get(async || -> &'static str { panic!("private detail") }))
        .layer(middleware::from_fn_with_state(state, admit::observe));

    let request = anonymous(Method::GET, "/").body(Body::empty()).unwrap();
    let (head, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let answer = Answer { status: head.status, headers: head.headers, body };

    assert_eq!((answer.status.as_u16(), answer.code()), (500, json!("INTERNAL")));
    assert!(!answer.json().to_string().contains("private"));
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = super::super::bind(address.parse().unwrap()).await;

        assert!(matches!(refused, Err(jotrack_core::Error::Misuse { .. })), "{address}");
    }
    assert!(super::super::bind("127.0.0.1:0".parse().unwrap()).await.is_ok());
}

#[tokio::test]
async fn variables_reach_the_operation() {
    let server = Server::start().await;
    let body = json!({
        "query": "mutation A($input: JobCreateInput!) { jobCreate(input: $input) { job { title notes } } }",
        "variables": {"input": {"company": "Acme", "title": "Ünïcode", "notes": "\"\\"}},
        "operationName": "A",
    });

    let answer = server.send(server.post_body(body.to_string())).await;

    let job = &answer.json()["data"]["jobCreate"]["job"];
    assert_eq!(job, &json!({"title": "Ünïcode", "notes": "\"\\"}), "{answer:?}");
}

#[tokio::test]
async fn deep_variables_are_refused() {
    let server = Server::start().await;
    let body = format!(
        r#"{{"query":"{{__typename}}","variables":{{"x":{}{}}}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );

    let answer = tokio::time::timeout(Duration::from_secs(5), server.send(server.post_body(body)))
        .await
        .unwrap();

    assert_eq!(answer.code(), "QUERY_TOO_COMPLEX");
}
