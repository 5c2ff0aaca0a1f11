//! The HTTP server of the local mode: one person, loopback only.
//!
//! Everything is denied by default: the layer in [`admit`] asks every address for credentials but
//! the playground's files, `/session` and `/health/*`. Handlers translate; facts come from the
//! engine and from the schema.

mod accept;
mod admit;
mod analysis_events;
mod csrf;
mod download;
mod health;
mod http;
mod limits;
mod outcome;
pub mod playground;
mod position;
mod reply;
mod request;
mod session;
mod sse;
#[cfg(test)]
mod tests;
mod token;
mod upload;
mod ws;

use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post, put},
    serve::ListenerExt,
};
use futures_util::stream::BoxStream;
use jotrack_core::{Engine, Error, Limits, Position, RequestKind};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::token::Token;
use self::{
    admit::{Hosts, RequestId, RequestIds},
    download::{Signer, UserDownloads},
    limits::Places,
    outcome::Outcome,
    reply::Problem,
    session::Gatekeeper,
};
use crate::schema::{Caller, Executor, GraphqlRequest, GraphqlResponse, OperationKind, Prepared};

/// How long open connections may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(5);
const SESSION_BODY_BYTES: usize = 4 * 1024;

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address it listens on; only loopback is allowed.
    pub listen: SocketAddr,
    /// How patient it is with connections that stay open.
    pub timing: Timing,
}

impl ServerConfig {
    /// Returns the defaults for an address.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, timing: Timing::default() }
    }
}

/// Times of connections that stay open.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two comments of an event stream.
    pub comment: Duration,
    /// Between two pings of a socket.
    pub ping: Duration,
    /// Until a client that reads or answers nothing is given up.
    pub patience: Duration,
    /// Until a socket must have begun with `connection_init`.
    pub init: Duration,
    /// Between two checks of the session behind a socket.
    pub recheck: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            comment: Duration::from_secs(15),
            ping: Duration::from_secs(20),
            patience: Duration::from_secs(60),
            init: Duration::from_secs(10),
            recheck: Duration::from_secs(60),
        }
    }
}

/// What the handlers share. Clones are cheap.
#[derive(Clone)]
pub struct AppState(SharedState);

struct Shared {
    engine: Engine,
    caller: Caller,
    executor: Executor,
    gatekeeper: Gatekeeper,
    signer: Arc<Signer>,
    hosts: Hosts,
    request_ids: RequestIds,
    in_flight: Places,
    subscriptions: Places,
    sockets: Places,
    timing: Timing,
    /// Ends streams and sockets when the server stops.
    stop: CancellationToken,
    /// Owns every task of the server.
    tasks: TaskTracker,
}

/// The state as the handlers see it.
type SharedState = Arc<Shared>;

impl AppState {
    /// Prepares the state of one server.
    ///
    /// # Errors
    /// `Misuse` for an address that is not loopback, `Internal` without random bytes.
    pub fn new(engine: Engine, token: Token, config: &ServerConfig) -> jotrack_core::Result<Self> {
        refuse_public(config.listen)?;
        let limits = engine.config().limits.clone();
        let clock = engine.clock().clone();
        let signer = Arc::new(Signer::new(clock.clone(), limits.download_ttl_ms)?);
        let user = engine.user_id();
        let downloads = UserDownloads { signer: Arc::clone(&signer), user, after: None };
        let caller = Caller { engine: engine.clone(), downloads: Some(Arc::new(downloads)) };
        Ok(Self(Arc::new(Shared {
            engine,
            caller,
            gatekeeper: Gatekeeper::new(token, clock),
            signer,
            hosts: Hosts::new(config.listen.port()),
            request_ids: RequestIds::new()?,
            in_flight: Places::new(limits.in_flight),
            subscriptions: Places::new(limits.subscriptions),
            sockets: Places::new(limits.sockets),
            timing: config.timing,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            executor: Executor::new(limits),
        })))
    }
}

impl Shared {
    fn limits(&self) -> &Limits {
        &self.engine.config().limits
    }

    /// Returns who asks, whose reads see at least `after`. SQLite has no positions.
    fn caller(&self, after: Option<Position>) -> Caller {
        match after.filter(|_| self.engine.config().postgres.is_some()) {
            None => self.caller.clone(),
            Some(after) => {
                let signer = Arc::clone(&self.signer);
                let user = self.engine.user_id();
                let downloads = UserDownloads { signer, user, after: Some(after) };
                Caller { engine: self.engine.after(after), downloads: Some(Arc::new(downloads)) }
            }
        }
    }

