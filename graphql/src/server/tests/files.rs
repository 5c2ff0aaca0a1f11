use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use bytes::Bytes;
use jotrack_core::Limits;
use serde_json::json;

use super::{super::Timing, Answer, Server, anonymous};

fn put(server: &Server, query: &str, body: impl Into<Body>) -> Request<Body> {
    server.request(Method::PUT, &format!("/uploads{query}")).body(body.into()).unwrap()
}

#[tokio::test]
async fn an_upload_is_answered_with_what_arrived() {
    let server = Server::start().await;
    let text = "Line of a résumé.\n".repeat(40_000);

    let answer = server.send(put(&server, "?filename=cv.txt", text.clone())).await;

    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let staged = answer.json();
    assert!(staged["uploadId"].as_str().unwrap().starts_with("upl_"));
    assert_eq!(staged["size"], text.len());
    assert_eq!(staged["mediaType"], "text/plain");
    assert!(staged["sha256"].is_string() && staged["expiresAt"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn uploads_beyond_the_limit_are_refused_early_and_late() {
    let limits = Limits { file_bytes: 1_000, ..Limits::default() };
    let server = Server::with(limits, Timing::default()).await;
    let pieces = futures_util::stream::iter(std::iter::repeat_n(
        Ok::<_, String>(Bytes::from_static(&[b'a'; 100])),
        11,
    ));

    let mut announced = put(&server, "?filename=a.txt", Body::empty());
    announced.headers_mut().insert("content-length", 1_001.into());
    for request in [announced, put(&server, "?filename=a.txt", Body::from_stream(pieces))] {
        let answer = server.send(request).await;

        assert_eq!((answer.status.as_u16(), answer.code()), (413, json!("TOO_LARGE")));
    }
}

#[tokio::test]
async fn uploads_need_one_name_and_an_accepted_type() {
    let server = Server::start().await;
    for query in ["", "?name=a.txt", "?filename=a.txt&filename=b.txt"] {
        assert_eq!(server.send(put(&server, query, "text")).await.status, 400, "{query}");
    }

    let program = server.send(put(&server, "?filename=a.exe", &b"MZ\x90\0\x03\0\0\0"[..])).await;
    assert_eq!((program.status.as_u16(), program.code()), (415, json!("UNSUPPORTED_TYPE")));

    let mut packed = put(&server, "?filename=a.txt", "text");
    packed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(server.send(packed).await.status, 415);
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_refused() {
    let server = Server::start().await;
    let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"half")), Err("gone")]);

    let answer = server.send(put(&server, "?filename=a.txt", Body::from_stream(broken))).await;

    assert_eq!(answer.status, 400);
}

/// Attaches a file and returns its bytes with the path that `downloadUrl` gives.
async fn attached(server: &Server) -> (Vec<u8>, String) {
    let bytes = "Invented résumé, line after line.\n".repeat(20_000).into_bytes();
    let upload = server.send(put(server, "?filename=r%C3%A9sum%C3%A9.txt", bytes.clone())).await;
    let job = server
        .send(server.post(
            r#"mutation { jobCreate(input: {company: "Acme", title: "Cook"}) { job { id } } }"#,
        ))
        .await;
    let create = json!({
        "query": "mutation A($input: AttachmentCreateInput!) { attachmentCreate(input: $input) {
            attachment { downloadUrl } userErrors { message } } }",
        "variables": {"input": {
            "jobId": job.json()["data"]["jobCreate"]["job"]["id"],
            "kind": "RESUME",
            "filename": "résumé.txt",
            "content": {"uploadId": upload.json()["uploadId"]},
        }},
    });
    let answer = server.send(server.post_body(create.to_string())).await;
    let path = answer.json()["data"]["attachmentCreate"]["attachment"]["downloadUrl"].clone();
    let path = path.as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (bytes, path)
}

async fn get(server: &Server, path: &str, range: Option<&str>) -> Answer {
    let mut request = server.request(Method::GET, path);
    if let Some(range) = range {
        request = request.header(header::RANGE, range);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_signed_path_gives_the_bytes_and_nothing_that_runs() {
    let server = Server::start().await;
    let (bytes, path) = attached(&server).await;

    let whole = get(&server, &path, None).await;

    assert_eq!(whole.status, StatusCode::OK);
    assert!(whole.body == bytes);
    assert_eq!(whole.header(header::CONTENT_TYPE), "text/plain");
    assert_eq!(
        whole.header(header::CONTENT_DISPOSITION),
        "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.txt"
    );
    assert_eq!(whole.header(header::CONTENT_SECURITY_POLICY), "sandbox; default-src 'none'");
    assert_eq!(whole.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(whole.header(header::CACHE_CONTROL), "private, no-store");

    let head = server.request(Method::HEAD, &path).body(Body::empty()).unwrap();
    let head = server.send(head).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header(header::CONTENT_LENGTH), bytes.len().to_string());
}

#[tokio::test]
async fn a_part_of_a_file_can_be_read() {
    let server = Server::start().await;
    let (bytes, path) = attached(&server).await;

    let part = get(&server, &path, Some("bytes=300000-600009")).await;
    let outside = get(&server, &path, Some("bytes=9999999-")).await;

    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert!(part.body == bytes[300_000..=600_009]);
    let range = format!("bytes 300000-600009/{}", bytes.len());
    assert_eq!(part.header(header::CONTENT_RANGE), range);
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header(header::CONTENT_RANGE), format!("bytes */{}", bytes.len()));
}

#[tokio::test]
async fn a_path_alone_opens_nothing() {
    let server = Server::start().await;
    let (_, path) = attached(&server).await;

    let stranger = server.send(anonymous(Method::GET, &path).body(Body::empty()).unwrap()).await;
    let forged = get(&server, &path.replace("/att_", "/att_0"), None).await;
    server.clock.advance_ms(300_000);
    let expired = get(&server, &path, None).await;

    assert_eq!(stranger.status, 401);
    assert_eq!((forged.status.as_u16(), forged.code()), (404, json!("NOT_FOUND")));
    assert_eq!(
        (expired.status, expired.json()["errors"][0]["message"].clone()),
        (forged.status, forged.json()["errors"][0]["message"].clone())
    );
}
