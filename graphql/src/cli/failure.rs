//! How a command ends: exit codes, and errors told to a person.

use std::io;
use std::process::ExitCode;

/// Exit code for a command line or an input file that is wrong.
const USAGE: u8 = 2;
/// Exit code of `doctor` and `keys` when they found problems.
const PROBLEMS: u8 = 3;
/// Exit code after Ctrl-C, as a shell counts it.
pub(super) const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// The command line, a setting or an input file is wrong: exit code 2.
    Input(String),
    /// The check worked and found problems, which it has printed: exit code 3.
    Problems,
    /// The reader of our output went away, as `head` does. Not an error.
    OutputClosed,
    /// A signal ended the command, which has said so: the exit code a shell expects.
    Interrupted(u8),
    /// Anything else: exit code 1.
    Other(anyhow::Error),
}

impl Failure {
    /// Returns the message for the user, or `None` when there is nothing more to say.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Input(message) => Some(message.clone()),
            Self::Other(error) => Some(format!("{error:#}")),
            Self::Problems | Self::OutputClosed | Self::Interrupted(_) => None,
        }
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(USAGE),
            Self::Problems => ExitCode::from(PROBLEMS),
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Interrupted(code) => ExitCode::from(*code),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Other(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<(), Failure>;
