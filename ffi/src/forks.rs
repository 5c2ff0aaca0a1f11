//! Whether this is still the process that made something. A forked child has its memory and none of
//! its threads.
//!
//! Counted by a handler of fork, since asking the system for the process costs each call more than
//! looking up its handle. A child that was made past the C library's fork is not told apart.

/// Tells this process from those that were forked from it, and from that which it was forked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

#[cfg(unix)]
mod counted {
    use std::{
        ffi::c_int,
        sync::{
            Once,
            atomic::{AtomicBool, AtomicU32, Ordering},
        },
    };

    use super::Process;

    type Handler = Option<unsafe extern "C" fn()>;

    unsafe extern "C" {
        // POSIX.1-2001; the C library of every Unix has it.
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }

    /// How many forks lie between this process and the one that began to count.
    static FORKS: AtomicU32 = AtomicU32::new(0);
    /// Whether there was no memory for the handler; then the system is asked.
    static UNCOUNTED: AtomicBool = AtomicBool::new(false);

    unsafe extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }

    impl Process {
        pub(crate) fn this() -> Self {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                // SAFETY: the handler only counts, which a child may do before anything else.
                let failed = unsafe { pthread_atfork(None, None, Some(in_child)) };
                UNCOUNTED.store(failed != 0, Ordering::Relaxed);
            });
            if UNCOUNTED.load(Ordering::Relaxed) {
                return Self(std::process::id());
            }
            Self(FORKS.load(Ordering::Relaxed))
        }
    }
}

#[cfg(not(unix))]
impl Process {
    /// Nothing forks here.
    pub(crate) fn this() -> Self {
        Self(0)
    }
}

impl Process {
    pub(crate) fn is_this(self) -> bool {
        self == Self::this()
    }
}
