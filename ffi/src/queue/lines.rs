//! Lines of the log on their way to the host.

use std::{
    collections::VecDeque,
    ffi::{CString, c_char, c_void},
};

use super::{LOG, Queue, User};
use crate::error::terminated;

/// A callback that is told a line of the log.
pub(crate) type LogCallback = unsafe extern "C" fn(
    user: *mut c_void,
    level: i32,
    target: *const c_char,
    message: *const c_char,
    len: usize,
);

/// The lines of an engine that wait for the host.
#[derive(Default)]
pub(super) struct Log {
    callback: Option<(LogCallback, User)>,
    waiting: VecDeque<Line>,
    /// Lines that found no room since the last one that did.
    dropped: u64,
    dropped_before: u64,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    /// A number of jotrack_log_level.
    pub(crate) level: i32,
    /// Which part of the engine speaks.
    pub(crate) target: &'static str,
    pub(crate) message: String,
}

impl Queue {
    /// Sets who is told the log. Once, before the engine is opened.
    pub(crate) fn set_log(&self, callback: LogCallback, user: User) {
        self.state.lock().log.callback = Some((callback, user));
    }

    /// Queues a line. Where there is no room it is counted instead, and the next one says so.
    pub(crate) fn log(&self, line: Line) {
        let mut state = self.state.lock();
        if state.closing || state.log.callback.is_none() {
            return;
        }
        if state.log.len() >= self.capacity {
            state.log.dropped += 1;
            return;
        }
        let queued = state.log.is_pending();
        state.log.push(line);
        if !queued {
            self.enqueue(state, LOG);
        }
    }
}

impl Log {
    pub(super) fn is_pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn dropped_ever(&self) -> u64 {
        self.dropped_before + self.dropped
    }

    fn push(&mut self, mut line: Line) {
        if self.dropped > 0 {
            line.message.push_str(&format!(" ({} lines before it were dropped)", self.dropped));
            self.dropped_before += self.dropped;
            self.dropped = 0;
        }
        self.waiting.push_back(line);
    }

    pub(super) fn take(&mut self) -> Option<(LogCallback, User, Line)> {
        let (callback, user) = self.callback?;
        Some((callback, user, self.waiting.pop_front()?))
    }
}

impl Line {
    /// Runs the callback, without any lock.
    pub(super) fn tell(self, callback: LogCallback, user: User) {
        let target = CString::new(self.target).unwrap_or_default();
        let message = terminated(self.message);
        // SAFETY: the host answers for callback and pointer until the engine is closed (R7); the
        // texts live through the call (R4).
        unsafe {
            callback(
                user.0,
                self.level,
                target.as_ptr(),
                message.as_ptr(),
                message.as_bytes().len(),
            );
        }
    }
}
