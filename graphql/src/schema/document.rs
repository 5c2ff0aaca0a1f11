//! What async-graphql 7.2.1 leaves to be done to a parsed document before and after it is executed.

use std::collections::HashSet;

use async_graphql::{
    Name, PathSegment, Positioned, ServerError, Value as ConstValue, Variables,
    indexmap::IndexMap,
    parser::types::{
        BaseType, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection,
        SelectionSet, Type,
    },
};
use async_graphql_value::Value;

use super::guard::{Refusal, VALIDATION_FAILED};

/// Returns the operation that a request means; the guard has made sure of it.
pub(super) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().next().map(|operation| &operation.node)
        }
    }
}

/// Checks what the specification asks of a subscription: exactly one root field. Stock execution
/// ignores fragments there and would deliver nothing.
///
/// # Errors
/// A validation refusal.
pub(super) fn check_subscription(operation: &OperationDefinition) -> Result<(), Refusal> {
    let fields = &operation.selection_set.node.items;
    match fields.as_slice() {
        [Positioned { node: Selection::Field(_), .. }] => Ok(()),
        _ => Err(invalid("A subscription selects exactly one field, without fragments.")),
    }
}

/// Gives variables their meaning where stock execution does not: a required one must have a value,
/// and an optional one without a value leaves out the argument or input field it stands for (stock
/// execution would pass null, which a patch takes for "clear").
///
/// # Errors
/// A validation refusal.
pub(super) fn bind_variables(
    document: &mut ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<(), Refusal> {
    let mut absent = HashSet::new();
    if let Some(operation) = operation(document, name) {
        for definition in &operation.variable_definitions {
            let definition = &definition.node;
            if definition.default_value.is_some() {
                continue;
            }
            match variables.get(&definition.name.node) {
                None | Some(ConstValue::Null) if !definition.var_type.node.nullable => {
                    let name = &definition.name.node;
                    return Err(invalid(format!("The variable ${name} needs a value.")));
                }
                None => {
                    absent.insert(definition.name.node.clone());
                }
                Some(_) => {}
            }
        }
    }
    if !absent.is_empty() {
        leave_out(document, &absent);
    }
    Ok(())
}

/// Tells whether a document that passed validation once passes it with these variables too: what
/// the rules say of its one operation depends on nothing else, and each value is plainly one of
/// its declared type. The rules cost more than a short list does.
pub(super) fn is_settled(
    document: &ExecutableDocument,
    variables: &serde_json::Map<String, serde_json::Value>,
) -> bool {
    let mut operations = document.operations.iter();
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
        return false;
    };
    operation.node.variable_definitions.iter().all(|definition| {
        let definition = &definition.node;
        let Some(value) = variables.get(definition.name.node.as_str()) else { return true };
        let Type { base, nullable } = &definition.var_type.node;
        let BaseType::Named(name) = base else { return false };
        match name.as_str() {
            _ if value.is_null() => *nullable,
            "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "Float" => value.is_f64(),
            "Boolean" => value.is_boolean(),
            "String" | "ID" => value.is_string(),
            _ => false,
        }
    })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: VALIDATION_FAILED, message: message.into(), limit: None, position: None }
}

/// Removes every trace of some variables, so that validation sees neither an undefined nor an
/// unused one.
fn leave_out(document: &mut ExecutableDocument, absent: &HashSet<Name>) {
    let operation = |operation: &mut OperationDefinition| {
        operation.variable_definitions.retain(|it| !absent.contains(&it.node.name.node));
        leave_out_of(&mut operation.selection_set.node, absent);
    };
    match &mut document.operations {
        DocumentOperations::Single(single) => operation(&mut single.node),
        DocumentOperations::Multiple(all) => {
            all.values_mut().for_each(|one| operation(&mut one.node));
        }
    }
    for fragment in document.fragments.values_mut() {
        leave_out_of(&mut fragment.node.selection_set.node, absent);
    }
}

fn leave_out_of(selection_set: &mut SelectionSet, absent: &HashSet<Name>) {
    for selection in &mut selection_set.items {
        match &mut selection.node {
            Selection::Field(Positioned { node: field, .. }) => {
                leave_out_of_arguments(field, absent);
                leave_out_of(&mut field.selection_set.node, absent);
            }
            Selection::InlineFragment(fragment) => {
                leave_out_of(&mut fragment.node.selection_set.node, absent);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn leave_out_of_arguments(field: &mut Field, absent: &HashSet<Name>) {
    field.arguments.retain(|(_, value)| !is_absent(&value.node, absent));
    for (_, value) in &mut field.arguments {
        leave_out_of_value(&mut value.node, absent);
    }
}

fn leave_out_of_value(value: &mut Value, absent: &HashSet<Name>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !is_absent(value, absent));
            fields.values_mut().for_each(|value| leave_out_of_value(value, absent));
        }
        Value::List(items) => {
            for item in items {
                if is_absent(item, absent) {
                    *item = Value::Null;
                } else {
                    leave_out_of_value(item, absent);
                }
            }
        }
        Value::Variable(_)
        | Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => {}
    }
}

fn is_absent(value: &Value, absent: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}

/// Response keys of the root with the fields they stand for, in the order of the document.
pub(super) fn root_fields(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> IndexMap<Name, Name> {
    let mut fields = IndexMap::new();
    gather(document, &operation.selection_set.node, &mut fields);
    fields
}

fn gather(
    document: &ExecutableDocument,
    selection_set: &SelectionSet,
    fields: &mut IndexMap<Name, Name>,
) {
    for selection in &selection_set.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.clone();
                fields.entry(key).or_insert_with(|| field.node.name.node.clone());
            }
            Selection::InlineFragment(fragment) => {
                gather(document, &fragment.node.selection_set.node, fields);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    gather(document, &fragment.node.selection_set.node, fields);
                }
            }
        }
    }
}

/// Root fields of queries that may be null; all other root fields may not.
const NULLABLE_ROOTS: [&str; 3] = ["node", "viewer", "job"];

/// Puts the root of an answer right, which stock execution builds: keys in the order of the
/// document, null for a failed field that may be null, and no data at all for one that may not.
pub(super) fn mend_root(
    data: ConstValue,
    errors: &[ServerError],
    fields: &IndexMap<Name, Name>,
) -> ConstValue {
    let ConstValue::Object(mut present) = data else { return data };
    let failed = |key: &Name| {
        errors.iter().any(|error| {
            matches!(error.path.first(), Some(PathSegment::Field(first)) if first == key.as_str())
        })
    };
    let mut mended = IndexMap::with_capacity(present.len());
    for (key, field) in fields {
        match present.shift_remove(key) {
            Some(value) => {
                mended.insert(key.clone(), value);
            }
            None if !failed(key) => {}
            None if NULLABLE_ROOTS.contains(&field.as_str()) => {
                mended.insert(key.clone(), ConstValue::Null);
            }
            None => return ConstValue::Null,
        }
    }
    ConstValue::Object(mended)
}
