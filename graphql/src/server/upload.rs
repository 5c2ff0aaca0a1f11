//! `PUT /uploads?filename=NAME`: streams a file into the engine without holding it in memory.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use jotrack_core::{Error, RequestKind, UploadInput, UploadWriter};
use serde_json::json;

use super::{SharedState, limits, reply::Problem};

/// Bytes collected before the disk is asked once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Answers an upload.
pub(super) async fn put(State(state): State<SharedState>, request: Request) -> Response {
    match receive(&state, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn receive(state: &SharedState, request: Request) -> Result<Response, Problem> {
    let filename = filename(request.uri().query().unwrap_or_default())?;
    let (head, body) = request.into_parts();
    limits::refuse_encoded(&head.headers)?;
    let declared_bytes = limits::announced_length(&head.headers);
    let limit = state.limits().file_bytes;
    if declared_bytes.is_some_and(|length| length > limit) {
        return Err(Problem::too_large("The file", "file_bytes", limit));
    }
    let _place = state.in_flight.admit()?;
    state.count(RequestKind::Write).await?;

    let input = UploadInput { filename, declared_bytes };
    let writer = stream(state, state.engine.start_upload(input).await?, body).await?;
    let staged = writer.finish().await?;
    let body = json!({
        "uploadId": staged.id.node_id(),
        "size": staged.size_bytes,
        "sha256": staged.sha256,
        "mediaType": staged.media_type,
        "expiresAt": staged.expires_at.to_rfc3339(),
    });
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((StatusCode::CREATED, content_type, body.to_string()).into_response())
}

fn filename(query: &str) -> Result<String, Problem> {
    let mut names = url::form_urlencoded::parse(query.as_bytes())
        .filter_map(|(name, value)| (name == "filename").then_some(value));
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.into_owned()),
        _ => Err(Problem::malformed("Name the file once, as `?filename=NAME`.")),
    }
}

/// Writes the body piece by piece. A caller that goes away drops the writer, which removes what was
/// written.
async fn stream(
    state: &SharedState,
    mut writer: UploadWriter,
    body: Body,
) -> Result<UploadWriter, Problem> {
    // Per piece and not in all: a large file over a slow line is no fault.
    let patience = Duration::from_millis(state.limits().execution_ms);
    let mut stream = body.into_data_stream();
    let mut waiting = BytesMut::new();
    loop {
        let chunk = limits::within(patience, limits::next_chunk(&mut stream))
            .await
            .unwrap_or_else(|| Err(Problem::slow_body()))?;
        let ended = chunk.is_none();
        waiting.extend_from_slice(&chunk.unwrap_or_default());
        if waiting.len() >= CHUNK_BYTES || (ended && !waiting.is_empty()) {
            writer = write(writer, waiting.split().freeze()).await?;
        }
        if ended {
            return Ok(writer);
        }
    }
}

async fn write(mut writer: UploadWriter, bytes: Bytes) -> Result<UploadWriter, Problem> {
    let written = tokio::task::spawn_blocking(move || {
        writer.write(&bytes)?;
        Ok::<_, Error>(writer)
    });
    written.await.map_err(|_| Problem::internal())?.map_err(Problem::from)
}
