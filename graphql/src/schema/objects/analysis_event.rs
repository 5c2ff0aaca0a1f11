//! What happens to an analysis while somebody follows it.

use async_graphql::{ContextSelectionSet, Interface, SimpleObject};
use jotrack_core::{
    AnalysisId, Engine, Error,
    ai::{self, EventData},
};

use super::analysis::Analysis;
use crate::schema::{
    error::{Result, provider_error},
    objects::user_error::ProviderError,
    resolve::{Concrete, Resolving, resolve_container},
    scalars::{DateTime, int},
};

/// It waits for its turn.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisQueued {
    cursor: String,
    epoch: i32,
    sequence: i32,
    analysis: Analysis,
    /// When it will be tried.
    run_at: Option<DateTime>,
    /// Why it waits.
    reason: String,
}

/// The call was sent.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisStarted {
    cursor: String,
    epoch: i32,
    sequence: i32,
    analysis: Analysis,
}

/// Concatenate `text` in order; provisional until AnalysisCompleted.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisDelta {
    cursor: String,
    epoch: i32,
    sequence: i32,
    text: String,
}

/// The call starts again: drop all text received so far.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisReset {
    cursor: String,
    epoch: i32,
    sequence: i32,
    reason: String,
}

/// It has its result.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisCompleted {
    cursor: String,
    epoch: i32,
    sequence: i32,
    analysis: Analysis,
}

/// It failed for good.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisFailed {
    cursor: String,
    epoch: i32,
    sequence: i32,
    analysis: Analysis,
    error: ProviderError,
}

/// Somebody cancelled it.
#[derive(SimpleObject)]
#[graphql(crate = "crate::schema::resolve::object")]
pub(crate) struct AnalysisCancelled {
    cursor: String,
    epoch: i32,
    sequence: i32,
    analysis: Analysis,
}

/// One event of an analysis. Ignore events of a smaller epoch; within one, `sequence` grows, with gaps. `cursor` resumes after this event.
#[expect(clippy::enum_variant_names, reason = "variants carry the names of their types")]
#[expect(clippy::duplicated_attributes, reason = "two fields have the same type")]
#[derive(Interface)]
#[graphql(
    crate = "crate::schema::resolve::dispatch",
    field(name = "cursor", ty = "&String"),
    field(name = "epoch", ty = "&i32"),
    field(name = "sequence", ty = "&i32")
)]
pub(crate) enum AnalysisEvent {
    AnalysisQueued(AnalysisQueued),
    AnalysisStarted(AnalysisStarted),
    AnalysisDelta(AnalysisDelta),
    AnalysisReset(AnalysisReset),
    AnalysisCompleted(AnalysisCompleted),
    AnalysisFailed(AnalysisFailed),
    AnalysisCancelled(AnalysisCancelled),
}

impl Concrete for AnalysisEvent {
    fn resolve_inner<'a>(&'a self, ctx: &'a ContextSelectionSet<'a>) -> Resolving<'a> {
        match self {
            Self::AnalysisQueued(event) => resolve_container(ctx, event),
            Self::AnalysisStarted(event) => resolve_container(ctx, event),
            Self::AnalysisDelta(event) => resolve_container(ctx, event),
            Self::AnalysisReset(event) => resolve_container(ctx, event),
            Self::AnalysisCompleted(event) => resolve_container(ctx, event),
            Self::AnalysisFailed(event) => resolve_container(ctx, event),
            Self::AnalysisCancelled(event) => resolve_container(ctx, event),
        }
    }
}

impl AnalysisEvent {
    /// Returns the event as the contract has it. All but pieces of text and resets come with the
    /// analysis as it is now: one statement.
    pub(crate) async fn of(
        engine: &Engine,
        id: AnalysisId,
        event: ai::AnalysisEvent,
    ) -> Result<Self> {
        let cursor = event.sequence.to_string();
        let (epoch, sequence) = (int(event.epoch()), int(event.place()));
        let data = match event.data {
            EventData::Delta(text) => {
                return Ok(AnalysisDelta { cursor, epoch, sequence, text }.into());
            }
            EventData::Reset(reason) => {
                let reason = reason.to_owned();
                return Ok(AnalysisReset { cursor, epoch, sequence, reason }.into());
            }
            data => data,
        };
        let analysis = engine.analysis(id).await?;
        let provider = analysis.provider;
        let analysis = analysis.into();
        Ok(match data {
            EventData::Queued { run_at, reason } => {
                let (run_at, reason) = (Some(run_at.into()), reason.to_owned());
                AnalysisQueued { cursor, epoch, sequence, analysis, run_at, reason }.into()
            }
            EventData::Started { .. } => {
                AnalysisStarted { cursor, epoch, sequence, analysis }.into()
            }
            EventData::Done => AnalysisCompleted { cursor, epoch, sequence, analysis }.into(),
            EventData::Failed(error) => {
                let error = provider_error(provider, &error);
                AnalysisFailed { cursor, epoch, sequence, analysis, error }.into()
            }
            EventData::Cancelled => AnalysisCancelled { cursor, epoch, sequence, analysis }.into(),
            EventData::Delta(_) | EventData::Reset(_) => {
                return Err(Error::bug("tell an event", "it was told already").into());
            }
        })
    }
}
