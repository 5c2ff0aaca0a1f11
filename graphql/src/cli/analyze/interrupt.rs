//! Ctrl-C and SIGTERM as something to wait for, so that a command ends with its work put away.

use anyhow::Context as _;

use crate::cli::failure::{Failure, INTERRUPTED};

/// Exit code after SIGTERM.
#[cfg(unix)]
const TERMINATED: u8 = 143;

/// From its making on, signals no longer end the process by themselves.
#[derive(Debug)]
pub(super) struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupt {
    pub(super) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("listen for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
        })
    }

    /// Waits until the process is asked to end, and returns the exit code for that.
    pub(super) async fn wait(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

#[cfg(not(unix))]
impl Interrupt {
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits until the process is asked to end, and returns the exit code for that.
    pub(super) async fn wait(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.context("listen for Ctrl-C").is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    }
}
