//! The root of all live reads.

use async_graphql::{Context, Subscription as SubscriptionRoot};
use futures_util::{Stream, StreamExt, stream};
use jotrack_core::EntityKind;

use super::{
    context::operation, cost, error::Result, objects::change::ChangeBatch, scalars::Revision,
};

/// Changes that one event is taken to hold when its cost is computed.
const EVENT_CHANGES: usize = 100;

/// The root of all live reads.
pub(crate) struct Subscription;

#[SubscriptionRoot]
impl Subscription {
    /// Changes after `since` (default: from now on), then live; coalesced to at most 20 batches a second.
    #[graphql(complexity = "cost::list(EVENT_CHANGES, child_complexity)")]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        since: Option<Revision>,
        entities: Option<Vec<EntityKind>>,
    ) -> Result<impl Stream<Item = Result<ChangeBatch>> + use<>> {
        let engine = &operation(ctx)?.caller().engine;
        let since = since.map(|since| since.0);
        let mut changes = engine.subscribe(since, &entities.unwrap_or_default());
        // "From now on" is now, not when the transport first asks for an event.
        changes.start().await?;
        Ok(stream::unfold(Some(changes), |changes| async move {
            let mut changes = changes?;
            match changes.next().await {
                Ok(batch) => Some((Ok(batch.into()), Some(changes))),
                Err(error) => Some((Err(error.into()), None)),
            }
        })
        .boxed())
    }
}
