//! Who may send a request: the token, the cookie it becomes, hosts, and pages of other sites.

use axum::{
    body::Body,
    http::{HeaderValue, Method, header},
};
use jotrack_core::DAY_MS;
use jotrack_tests::client::Server;
use serde_json::{Value, json};

use super::{CREATE, JSON, assert_refusal};

#[tokio::test]
async fn every_address_but_the_public_ones_wants_credentials() {
    let server = Server::new().await;
    for (method, path) in [
        (Method::POST, "/graphql"),
        (Method::GET, "/graphql?query=%7B__typename%7D"),
        (Method::PUT, "/uploads?filename=a.txt"),
        (Method::GET, "/downloads/att_0/1/x"),
        (Method::HEAD, "/downloads/att_0/1/x"),
        (Method::GET, "/anything/else"),
        (Method::DELETE, "/anything/else"),
        (Method::GET, "/graphql/"),
        (Method::GET, "/../graphql"),
        (Method::GET, "/uploads/a"),
    ] {
        for authorization in
            [None, Some("Bearer wrong"), Some("Bearer "), Some("bearer"), Some("Basic eA==")]
        {
            let mut request = server
                .anonymous(method.clone(), path)
                .header(header::CONTENT_TYPE, JSON)
                .header("sec-fetch-site", "same-origin")
                .header(header::COOKIE, "jt_session=wrong");
            if let Some(value) = authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            let answer = server.send_empty(request).await;

            assert_eq!(answer.status, 401, "{method} {path} {authorization:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            if method != Method::HEAD {
                assert_eq!(answer.code(), "UNAUTHENTICATED");
                assert_refusal(&answer);
            }
        }
        let no_cookie = server.anonymous(method.clone(), path).header(header::CONTENT_TYPE, JSON);
        assert_eq!(server.send_empty(no_cookie).await.status, 401, "{method} {path}");
    }
    let wrong =
        server.anonymous(Method::GET, "/graphql/ws").header(header::AUTHORIZATION, "Bearer x");
    assert_eq!(server.send_empty(wrong).await.status, 401);

    for (path, status) in
        [("/", 200), ("/health/live", 200), ("/health/ready", 200), ("/favicon.ico", 204)]
    {
        let answer = server.send_empty(server.anonymous(Method::GET, path)).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let unknown = server.send_empty(server.request(Method::GET, "/anything/else")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "NOT_FOUND"));
    assert_refusal(&unknown);
}

#[tokio::test]
async fn a_host_that_is_not_this_machine_is_refused_everywhere() {
    let server = Server::new().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/health/live"),
        (Method::POST, "/session"),
        (Method::POST, "/graphql"),
        (Method::GET, "/graphql/ws"),
        (Method::PUT, "/uploads?filename=a.txt"),
        (Method::GET, "/downloads/att_0/1/x"),
    ] {
        for host in [
            "attacker.example",
            "attacker.example:4000",
            "127.0.0.1:4001",
            "localhost.attacker.example:4000",
            "0.0.0.0:4000",
            "",
        ] {
            let mut request =
                server.request(method.clone(), path).header(header::CONTENT_TYPE, JSON);
            request.headers_mut().unwrap().insert(header::HOST, HeaderValue::from_static(host));

            let answer = server.send_empty(request).await;

            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "FORBIDDEN"),
                "{path} {host}"
            );
        }
    }
    for host in ["localhost:4000", "127.0.0.1:4000", "[::1]:4000"] {
        let mut request = server.post(json!({"query": "{ __typename }"}).to_string());
        request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
        assert_eq!(server.send(request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn the_token_becomes_a_cookie_that_scripts_and_other_sites_never_see() {
    let server = Server::new().await;
    let sign_in = |body: Value| {
        server
            .anonymous(Method::POST, "/session")
            .header(header::CONTENT_TYPE, JSON)
            .body(Body::from(body.to_string()))
            .unwrap()
    };

    let answer = server.send(sign_in(json!({"token": server.token}))).await;

    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|it| it == part), "{part} in {cookie}");
    }
    assert!(!cookie.contains(&server.token));
    assert!(!cookie.contains("Domain"));
    for (body, status) in [
        (json!({"token": "wrong"}), 401),
        (json!({"token": ""}), 401),
        (json!({"token": 1}), 400),
        (json!({}), 400),
        (json!([]), 400),
        (json!({"token": "x".repeat(5_000)}), 413),
    ] {
        let answer = server.send(sign_in(body)).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (status, ""));
        assert_refusal(&answer);
    }
    let mut foreign = sign_in(json!({"token": server.token}));
    foreign.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    assert_eq!(server.send(foreign).await.status, 403);
}