    /// Counts one thing that a client asks for; refuses it when the window is full.
    async fn count(&self, kind: RequestKind) -> Result<(), Problem> {
        let counted = self.engine.take_request(kind).await;
        counted.map(drop).map_err(|error| Problem::from(error).limit("requests"))
    }

    async fn execute(
        &self,
        id: &RequestId,
        prepared: Prepared,
        graphql: GraphqlRequest,
        after: Option<Position>,
    ) -> Outcome {
        let caller = self.caller(after);
        let (response, cost) = self.executor.execute_measured(&caller, prepared, graphql).await;
        Outcome::new(response, id).with_cost(cost)
    }

    fn subscribe(
        &self,
        prepared: Prepared,
        graphql: GraphqlRequest,
        after: Option<Position>,
    ) -> BoxStream<'static, GraphqlResponse> {
        self.executor.subscribe(self.caller(after), prepared, graphql)
    }
}

/// Tells in which window an operation counts.
const fn request_kind(kind: OperationKind) -> RequestKind {
    match kind {
        OperationKind::Mutation => RequestKind::Write,
        OperationKind::Query | OperationKind::Subscription => RequestKind::Read,
    }
}

/// Binds a loopback address.
///
/// # Errors
/// `Misuse` for any other address, before anything listens on it; `Unavailable` when it is taken.
pub async fn bind(listen: SocketAddr) -> jotrack_core::Result<TcpListener> {
    refuse_public(listen)?;
    TcpListener::bind(listen).await.map_err(|e| Error::io("listen", e))
}

fn refuse_public(listen: SocketAddr) -> jotrack_core::Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    Err(Error::argument(
        "the local mode listens on 127.0.0.1 or [::1] only: it knows one person and no passwords",
    ))
}

/// Returns the whole service, to be served or to be called by a test.
pub fn router(AppState(state): AppState) -> Router {
    Router::new()
        .merge(playground::routes())
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/session", post(sign_in))
        .route("/graphql", get(http::graphql).post(http::graphql))
        .route("/graphql/ws", get(ws::upgrade))
        .route("/uploads", put(upload::put))
        .route("/downloads/{attachment}/{expires}/{signature}", get(download::get))
        .route("/analyses/{id}/events", get(analysis_events::get))
        .fallback(async || Problem::not_found("Nothing is here."))
        .layer(middleware::from_fn_with_state(state.clone(), admit::admit))
        .layer(middleware::from_fn_with_state(state.clone(), admit::observe))
        .with_state(state)
}

/// Serves until `shutdown` is done, then lets requests finish for a moment. The engine stays open.
///
/// # Errors
/// `Misuse` for a listener that is not on loopback, `Unavailable` when the listener fails.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    token: Token,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> jotrack_core::Result<()> {
    let listen = listener.local_addr().map_err(|e| Error::io("listen", e))?;
    let state = AppState::new(engine, token, &ServerConfig::new(listen))?;
    serve_state(listener, state, shutdown).await
}

/// Serves a prepared state, as [`serve`] does.
///
/// # Errors
/// `Unavailable` when the listener fails.
pub async fn serve_state(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> jotrack_core::Result<()> {
    let stop = state.0.stop.clone();
    let stopping = stop.clone();
    let listener = listener.tap_io(|stream| {
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(%cause, "a connection keeps its delay");
        }
    });
    let server = axum::serve(listener, router(state.clone())).with_graceful_shutdown(async move {
        shutdown.await;
        stopping.cancel();
    });
    let served = tokio::select! {
        served = server.into_future() => served.map_err(|e| Error::io("serve", e)),
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    };
    state.0.tasks.close();
    if limits::within(GRACE, state.0.tasks.wait()).await.is_none() {
        tracing::warn!("connections were cut off at shutdown");
    }
    served
}

/// Turns the token into a session.
async fn sign_in(State(state): State<SharedState>, request: Request) -> Response {
    match open_session(&state, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn open_session(state: &SharedState, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let patience = Duration::from_millis(state.limits().execution_ms);
    let bytes = limits::read_body(&head.headers, body, SESSION_BODY_BYTES, patience).await?;
    let fields: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|_| Problem::malformed("The body is not valid JSON."))?;
    let token = fields
        .get("token")
        .and_then(serde_json::Value::as_str)
        .ok_or_else(|| Problem::malformed("`token` must be a string."))?;
    let cookie = match state.gatekeeper.sign_in(token) {
        Err(Error::Unauthenticated) => return Err(Problem::unauthenticated()),
        cookie => cookie?,
    };
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
