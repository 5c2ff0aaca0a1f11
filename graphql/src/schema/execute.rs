//! Executing documents: the one way in for every transport.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_graphql::{
    ErrorExtensionValues, Request, Response, ServerError, ValidationMode, Value as ConstValue,
    Variables,
};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use jotrack_core::{Engine, Limits};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use async_graphql::parser::types::OperationType as OperationKind;

use super::{
    Schema, build,
    context::{Caller, Cost, OperationContext},
    document,
    guard::{self, Checked, Refusal},
    prepared::{DocumentHash, Documents},
    resolve::is_echo,
    response::GraphqlResponse,
};

/// Member of a response's `extensions`: what a reader must see to see the operation's writes.
///
/// The answer to each mutation has it where the database has replicas to ask; the answer to a query
/// never has. Who sends the newest one it got with each request reads its own writes from every
/// server of the database.
pub const POSITION: &str = "position";

/// A request as GraphQL over HTTP writes it. Unknown members are ignored; a known one of the wrong
/// type is an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlRequest {
    /// The document.
    pub query: String,
    /// Which of its operations; needed when there are several.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub variables: Map<String, Value>,
    /// What else a client sent; not read here.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub extensions: Map<String, Value>,
}

fn null_is_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A document within the limits, ready to be executed.
#[derive(Debug, Clone)]
pub struct Prepared {
    checked: Arc<Checked>,
    kind: OperationKind,
    hash: DocumentHash,
    /// Whether the document came from the cache.
    kept: bool,
}

impl Prepared {
    /// Returns what the chosen operation does.
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// Returns the SHA-256 of the document's text.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

/// The schema with its limits and prepared documents. Clones share them.
#[derive(Clone)]
pub struct Executor(Arc<Inner>);

struct Inner {
    schema: Schema,
    /// The same for documents that passed its rules before: it only measures their cost.
    known: Schema,
    limits: Limits,
    documents: Mutex<Documents>,
}

impl Executor {
    /// Builds the schema.
    pub fn new(limits: Limits) -> Self {
        let schema = build(&limits, ValidationMode::Strict);
        let known = build(&limits, ValidationMode::Fast);
        Self(Arc::new(Inner { schema, known, limits, documents: Mutex::default() }))
    }

    /// Finds or parses and guards a document, and checks which operation of it is meant.
    ///
    /// # Errors
    /// A [`Refusal`] for a document, operation name or variables that are not executed.
    pub fn prepare(&self, request: &GraphqlRequest) -> Result<Prepared, Refusal> {
        guard::check_variables(&request.variables, &self.0.limits)?;
        let hash = DocumentHash::from(Sha256::digest(&request.query));
        let kept = self.documents(|documents| documents.get(&hash));
        let (checked, kept) = match kept {
            Some(checked) => (checked, true),
            None => (Arc::new(guard::check(&request.query, &self.0.limits)?), false),
        };
        let name = request.operation_name.as_deref();
        let kind = checked.kinds.select(name)?;
        if kind == OperationKind::Subscription
            && let Some(operation) = document::operation(&checked.document, name)
        {
            document::check_subscription(operation)?;
        }
        Ok(Prepared { checked, kind, hash, kept })
    }

    /// Executes a query or mutation. Never panics; what a resolver panics with is INTERNAL.
    ///
    /// # Cancel safety
    /// A mutation whose future is dropped may or may not be committed; repeat it with the same
    /// idempotency key.
    pub async fn execute(
        &self,
        caller: &Caller,
        prepared: Prepared,
        request: GraphqlRequest,
    ) -> GraphqlResponse {
        self.execute_measured(caller, prepared, request).await.0
    }

    /// The same, and what its reads took.
    pub async fn execute_measured(
        &self,
        caller: &Caller,
        prepared: Prepared,
        request: GraphqlRequest,
    ) -> (GraphqlResponse, Cost) {
        let reader = reader(caller, &prepared, request.operation_name.as_deref());
        let operation = Arc::new(OperationContext::new(reader));
        let text_bytes = request.query.len();
        let name = request.operation_name.clone();
        let is_known =
            prepared.kept && document::is_settled(&prepared.checked.document, &request.variables);
        let schema = if is_known { &self.0.known } else { &self.0.schema };
        let bound = match bind(&prepared, request, Arc::clone(&operation)) {
            Ok(bound) => bound,
            Err(refusal) => return (refused(&refusal), Cost::default()),
        };
        // Loaders count their siblings in passes over the whole operation; tokio's budget would
        // cut such a pass short after 128 of them.
        let run = tokio::task::unconstrained(schema.execute(bound));
        let run = AssertUnwindSafe(run).catch_unwind();
        let deadline = Duration::from_millis(self.0.limits.execution_ms);
        let response = match tokio::time::timeout(deadline, run).await {
            Ok(Ok(response)) => self.finish(response),
            Ok(Err(_)) => {
                tracing::error!("a resolver panicked");
                failed("INTERNAL", "internal error", false)
            }
            Err(_) => failed("TIMEOUT", "the operation took too long", true),
        };
        if !prepared.kept && !is_request_error(&response) {
            let checked = Arc::clone(&prepared.checked);
            self.documents(|documents| documents.insert(prepared.hash, checked, text_bytes));
        }
        let mut response = mended(response, &prepared, name.as_deref());
        if prepared.kind == OperationKind::Mutation
            && let Some(position) = caller.engine.position()
        {
            response.extensions.insert(POSITION.to_owned(), position.to_string().into());
        }
        (response.into(), operation.cost())
    }

