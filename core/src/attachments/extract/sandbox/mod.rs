//! Extraction in a process of its own.
//!
//! The parent runs `PROGRAM extract KIND` with the document as standard input and nothing of its
//! own environment, and reads one JSON object from standard output. The child bounds itself before
//! it reads a byte, so that a hostile document can end the child and nothing else.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::{Collected, DocumentKind, ExtractError, ExtractLimits, Extracted, extract, normalize};

/// Children of one [`Sandbox`] at a time.
const CHILDREN_MAX: usize = 2;

/// Exit codes of the child; 0 is an answer, also one without text.
const EXIT_OK: i32 = 0;
const EXIT_USAGE: i32 = 64;
const EXIT_OS: i32 = 71;
const EXIT_IO: i32 = 74;
/// What Rust's runtime answers for a panic nobody caught.
const EXIT_PANIC: i32 = 101;

/// The program that extracts text, and how many of it may run. Clones share the count.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The program, called as `PROGRAM extract KIND`.
    pub program: PathBuf,
    slots: Arc<Semaphore>,
}

impl Sandbox {
    /// Names the program; it is not looked at before the first document.
    pub fn new(program: PathBuf) -> Self {
        Self { program, slots: Arc::new(Semaphore::new(CHILDREN_MAX)) }
    }
}

/// The one object a child writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Answer {
    Extracted(Extracted),
    Error(ExtractError),
}

/// Reads the text of `file` in a child process.
///
/// Needs a tokio runtime with its I/O and time drivers. Waits while two other children of the same
/// [`Sandbox`] run; the time limit starts after that.
///
/// # Errors
/// As [`ExtractError`]. [`ExtractError::Unavailable`] means the child did not start, was stopped
/// from outside or did not speak the protocol: it says nothing about the document.
///
/// # Cancel safety
/// Dropping the future kills the child.
pub async fn extract_in_child(
    sandbox: &Sandbox,
    kind: DocumentKind,
    file: &Path,
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    let _slot = sandbox.slots.acquire().await.map_err(|_| ExtractError::Unavailable)?;
    let document = File::open(file).map_err(|_| ExtractError::Unavailable)?;
    let size_bytes = document.metadata().map_err(|_| ExtractError::Unavailable)?.len();
    if size_bytes > limits.input_bytes {
        return Err(ExtractError::TooComplex);
    }

    let mut command = Command::new(&sandbox.program);
    command
        .arg("extract")
        .arg(kind.as_str())
        .env_clear()
        .stdin(Stdio::from(document))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // An interrupt typed at a terminal is for the parent, which may still want the answer.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|_| ExtractError::Unavailable)?;
    let output = child.stdout.take().ok_or(ExtractError::Unavailable)?;

    let mut answer = Vec::new();
    let ended = async {
        let mut bounded = output.take(limits.output_bytes.saturating_add(1));
        bounded.read_to_end(&mut answer).await?;
        // A child that writes on is held by its full pipe and must not be waited for.
        if bounded.limit() == 0 { Ok(None) } else { child.wait().await.map(Some) }
    };
    let ended: Result<std::io::Result<Option<ExitStatus>>, _> =
        tokio::time::timeout(Duration::from_millis(limits.wall_ms), ended).await;
    let result = match ended {
        Ok(Ok(Some(status))) => return interpret(kind, status, &answer, limits),
        Ok(Ok(None)) => ExtractError::TooComplex,
        Ok(Err(_)) => ExtractError::Unavailable,
        Err(_) => ExtractError::Timeout,
    };
    // Reaped here, so that no dead child is left behind for as long as the engine runs.
    child.kill().await.map_err(|_| ExtractError::Unavailable)?;
    Err(result)
}

/// Turns a child's end into a result. What it wrote is bounded again: a child taken over by its
/// document could write anything.
fn interpret(
    kind: DocumentKind,
    status: ExitStatus,
    answer: &[u8],
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    if status.success() {
        return match serde_json::from_slice(answer) {
            Ok(Answer::Extracted(Extracted { text, page_count, truncated })) => {
                normalize::finish(kind, Collected { text, page_count, truncated }, limits)
            }
            Ok(Answer::Error(error)) => Err(error),
            Err(_) => Err(ExtractError::Unavailable),
        };
    }
    Err(match (status.code(), signal(status)) {
        (Some(EXIT_PANIC), _) => ExtractError::Corrupt,
        (Some(_), _) => ExtractError::Unavailable,
        (None, Some(signal)) => by_signal(signal),
        (None, None) => ExtractError::Unavailable,
    })
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

#[cfg(unix)]
fn by_signal(signal: i32) -> ExtractError {
    use rustix::process::Signal;

    // SIGKILL too: the limits of the child end it by other signals, and an operator or a machine
    // without memory says nothing about the document.
    let outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
    if signal == Signal::XCPU.as_raw() {
        ExtractError::Timeout
    } else if outside.iter().any(|other| other.as_raw() == signal) {
        ExtractError::Unavailable
    } else {
        // Abort after a failed allocation, or a stack that overflowed.
        ExtractError::TooComplex
    }
}

#[cfg(not(unix))]
fn by_signal(_: i32) -> ExtractError {
    ExtractError::Unavailable
}

/// Runs as the child: bounds this process, reads the document from standard input, writes one JSON
/// object to standard output, and returns the exit code.
///
/// Call it before any thread is started: the limits hold for the whole process and cannot be
/// lifted again.
pub fn child_main(kind: &str) -> i32 {
    let limits = ExtractLimits::default();
    let Some(kind) = DocumentKind::parse(kind) else {
        return EXIT_USAGE;
    };
    if bound_this_process(&limits).is_err() {
        return EXIT_OS;
    }
    let mut bytes = Vec::new();
    let read =
        std::io::stdin().lock().take(limits.input_bytes.saturating_add(1)).read_to_end(&mut bytes);
    if read.is_err() {
        return EXIT_IO;
    }
    let answer = match extract(kind, &bytes, &limits) {
        Ok(extracted) => Answer::Extracted(extracted),
        Err(error) => Answer::Error(error),
    };
    let Ok(json) = serde_json::to_vec(&answer) else {
        return EXIT_IO;
    };
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(&json).and_then(|()| stdout.flush()) {
        Ok(()) => EXIT_OK,
        Err(_) => EXIT_IO,
    }
}

/// Lowers this process's resource limits; both the soft and the hard ones.
#[cfg(unix)]
fn bound_this_process(limits: &ExtractLimits) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// Files open at once: the three standard streams and room for the runtime.
    const FILES_MAX: u64 = 16;

    let bounds = [
        (Resource::As, limits.memory_bytes),
        (Resource::Cpu, limits.cpu_secs),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES_MAX),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
    ];
    for (resource, bound) in bounds {
        let hard = getrlimit(resource).maximum;
        let bound = hard.map_or(bound, |hard| hard.min(bound));
        // The second above the soft limit lets the signal that names the cause come first.
        let maximum = match resource {
            Resource::Cpu => hard.map_or(bound + 1, |hard| hard.min(bound + 1)),
            _ => bound,
        };
        setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(maximum) })?;
    }
    Ok(())
}

/// Other systems have no such limits; the parent's clock is the only bound there.
#[cfg(not(unix))]
fn bound_this_process(_: &ExtractLimits) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
