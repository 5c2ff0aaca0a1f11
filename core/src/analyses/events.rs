//! Following an analysis: from its flight's log while there is one, else from its row.

use std::{collections::VecDeque, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Analysis;
use crate::{
    ai::{AnalysisEvent, EPOCH, EventData, NEVER_STARTED},
    engine::Engine,
    enums::AnalysisState,
    error::{Error, Result, UnavailableKind},
    id::AnalysisId,
};

/// Sequences of events that no flight numbered: all before the first epoch.
const QUEUED: u64 = 1;
const STARTED: u64 = 2;
const ENDED: u64 = NEVER_STARTED;
/// Sequence of an end behind everything a follower may have seen: the greatest whole number of JSON.
const BEYOND: u64 = (1 << 53) - 1;
/// First and longest pause between two looks at the row of an analysis that another process works
/// on.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The events of one analysis, from a cursor on, to its end. Dropping it stops nothing.
#[derive(Debug)]
pub struct AnalysisEvents {
    engine: Engine,
    id: AnalysisId,
    cursor: u64,
    pending: VecDeque<AnalysisEvent>,
    pause: Duration,
    ended: bool,
}

impl Engine {
    /// Follows an analysis from its start, or from after the sequence `after`. Starts nothing.
    /// Every piece of text comes exactly once to a follower that comes back with the sequence of
    /// the last event it saw.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn analysis_events(
        &self,
        id: AnalysisId,
        after: Option<u64>,
    ) -> Result<AnalysisEvents> {
        if self
            .shared
            .ai
            .flight_of(id)
            .is_none_or(|flight| flight.rider(id).is_none_or(|rider| rider.user != self.user_id()))
        {
            self.run(id).await?;
        }
        Ok(AnalysisEvents {
            engine: self.clone(),
            id,
            cursor: after.unwrap_or(0),
            pending: VecDeque::new(),
            pause: POLL.0,
            ended: false,
        })
    }
}

impl AnalysisEvents {
    /// Returns the analysis that is followed.
    pub fn id(&self) -> AnalysisId {
        self.id
    }

    /// Returns the sequence to continue after.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Reports whether the analysis has ended and nothing follows the cursor. One statement.
    ///
    /// # Errors
    /// `NotFound` when it was removed meanwhile, `Unavailable`.
    pub async fn is_over(&self) -> Result<bool> {
        let analysis = self.engine.run(self.id).await?.analysis;
        Ok(analysis.state.is_final() && self.cursor >= self.end(&analysis))
    }

    /// Waits for the next event; `None` after the last one. Cancel-safe: an event that was not
    /// returned comes again.
    ///
    /// # Errors
    /// `NotFound` when it was removed meanwhile, `Unavailable`, also of kind `Closed`.
    pub async fn next(&mut self) -> Result<Option<AnalysisEvent>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.cursor = self.cursor.max(event.sequence);
                self.ended = event.is_final();
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            if self.engine.shared.ai.stop.is_cancelled() {
                return Err(Error::unavailable(UnavailableKind::Closed, "follow an analysis"));
            }
            if !self.look_at_flight().await? && !self.look_at_row().await? {
                return Ok(None);
            }
        }
    }

    /// Returns the sequence of the end, as far as this follower is concerned: who ended the analysis
    /// may not have known what followers had seen.
    fn end(&self, analysis: &Analysis) -> u64 {
        let known = analysis.last_sequence.max(ENDED);
        let saw_more = self.cursor / EPOCH > known / EPOCH;
        if saw_more { BEYOND } else { known }
    }

    /// Takes what the flight's log has, or waits for more. False when there is no flight.
    async fn look_at_flight(&mut self) -> Result<bool> {
        let Some(flight) = self.engine.shared.ai.flight_of(self.id) else { return Ok(false) };
        let Some(rider) = flight.rider(self.id) else { return Ok(false) };
        let mut heard = flight.log.listen();
        let events = flight.log.after(self.cursor);
        if !events.is_empty() {
            self.pending.extend(events);
            self.pause = POLL.0;
            return Ok(true);
        }
        if self.cursor >= flight.log.last() {
            // It ended without an end of the analysis, or this follower saw the end before.
            return Ok(false);
        }
        let stop = &self.engine.shared.ai.stop;
        wait(&mut heard, &rider.cancelled, stop).await;
        Ok(true)
    }

    /// Looks at the row. False when everything was seen.
    async fn look_at_row(&mut self) -> Result<bool> {
        let mut changed = self.engine.shared.hub.listen(self.engine.user_id());
        let analysis = self.engine.run(self.id).await?.analysis;
        if analysis.state.is_final() {
            let sequence = self.end(&analysis);
            if self.cursor >= sequence {
                return Ok(false);
            }
            self.pending.push_back(AnalysisEvent { sequence, data: end_of(&analysis) });
            return Ok(true);
        }
        let event = match analysis.state {
            AnalysisState::Queued if self.cursor < QUEUED => Some(AnalysisEvent {
                sequence: QUEUED,
                data: EventData::Queued { run_at: analysis.run_at, reason: "waits for its turn" },
            }),
            AnalysisState::Running if self.cursor < STARTED => Some(AnalysisEvent {
                sequence: STARTED,
                data: EventData::Started {
                    provider: analysis.provider,
                    model: analysis.model.clone(),
                },
            }),
            _ => None,
        };
        // Work that begins in this process has a log that says more.
        let flying = self.engine.shared.ai.flight_of(self.id);
        let flying = flying.is_some_and(|flight| self.cursor < flight.log.last());
        if flying {
            return Ok(true);
        }
        if let Some(event) = event {
            self.pending.push_back(event);
            return Ok(true);
        }
        let stop = &self.engine.shared.ai.stop;
        let rung = tokio::select! {
            changed = changed.changed() => changed.is_ok(),
            () = tokio::time::sleep(self.pause) => false,
            () = stop.cancelled() => false,
        };
        self.pause = if rung { POLL.0 } else { (self.pause * 3 / 2).min(POLL.1) };
        Ok(true)
    }
}

async fn wait(
    heard: &mut tokio::sync::watch::Receiver<()>,
    cancelled: &CancellationToken,
    stop: &CancellationToken,
) {
    tokio::select! {
        // The log lives as long as this follower holds it.
        _ = heard.changed() => {}
        () = cancelled.cancelled() => {}
        () = stop.cancelled() => {}
    }
}

fn end_of(analysis: &Analysis) -> EventData {
    match (analysis.state, &analysis.error) {
        (AnalysisState::Succeeded, _) => EventData::Done,
        (AnalysisState::Cancelled, _) => EventData::Cancelled,
        (_, Some(failure)) => EventData::Failed(failure.error()),
        (_, None) => EventData::Failed(Error::bug("analyse", "the analysis ended badly")),
    }
}
