//! `GET /analyses/{id}/events`: what happens to an analysis, as a plain event stream that any
//! `EventSource` reads. A reader that comes back is told by the id of the last event it saw where
//! to go on, and by 204 that there is nothing more.

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jotrack_core::{
    Analysis, AnalysisEvents, AnalysisId, Engine, Error, RequestKind,
    ai::{AnalysisEvent, EventData},
};
use serde_json::{Value, json};

use super::{SharedState, position, reply::Problem, sse};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Parameter with the id of an event, for readers that cannot send a header.
const AFTER: &str = "after";
/// Tells proxies to pass on each event as it comes.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
const GONE: &str = "There is no such analysis.";
const MALFORMED: &str =
    "`Last-Event-ID` and `after` take the id of an event, as the stream has told it.";

/// Answers a reader.
pub(super) async fn get(
    State(state): State<SharedState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match follow(&state, &id, query.as_deref(), &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn follow(
    state: &SharedState,
    id: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    state.count(RequestKind::Read).await?;
    let gone = |error| match error {
        Error::NotFound { .. } => Problem::not_found(GONE),
        error => Problem::from(error),
    };
    let id = AnalysisId::from_node_id(id).ok_or_else(|| Problem::not_found(GONE))?;
    let after = cursor(query, headers)?;
    let engine = state.caller(position::of_request(headers)?).engine;
    let events = engine.analysis_events(id, after).await.map_err(gone)?;
    if after.is_some() && events.is_over().await.map_err(gone)? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.subscriptions.take().ok_or_else(sse::too_many)?;
    let producer = state.clone();
    let mut response = sse::open(state, Some(place), async move |sender| {
        let begin = Bytes::from_static(b"retry: 2000\n\n");
        if sse::send(&producer, &sender, begin).await.is_some() {
            let texts = stream::unfold((engine, events), next).boxed();
            sse::follow(&producer, texts, &sender).await;
        }
    });
    let (name, value) = UNBUFFERED;
    response.headers_mut().insert(name, value);
    Ok(response)
}

/// Reads where to go on. The header is newer: an `EventSource` sends it when it comes back to an
/// address that names an older place.
fn cursor(query: Option<&str>, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let malformed = || Problem::malformed(MALFORMED);
    let mut told = headers.get_all(LAST_EVENT_ID).iter();
    let header = told.next().map(|value| value.to_str().map(str::to_owned));
    let text = match (header, told.next()) {
        (Some(Ok(text)), None) if !text.is_empty() => Some(text),
        (Some(Ok(_)) | None, None) => {
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .find_map(|(name, value)| (name == AFTER).then(|| value.into_owned()))
        }
        _ => return Err(malformed()),
    };
    text.map(|text| text.parse().map_err(|_| malformed())).transpose()
}

/// Writes the next event. A reader that could not be told comes back: what fails ends the stream
/// before the last event.
async fn next(
    (engine, mut events): (Engine, AnalysisEvents),
) -> Option<(Bytes, (Engine, AnalysisEvents))> {
    let written = match events.next().await {
        Ok(None) => return None,
        Ok(Some(event)) => write(&engine, events.id(), &event).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(text) => Some((text, (engine, events))),
        Err(error) => {
            tracing::debug!(error = %error.chain(), "an event stream ends early");
            None
        }
    }
}

async fn write(
    engine: &Engine,
    id: AnalysisId,
    event: &AnalysisEvent,
) -> jotrack_core::Result<Bytes> {
    let (kind, data) = match &event.data {
        EventData::Queued { run_at, reason } => {
            ("queued", json!({"runAt": run_at.to_rfc3339(), "reason": reason}))
        }
        EventData::Started { provider, model } => {
            ("started", json!({"provider": provider, "model": model}))
        }
        EventData::Delta(text) => ("delta", json!({"text": text})),
        EventData::Reset(reason) => ("reset", json!({"reason": reason})),
        EventData::Done => ("done", result(&engine.analysis(id).await?)),
        EventData::Failed(error) => ("failed", failure(error)),
        EventData::Cancelled => ("cancelled", json!({"state": "CANCELLED"})),
    };
    // JSON never holds a raw line break, so one `data` line is enough.
    Ok(format!("id: {}\nevent: {kind}\ndata: {data}\n\n", event.sequence).into())
}

/// The analysis under the names it has in the schema.
fn result(analysis: &Analysis) -> Value {
    let usage = analysis.usage;
    json!({
        "id": analysis.id.node_id(),
        "kind": analysis.kind,
        "state": analysis.state,
        "source": analysis.source,
        "provider": analysis.provider,
        "model": analysis.model,
        "promptVersion": analysis.prompt_version,
        "result": analysis.result,
        "usage": {
            "inputTokens": usage.input,
            "outputTokens": usage.output,
            "cachedInputTokens": usage.cached,
            "costMicros": analysis.cost_micros,
            "estimated": usage.estimated,
        },
        "expiresAt": analysis.expires_at.map(|at| at.to_rfc3339()),
    })
}

fn failure(error: &Error) -> Value {
    let provider = match error {
        Error::Provider { provider, .. } => Some(provider),
        _ => None,
    };
    json!({
        "state": "FAILED",
        "code": error.code().graphql_code(),
        "message": error.client_message(),
        "provider": provider,
        "retryable": error.retryable(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LAST_EVENT_ID, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_header_is_newer_than_the_address() {
        for (query, values, expected) in [
            (None, vec![], None),
            (Some("after=7"), vec![], Some(7)),
            (Some("x=1&after=7"), vec!["12"], Some(12)),
            (Some("after=7"), vec![""], Some(7)),
            (Some("other=7"), vec![], None),
        ] {
            let found = cursor(query, &headers(&values)).unwrap();

            assert_eq!(found, expected, "{query:?} {values:?}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for (query, values) in
            [(Some("after=x"), vec![]), (Some("after=-1"), vec![]), (None, vec!["1", "2"])]
        {
            assert!(cursor(query, &headers(&values)).is_err(), "{query:?} {values:?}");
        }
    }
}