#[tokio::test]
async fn a_session_ends_idle_and_in_any_case() {
    let server = Server::new().await;
    let cookie = server.sign_in().await;
    let status = async || {
        let request = server
            .anonymous(Method::GET, "/graphql?query=%7B__typename%7D")
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", "same-origin");
        server.send_empty(request).await.status
    };
    for _ in 0..4 {
        server.lab.clock.advance_ms(7 * DAY_MS - 1);
        assert_eq!(status().await, 200);
    }

    server.lab.clock.advance_ms(2 * DAY_MS + 4);

    assert_eq!(status().await, 401);
    let idle = Server::new().await;
    let cookie = idle.sign_in().await;
    idle.lab.clock.advance_ms(7 * DAY_MS);
    let request = idle
        .anonymous(Method::GET, "/graphql?query=%7B__typename%7D")
        .header(header::COOKIE, &cookie)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(idle.send_empty(request).await.status, 401);
}

/// A sort of request that a page of any site can make a browser send, and some that it cannot.
#[derive(Debug, Clone, Copy)]
struct Cell {
    method: &'static str,
    content_type: Option<&'static str>,
    site: Option<&'static str>,
    origin: Option<&'static str>,
    by_cookie: bool,
    marked: bool,
}

fn cells() -> Vec<Cell> {
    let own = "http://127.0.0.1:4000";
    let mut cells = Vec::new();
    for method in ["GET", "POST", "PUT"] {
        for content_type in [
            Some(JSON),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            None,
        ] {
            for site in
                [Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), None]
            {
                for origin in [Some(own), Some("http://attacker.example"), Some("null"), None] {
                    for by_cookie in [true, false] {
                        for marked in [true, false] {
                            cells.push(Cell {
                                method,
                                content_type,
                                site,
                                origin,
                                by_cookie,
                                marked,
                            });
                        }
                    }
                }
            }
        }
    }
    cells
}

#[tokio::test]
async fn state_changes_only_in_the_allowed_cells() {
    let server = Server::new().await;
    let cookie = server.sign_in().await;
    let mut changed = 0;
    for cell in cells() {
        let mut request = server.anonymous(cell.method.parse().unwrap(), "/graphql");
        request = if cell.by_cookie {
            request.header(header::COOKIE, &cookie)
        } else {
            request.header(header::AUTHORIZATION, format!("Bearer {}", server.token))
        };
        let headers = [
            ("content-type", cell.content_type),
            ("sec-fetch-site", cell.site),
            ("origin", cell.origin),
            ("x-jotrack-csrf", cell.marked.then_some("1")),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let before = server.lab.engine.revision().await.unwrap();

        let body = Body::from(json!({"query": CREATE}).to_string());
        let answer = server.send(request.body(body).unwrap()).await;

        let after = server.lab.engine.revision().await.unwrap();
        let own_page = match (cell.site, cell.origin) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => origin == "http://127.0.0.1:4000",
            (None, None) => cell.marked,
        };
        let allowed = cell.method == "POST"
            && cell.content_type == Some(JSON)
            && (!cell.by_cookie || own_page);
        assert_eq!(after > before, allowed, "{cell:?}: {}", answer.status);
        assert_eq!(answer.status == 200, allowed, "{cell:?}: {}", answer.status);
        changed += i64::from(allowed);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(server.lab.engine.revision().await.unwrap(), changed);
}

#[tokio::test]
async fn a_preflight_of_another_site_is_never_granted() {
    let server = Server::new().await;
    for path in ["/graphql", "/uploads", "/session", "/"] {
        let request = server
            .anonymous(Method::OPTIONS, path)
            .header(header::ORIGIN, "http://attacker.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
        let answer = server.send_empty(request).await;

        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
}
