//! An operation from its call to its end: its place in the queue, and the duty to tell an end.

use std::{ffi::c_void, future::Future, sync::Arc};

use jotrack_core::ErrorCode;

use crate::{
    args,
    engine::Shared,
    error::Fault,
    op::{Work, jotrack_done_cb, jotrack_op, jotrack_op_event_cb},
    queue::{Entered, Finish, Outcome, Queue, User},
};

/// A place in the queue for an operation that has not started: dropping it tells nothing.
pub(crate) struct Begun<'a> {
    shared: &'a Arc<Shared>,
    entered: Option<Entered>,
}

impl<'a> Begun<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        on_event: jotrack_op_event_cb,
        on_done: jotrack_done_cb,
        user: *mut c_void,
    ) -> Result<Self, Fault> {
        let on_done = on_done.ok_or_else(|| args::null("on_done"))?;
        shared.still_open()?;
        let entered = shared.queue().begin(on_event, on_done, User(user))?;
        Ok(Self { shared, entered: Some(entered) })
    }

    /// Starts the work: from here on the end is told.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        mut self,
        work: Work,
        task: impl FnOnce(Ending) -> F,
    ) -> Result<jotrack_op, Fault> {
        let Some(Entered { id, finish }) = self.entered.take() else {
            return Err(Fault::new(ErrorCode::Internal, "an operation started twice"));
        };
        let queue = Arc::clone(self.shared.queue());
        let ending = Ending { queue, number: id, finish: Arc::clone(&finish) };
        self.shared.runtime().spawn(task(ending));
        Ok(jotrack_op::new(self.shared, id, finish, work))
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(entered) = &self.entered {
            self.shared.queue().forget(entered.id);
        }
    }
}

/// The duty to tell an end, also when the work panics.
pub(crate) struct Ending {
    pub(crate) queue: Arc<Queue>,
    pub(crate) number: u64,
    #[cfg_attr(not(feature = "graphql"), allow(dead_code, reason = "only GraphQL drops work"))]
    pub(crate) finish: Arc<Finish>,
}

impl Ending {
    pub(crate) fn end(self, outcome: Outcome) {
        self.queue.ended(self.number, outcome);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Nothing is left to be told unless the work ended without a word.
        let fault = Fault::new(ErrorCode::Panic, "the work of an operation failed");
        self.queue.ended(self.number, Outcome::failed(fault));
    }
}
