//! The document guard: decides from the text alone whether a document is small enough to validate.
//!
//! Validation in async-graphql walks a fragment again at every spread, without memory and without
//! yielding, so a document of one kilobyte can hold a thread for minutes and no timeout stops it.
//! Every document therefore passes here first, on every transport: one linear scan before parsing,
//! one parse, one linear measurement with memory.
//!
//! Invariant: a document that passed has at most the selections, aliases, root fields and depth of
//! its [`Limits`] in every operation and in every fragment, after all spreads are expanded.

mod measure;
mod scan;
#[cfg(test)]
mod tests;

use async_graphql::{
    Pos,
    parser::{
        Error as ParseError, parse_query,
        types::{ExecutableDocument, OperationType},
    },
};
use jotrack_core::Limits;
use serde_json::{Map, Value};

/// Code of a document that is not GraphQL.
pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// Code of a document, operation name or set of variables that does not fit the rules.
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// Code of a document beyond a limit.
pub const TOO_COMPLEX: &str = "QUERY_TOO_COMPLEX";

/// A parsed document within the limits.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The document, parsed once.
    pub document: ExecutableDocument,
    /// The operations in it.
    pub kinds: OperationKinds,
}

/// Kind of each operation of a document, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationKinds(Vec<(Option<String>, OperationType)>);

impl OperationKinds {
    fn of(document: &ExecutableDocument) -> Self {
        Self(
            document
                .operations
                .iter()
                .map(|(name, operation)| (name.map(ToString::to_string), operation.node.ty))
                .collect(),
        )
    }

    /// Returns the kind of the operation a request means.
    ///
    /// # Errors
    /// [`VALIDATION_FAILED`] when no operation has that name, or several could be meant.
    pub fn select(&self, operation_name: Option<&str>) -> Result<OperationType, Refusal> {
        match operation_name {
            Some(wanted) => self
                .0
                .iter()
                .find(|(name, _)| name.as_deref() == Some(wanted))
                .map(|(_, kind)| *kind)
                .ok_or_else(|| Refusal::invalid("The document has no operation of that name.")),
            None => match self.0.as_slice() {
                [(_, kind)] => Ok(*kind),
                _ => Err(Refusal::invalid(
                    "The document has several operations: `operationName` must name one.",
                )),
            },
        }
    }
}

/// Why a document is not executed. Holds nothing of the document's text but fragment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One of [`PARSE_FAILED`], [`VALIDATION_FAILED`], [`TOO_COMPLEX`].
    pub code: &'static str,
    /// A sentence for the author of the document.
    pub message: String,
    /// Name (as in [`Limits`]) and value of the limit that was reached.
    pub limit: Option<(&'static str, u64)>,
    /// Where in the document, when one place can be named.
    pub position: Option<Pos>,
}

impl Refusal {
    fn parse(position: Option<Pos>) -> Self {
        Self {
            code: PARSE_FAILED,
            message: "The document is not valid GraphQL.".to_owned(),
            limit: None,
            position,
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self { code: VALIDATION_FAILED, message: message.into(), limit: None, position: None }
    }

    fn over(what: &str, name: &'static str, limit: usize) -> Self {
        Self {
            code: TOO_COMPLEX,
            message: format!("The document has more than {limit} {what}."),
            limit: Some((name, u64::try_from(limit).unwrap_or(u64::MAX))),
            position: None,
        }
    }

    fn at(mut self, position: Pos) -> Self {
        self.position = Some(position);
        self
    }
}

/// With less stack than this the parser gets one of its own. It refuses every document when it finds
/// too little left, and it measures that by the bounds of the thread: nothing, on a stack that the
/// caller of the C library made, as coroutines and bindings do.
const STACK_LEFT: usize = 512 * 1024;
/// Bytes of that stack.
const PARSER_STACK: usize = 2 * 1024 * 1024;

/// Parses a document if it is within the limits.
///
/// Costs time linear in the length of `query`, whatever it holds.
///
/// # Errors
/// A [`Refusal`] naming the first limit or rule that the document breaks.
pub fn check(query: &str, limits: &Limits) -> Result<Checked, Refusal> {
    scan::scan(query, limits)?;
    let parsed = stacker::maybe_grow(STACK_LEFT, PARSER_STACK, || parse_query(query));
    let document = parsed.map_err(|error| refuse_parse(&error))?;
    measure::measure(&document, limits)?;
    let kinds = OperationKinds::of(&document);
    Ok(Checked { document, kinds })
}

/// Checks number and nesting of a request's variables.
///
/// # Errors
/// A [`Refusal`] with [`TOO_COMPLEX`].
pub fn check_variables(variables: &Map<String, Value>, limits: &Limits) -> Result<(), Refusal> {
    if variables.len() > limits.variables {
        return Err(Refusal::over("variables", "variables", limits.variables));
    }
    let mut level: Vec<&Value> = variables.values().collect();
    let mut depth = 0_usize;
    while !level.is_empty() {
        depth += 1;
        if depth > limits.variables_depth {
            return Err(Refusal::over(
                "levels of nesting in its variables",
                "variables_depth",
                limits.variables_depth,
            ));
        }
        level = level.into_iter().flat_map(children).collect();
    }
    Ok(())
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

// The parser's own messages quote its grammar, which helps nobody and changes with its version.
fn refuse_parse(error: &ParseError) -> Refusal {
    let position = error.positions().next();
    let message = match error {
        ParseError::MultipleOperations { .. } => {
            "An operation without a name must be the only operation of its document."
        }
        ParseError::OperationDuplicated { .. } => "Two operations have the same name.",
        ParseError::FragmentDuplicated { .. } => "Two fragments have the same name.",
        ParseError::MissingOperation => "The document has no operation.",
        _ => return Refusal::parse(position),
    };
    Refusal { position, ..Refusal::invalid(message) }
}
