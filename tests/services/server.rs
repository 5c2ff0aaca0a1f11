//! One server process: started, watched through its log, ended by its id.

use std::{
    collections::VecDeque,
    fs, io,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use rustix::process::{Pid, Signal};

use super::{PATIENCE, SERVER_USER, is_root, on_path, program};

/// Lines of a log that are kept to be shown.
const TAIL: usize = 40;

/// A running server. Dropping it ends it and everything it started.
pub(super) struct Server {
    name: &'static str,
    child: Child,
    log: Arc<Log>,
    /// Ends it at once, but lets it tidy up.
    end: Signal,
}

/// Why a server does not run.
pub(super) struct Refused {
    name: &'static str,
    what: &'static str,
    tail: String,
}

impl Refused {
    /// Whether somebody else took the port since it was looked for.
    pub(super) fn port_was_taken(&self) -> bool {
        self.tail.contains("Address already in use")
    }

    pub(super) fn panic(&self) -> ! {
        panic!("{} {}; its last words:\n{}", self.name, self.what, self.tail)
    }
}

impl Server {
    /// Starts a server and waits for a line of its log with `ready` in it.
    pub(super) fn start(
        name: &'static str,
        mut command: Command,
        ready: &'static str,
        end: Signal,
    ) -> Result<Self, Refused> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = spawn(command).unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        let stderr = child.stderr.take().unwrap();
        let log = Arc::new(Log { ready, state: Mutex::default(), changed: Condvar::new() });
        let server = Self { name, child, log: Arc::clone(&log), end };
        thread::spawn(move || log.follow(stderr));
        server.wait_until_ready(0)?;
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How often it has become ready.
    pub(super) fn times_ready(&self) -> u64 {
        self.log.state().ready
    }

    /// Waits until it has become ready more than so many times.
    pub(super) fn wait_until_ready(&self, times: u64) -> Result<(), Refused> {
        let (state, _) = self
            .log
            .changed
            .wait_timeout_while(self.log.state(), PATIENCE, |s| s.ready <= times && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.ready > times {
            return Ok(());
        }
        let what = if state.closed { "ended" } else { "did not become ready in time" };
        Err(Refused { name: self.name, what, tail: state.text() })
    }

    /// Kills it and its children, as a power cut would.
    pub(super) fn kill(mut self) {
        self.kill_all();
    }

    fn kill_all(&mut self) {
        // The parent first: it would react to the death of a child.
        let children = children(self.pid());
        for pid in [self.pid()].into_iter().chain(children) {
            signal(pid, Signal::KILL);
        }
        self.reap();
    }

    /// Ends it in order.
    pub(super) fn stop(mut self, how: Signal) {
        signal(self.pid(), how);
        self.reap();
    }

    /// Waits until no process holds the log any more: a child that lives on would hold the data.
    fn reap(&mut self) {
        let (state, _) = self
            .log
            .changed
            .wait_timeout_while(self.log.state(), PATIENCE, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let ended = state.closed;
        drop(state);
        if ended {
            drop(self.child.wait());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        signal(self.pid(), self.end);
        self.reap();
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill_all();
        }
    }
}

/// What a server wrote.
struct Log {
    ready: &'static str,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tail: VecDeque<String>,
    ready: u64,
    /// Every process that could write has ended.
    closed: bool,
}

impl State {
    fn text(&self) -> String {
        self.tail.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut state = self.state();
            if line.contains(self.ready) {
                state.ready += 1;
            }
            if state.tail.len() == TAIL {
                state.tail.pop_front();
            }
            state.tail.push_back(line);
            self.changed.notify_all();
        }
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// Returns a command of a server's program: not as root, and where the system can do that, killed
/// when this process ends without a word.
pub(super) fn command(name: &str, folder: &Path) -> Command {
    let program = program(name).unwrap_or_else(|| panic!("{name} is not installed"));
    let mut command = match on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]);
            if is_root() {
                command.arg(format!("--reuid={SERVER_USER}"));
                command.arg(format!("--regid={SERVER_USER}"));
                command.arg("--clear-groups");
            }
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    // The settings of whoever runs the tests, such as PGPORT, are not for these servers.
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir(folder);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a program to its end.
///
/// # Panics
/// With its words when it fails.
pub(super) fn run(name: &str, mut command: Command) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(command).unwrap_or_else(|e| panic!("{name} does not start: {e}"));
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed:\n{words}");
}

/// A program to start, and where to put its handle.
type Order = (Command, SyncSender<io::Result<Child>>);

/// Starts a program from a thread that lives as long as this process: the system takes the end of
/// the thread that started a child for the death of its parent, and each test is a thread.
fn spawn(command: Command) -> io::Result<Child> {
    static NURSERY: OnceLock<SyncSender<Order>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, orders) = sync_channel::<Order>(16);
        thread::spawn(move || {
            for (mut command, reply) in orders {
                // Whoever asked has left.
                drop(reply.send(command.spawn()));
            }
        });
        sender
    });
    let (reply, child) = sync_channel(1);
    nursery.send((command, reply)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

/// Tells whether there was such a process to be told: one that has just ended needs no signal.
pub(super) fn signal(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

/// Returns the children of a process; none where the system has no `/proc`, and where the
/// children end by themselves when they miss their parent.
fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in parentheses may hold anything; the state and the parent follow it.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.split(' ').nth(1) == Some(parent.to_string().as_str())
    })
    .collect()
}
