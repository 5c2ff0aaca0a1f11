//! The event log of one flight: what every subscriber reads, each from its own cursor.
//!
//! Invariant: no list of events. The text is the log: a piece of it ends at a byte, and its
//! sequence is that byte's number, so any cursor finds its place by arithmetic, a late reader gets
//! one piece where an early one got many, and a thousand slow readers cost a thousand numbers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{enums::AiProvider, error::Error, time::Timestamp};

/// Longest text of one flight (ai.md section 6).
pub(crate) const TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Sequences from one epoch to the next: more than a text has bytes.
pub(crate) const EPOCH: u64 = 10_000_000;
/// Most bytes of text in one event: what a late reader holds beside the log.
const PIECE_BYTES: usize = 64 * 1024;
/// Where the text starts within an epoch: after "reset" (0) and "started" (1).
const TEXT: u64 = 1;
/// Sequence of the end where nothing started: behind "queued" (1) and "started" (2), which the row
/// tells then.
pub(crate) const NEVER_STARTED: u64 = 3;

/// One event of an analysis. Sequences only grow; gaps are allowed, and a cursor may lie in one.
#[derive(Debug, Clone)]
pub struct AnalysisEvent {
    /// Its place; also the cursor that continues after it. The epoch, a visible try of the call,
    /// is `sequence / 10,000,000`.
    pub sequence: u64,
    /// What happened.
    pub data: EventData,
}

/// What happened to an analysis.
#[derive(Debug, Clone)]
pub enum EventData {
    /// It waits for its turn.
    Queued {
        /// When it will be tried.
        run_at: Timestamp,
        /// Why it waits.
        reason: &'static str,
    },
    /// The call was sent.
    Started {
        /// Who answers.
        provider: AiProvider,
        /// With which model.
        model: String,
    },
    /// The next piece of the answer's text. Provisional until `Done`.
    Delta(String),
    /// The call starts again: drop all text received so far.
    Reset(&'static str),
    /// It succeeded: the analysis has its result.
    Done,
    /// It failed for good.
    Failed(Error),
    /// It was cancelled.
    Cancelled,
}

impl AnalysisEvent {
    /// Returns the visible try it belongs to; 0 before the first.
    pub const fn epoch(&self) -> u64 {
        self.sequence / EPOCH
    }

    /// Returns its place within the epoch.
    pub const fn place(&self) -> u64 {
        self.sequence % EPOCH
    }

    /// Reports whether nothing follows.
    pub const fn is_final(&self) -> bool {
        matches!(self.data, EventData::Done | EventData::Failed(_) | EventData::Cancelled)
    }
}

/// A log with one writer and any number of readers.
#[derive(Debug)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
    tick: watch::Sender<()>,
    /// Bytes of all logs of the process.
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Inner {
    epoch: u64,
    reset: &'static str,
    started: Option<(AiProvider, String)>,
    text: String,
    end: Option<EventData>,
}

/// The text grew beyond what a log keeps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Drop for Log {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.inner.get_mut().text.len(), Ordering::Relaxed);
    }
}

impl Log {
    /// Makes an empty log, whose text is counted in `bytes` as long as it is there.
    pub(crate) fn new(bytes: Arc<AtomicUsize>) -> Self {
        Self { inner: Mutex::default(), tick: watch::Sender::new(()), bytes }
    }

    /// Starts a visible try; the text of an earlier one is dropped, and its readers are told.
    pub(crate) fn start(&self, epoch: u64, provider: AiProvider, model: String, why: &'static str) {
        let mut inner = self.inner.lock();
        let Inner { end, text, .. } = std::mem::take(&mut *inner);
        self.bytes.fetch_sub(text.len(), Ordering::Relaxed);
        *inner =
            Inner { epoch, reset: why, started: Some((provider, model)), text: String::new(), end };
        drop(inner);
        self.tell();
    }

    /// Adds a piece of the text.
    pub(crate) fn push(&self, text: &str) -> Result<(), TooLong> {
        if text.is_empty() {
            return Ok(());
        }
        let mut inner = self.inner.lock();
        if inner.text.len() + text.len() > TEXT_BYTES {
            return Err(TooLong);
        }
        inner.text.push_str(text);
        self.bytes.fetch_add(text.len(), Ordering::Relaxed);
        drop(inner);
        self.tell();
        Ok(())
    }

