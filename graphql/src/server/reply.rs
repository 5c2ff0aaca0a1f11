//! Answers that refuse: one shape for every route, written by us.
//!
//! A handler returns a [`Problem`]; the outermost layer writes its body, because only there the
//! request id and the media type of the answer are known.

use async_graphql::{Pos, ServerError, Value as GraphqlValue};
use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{self, HeaderName},
    },
    response::{IntoResponse, Response},
};
use jotrack_core::{Error, ErrorCode};
use serde_json::{Map, Value, json};

use super::accept::Media;
use crate::schema::guard::Refusal;

/// A request refused as a whole.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    position: Option<Pos>,
    details: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            position: None,
            details: Map::new(),
            headers: Vec::new(),
        }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidArgument.graphql_code(), message)
    }

    pub(super) fn unauthenticated() -> Self {
        Self::of_code(
            ErrorCode::Unauthenticated,
            "Send the token as `Authorization: Bearer`, or open a session first.",
        )
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::of_code(ErrorCode::Forbidden, message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::of_code(ErrorCode::NotFound, message)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::InvalidArgument.graphql_code(),
            format!("This address answers {allow} only."),
        )
        .header(header::ALLOW, HeaderValue::from_static(allow))
    }

    pub(super) fn too_large(what: &str, name: &'static str, limit: u64) -> Self {
        Self::of_code(ErrorCode::TooLarge, format!("{what} is larger than {limit} bytes."))
            .limit(name)
    }

    pub(super) fn busy(message: &str) -> Self {
        Self::of_code(ErrorCode::Busy, message).retry_after_secs(1)
    }

    pub(super) fn slow_body() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::Timeout.graphql_code(),
            "The body did not arrive in time.",
        )
    }

    pub(super) fn internal() -> Self {
        Self::of_code(ErrorCode::Internal, "internal error")
    }

    /// A refusal whose status is the one of its code.
    pub(super) fn of_code(code: ErrorCode, message: impl Into<String>) -> Self {
        let status =
            StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, code.graphql_code(), message)
    }

    /// Names the limit that was reached, as in [`jotrack_core::Limits`].
    pub(super) fn limit(mut self, name: &'static str) -> Self {
        self.details.insert("limit".to_owned(), json!(name));
        self
    }

    pub(super) fn retry_after_secs(mut self, seconds: u64) -> Self {
        self.details.insert("retryable".to_owned(), json!(true));
        self.details.insert("retryAfterSeconds".to_owned(), json!(seconds));
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The same refusal with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The refusal as an entry of a GraphQL response's `errors`.
    pub(super) fn to_error(&self, request_id: &str) -> Value {
        let mut extensions = Map::new();
        extensions.insert("code".to_owned(), json!(self.code));
        extensions.insert("requestId".to_owned(), json!(request_id));
        extensions.insert("retryable".to_owned(), json!(false));
        extensions.extend(self.details.clone());
        let mut error = Map::new();
        error.insert("message".to_owned(), json!(self.message));
        if let Some(position) = self.position {
            let location = json!({"line": position.line, "column": position.column});
            error.insert("locations".to_owned(), json!([location]));
        }
        error.insert("extensions".to_owned(), Value::Object(extensions));
        Value::Object(error)
    }

    /// The same as an error of the schema, still without the request's id.
    pub(super) fn to_server_error(&self) -> ServerError {
        let mut error = ServerError::new(self.message.clone(), self.position);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", self.code);
        extensions.set("retryable", false);
        for (name, value) in &self.details {
            let value = GraphqlValue::from_json(value.clone()).unwrap_or_default();
            extensions.set(name.as_str(), value);
        }
        error
    }

    /// The whole answer.
    pub(super) fn into_reply(self, media: Media, request_id: &str) -> Response {
        let body = json!({"errors": [self.to_error(request_id)]}).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let mut problem = Self::of_code(error.code(), error.client_message());
        problem.details.insert("retryable".to_owned(), json!(error.retryable()));
        match error {
            Error::Invalid(violations) => {
                let paths: Vec<_> = violations.0.iter().map(|violation| &violation.path).collect();
                problem.details.insert("paths".to_owned(), json!(paths));
            }
            Error::Internal { .. } | Error::Unavailable { .. } => {
                tracing::error!(code = error.code().name(), cause = %error.chain(), "request failed");
            }
            _ => {}
        }
        match error.retry_after_ms().map(u64::try_from) {
            Some(Ok(ms)) => problem.retry_after_secs(ms.div_ceil(1_000).max(1)),
            _ => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, refusal.code, refusal.message);
        problem.position = refusal.position;
        match refusal.limit {
            Some((name, _)) => problem.limit(name),
            None => problem,
        }
    }
}
