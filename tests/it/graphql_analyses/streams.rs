//! The plain event stream: where it goes on, who may read it, and what it costs to come back.

use super::*;
use jotrack_core::AnalysisId;

async fn finished(server: &Server) -> (String, Vec<Event>) {
    let api = Graphql::of(&server.lab.engine);
    let job = job_with_documents(&api).await;
    let id = started(&api, match_score(&job)).await;
    let events = Events::follow(server, &path(&id), None).await.all().await;
    (id, events)
}

#[tokio::test]
async fn it_begins_with_the_pause_before_coming_back() {
    let server = Server::new().await;
    let (id, _) = finished(&server).await;

    let mut stream = Events::follow(&server, &path(&id), None).await;
    stream.next().await.unwrap();

    assert_eq!(stream.asides, ["retry: 2000"]);
}

#[tokio::test]
async fn a_reader_that_comes_back_goes_on_and_is_told_when_nothing_follows() {
    let server = Server::new().await;
    let (id, _) = finished(&server).await;
    let all = Events::follow(&server, &path(&id), None).await.all().await;
    let end = all.last().unwrap().id;

    let before_end = Events::follow(&server, &path(&id), Some(end - 1)).await.all().await;
    assert_eq!(kinds(&before_end), ["done"]);
    let in_address = format!("{}?after={}", path(&id), end - 1);
    assert_eq!(Events::follow(&server, &in_address, None).await.all().await, before_end);

    for (address, last) in
        [(path(&id), Some(end)), (path(&id), Some(end + 5)), (in_address, Some(end))]
    {
        let mut request = server.request(Method::GET, &address);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let answer = server.send_empty(request).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{address} {last:?}");
    }
    let wrong = server.request(Method::GET, &path(&id)).header("last-event-id", "soon");
    let answer = server.send_empty(wrong).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_INPUT"));
}

#[tokio::test]
async fn it_is_its_owners_alone() {
    let server = Server::new().await;
    let (id, _) = finished(&server).await;
    let engine = &server.lab.engine;
    let other = engine.create_user("Robin Example").await.unwrap();
    let stranger = Graphql::of(&engine.as_user(other).await.unwrap());
    let job = job_with_documents(&stranger).await;
    let theirs = started(&stranger, match_score(&job)).await;
    let unknown = AnalysisId::new(server.lab.engine.clock().now()).node_id();

    let mut bodies = Vec::new();
    for id in [&theirs, &unknown, &job, "ana_1"] {
        let answer = server.send_empty(server.request(Method::GET, &path(id))).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"), "{id}");
        bodies.push(answer.json()["errors"][0]["message"].take());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the answers tell what is whose");

    let anonymous = server.send_empty(server.anonymous(Method::GET, &path(&id))).await;
    assert_eq!(anonymous.status, 401);
    let posted = server.send_empty(server.request(Method::POST, &path(&id))).await;
    assert_eq!((posted.status, posted.header("allow")), (405, "GET"));
}

#[tokio::test]
async fn another_sites_page_cannot_read_it_with_the_cookie() {
    let server = Server::new().await;
    let (id, _) = finished(&server).await;
    let cookie = server.sign_in().await;
    let with = |site: &str| {
        server
            .anonymous(Method::GET, &path(&id))
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", site)
    };

    let own = server.send_empty(with("same-origin")).await;
    let foreign = server.send_empty(with("cross-site")).await;

    assert_eq!((own.status, foreign.status), (200, 403));
}

#[tokio::test]
async fn a_subscription_for_nothing_is_not_found() {
    let server = Server::new().await;
    let unknown = AnalysisId::new(server.lab.engine.clock().now()).node_id();

    for (id, after, code) in [
        (unknown.as_str(), Value::Null, "NOT_FOUND"),
        ("ana_1", Value::Null, "NOT_FOUND"),
        (unknown.as_str(), json!("soon"), "INVALID_INPUT"),
    ] {
        let mut stream = server.follow(EVENTS, json!({"id": id, "after": after})).await;

        let payload = stream.next().await.unwrap();

        assert_eq!(payload["errors"][0]["extensions"]["code"], code, "{payload}");
        assert_eq!(stream.next().await, None);
    }
}
