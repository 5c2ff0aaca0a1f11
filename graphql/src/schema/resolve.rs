//! How the fields of an object are resolved.
//!
//! The stock resolver of async-graphql 7.2.1 boxes every field and gives it a task of its own, writes
//! the answers in the order in which they finish, and leaves a failed field out instead of writing
//! null or failing its parent. Here plain fields are resolved in place, only fields with a selection
//! of their own and the few that wait run side by side, the answer keeps the order of the document, and null travels up as
//! the specification says.
//!
//! The derives find the function below through their `crate` argument: [`object`] and [`dispatch`]
//! are async-graphql with one function replaced.

use std::{future::Future, pin::Pin, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, Name, OutputType, Positioned, ServerError, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
    resolver_utils::ContainerType,
};
use futures_util::future::join_all;

/// Plain fields that wait for the database by themselves. They are resolved beside the fields with a
/// selection: one after the other each would wait for an answer of its own. Fields that share one
/// loader with their siblings, as those of the coach do, need no entry.
const WAITING: [&str; 3] = ["notes", "skillMatchPercentage", "totalCount"];

/// The future of a resolved selection; boxed once per object because types may nest without end.
pub(crate) type Resolving<'a> = Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'a>>;

/// async-graphql for `Object` and `SimpleObject`.
pub(crate) mod object {
    pub(crate) use async_graphql::*;

    pub(crate) mod resolver_utils {
        pub(crate) use super::super::resolve_container;
        pub(crate) use async_graphql::resolver_utils::*;
    }
}

/// async-graphql for `Interface` and `Union`: the concrete object answers for itself.
pub(crate) mod dispatch {
    pub(crate) use async_graphql::*;

    pub(crate) mod resolver_utils {
        pub(crate) use super::super::resolve_concrete as resolve_container;
        pub(crate) use async_graphql::resolver_utils::*;
    }
}

/// A value of an abstract type that knows its object.
pub(crate) trait Concrete: Sync {
    /// Resolves the selection on the object inside.
    fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a>;
}

/// Resolves an interface or union through its object.
pub(crate) fn resolve_concrete<'a, T: Concrete>(
    ctx: &'a ContextSelectionSet<'a>,
    root: &'a T,
) -> Resolving<'a> {
    root.resolve_inner(ctx)
}

/// Resolves the selection of an object.
pub(crate) fn resolve_container<'a, T: ContainerType>(
    ctx: &'a ContextSelectionSet<'a>,
    root: &'a T,
) -> Resolving<'a> {
    Box::pin(async move {
        let mut fields = Vec::with_capacity(ctx.item.node.items.len());
        collect::<T>(ctx, &ctx.item.node, &mut fields)?;

        let mut object = IndexMap::with_capacity(fields.len());
        let (mut places, mut nested) = (Vec::new(), Vec::new());
        for field in fields {
            let key = field.node.response_key().node.clone();
            if field.node.name.node == "__typename" {
                let name = root.introspection_type_name().into_owned();
                merge(&mut object, key, Value::String(name));
            } else if field.node.selection_set.node.items.is_empty()
                && !WAITING.contains(&field.node.name.node.as_str())
            {
                let value = resolve_field(ctx, root, field).await?;
                merge(&mut object, key, value);
            } else {
                // Boxed where it is made: these futures are large, and joining would copy them.
                let future: Resolving<'_> = Box::pin(resolve_field(ctx, root, field));
                nested.push(future);
                places.push(Place::of(&mut object, key));
            }
        }
        // A future that is not polled yet has done nothing, so all of them register with their
        // loaders in the same pass of this join.
        if nested.len() == 1 {
            for (place, future) in places.into_iter().zip(nested) {
                place.put(&mut object, future.await?);
            }
        } else {
            for (place, value) in places.into_iter().zip(join_all(nested).await) {
                place.put(&mut object, value?);
            }
        }
        Ok(Value::Object(object))
    })
}

