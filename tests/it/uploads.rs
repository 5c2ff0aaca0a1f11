//! Files over HTTP: streamed in by PUT, attached by their upload id, read back by signed paths.

use std::io;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use jotrack_tests::{
    client::{Answer, Server, text},
    files,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const ATTACH: &str = "mutation($i: AttachmentCreateInput!) { attachmentCreate(input: $i) {
    attachment { id version size sha256 mediaType filename textState downloadUrl }
    warnings revision userErrors { __typename code path } } }";

fn put(server: &Server, filename: &str, body: impl Into<Body>) -> Request<Body> {
    let path = format!("/uploads?filename={filename}");
    server.request(Method::PUT, &path).body(body.into()).unwrap()
}

/// A body whose length nobody announces.
fn streamed(bytes: &[u8], piece: usize) -> Body {
    let pieces: Vec<io::Result<Vec<u8>>> = bytes.chunks(piece).map(|it| Ok(it.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

async fn job(server: &Server) -> String {
    let create =
        "mutation { jobCreate(input: {company: \"Acme\", title: \"Cook\"}) { job { id } } }";
    text(&server.data(create, json!({})).await["jobCreate"]["job"]["id"])
}

async fn attach(server: &Server, job: &str, upload: &Value) -> Value {
    let input = json!({"jobId": job, "kind": "RESUME", "filename": "Lebenslauf.txt", "content": {"uploadId": upload}});
    server.data(ATTACH, json!({"i": input})).await["attachmentCreate"].take()
}

/// Uploads and attaches a text; returns what the mutation answers as the attachment.
async fn attached(server: &Server, content: &str) -> Value {
    let staged = server.send(put(server, "a.txt", content.to_owned())).await;
    assert_eq!(staged.status, 201, "{staged:?}");
    let mut payload = attach(server, &job(server).await, &staged.json()["uploadId"]).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["attachment"].take()
}

async fn get(server: &Server, path: &str) -> Answer {
    server.send_empty(server.request(Method::GET, path)).await
}

/// Received files, finished or not; the folder's lock is none.
fn blobs(server: &Server) -> usize {
    let all = files(&server.lab.dir.path().join("blobs"));
    all.into_iter().filter(|path| !path.ends_with("lock")).count()
}

#[tokio::test]
async fn a_streamed_file_is_staged_attached_and_read_back_byte_for_byte() {
    let server = Server::new().await;
    let bytes = "Zürich, an invented kitchen. ".repeat(40_000).into_bytes();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();

    let staged =
        server.send(put(&server, "Lebenslauf%20%C3%BC.txt", streamed(&bytes, 7_777))).await;

    assert_eq!(staged.status, 201, "{staged:?}");
    assert_eq!(staged.header("content-type"), "application/json; charset=utf-8");
    let body = staged.json();
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["expiresAt", "mediaType", "sha256", "size", "uploadId"]);
    assert_eq!(
        (&body["size"], &body["sha256"], &body["mediaType"]),
        (&json!(bytes.len()), &json!(digest), &json!("text/plain"))
    );
    let day = server.lab.engine.clock().now().plus_ms(jotrack_core::DAY_MS).to_rfc3339();
    assert_eq!(body["expiresAt"], day);
    assert_eq!(server.lab.engine.revision().await.unwrap(), 0, "a staged file is no change yet");

    let payload = attach(&server, &job(&server).await, &body["uploadId"]).await;
    assert_eq!(
        (&payload["userErrors"], &payload["warnings"]),
        (&json!([]), &json!([])),
        "{payload}"
    );
    let attachment = &payload["attachment"];
    assert_eq!((&attachment["size"], &attachment["sha256"]), (&json!(bytes.len()), &json!(digest)));
    assert_eq!(attachment["filename"], "Lebenslauf.txt");

    let path = text(&attachment["downloadUrl"]);
    let whole = get(&server, &path).await;
    assert_eq!(whole.status, 200);
    assert!(whole.body == bytes);
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-disposition", "attachment; filename*=UTF-8''Lebenslauf.txt"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-length", &bytes.len().to_string()),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    server.lab.assert_healthy().await;
}

#[tokio::test]
async fn an_upload_is_attached_once_and_to_an_own_job() {
    let server = Server::new().await;
    let staged = server.send(put(&server, "a.txt", "Cooked in three kitchens.")).await.json();
    let (first, second) = (job(&server).await, job(&server).await);

    let missing =
        attach(&server, "job_0123456789abcdef0123456789abcdef", &staged["uploadId"]).await;
    let once = attach(&server, &first, &staged["uploadId"]).await;
    let twice = attach(&server, &second, &staged["uploadId"]).await;

    assert_eq!(
        missing["userErrors"],
        json!([{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["input", "jobId"]}])
    );
    assert_eq!(once["userErrors"], json!([]));
    assert_eq!(
        twice["userErrors"],
        json!([{"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["input", "content", "uploadId"]}])
    );
}

#[tokio::test]
async fn an_unused_upload_vanishes_after_a_day() {
    let server = Server::new().await;
    let staged = server.send(put(&server, "a.txt", "Cooked in three kitchens.")).await.json();
    let job = job(&server).await;
    assert_eq!(blobs(&server), 1);

    server.lab.clock.advance_ms(jotrack_core::DAY_MS + 1);
    let late = attach(&server, &job, &staged["uploadId"]).await;
    server.lab.engine.run_due_tasks().await.unwrap();

    assert_eq!(late["userErrors"][0]["code"], "NOT_FOUND", "{late}");
    server.lab.assert_healthy().await;
}

#[tokio::test]
async fn files_that_are_too_large_empty_or_of_no_accepted_type_leave_nothing() {
    let server = Server::with(|config| config.limits.file_bytes = 10_000).await;
    let large = vec![b'a'; 10_001];
    let mut announced = put(&server, "a.txt", Body::empty());
    announced.headers_mut().insert(header::CONTENT_LENGTH, 10_001.into());
    let program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
    let mut packed = put(&server, "a.txt", "text");
    packed.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());

    for (what, request, status, code) in [
        ("announced", announced, 413, "TOO_LARGE"),
        ("streamed", put(&server, "a.txt", streamed(&large, 999)), 413, "TOO_LARGE"),
        ("at once", put(&server, "a.txt", large.clone()), 413, "TOO_LARGE"),
        ("program", put(&server, "a.txt", program.clone()), 415, "UNSUPPORTED_TYPE"),
        ("program under another name", put(&server, "cv.pdf", program), 415, "UNSUPPORTED_TYPE"),
        ("packed", packed, 415, "UNSUPPORTED_TYPE"),
        ("empty", put(&server, "a.txt", Body::empty()), 422, "INVALID_INPUT"),
    ] {
        let answer = server.send(request).await;

        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{what}: {}",
            answer.json()
        );
        assert!(answer.json().get("data").is_none(), "{what}");
    }
    assert_eq!(blobs(&server), 0);
    server.lab.assert_healthy().await;
}

#[tokio::test]
async fn an_upload_names_its_file_once() {
    let server = Server::new().await;
    for query in ["", "?", "?name=a.txt", "?filename=a.txt&filename=b.txt"] {
        let request = server.request(Method::PUT, &format!("/uploads{query}"));
        let answer = server.send(request.body(Body::from("text")).unwrap()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_INPUT"), "{query}");
    }
    let hostile = server
        .send(put(&server, "..%2F..%2Fetc%2Fpasswd%00%0A.txt", "Cooked in three kitchens."))
        .await;
    assert_eq!(hostile.status, 201, "a name is only shown, and cleaned: {hostile:?}");
    assert_eq!(blobs(&server), 1);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::new().await;
    let pieces = [Ok(vec![b'a'; 5_000]), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let broken = Body::from_stream(futures_util::stream::iter(pieces));

    let answer = server.send(put(&server, "a.txt", broken)).await;

    assert_eq!(answer.status, 400);
    assert_eq!(blobs(&server), 0);
}

#[tokio::test]
async fn uploads_of_another_sites_page_are_refused() {
    let server = Server::new().await;
    let cookie = server.sign_in().await;
    for (site, origin, status) in [
        (Some("same-origin"), Some("http://127.0.0.1:4000"), 201),
        (Some("cross-site"), Some("http://attacker.example"), 403),
        (Some("same-site"), Some("http://127.0.0.1:5000"), 403),
        (None, Some("http://attacker.example"), 403),
        (None, None, 403),
    ] {
        let mut request = server
            .anonymous(Method::PUT, "/uploads?filename=a.txt")
            .header(header::COOKIE, &cookie);
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer =
            server.send(request.body(Body::from("Cooked in three kitchens.")).unwrap()).await;
        assert_eq!(answer.status, status, "{site:?} {origin:?}");
    }
}

#[tokio::test]
async fn a_path_serves_its_owner_for_five_minutes() {
    let server = Server::new().await;
    let path = text(&attached(&server, "Cooked in three kitchens.").await["downloadUrl"]);

    server.lab.clock.advance_ms(299_999);
    assert_eq!(get(&server, &path).await.status, 200);
    server.lab.clock.advance_ms(1);
    let late = get(&server, &path).await;

    assert_eq!((late.status, late.code().as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_path_is_no_credential() {
    let server = Server::new().await;
    let path = text(&attached(&server, "Cooked in three kitchens.").await["downloadUrl"]);
    let cookie = server.sign_in().await;
    let with_cookie = |site: &'static str| {
        server
            .anonymous(Method::GET, &path)
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", site)
    };

    assert_eq!(server.send_empty(server.anonymous(Method::GET, &path)).await.status, 401);
    assert_eq!(server.send_empty(with_cookie("cross-site")).await.status, 403);
    assert_eq!(server.send_empty(with_cookie("same-origin")).await.status, 200);
    assert_eq!(
        server.send_empty(with_cookie("none")).await.status,
        200,
        "opened from the address bar"
    );
}

#[tokio::test]
async fn forged_and_foreign_signatures_answer_like_a_missing_file() {
    let server = Server::new().await;
    let attachment = attached(&server, "Cooked in three kitchens.").await;
    let other = attached(&server, "Baked in two bakeries.").await;
    let path = text(&attachment["downloadUrl"]);
    let parts: Vec<_> = path.split('/').collect();
    let [_, _, id, expires, signature] = parts[..] else { panic!("{path}") };
    let elsewhere = Server::new().await;
    let theirs = text(&attached(&elsewhere, "Cooked in three kitchens.").await["downloadUrl"]);
    let later = expires.parse::<i64>().unwrap() + 1;
    let flipped: String = signature.chars().rev().collect();

    let mut answers = Vec::new();
    for forged in [
        format!("/downloads/{}/{expires}/{signature}", text(&other["id"])),
        format!("/downloads/{id}/{later}/{signature}"),
        format!("/downloads/{id}/{expires}/{flipped}"),
        format!("/downloads/{id}/{expires}/{}", &signature[1..]),
        format!("/downloads/{id}/{expires}/{signature}A"),
        format!("/downloads/{id}/{expires}/x"),
        format!("/downloads/{id}/never/{signature}"),
        format!("/downloads/{}/{expires}/{signature}", id.replace("att_", "job_")),
        format!("/downloads/{id}/-{expires}/{signature}"),
        format!("/downloads/..%2F..%2Fetc/{expires}/{signature}"),
        theirs,
    ] {
        let answer = get(&server, &forged).await;
        assert_eq!(answer.status, 404, "{forged}");
        answers.push(answer.json()["errors"][0]["message"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(get(&server, &path).await.status, 200);
}

#[tokio::test]
async fn a_purged_file_is_gone_although_its_path_is_signed() {
    let server = Server::new().await;
    let attachment = attached(&server, "Cooked in three kitchens.").await;
    let path = text(&attachment["downloadUrl"]);
    let purge = "mutation($id: ID!) { attachmentTrash(id: $id) { revision } attachmentPurge(id: $id) { revision userErrors { code } } }";

    let purged = server.data(purge, json!({"id": attachment["id"]})).await;

    assert!(purged["attachmentPurge"]["revision"].is_i64(), "{purged}");
    let gone = get(&server, &path).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn parts_of_a_file_are_served_and_bad_ranges_are_not() {
    let server = Server::new().await;
    let path =
        text(&attached(&server, "0123456789 and more than twenty characters").await["downloadUrl"]);
    for (range, status, body) in [
        ("bytes=0-4", 206, "01234"),
        ("bytes=5-9", 206, "56789"),
        ("bytes=-10", 206, "characters"),
        ("bytes=32-", 206, "characters"),
        ("bytes=32-9999", 206, "characters"),
        ("bytes=9999-", 416, ""),
        ("bytes=4-0", 200, "0123456789 and more than twenty characters"),
        ("bytes=0-1,3-4", 200, "0123456789 and more than twenty characters"),
        ("lines=0-1", 200, "0123456789 and more than twenty characters"),
    ] {
        let request = server.request(Method::GET, &path).header(header::RANGE, range);
        let answer = server.send_empty(request).await;
        assert_eq!(
            (answer.status, std::str::from_utf8(&answer.body).unwrap()),
            (status, body),
            "{range}"
        );
    }
    let head = server.send_empty(server.request(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, "42"));
}