    /// Ends the log. A second end changes nothing.
    pub(crate) fn end(&self, data: EventData) {
        let mut inner = self.inner.lock();
        inner.end.get_or_insert(data);
        drop(inner);
        self.tell();
    }

    /// Reports whether the end has come.
    pub(crate) fn has_ended(&self) -> bool {
        self.inner.lock().end.is_some()
    }

    /// Returns the sequence of the end, whether it has come or not.
    pub(crate) fn last(&self) -> u64 {
        self.inner.lock().last()
    }

    /// Returns a sequence behind every one that the present try can reach.
    pub(crate) fn beyond(&self) -> u64 {
        (self.inner.lock().epoch + 1) * EPOCH - 1
    }

    /// Makes every reader look again.
    pub(crate) fn tell(&self) {
        self.tick.send_replace(());
    }

    /// Returns a receiver that is told of everything after this call.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.tick.subscribe()
    }

    /// Returns what is next after `cursor`, pieces of text joined up to 64 KiB; 0 is before
    /// everything. Nothing is returned only when there is nothing more yet.
    pub(crate) fn after(&self, cursor: u64) -> Vec<AnalysisEvent> {
        self.inner.lock().after(cursor)
    }
}

impl Inner {
    const fn base(&self) -> u64 {
        self.epoch * EPOCH
    }

    fn last(&self) -> u64 {
        if self.started.is_none() {
            return NEVER_STARTED;
        }
        self.base() + TEXT + whole(self.text.len()) + 1
    }

    fn after(&self, cursor: u64) -> Vec<AnalysisEvent> {
        let mut events = Vec::new();
        let mut add = |sequence, data| events.push(AnalysisEvent { sequence, data });
        let base = self.base();
        if let Some((provider, model)) = &self.started {
            // Whoever saw something of an earlier epoch holds text that is no longer true.
            if cursor >= EPOCH && cursor < base {
                add(base, EventData::Reset(self.reset));
            }
            if cursor < base + TEXT {
                add(base + TEXT, EventData::Started { provider: *provider, model: model.clone() });
            }
            let mut seen =
                usize::try_from(cursor.saturating_sub(base + TEXT)).unwrap_or(usize::MAX);
            // A cursor that no event had may lie inside a character: it is given again whole.
            while seen < self.text.len() && !self.text.is_char_boundary(seen) {
                seen -= 1;
            }
            let to = self.text.floor_char_boundary(seen.saturating_add(PIECE_BYTES));
            if let Some(piece) = self.text.get(seen..to).filter(|piece| !piece.is_empty()) {
                add(base + TEXT + whole(to), EventData::Delta(piece.to_owned()));
            }
            if to < self.text.len() {
                return events;
            }
        }
        if let Some(end) = &self.end
            && cursor < self.last()
        {
            add(self.last(), end.clone());
        }
        events
    }
}