/// Where in an object a value belongs that is not there yet.
struct Place {
    index: usize,
    is_first: bool,
}

impl Place {
    fn of(object: &mut IndexMap<Name, Value>, key: Name) -> Self {
        match object.entry(key) {
            Entry::Vacant(place) => {
                let index = place.index();
                place.insert(Value::Null);
                Self { index, is_first: true }
            }
            Entry::Occupied(present) => Self { index: present.index(), is_first: false },
        }
    }

    fn put(self, object: &mut IndexMap<Name, Value>, value: Value) {
        let Some((_, present)) = object.get_index_mut(self.index) else { return };
        if self.is_first {
            *present = value;
        } else {
            merge_values(present, value);
        }
    }
}

/// Resolves one field; a failure becomes null here when the field may be null, else the parent's.
async fn resolve_field<T: ContainerType>(
    ctx: &ContextSelectionSet<'_>,
    root: &T,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let ctx_field = ctx.with_field(field);
    match root.resolve_field(&ctx_field).await {
        Ok(value) => Ok(value.unwrap_or_default()),
        Err(error) => {
            let nullable = is_nullable::<T>(&ctx_field);
            if !is_echo(&error) {
                ctx.add_error(error);
            }
            if nullable { Ok(Value::Null) } else { Err(echo()) }
        }
    }
}

/// Marks an error that is reported already and only carries null to the parent. Stock code on the
/// way replaces an error's path, so the error itself must not travel.
struct Echo;

fn echo() -> ServerError {
    let mut error = ServerError::new("null", None);
    error.source = Some(Arc::new(Echo));
    error
}

/// Tells whether an error only repeats one that is in the answer already.
pub(crate) fn is_echo(error: &ServerError) -> bool {
    error.source::<Echo>().is_some()
}

fn is_nullable<T: OutputType>(ctx: &Context<'_>) -> bool {
    let types = &ctx.schema_env.registry.types;
    types
        .get(T::type_name().as_ref())
        .and_then(|object| object.field_by_name(ctx.item.node.name.node.as_str()))
        .is_some_and(|field| !field.ty.ends_with('!'))
}

/// Gathers the fields of a selection in the order of the document, fragments opened.
fn collect<'a, T: ContainerType>(
    ctx: &ContextSelectionSet<'a>,
    selection_set: &'a SelectionSet,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> ServerResult<()> {
    for selection in &selection_set.items {
        let (condition, inner) = match &selection.node {
            Selection::Field(field) => {
                fields.push(field);
                continue;
            }
            Selection::InlineFragment(fragment) => {
                (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let Some(fragment) = ctx.query_env.fragments.get(name) else {
                    let message = format!(r#"Unknown fragment "{name}"."#);
                    return Err(ServerError::new(message, Some(spread.pos)));
                };
                (Some(&fragment.node.type_condition), &fragment.node.selection_set)
            }
        };
        let applies = condition.is_none_or(|condition| {
            let (wanted, name) = (condition.node.on.node.as_str(), T::type_name());
            let types = &ctx.schema_env.registry.types;
            wanted == name || types.get(wanted).is_some_and(|ty| ty.is_possible_type(&name))
        });
        if applies {
            collect::<T>(ctx, &inner.node, fields)?;
        }
    }
    Ok(())
}

/// Adds a value under its key; a key asked for twice holds what both selections asked for.
fn merge(object: &mut IndexMap<Name, Value>, key: Name, value: Value) {
    match object.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
        }
        Entry::Occupied(mut present) => merge_values(present.get_mut(), value),
    }
}

fn merge_values(present: &mut Value, more: Value) {
    match (present, more) {
        (Value::Object(present), Value::Object(more)) => {
            for (key, value) in more {
                merge(present, key, value);
            }
        }
        (Value::List(present), Value::List(more)) => {
            for (present, more) in present.iter_mut().zip(more) {
                merge_values(present, more);
            }
        }
        _ => {}
    }
}
