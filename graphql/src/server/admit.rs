//! The two layers around every route: who gets in, and what every answer carries.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{self, Entry},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use jotrack_core::{ErrorCode, random_bytes};

use super::{
    SharedState,
    accept::Media,
    csrf::{self, Facts, Offered, Route, Verdict},
    limits,
    reply::Problem,
    session::{self, Identity},
};
use crate::schema::Cost;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CSRF: HeaderName = HeaderName::from_static("x-jotrack-csrf");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Names one request in its answer and in the log.
#[derive(Debug, Clone)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn for_tests(id: &str) -> Self {
        Self(id.into())
    }
}

/// Numbers the requests of this process; the random part tells processes apart.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> jotrack_core::Result<Self> {
        Ok(Self { process: u32::from_be_bytes(random_bytes()?), next: AtomicU64::new(1) })
    }

    fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:08x}-{number:08x}", self.process).into())
    }
}

/// The names under which a loopback server may be addressed. Any other name was made to lead here
/// by somebody else's DNS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hosts {
    port: u16,
}

impl Hosts {
    pub(super) fn new(port: u16) -> Self {
        Self { port }
    }

    /// Returns the origin a request was sent to, if it is this server's.
    fn own_origin(self, request: &Request) -> Option<String> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        let absolute = request.uri().authority().map(|authority| authority.as_str());
        if hosts.next().is_some() || absolute.is_some_and(|authority| authority != host) {
            return None;
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
            _ => (host, 80),
        };
        let local = ["localhost", "127.0.0.1", "[::1]"];
        let known = local.iter().any(|local| name.eq_ignore_ascii_case(local));
        (known && port == self.port).then(|| format!("http://{}", host.to_ascii_lowercase()))
    }
}

/// Lets a request in or refuses it, in the order: size of the head, `Host`, method and type,
/// cross-site rules, credentials.
pub(super) async fn admit(
    State(state): State<SharedState>,
    mut request: Request,
    next: Next,
) -> Response {
    match identify(&state, &request) {
        Ok(identity) => {
            if let Some(identity) = identity {
                request.extensions_mut().insert(identity);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn identify(state: &SharedState, request: &Request) -> Result<Option<Identity>, Problem> {
    let headers = request.headers();
    limits::check_head(request.uri(), headers)?;
    let own_origin = state.hosts.own_origin(request).ok_or_else(|| {
        Problem::forbidden("This server answers under localhost, 127.0.0.1 and [::1] only.")
    })?;
    let route = Route::of(request.uri().path());
    let offered = session::offered(headers);
    match csrf::decide(&Facts {
        route,
        method: request.method(),
        content_type: text(headers, &header::CONTENT_TYPE),
        site: text(headers, &SEC_FETCH_SITE),
        origin: text(headers, &header::ORIGIN),
        own_origin: &own_origin,
        marked: headers.contains_key(CSRF),
        offered,
    }) {
        Verdict::Allowed => {}
        Verdict::Method(allow) => return Err(Problem::method(allow)),
        Verdict::MediaType => {
            return Err(Problem::of_code(
                ErrorCode::UnsupportedType,
                "Send the body as application/json in UTF-8.",
            ));
        }
        Verdict::CrossSite => {
            return Err(Problem::forbidden("The request may come from a page of another site."));
        }
    }
    if route.is_public() {
        return Ok(None);
    }
    match state.gatekeeper.identify(headers) {
        // A browser cannot add headers to a socket; its credentials may come within.
        None if route == Route::Socket && offered != Offered::Bearer => Ok(None),
        None => Err(Problem::unauthenticated()),
        identity => Ok(identity),
    }
}

/// The only value of a header; `Some("")` for one that is repeated or no text, so that it never
/// passes for absent.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.next().is_some() { "" } else { first.to_str().unwrap_or_default() })
}

/// What the log line of a request says beside its head. Never variables, names or texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    pub(super) operation: Option<String>,
    pub(super) document: Option<String>,
    pub(super) cost: Option<Cost>,
}

/// Gives a request its id, turns refusals and panics into answers, adds the headers of every answer
/// and writes the request's one log line.
pub(super) async fn observe(
    State(state): State<SharedState>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = state.request_ids.next();
    let method = request.method().clone();
    let route = Route::of(request.uri().path());
    let media = match Media::negotiate(request.headers()) {
        Some(Media::GraphqlResponse) if route == Route::Graphql => Media::GraphqlResponse,
        _ => Media::Json,
    };
    request.extensions_mut().insert(id.clone());

    let caught = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = caught.unwrap_or_else(|_panic| {
        tracing::error!(request_id = id.as_str(), "a request handler panicked");
        Problem::internal().into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.into_reply(media, id.as_str());
    }
    add_headers(response.headers_mut(), &id);

    let details = response.extensions_mut().remove::<Details>().unwrap_or_default();
    tracing::info!(
        target: "jotrack::http",
        method = method.as_str(),
        path = route.label(),
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis(),
        operation = details.operation.as_deref(),
        document = details.document.as_deref(),
        statements = details.cost.map(|cost| cost.statements),
        round_trips = details.cost.map(|cost| cost.round_trips),
        user = %state.engine.user_id(),
        request_id = id.as_str(),
        bytes = response.body().size_hint().exact(),
    );
    response
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::VARY, "Sec-Fetch-Site, Origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A route that knows better has said so.
    for (name, value) in [
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        if let Entry::Vacant(entry) = headers.entry(name) {
            entry.insert(HeaderValue::from_static(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Option<String> {
        let request =
            Request::builder().header(header::HOST, host).body(axum::body::Body::empty()).unwrap();
        Hosts::new(4000).own_origin(&request)
    }

    #[test]
    fn only_loopback_names_with_the_own_port_are_hosts() {
        for host in ["localhost:4000", "127.0.0.1:4000", "[::1]:4000", "LocalHost:4000"] {
            assert_eq!(origin(host), Some(format!("http://{}", host.to_ascii_lowercase())));
        }
        for host in [
            "",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "localhost:4001",
            "localhost.:4000",
            "127.0.0.1.attacker.example:4000",
            "attacker.example:4000",
            "attacker.example",
            "localhost:4000@attacker.example",
            "0.0.0.0:4000",
            "[::]:4000",
            "localhost:",
        ] {
            assert_eq!(origin(host), None, "{host}");
        }
    }

    #[test]
    fn two_hosts_are_no_host() {
        let request = Request::builder()
            .header(header::HOST, "localhost:4000")
            .header(header::HOST, "localhost:4000")
            .body(axum::body::Body::empty())
            .unwrap();

        assert_eq!(Hosts::new(4000).own_origin(&request), None);
    }

    #[test]
    fn a_repeated_header_never_passes_for_absent() {
        let mut headers = HeaderMap::new();
        assert_eq!(text(&headers, &header::ORIGIN), None);

        headers.append(header::ORIGIN, HeaderValue::from_static("a"));
        assert_eq!(text(&headers, &header::ORIGIN), Some("a"));

        headers.append(header::ORIGIN, HeaderValue::from_static("a"));
        assert_eq!(text(&headers, &header::ORIGIN), Some(""));
    }
}
