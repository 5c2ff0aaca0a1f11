//! Whether the process lives and can serve. Open to everybody, so it says nothing else to a stranger.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jotrack_core::Health;
use serde_json::{Value, json};

use super::SharedState;

/// Answers as long as the process runs.
pub(super) async fn live() -> Response {
    status(true)
}

/// Answers 200 when the engine can read its database and the server is not stopping. A caller with
/// credentials is told about the database and its replicas too.
pub(super) async fn ready(State(state): State<SharedState>, headers: HeaderMap) -> Response {
    let health = state.engine.health().await;
    let ok = !state.stop.is_cancelled() && health.ok;
    match state.gatekeeper.identify(&headers) {
        None => status(ok),
        Some(_) => detailed(ok, health),
    }
}

fn status(ok: bool) -> Response {
    answer(ok, json!({"status": word(ok)}))
}

fn detailed(ok: bool, health: Health) -> Response {
    let Health { ok: _, database, database_version, version, replicas } = health;
    let body = json!({
        "status": word(ok),
        "version": version,
        "database": database,
        "databaseVersion": database_version,
        "replicas": replicas,
    });
    answer(ok, body)
}

fn word(ok: bool) -> &'static str {
    if ok { "ok" } else { "unavailable" }
}

fn answer(ok: bool, body: Value) -> Response {
    let code = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (code, content_type, body.to_string()).into_response()
}