    /// Executes a subscription; the stream ends when the engine closes. A query or mutation is
    /// executed once. Dropping the stream ends the subscription.
    pub fn subscribe(
        &self,
        caller: Caller,
        prepared: Prepared,
        request: GraphqlRequest,
    ) -> BoxStream<'static, GraphqlResponse> {
        let executor = self.clone();
        if prepared.kind != OperationKind::Subscription {
            let run = async move { executor.execute(&caller, prepared, request).await };
            return stream::once(run).boxed();
        }
        let reader = reader(&caller, &prepared, request.operation_name.as_deref());
        let operation = Arc::new(OperationContext::new(reader));
        let bound = match bind(&prepared, request, Arc::clone(&operation)) {
            Ok(bound) => bound,
            Err(refusal) => return stream::iter([refused(&refusal)]).boxed(),
        };
        let events = executor.0.schema.execute_stream(bound);
        stream::unfold((events, executor, operation), |(mut events, executor, operation)| async {
            let event = tokio::task::unconstrained(events.next()).await?;
            // Each event reads afresh, and none holds a reader while the next is awaited.
            operation.renew();
            let event = executor.finish(event);
            Some((event.into(), (events, executor, operation)))
        })
        .boxed()
    }

    #[cfg(test)]
    pub(super) fn is_kept(&self, hash: &DocumentHash) -> bool {
        self.documents(|documents| documents.get(hash).is_some())
    }

    fn documents<T>(&self, use_them: impl FnOnce(&mut Documents) -> T) -> T {
        use_them(&mut self.0.documents.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives every error its code.
    fn finish(&self, mut response: Response) -> Response {
        response.errors.retain(|error| !is_echo(error));
        for error in &mut response.errors {
            let has_code = error.extensions.as_ref().is_some_and(|it| it.get("code").is_some());
            if !has_code {
                self.classify(error);
            }
        }
        response
    }

    /// Tells by its text what async-graphql itself refused.
    fn classify(&self, error: &mut ServerError) {
        let limits = &self.0.limits;
        let (code, limit) = match error.message.as_str() {
            "Query is too complex." => {
                error.message = format!("The operation costs more than {}.", limits.complexity);
                (guard::TOO_COMPLEX, Some("complexity"))
            }
            "Query is nested too deep." => (guard::TOO_COMPLEX, Some("introspection_depth")),
            text if text.starts_with("The recursion depth") => {
                (guard::TOO_COMPLEX, Some("nesting"))
            }
            text if text.starts_with("The number of directives") => {
                (guard::TOO_COMPLEX, Some("directives_per_location"))
            }
            _ if error.path.is_empty() => (guard::VALIDATION_FAILED, None),
            // An argument that passed validation but has no meaning, such as an integer beyond 32 bits.
            _ => ("INVALID_INPUT", None),
        };
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code);
        extensions.set("retryable", false);
        if let Some(limit) = limit {
            extensions.set("limit", limit);
        }
    }
}

/// Returns who reads: an answer that tells of changes shows objects as they are after them, which a
/// replica may not have heard of.
fn reader(caller: &Caller, prepared: &Prepared, name: Option<&str>) -> Caller {
    if !has_replicas(&caller.engine) || !tells_changes(prepared, name) {
        return caller.clone();
    }
    Caller { engine: caller.engine.at_primary(), ..caller.clone() }
}

fn has_replicas(engine: &Engine) -> bool {
    engine.config().postgres.as_ref().is_some_and(|postgres| !postgres.replica_urls.is_empty())
}

fn tells_changes(prepared: &Prepared, name: Option<&str>) -> bool {
    match prepared.kind {
        OperationKind::Subscription => true,
        OperationKind::Mutation => false,
        OperationKind::Query => {
            let document = &prepared.checked.document;
            document::operation(document, name).is_some_and(|operation| {
                let fields = document::root_fields(document, operation);
                fields.values().any(|name| name == "changes")
            })
        }
    }
}

/// Makes a request of a document, without its absent variables.
fn bind(
    prepared: &Prepared,
    request: GraphqlRequest,
    operation: Arc<OperationContext>,
) -> Result<Request, Refusal> {
    let GraphqlRequest { query: _, operation_name, variables, extensions: _ } = request;
    let variables = Variables::from_json(Value::Object(variables));
    let mut document = prepared.checked.document.clone();
    document::bind_variables(&mut document, operation_name.as_deref(), &variables)?;
    let mut request = Request::new("").variables(variables).data(operation);
    request.operation_name = operation_name;
    request.set_parsed_query(document);
    Ok(request)
}

fn mended(mut response: Response, prepared: &Prepared, name: Option<&str>) -> Response {
    let Some(operation) = document::operation(&prepared.checked.document, name) else {
        return response;
    };
    let unordered = operation.selection_set.node.items.len() > 1;
    if unordered || !response.errors.is_empty() {
        let fields = document::root_fields(&prepared.checked.document, operation);
        let data = std::mem::take(&mut response.data);
        response.data = document::mend_root(data, &response.errors, &fields);
    }
    response
}

/// Tells whether a response says that nothing was executed; such a response has no `data`.
pub(crate) fn is_request_error(response: &Response) -> bool {
    response.data == ConstValue::Null
        && response.errors.iter().any(|error| {
            let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
            matches!(code, Some(ConstValue::String(code))
                if [guard::PARSE_FAILED, guard::VALIDATION_FAILED, guard::TOO_COMPLEX]
                    .contains(&code.as_str()))
        })
}

/// Writes a refusal as a response.
pub fn refused(refusal: &Refusal) -> GraphqlResponse {
    let mut error = ServerError::new(refusal.message.clone(), refusal.position);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", refusal.code);
    extensions.set("retryable", false);
    if let Some((limit, _)) = refusal.limit {
        extensions.set("limit", limit);
    }
    error.extensions = Some(extensions);
    Response::from_errors(vec![error]).into()
}

fn failed(code: &str, message: &str, retryable: bool) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    extensions.set("retryable", retryable);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}
