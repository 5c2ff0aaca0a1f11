//! GraphQL over a WebSocket: graphql-transport-ws, written out as one loop over one connection.
//!
//! The stock implementation closes with other codes than the protocol names, lets a used id replace
//! a running operation and never times out a client that does not begin.

mod protocol;

use std::{collections::HashMap, pin::pin};

use axum::{
    Extension,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, AbortHandle, BoxStream, SelectAll, abortable},
};
use jotrack_core::{ErrorCode, Position};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use self::protocol::{ClientMessage, Close, SUBPROTOCOL};
use super::{
    SharedState,
    admit::RequestId,
    limits::{Place, within},
    outcome::Outcome,
    reply::Problem,
    request_kind,
    session::Identity,
    sse,
};
use crate::schema::{GraphqlRequest, OperationKind};

/// Turns a request into a socket.
pub(super) async fn upgrade(
    State(state): State<SharedState>,
    Extension(id): Extension<RequestId>,
    identity: Option<Extension<Identity>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return Problem::malformed("This address speaks WebSocket only.").into_response();
    };
    let message_bytes = state.limits().socket_message_bytes;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(message_bytes)
        .max_frame_size(message_bytes);
    if upgrade.selected_protocol().is_none() {
        return Problem::malformed("Offer the subprotocol `graphql-transport-ws`.").into_response();
    }
    let Some(place) = state.sockets.take() else {
        return Problem::of_code(ErrorCode::RateLimited, "Too many sockets are open.")
            .limit("sockets")
            .retry_after_secs(1)
            .into_response();
    };
    let tasks = state.tasks.clone();
    upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            Connection::new(state, id, socket, identity.map(|Extension(identity)| identity))
                .run()
                .await;
            drop(place);
        })
    })
}

/// One thing an operation has to say.
struct Event {
    id: String,
    /// An id may be used again once it is free; the number tells its users apart.
    number: u64,
    /// `None` at the end.
    outcome: Option<Outcome>,
}

struct Running {
    number: u64,
    abort: AbortHandle,
    /// Given back when the operation is forgotten, not when its last poll is over.
    _place: Place,
}

struct Connection {
    state: SharedState,
    id: RequestId,
    socket: WebSocket,
    /// Known from the request, or from `connection_init`.
    identity: Option<Identity>,
    /// What reads must see, as `connection_init` said.
    after: Option<Position>,
    acknowledged: bool,
    heard_at: Instant,
    operations: SelectAll<BoxStream<'static, Event>>,
    running: HashMap<String, Running>,
    started: u64,
}

impl Connection {
    fn new(
        state: SharedState,
        id: RequestId,
        socket: WebSocket,
        identity: Option<Identity>,
    ) -> Self {
        Self {
            state,
            id,
            socket,
            identity,
            after: None,
            acknowledged: false,
            heard_at: Instant::now(),
            operations: SelectAll::new(),
            running: HashMap::new(),
            started: 0,
        }
    }

    async fn run(mut self) {
        let close = self.serve().await;
        self.operations.clear();
        if let Some(message) = close.message()
            && self.send(message).await.is_err()
        {
            return;
        }
        if close != Close::Lost {
            // Reads on until the client has closed too: the library sends its own answer to a
            // client's frame only then, and closing over unread data would take ours away.
            let answer = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            within(self.state.timing.init, answer).await.unwrap_or_default();
        }
    }

