//! GraphQL over an event stream: graphql-sse, distinct connections. One POST, one operation, one
//! stream of `next` events that ends with `complete`.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use jotrack_core::{ErrorCode, Position};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval_at},
};

use super::{
    SharedState,
    accept::Media,
    admit::RequestId,
    limits::{Place, within},
    outcome::Outcome,
    reply::Problem,
};
use crate::schema::{GraphqlRequest, OperationKind, Prepared};

/// Events that may wait for a slow reader; the subscription behind them waits too, and catches up
/// by its own rules.
const WAITING_EVENTS: usize = 4;

/// What a stream is opened for.
pub(super) enum Work {
    /// The operation to run, holding its place among the requests.
    Operation {
        prepared: Prepared,
        graphql: GraphqlRequest,
        /// What its reads must see.
        after: Option<Position>,
        place: Place,
    },
    /// Nothing: the document was refused, which the protocol tells by an event.
    Refused(Problem),
}

/// Opens the stream.
pub(super) fn respond(
    state: &SharedState,
    id: &RequestId,
    work: Work,
) -> Result<Response, Problem> {
    let subscription = match &work {
        Work::Operation { prepared, .. } if prepared.kind() == OperationKind::Subscription => {
            Some(state.subscriptions.take().ok_or_else(too_many)?)
        }
        _ => None,
    };
    let (producer, id) = (state.clone(), id.clone());
    let fill = async move |sender: mpsc::Sender<Bytes>| {
        produce(&producer, &id, work, &sender).await;
    };
    Ok(open(state, subscription, fill))
}

/// Opens a stream that `fill` writes to; it ends with `fill`, and early when the server stops.
/// Holds `place` as long.
pub(super) fn open<F, W>(state: &SharedState, place: Option<Place>, fill: F) -> Response
where
    F: FnOnce(mpsc::Sender<Bytes>) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING_EVENTS);
    let (stop, work) = (state.stop.clone(), fill(sender));
    state.tasks.spawn(async move {
        // Ends early when the reader is gone, too slow, or the server stops.
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
        drop(place);
    });
    let events = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|event| (Ok::<Bytes, Infallible>(event), receiver))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, Media::EventStream.content_type());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// The refusal of one more subscription.
pub(super) fn too_many() -> Problem {
    Problem::of_code(ErrorCode::RateLimited, "Too many subscriptions are open.")
        .limit("subscriptions")
        .retry_after_secs(1)
}

/// `None` once nobody reads any more.
async fn produce(
    state: &SharedState,
    id: &RequestId,
    work: Work,
    sender: &mpsc::Sender<Bytes>,
) -> Option<()> {
    match work {
        Work::Refused(problem) => {
            let body = serde_json::json!({"errors": [problem.to_error(id.as_str())]});
            send(state, sender, next(body.to_string().as_bytes())).await?;
        }
        Work::Operation { prepared, graphql, after, place }
            if prepared.kind() == OperationKind::Subscription =>
        {
            drop(place);
            let (bytes, id) = (state.limits().response_bytes, id.clone());
            let events = state
                .subscribe(prepared, graphql, after)
                .map(move |response| next(&Outcome::new(response, &id).to_json(bytes, &id)));
            follow(state, events.boxed(), sender).await?;
        }
        Work::Operation { prepared, graphql, after, place } => {
            let outcome = state.execute(id, prepared, graphql, after).await;
            drop(place);
            let body = outcome.to_json(state.limits().response_bytes, id);
            send(state, sender, next(&body)).await?;
        }
    }
    // Browsers ignore an event without data, hence the empty line.
    send(state, sender, Bytes::from_static(b"event: complete\ndata:\n\n")).await
}

/// Sends events as they come, and comments while none does. `None` once nobody reads any more.
pub(super) async fn follow(
    state: &SharedState,
    mut events: BoxStream<'static, Bytes>,
    sender: &mpsc::Sender<Bytes>,
) -> Option<()> {
    let pause = state.timing.comment;
    let mut comments = interval_at(tokio::time::Instant::now() + pause, pause);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { return Some(()) };
                send(state, sender, event).await?;
            }
            _ = comments.tick() => send(state, sender, Bytes::from_static(b":\n\n")).await?,
            () = sender.closed() => return None,
        }
    }
}

/// Sends one event to a reader that has patience for it.
pub(super) async fn send(
    state: &SharedState,
    sender: &mpsc::Sender<Bytes>,
    event: Bytes,
) -> Option<()> {
    within(state.timing.patience, sender.send(event)).await?.ok()
}

/// JSON never holds a raw line break, so one `data` line is enough.
fn next(json: &[u8]) -> Bytes {
    [&b"event: next\ndata: "[..], json, b"\n\n"].concat().into()
}
