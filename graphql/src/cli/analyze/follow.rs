//! One analysis from the request to its end, with Ctrl-C as a polite way out.

use std::time::Duration;

use jotrack_core::ai::EventData;
use jotrack_core::{
    Analysis, AnalysisEvents, AnalysisId, AnalysisRequest, AnalysisState, ConflictKind, Engine,
    Error, StartedAnalysis, WriteOptions,
};
use tokio::time::{MissedTickBehavior, interval};

use super::interrupt::Interrupt;
use super::progress::Progress;
use super::wording;
use crate::cli::failure::Failure;

/// Time between two looks of a live line.
const TICK: Duration = Duration::from_millis(100);

/// Starts an analysis and follows it to its end.
///
/// # Errors
/// Those of the request and of the analysis, in words; `Interrupted` when a signal cancelled it.
pub(super) async fn analyze(
    engine: &Engine,
    request: &AnalysisRequest,
    mut progress: Progress,
    interrupt: &mut Interrupt,
) -> Result<Analysis, Failure> {
    let mut told = None;
    let options = WriteOptions::default();
    let started = {
        let mut starting = std::pin::pin!(engine.start_analysis(request, &options));
        tokio::select! {
            started = &mut starting => started,
            code = interrupt.wait() => {
                told = Some(code);
                starting.await
            }
        }
    };
    let StartedAnalysis { analysis: started, source, .. } =
        started.map_err(|error| wording::failure(error, request))?;
    if let Some(code) = told {
        if cancel(engine, started.id).await? {
            progress.cancelled();
        }
        return Err(Failure::Interrupted(code));
    }
    let mut events = engine.analysis_events(started.id, None).await.map_err(wording::trouble)?;
    if let Some(code) = watch(&mut events, &mut progress, interrupt).await?
        && cancel(engine, started.id).await?
    {
        progress.cancelled();
        return Err(Failure::Interrupted(code));
    }
    // It ended while the signal came: there is an answer to print.
    let mut ended = engine.analysis(started.id).await.map_err(wording::trouble)?;
    if started.state.is_final() {
        ended = ended.given_from(source);
    }
    progress.ended(&ended);
    match (&ended.error, ended.state) {
        (_, AnalysisState::Succeeded) => Ok(ended),
        (Some(failure), AnalysisState::Failed) => Err(wording::failure(failure.error(), request)),
        _ => Err(wording::failure(Error::Cancelled, request)),
    }
}

/// Tells the events until the last one; returns the exit code when a signal came before it.
async fn watch(
    events: &mut AnalysisEvents,
    progress: &mut Progress,
    interrupt: &mut Interrupt,
) -> Result<Option<u8>, Failure> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event.map_err(wording::trouble)? else { return Ok(None) };
                match &event.data {
                    EventData::Queued { reason, .. } => progress.queued(reason),
                    EventData::Started { provider, model } => progress.started(*provider, model),
                    EventData::Delta(text) => progress.more(text),
                    EventData::Reset(reason) => progress.reset(reason),
                    EventData::Done | EventData::Failed(_) | EventData::Cancelled => {}
                }
            }
            _ = ticks.tick(), if progress.is_live() => progress.draw(),
            code = interrupt.wait() => return Ok(Some(code)),
        }
    }
}

/// Cancels an analysis; false when it had ended already.
async fn cancel(engine: &Engine, id: AnalysisId) -> Result<bool, Failure> {
    match engine.cancel_analysis(id).await {
        Ok(_) => Ok(true),
        Err(Error::Conflict { kind: ConflictKind::AlreadyFinished, .. }) => Ok(false),
        Err(error) => Err(wording::trouble(error)),
    }
}
