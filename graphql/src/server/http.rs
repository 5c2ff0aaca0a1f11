//! GraphQL over HTTP: `POST /graphql` and, for queries, `GET /graphql`.
//!
//! Statuses follow the GraphQL-over-HTTP draft with two deviations, each in one place below: 400
//! instead of 422 for what fails before execution, because the runnable audit of that draft demands
//! it, and 200 instead of 294 for partial success.

use std::time::Duration;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use jotrack_core::ErrorCode;

use super::{
    SharedState,
    accept::Media,
    admit::{Details, RequestId},
    limits,
    outcome::Outcome,
    position,
    reply::Problem,
    request, request_kind, sse,
};
use crate::schema::{GraphqlRequest, OperationKind, Prepared};

/// What fails before execution, for clients that understand the newer media type.
const NOT_EXECUTED: StatusCode = StatusCode::BAD_REQUEST;
/// Every executed document, also one with field errors.
const EXECUTED: StatusCode = StatusCode::OK;

/// Answers a request to `/graphql`.
pub(super) async fn graphql(
    State(state): State<SharedState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    match answer(&state, &id, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    state: &SharedState,
    id: &RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let media = Media::negotiate(request.headers()).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            ErrorCode::UnsupportedType.graphql_code(),
            "Accept application/graphql-response+json, application/json or text/event-stream.",
        )
    })?;
    let place = state.in_flight.admit()?;
    let after = position::of_request(request.headers())?;
    let is_get = request.method() == Method::GET;
    let graphql = if is_get {
        request::from_query(request.uri().query().unwrap_or_default())
    } else {
        limits::refuse_encoded(request.headers())?;
        let (head, body) = request.into_parts();
        let limits = state.limits();
        let patience = Duration::from_millis(limits.execution_ms);
        let bytes = limits::read_body(&head.headers, body, limits.body_bytes, patience).await?;
        request::from_json(&bytes)
    }
    .map_err(Problem::malformed)?;

    let prepared = match state.executor.prepare(&graphql) {
        Ok(prepared) => prepared,
        Err(refusal) if media == Media::EventStream => {
            return sse::respond(state, id, sse::Work::Refused(refusal.into()));
        }
        Err(refusal) => return Err(Problem::from(refusal).with_status(not_executed(media))),
    };
    let mut details = details(&prepared, &graphql);
    let is_query = prepared.kind() == OperationKind::Query;
    if is_get && !is_query {
        return Err(Problem::method("GET, POST"));
    }
    state.count(request_kind(prepared.kind())).await?;
    let mut response = match prepared.kind() {
        _ if media == Media::EventStream => {
            sse::respond(state, id, sse::Work::Operation { prepared, graphql, after, place })?
        }
        OperationKind::Subscription => {
            return Err(Problem::malformed(
                "A subscription needs `Accept: text/event-stream` or the WebSocket.",
            ));
        }
        OperationKind::Query | OperationKind::Mutation => {
            let result = state.execute(id, prepared, graphql, after).await;
            // The engine's own part of a mutation is not in it.
            details.cost = is_query.then(|| result.cost());
            write(state, id, media, &result)
        }
    };
    response.extensions_mut().insert(details);
    Ok(response)
}

fn write(state: &SharedState, id: &RequestId, media: Media, result: &Outcome) -> Response {
    let status = if result.was_executed() { EXECUTED } else { not_executed(media) };
    let body = result.to_json(state.limits().response_bytes, id);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    position::add(response.headers_mut(), result.position());
    response
}

fn not_executed(media: Media) -> StatusCode {
    match media {
        Media::GraphqlResponse => NOT_EXECUTED,
        Media::Json | Media::EventStream => EXECUTED,
    }
}

fn details(prepared: &Prepared, graphql: &GraphqlRequest) -> Details {
    if !tracing::enabled!(target: "jotrack::http", tracing::Level::INFO) {
        return Details::default();
    }
    Details {
        operation: graphql.operation_name.clone(),
        document: Some(prepared.hash().iter().map(|byte| format!("{byte:02x}")).collect()),
        cost: None,
    }
}