    /// Serves until there is a reason to end.
    async fn serve(&mut self) -> Close {
        let timing = self.state.timing;
        let stop = self.state.stop.clone();
        let mut begin = pin!(sleep(timing.init));
        let mut ping = every(timing.ping);
        let mut recheck = every(timing.recheck);
        loop {
            let step = tokio::select! {
                () = stop.cancelled() => Err(Close::GoingAway),
                () = &mut begin, if !self.acknowledged => Err(Close::InitTimeout),
                _ = ping.tick() => self.ping().await,
                _ = recheck.tick() => self.recheck(),
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.receive(message).await,
                    Some(Err(error)) => Err(close_for(&error)),
                    None => Err(Close::Lost),
                },
                Some(event) = self.operations.next(), if !self.operations.is_empty() => {
                    self.report(event).await
                }
            };
            if let Err(close) = step {
                return close;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Close> {
        if self.heard_at.elapsed() >= self.state.timing.patience {
            return Err(Close::Lost);
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    /// Ends a socket whose session has ended.
    fn recheck(&self) -> Result<(), Close> {
        match self.identity {
            Some(identity) if !self.state.gatekeeper.holds(identity) => Err(Close::Unauthorized),
            _ => Ok(()),
        }
    }

    async fn receive(&mut self, message: Message) -> Result<(), Close> {
        self.heard_at = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Close::BadMessage),
            // The library answers both.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Close::ByClient),
        };
        match ClientMessage::parse(&text).ok_or(Close::BadMessage)? {
            ClientMessage::Init { .. } if self.acknowledged => Err(Close::SecondInit),
            ClientMessage::Init { authorization, position } => {
                self.after = position;
                self.begin(authorization).await
            }
            ClientMessage::Ping { payload } => self.send(protocol::pong(payload)).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { .. } if !self.acknowledged => Err(Close::Unauthorized),
            ClientMessage::Subscribe { id, graphql } => self.start(id, graphql).await,
            ClientMessage::Complete { id } => {
                self.forget(&id);
                Ok(())
            }
        }
    }

    async fn begin(&mut self, authorization: Option<String>) -> Result<(), Close> {
        if let Some(value) = authorization {
            self.identity = self.state.gatekeeper.identify_bearer(&value);
        }
        if self.identity.is_none() {
            return Err(Close::Forbidden);
        }
        self.acknowledged = true;
        self.send(protocol::ack()).await
    }

    async fn start(&mut self, id: String, graphql: GraphqlRequest) -> Result<(), Close> {
        if self.running.contains_key(&id) {
            return Err(Close::DuplicateId);
        }
        let (outcomes, place) = match self.outcomes(graphql) {
            Ok(started) => started,
            Err(problem) => {
                let errors = serde_json::json!([problem.to_error(self.id.as_str())]);
                return self.send(protocol::error(&id, &errors)).await;
            }
        };
        self.started += 1;
        let number = self.started;
        let (outcomes, abort) = abortable(outcomes);
        let event = {
            let id = id.clone();
            move |outcome| Event { id: id.clone(), number, outcome }
        };
        let events =
            outcomes.map(Some).chain(stream::once(std::future::ready(None))).map(event).boxed();
        self.running.insert(id, Running { number, abort, _place: place });
        self.operations.push(events);
        Ok(())
    }

    /// Starts an operation under the same guard and limits as a request.
    fn outcomes(
        &self,
        graphql: GraphqlRequest,
    ) -> Result<(BoxStream<'static, Outcome>, Place), Problem> {
        let prepared = self.state.executor.prepare(&graphql)?;
        let (state, id, after) = (self.state.clone(), self.id.clone(), self.after);
        let follows = prepared.kind() == OperationKind::Subscription;
        let place = if follows {
            state.subscriptions.take().ok_or_else(sse::too_many)?
        } else {
            state.in_flight.admit()?
        };
        // Counted as part of the operation: the socket does not wait for a busy database.
        let work = async move {
            if let Err(problem) = state.count(request_kind(prepared.kind())).await {
                return stream::iter([Outcome::refused(&problem, &id)]).boxed();
            }
            if follows {
                let events = state.subscribe(prepared, graphql, after);
                return events.map(move |response| Outcome::new(response, &id)).boxed();
            }
            let outcome = state.execute(&id, prepared, graphql, after).await;
            stream::iter([outcome]).boxed()
        };
        Ok((stream::once(work).flatten().boxed(), place))
    }

    /// Tells the client what an operation has to say, unless the client has completed it already.
    async fn report(&mut self, event: Event) -> Result<(), Close> {
        let Event { id, number, outcome } = event;
        if self.running.get(&id).is_none_or(|running| running.number != number) {
            return Ok(());
        }
        let message = match outcome {
            None => {
                self.forget(&id);
                protocol::complete(&id)
            }
            Some(outcome) if outcome.was_executed() => {
                let body = outcome.to_json(self.state.limits().response_bytes, &self.id);
                protocol::next(&id, &String::from_utf8_lossy(&body))
            }
            Some(outcome) => {
                self.forget(&id);
                protocol::error(&id, &outcome.errors())
            }
        };
        self.send(message).await
    }

    fn forget(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.abort.abort();
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match within(self.state.timing.patience, self.socket.send(message)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(Close::Lost),
        }
    }
}

fn every(period: std::time::Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

// axum hides the type of the cause.
fn close_for(error: &axum::Error) -> Close {
    if error.to_string().starts_with("Space limit exceeded") {
        Close::TooBig
    } else {
        Close::Protocol
    }
}
