//! Whether the process lives and can serve. Open to everybody, so it says nothing else.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::SharedState;

/// Answers as long as the process runs.
pub(super) async fn live() -> Response {
    status(true)
}

/// Answers 200 when the engine can read its database and the server is not stopping.
pub(super) async fn ready(State(state): State<SharedState>) -> Response {
    status(!state.stop.is_cancelled() && state.engine.health().await.ok)
}

fn status(ok: bool) -> Response {
    let (code, text) = if ok {
        (StatusCode::OK, r#"{"status":"ok"}"#)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#)
    };
    (code, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}
