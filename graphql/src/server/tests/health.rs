use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::json;

use super::{Server, anonymous};

#[tokio::test]
async fn readiness_ends_when_the_server_stops() {
    let server = Server::start().await;
    let ready = async || {
        let request = anonymous(Method::GET, "/health/ready").body(Body::empty()).unwrap();
        server.send(request).await
    };

    let before = ready().await;
    server.state.stop.cancel();
    let after = ready().await;

    assert_eq!((before.status.as_u16(), before.json()), (200, json!({"status": "ok"})));
    assert_eq!((after.status.as_u16(), after.json()), (503, json!({"status": "unavailable"})));
}

#[tokio::test]
async fn health_tells_a_stranger_nothing_but_that_it_is_well() {
    let server = Server::start().await;
    let ask = async |request: Request<Body>| server.send(request).await.json();
    let ready = anonymous(Method::GET, "/health/ready").body(Body::empty()).unwrap();
    let wrong = anonymous(Method::GET, "/health/ready").header(header::AUTHORIZATION, "Bearer x");
    let own = server.request(Method::GET, "/health/ready").body(Body::empty()).unwrap();

    assert_eq!(ask(ready).await, json!({"status": "ok"}));
    assert_eq!(ask(wrong.body(Body::empty()).unwrap()).await, json!({"status": "ok"}));
    let told = ask(own).await;
    assert_eq!(told["status"], "ok");
    assert_eq!((&told["database"], &told["replicas"]), (&json!("sqlite"), &json!([])));
}
