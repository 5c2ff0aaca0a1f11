//! Runs the programs of this repository as a user does, and this test program again as a child.
//!
//! Whatever is started here is killed when its handle is dropped, and nothing is waited for longer
//! than [`PATIENCE`].

use std::{
    env,
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

use crate::c::{repository, tool};

/// How long a healthy program may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Names the part that this test program plays when another one of its tests started it.
const ROLE: &str = "JOTRACK_TEST_ROLE";
/// The folder it plays it in.
const STAGE: &str = "JOTRACK_TEST_STAGE";

/// Returns the program `jotrack`, as fresh as its sources.
pub fn jotrack() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("jotrack", &["--bin", "jotrack"]))
}

/// Returns an example of the package `jotrack-examples`, as fresh as its sources.
pub fn example(name: &str) -> PathBuf {
    built(&format!("examples/{name}"), &["--example", name])
}

/// A user's home without settings and data; it is removed at the end.
pub struct Home {
    dir: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Makes an empty home.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// Returns a path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into it and returns its path.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Returns a command of `jotrack` that lives in this home and knows no other variable.
    pub fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        let mut command = Command::new(jotrack());
        command.args(args).env_clear().env("HOME", self.dir.path()).current_dir(self.dir.path());
        command
    }

    /// Runs `jotrack` to its end.
    pub async fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Ended {
        Running::start(&mut self.command(args)).end().await
    }
}

/// How a program ended, and all it wrote.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Returns what a program wrote that must have succeeded.
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Returns what a program complained about that must have ended with `code`.
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.stderr
    }
}

/// A program that runs; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

impl Running {
    /// Starts a program with nothing to read.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|e| {
            panic!("{} does not start: {e}", command.as_std().get_program().display())
        });
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take().unwrap();
        Self { child, stdout, stderr }
    }

    /// Waits for its next line; `None` when it has closed its output.
    pub async fn line(&mut self) -> Option<String> {
        timeout(PATIENCE, self.stdout.next_line()).await.expect("a line in time").unwrap()
    }

    /// Waits for a line that begins with `start` and returns the rest of it.
    pub async fn line_after(&mut self, start: &str) -> Option<String> {
        loop {
            let line = self.line().await?;
            if let Some(rest) = line.strip_prefix(start) {
                return Some(rest.to_owned());
            }
        }
    }

    /// Kills it, as a power cut would: it gets no word in.
    pub fn kill(&mut self) {
        self.child.start_kill().unwrap();
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap()));
        kill_process(pid.expect("it runs"), signal).unwrap();
    }

    /// Waits for its end and returns the lines that nobody read yet.
    pub async fn end(self) -> Ended {
        let Self { mut child, mut stdout, mut stderr } = self;
        let (mut lines, mut complaints) = (String::new(), Vec::new());
        let ended = timeout(PATIENCE, async {
            let reading = async {
                while let Some(line) = stdout.next_line().await.unwrap() {
                    lines.push_str(&line);
                    lines.push('\n');
                }
            };
            tokio::join!(reading, stderr.read_to_end(&mut complaints)).1.unwrap();
            child.wait().await.unwrap()
        });
        let status = ended.await.expect("an end in time");
        let stderr = String::from_utf8_lossy(&complaints).into_owned();
        Ended { code: status.code(), stdout: lines, stderr }
    }
}

/// Returns the arguments that make this test program play `role` in `stage`; `test` is the full
/// name of the test that knows the roles.
pub fn player(test: &str, role: &str, stage: &Path) -> Command {
    let mut command = Command::new(this_program());
    command.args([test, "--exact", "--nocapture"]).env(ROLE, role).env(STAGE, stage);
    command.env("RUST_BACKTRACE", "0");
    command
}

/// Returns this test program: on Linux the one that runs, even when a build has replaced its file
/// since it was started.
pub fn this_program() -> PathBuf {
    let running = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if running.exists() { running } else { env::current_exe().unwrap() }
}

/// Returns the role and the stage when this process was started to play one.
pub fn role() -> Option<(String, PathBuf)> {
    let role = env::var_os(ROLE)?.into_string().unwrap();
    Some((role, PathBuf::from(env::var_os(STAGE)?)))
}

/// Prints that a test is skipped where the harness does not hide it; with
/// `JOTRACK_TEST_REQUIRE=all` that is a failure.
///
/// # Panics
/// When nothing may be skipped.
pub fn skip(test: &str, reason: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // Not `eprintln!`, which the harness catches.
    let line = format!("skipped {count}: {test}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    let required = env::var_os("JOTRACK_TEST_REQUIRE").is_some_and(|what| what == "all");
    assert!(!required, "{test} may not be skipped: {reason}");
}

/// Returns a program below the folder of the profile. Cargo builds it where it is missing or older
/// than a source: `cargo test -p` alone builds no program of another package.
fn built(name: &str, target: &[&str]) -> PathBuf {
    let this = env::current_exe().unwrap();
    let profile = this.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = profile.join(name);
    if !is_fresh(&program) {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace"]).args(target);
        cargo.arg("--manifest-path").arg(repository("Cargo.toml"));
        cargo.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        tool(&mut cargo);
    }
    assert!(program.exists(), "{} was not built", program.display());
    program
}

/// Tells whether cargo's list of a program's sources has none that is younger than the program.
fn is_fresh(program: &Path) -> bool {
    let age = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let Some((_, sources)) = sources.split_once(": ") else { return false };
    let sources = sources.replace("\\ ", "\0");
    age(program).is_some_and(|built| {
        sources
            .split_whitespace()
            .map(|source| PathBuf::from(source.replace('\0', " ")))
            .all(|source| age(&source).is_some_and(|changed| changed <= built))
    })
}
