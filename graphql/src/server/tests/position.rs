use axum::http::StatusCode;

use super::{CREATE, Server};

#[tokio::test]
async fn a_position_is_read_on_sqlite_and_never_sent() {
    let server = Server::start().await;
    let send = async |query: &str, positions: &[&'static str]| {
        let mut request = server.post(query);
        for position in positions {
            request.headers_mut().append("jotrack-position", position.parse().unwrap());
        }
        server.send(request).await
    };

    for query in [CREATE, "{ jobs { nodes { title } } }", "{ changes(since: 0) { revision } }"] {
        let answer = send(query, &["00000000016b3748"]).await;

        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json().get("extensions"), None, "{answer:?}");
        assert_eq!(answer.header("jotrack-position"), "");
    }
    for wrong in [&["0/16B3748"][..], &[""], &["00000000016b3748", "00000000016b3748"]] {
        let answer = send(CREATE, wrong).await;

        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong:?}");
        assert_eq!(answer.code(), "INVALID_INPUT");
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains("JoTrack-Position"), "{message}");
    }
}
