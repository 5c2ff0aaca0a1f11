//! The root of all live reads.

use async_graphql::{Context, ID, Subscription as SubscriptionRoot};
use futures_util::{Stream, StreamExt, stream};
use jotrack_core::{AnalysisId, EntityKind, Error};

use super::{
    context::operation,
    cost,
    error::Result,
    objects::{analysis_event::AnalysisEvent, change::ChangeBatch},
    scalars::Revision,
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

    /// Starts nothing: follows an analysis. Replays from the start, or from after the cursor `after`; ends after the last event. Who stops following stops nothing.
    async fn analysis_events(
        &self,
        ctx: &Context<'_>,
        id: ID,
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<AnalysisEvent>> + use<>> {
        let engine = operation(ctx)?.caller().engine.clone();
        let known = AnalysisId::from_node_id(&id);
        let id = known.ok_or_else(|| Error::not_found("analysis", id.as_str()))?;
        let after = match after.as_deref().map(str::parse) {
            None => None,
            Some(Ok(sequence)) => Some(sequence),
            Some(Err(_)) => {
                let why = "must be the cursor of an event";
                return Err(Error::invalid(&["after"], "format", why).into());
            }
        };
        let events = engine.analysis_events(id, after).await?;
        Ok(stream::unfold(Some((engine, events)), |following| async move {
            let (engine, mut events) = following?;
            let told = match events.next().await {
                Ok(None) => return None,
                Ok(Some(event)) => AnalysisEvent::of(&engine, events.id(), event).await,
                Err(error) => Err(error.into()),
            };
            let following = told.is_ok().then_some((engine, events));
            Some((told, following))
        })
        .boxed())
    }
}
