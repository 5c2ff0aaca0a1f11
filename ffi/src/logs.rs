//! What the engine has to say about its work, told to the host: per engine, never for the process.
//!
//! Only the engine's own lines are told. What the libraries below it would say may hold what was
//! sent and received.

use std::{
    fmt::{self, Write},
    sync::{Arc, Weak},
};

use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::queue::{Line, Queue};

/// Targets of the engine's own lines begin like this.
const TARGET: &str = "jotrack";

/// Makes a log for the threads of one engine.
pub(crate) fn dispatch(queue: &Arc<Queue>, level: Level) -> Dispatch {
    Dispatch::new(Lines { queue: Arc::downgrade(queue), level })
}

struct Lines {
    queue: Weak<Queue>,
    level: Level,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= self.level
            && metadata.target().starts_with(TARGET)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let Some(queue) = self.queue.upgrade() else { return };
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        queue.log(Line {
            level: number(*metadata.level()),
            target: metadata.target(),
            message: text.message + &text.fields,
        });
    }

    // Lines carry what they need: the spans around them are not kept.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The number of a level in jotrack_log_level.
fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

/// The level with a number of jotrack_log_level; 0 is the default.
pub(crate) fn level(number: i32) -> Option<Level> {
    match number {
        1 => Some(Level::ERROR),
        0 | 2 => Some(Level::WARN),
        3 => Some(Level::INFO),
        4 => Some(Level::DEBUG),
        5 => Some(Level::TRACE),
        _ => None,
    }
}

/// The message of a line, and its fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, c_char, c_void};

    use parking_lot::Mutex;

    use super::*;
    use crate::queue::{Mode, User};

    type Told = Mutex<Vec<(i32, String, String)>>;

    unsafe extern "C" fn record(
        user: *mut c_void,
        level: i32,
        target: *const c_char,
        message: *const c_char,
        _len: usize,
    ) {
        // SAFETY: the test passes a `Told` that outlives the queue, and the texts are terminated.
        let (told, [target, message]) = unsafe {
            let texts = [target, message].map(|text| CStr::from_ptr(text).to_str().unwrap());
            (&*user.cast::<Told>(), texts)
        };
        told.lock().push((level, target.to_owned(), message.to_owned()));
    }

    #[test]
    fn own_lines_of_the_level_are_told_and_what_has_no_room_is_counted() {
        let told = Told::default();
        let queue = Arc::new(Queue::new(Mode::Host, 3));
        queue.set_log(record, User((&raw const told).cast_mut().cast()));

        tracing::dispatcher::with_default(&dispatch(&queue, Level::INFO), || {
            tracing::info!(target: "jotrack_core::tasks", task = 7, name = "x", "began");
            tracing::debug!(target: "jotrack_core::tasks", "too fine");
            tracing::error!(target: "somebody::else", "not ours");
            for _ in 0..4 {
                tracing::warn!(target: "jotrack_core", "more");
            }
            queue.drain();
            tracing::warn!(target: "jotrack_core", "again");
        });
        queue.drain();

        let told = told.lock();
        let (target, first) = ("jotrack_core::tasks", "began task=7 name=x");
        assert_eq!(told[0], (3, target.to_owned(), first.to_owned()));
        assert_eq!(told.len(), 4);
        assert_eq!(told[3].2, "again (2 lines before it were dropped)");
        assert_eq!(queue.counts().lines_dropped, 2);
    }
}