fn whole(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(log: &Log, cursor: &mut u64, text: &mut String) -> bool {
        let mut ended = false;
        for event in log.after(*cursor) {
            assert!(event.sequence > *cursor, "sequences grow");
            *cursor = event.sequence;
            match event.data {
                EventData::Delta(piece) => text.push_str(&piece),
                EventData::Reset(_) => text.clear(),
                EventData::Done => ended = true,
                _ => {}
            }
        }
        ended
    }

    /// One step of a writer.
    #[derive(Debug, Clone)]
    enum Step {
        Text(String),
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => "[a-zäß€😀 ]{0,6}".prop_map(Step::Text),
            1 => Just(Step::Restart),
        ];
        proptest::collection::vec(step, 0..24)
    }

    proptest! {
        #[test]
        fn a_join_at_every_moment_reads_the_full_text(steps in steps()) {
            let log = Log::new(Arc::default());
            let mut epoch = 1;
            let start = |epoch| log.start(epoch, AiProvider::Local, "m".to_owned(), "again");
            start(epoch);
            let mut truth = String::new();
            // Readers that joined at each step and read at every later one, and readers that
            // stop after their first read and come back at the end.
            let mut eager: Vec<(u64, String)> = Vec::new();
            let mut lazy: Vec<(u64, String)> = Vec::new();
            for step in &steps {
                let (mut cursor, mut text) = (0, String::new());
                read(&log, &mut cursor, &mut text);
                eager.push((cursor, text.clone()));
                lazy.push((cursor, text));
                match step {
                    Step::Text(piece) => {
                        truth.push_str(piece);
                        prop_assert_eq!(log.push(piece), Ok(()));
                    }
                    Step::Restart => {
                        truth.clear();
                        epoch += 1;
                        start(epoch);
                    }
                }
                for (cursor, text) in &mut eager {
                    prop_assert!(!read(&log, cursor, text));
                    prop_assert_eq!(&*text, &truth);
                }
            }
            log.end(EventData::Done);
            for (cursor, text) in eager.iter_mut().chain(&mut lazy) {
                prop_assert!(read(&log, cursor, text), "the end is read");
                prop_assert_eq!(&*text, &truth);
                prop_assert_eq!(*cursor, log.last());
                prop_assert!(log.after(*cursor).is_empty(), "nothing follows the end");
            }
        }

        #[test]
        fn a_cursor_at_every_byte_gets_exactly_the_rest(text in "[a-zß€😀]{0,12}") {
            let log = Log::new(Arc::default());
            log.start(3, AiProvider::Local, "m".to_owned(), "again");
            prop_assert_eq!(log.push(&text), Ok(()));
            log.end(EventData::Done);
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let mut cursor = 3 * EPOCH + TEXT + at as u64;
                let mut rest = String::new();
                prop_assert!(read(&log, &mut cursor, &mut rest));
                prop_assert_eq!(Some(rest.as_str()), text.get(at..));
            }
        }
    }

    #[test]
    fn a_late_reader_of_a_long_text_gets_it_in_pieces_and_the_end_last() {
        let log = Log::new(Arc::default());
        log.start(1, AiProvider::Local, "m".to_owned(), "first");
        let truth = "a€".repeat(100_000);
        log.push(&truth).unwrap();
        log.end(EventData::Done);
        let (mut cursor, mut text, mut reads) = (0, String::new(), 0);
        while !read(&log, &mut cursor, &mut text) {
            reads += 1;
            assert!(text.len() <= reads * PIECE_BYTES, "{}", text.len());
        }
        assert_eq!((text == truth, reads), (true, truth.len() / PIECE_BYTES));
    }

    #[test]
    fn a_reader_of_an_older_epoch_is_reset_and_a_new_reader_is_not() {
        let log = Log::new(Arc::default());
        log.start(1, AiProvider::Local, "m".to_owned(), "first");
        log.push("wrong").unwrap();
        let old = log.after(0).last().unwrap().sequence;
        log.start(2, AiProvider::Local, "m".to_owned(), "the answer broke off");
        log.push("right").unwrap();
        let kinds = |cursor| -> Vec<&'static str> {
            let word = |event: &AnalysisEvent| match event.data {
                EventData::Reset(why) => why,
                EventData::Started { .. } => "started",
                EventData::Delta(_) => "delta",
                _ => "other",
            };
            log.after(cursor).iter().map(word).collect()
        };
        assert_eq!(kinds(old), ["the answer broke off", "started", "delta"]);
        assert_eq!(kinds(0), ["started", "delta"]);
    }

    #[test]
    fn a_text_over_the_limit_is_refused_and_what_was_there_stays() {
        let bytes = Arc::new(AtomicUsize::new(0));
        let log = Log::new(Arc::clone(&bytes));
        log.start(1, AiProvider::Local, "m".to_owned(), "first");
        log.push(&"a".repeat(TEXT_BYTES)).unwrap();
        assert_eq!(log.push("b"), Err(TooLong));
        assert_eq!(bytes.load(Ordering::Relaxed), TEXT_BYTES);
        assert!(log.last() < 2 * EPOCH, "the next epoch is out of reach");
        drop(log);
        assert_eq!(bytes.load(Ordering::Relaxed), 0, "a log that is gone counts no more");
    }

    #[tokio::test]
    async fn a_listener_made_before_a_read_is_woken_by_what_the_read_missed() {
        let log = std::sync::Arc::new(Log::new(Arc::default()));
        log.start(1, AiProvider::Local, "m".to_owned(), "first");
        let mut heard = log.listen();
        assert_eq!(log.after(0).len(), 1);
        log.push("late").unwrap();
        heard.changed().await.unwrap();
        assert_eq!(log.after(EPOCH + TEXT).len(), 1);
    }
}
