//! GraphQL in-process: requests of a host through the schema of the server.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt, Stream, StreamExt};
use jotrack_core::{Engine, Error, ErrorCode};
use jotrack_graphql::schema::{
    self, Caller, Executor, GraphqlRequest, GraphqlResponse, OperationKind, Prepared, refused,
};
use serde_json::Map;

use crate::{
    begun::{Begun, Ending},
    engine::Shared,
    error::Fault,
    graphql::Request,
    op::{Work, jotrack_op},
    queue::{Outcome, Taken},
};

pub(crate) type Schema = Executor;

/// A request, looked through.
struct Asked {
    executor: Executor,
    request: GraphqlRequest,
    /// Its operation, or the response to a document that is not executed.
    operation: Result<Prepared, GraphqlResponse>,
    limit: Option<Duration>,
}

/// Executes a query or mutation and returns the response.
pub(crate) fn execute(shared: &Shared, request: Request) -> Result<String, Fault> {
    let Asked { executor, request, operation, limit } = query(shared, request)?;
    let most = shared.config().limits.response_bytes;
    let operation = match operation {
        Ok(operation) => operation,
        Err(refusal) => return written(&refusal, most),
    };
    let core = shared.core()?;
    let caller = caller(&core);
    let run = executor.execute(&caller, operation, request);
    written(&shared.block(in_time(limit, run))?, most)
}

/// Executes a query or mutation; the response is its end.
pub(crate) fn start(
    shared: &Arc<Shared>,
    core: &Engine,
    request: Request,
    op: Begun<'_>,
) -> Result<jotrack_op, Fault> {
    let Asked { executor, request, operation, limit } = query(shared, request)?;
    let most = shared.config().limits.response_bytes;
    let caller = caller(core);
    op.start(Work::Graphql, |ending| async move {
        let run = async {
            match operation {
                Ok(operation) => {
                    in_time(limit, executor.execute(&caller, operation, request)).await
                }
                Err(refusal) => Ok(refusal),
            }
        };
        let response = tokio::select! {
            biased;
            () = ending.finish.over() => return,
            response = run => response,
        };
        ending.end(match response.and_then(|response| written(&response, most)) {
            Ok(text) => Outcome { fault: None, result: Some(text) },
            Err(fault) => Outcome::failed(fault),
        });
    })
}

/// Follows a subscription; each response is an event.
pub(crate) fn subscribe(
    shared: &Arc<Shared>,
    core: &Engine,
    request: Request,
    op: Begun<'_>,
) -> Result<jotrack_op, Fault> {
    let Asked { executor, request, operation, limit } = Asked::read(shared, request)?;
    let mut responses = match operation {
        Ok(operation) if operation.kind() == OperationKind::Subscription => {
            executor.subscribe(caller(core), operation, request)
        }
        Ok(_) => {
            let message = "a query or mutation is no subscription: use jotrack_graphql_start";
            return Err(Fault::argument(message));
        }
        Err(refusal) => futures_util::stream::iter([refusal]).boxed(),
    };
    // The first look fixes what "from now on" means.
    let first = shared.block(async { responses.next().now_or_never() });
    let responses = match first {
        None => responses,
        Some(first) => futures_util::stream::iter(first).chain(responses).boxed(),
    };
    let most = shared.config().limits.response_bytes;
    let shared = Arc::clone(shared);
    op.start(Work::Graphql, move |ending| async move {
        let carried = in_time(limit, carry(&shared, responses, most, &ending));
        let outcome = tokio::select! {
            biased;
            () = ending.finish.over() => return,
            carried = carried => carried.flatten(),
        };
        ending.end(match outcome {
            Ok(()) => Outcome { fault: None, result: None },
            Err(fault) => Outcome::failed(fault),
        });
    })
}

pub(crate) fn sdl() -> Result<String, Fault> {
    Ok(schema::sdl())
}

/// Carries responses into the queue until there are no more.
async fn carry(
    shared: &Shared,
    mut responses: impl Stream<Item = GraphqlResponse> + Unpin,
    most: usize,
    ending: &Ending,
) -> Result<(), Fault> {
    while let Some(response) = responses.next().await {
        // An engine that goes away says so in a last response; the end says it better.
        shared.still_open()?;
        match ending.queue.payload(ending.number, written(&response, most)?) {
            Taken::Queued => {}
            Taken::Full => {
                return Err(Fault::new(ErrorCode::Lagged, "the host took no payloads in time"));
            }
            Taken::Over => return Ok(()),
        }
    }
    shared.still_open()
}

/// Reads a query or mutation.
fn query(shared: &Shared, request: Request) -> Result<Asked, Fault> {
    let asked = Asked::read(shared, request)?;
    if asked.operation.as_ref().is_ok_and(|it| it.kind() == OperationKind::Subscription) {
        let message = "a subscription is no query: use jotrack_graphql_subscribe";
        return Err(Fault::argument(message));
    }
    Ok(asked)
}

impl Asked {
    fn read(shared: &Shared, request: Request) -> Result<Self, Fault> {
        let Request { query, operation_name, variables, timeout_ms } = request;
        let variables = match variables {
            None => Map::new(),
            Some(text) => serde_json::from_str::<Option<Map<_, _>>>(&text)
                .map_err(|e| Fault::json("variables_json", &e))?
                .unwrap_or_default(),
        };
        let request = GraphqlRequest { query, operation_name, variables, extensions: Map::new() };
        let limits = &shared.config().limits;
        let executor = shared.graphql().get_or_init(|| Executor::new(limits.clone())).clone();
        let operation = executor.prepare(&request).map_err(|refusal| refused(&refusal));
        let limit = (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms.into()));
        Ok(Self { executor, request, operation, limit })
    }
}

fn caller(core: &Engine) -> Caller {
    Caller { engine: core.clone(), downloads: None }
}

async fn in_time<T>(limit: Option<Duration>, run: impl Future<Output = T>) -> Result<T, Fault> {
    let Some(limit) = limit else { return Ok(run.await) };
    let timed_out = |_| Error::Timeout { op: "the GraphQL operation" }.into();
    tokio::time::timeout(limit, run).await.map_err(timed_out)
}

fn written(response: &GraphqlResponse, most: usize) -> Result<String, Fault> {
    let too_large = || Fault::new(ErrorCode::TooLarge, "the response is too large");
    response.to_json(most).ok_or_else(too_large)
}
