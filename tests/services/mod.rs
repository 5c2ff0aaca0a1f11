//! Real servers that live as long as a test: PostgreSQL, a replica of it, PgBouncer.
//!
//! Whatever is started is stopped by its process id when its handle is dropped, also by a panic;
//! where this process is killed, the system kills what it started. Servers listen on loopback, on
//! ports that were free. Starting and stopping block the calling thread: a test whose tasks must
//! go on meanwhile does it in `spawn_blocking`.

mod databases;
mod folder;
mod pgbouncer;
mod postgres;
mod replica;
mod server;

pub use databases::{Cluster, Database};
pub use pgbouncer::{PgBouncer, PoolMode};
pub use postgres::{Options, Postgres, Tls};
pub use replica::Replica;

use std::{
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher as _, Hasher as _},
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

use crate::program;

/// How long a server may take to start or to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whom the servers run as when the tests run as root: they refuse to be root.
const SERVER_USER: &str = "postgres";
/// The superuser of the databases.
const SUPERUSER: &str = "jotrack";

/// Says why no server can be started here; `None` when all of them can.
pub fn missing() -> Option<String> {
    // For a quick run, and to see what is skipped.
    if env::var_os("JOTRACK_TEST_SERVICES").is_some_and(|wanted| wanted == "none") {
        return Some(String::from("JOTRACK_TEST_SERVICES=none"));
    }
    for name in ["postgres", "initdb", "pg_basebackup", "pgbouncer"] {
        if program(name).is_none() {
            return Some(format!("{name} is not installed"));
        }
    }
    if is_root() {
        if on_path("setpriv").is_none() {
            return Some(String::from("root needs setpriv to start servers as another user"));
        }
        if server_user().is_none() {
            return Some(format!("root needs a user {SERVER_USER} to start servers as"));
        }
    }
    None
}

/// Tells whether servers can be started; when not, prints that the running test is skipped.
///
/// # Panics
/// When they cannot and nothing may be skipped.
pub fn require() -> bool {
    let reason = missing();
    if let Some(reason) = &reason {
        let thread = std::thread::current();
        program::skip(thread.name().unwrap_or("a test"), reason);
    }
    reason.is_none()
}

/// Returns a PostgreSQL for tests that neither stop nor configure it; it ends with its last user.
/// `None` where the running test is skipped: `let Some(postgres) = shared() else { return };`.
pub fn shared() -> Option<Arc<Postgres>> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    if !require() {
        return None;
    }
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    Some(shared.upgrade().unwrap_or_else(|| {
        let postgres = Arc::new(Postgres::start());
        *shared = Arc::downgrade(&postgres);
        postgres
    }))
}

/// Connects to a server. The connection ends with the client.
///
/// # Panics
/// When the server does not answer.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|e| panic!("the test's own connection: {e:?}"));
    // Its error is the client's too.
    tokio::spawn(async move { drop(connection.await) });
    client
}

/// Runs statements of one transaction.
///
/// # Panics
/// When one of them fails.
pub async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// Asks a server until it says yes.
///
/// # Panics
/// When it does not in time.
pub async fn until(db: &Client, question: &str) {
    let asking = async { while !db.query_one(question, &[]).await.unwrap().get::<_, bool>(0) {} };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("not in time: {question}"));
}

/// Lets the servers pass through a folder, and gives them another one in it.
pub fn give_to_server(way: &std::path::Path, folder: &std::path::Path) {
    folder::hand_over(way, 0o711);
    folder::hand_over(folder, 0o700);
}

/// Kills a process as the out-of-memory killer does.
///
/// # Panics
/// When there is no such process.
pub fn kill_process(pid: u32) {
    assert!(server::signal(pid, Signal::KILL), "no process {pid}");
}

/// Puts a database into an address that ends with the port, or with another database.
fn with_database(base: &str, database: &str) -> String {
    let (address, parameters) = base.split_once('?').map_or((base, None), |(a, p)| (a, Some(p)));
    let (scheme, rest) = address.split_once("://").expect("postgres://…");
    let authority = rest.split('/').next().unwrap_or_default();
    let parameters = parameters.map(|p| format!("?{p}")).unwrap_or_default();
    format!("{scheme}://{authority}/{database}{parameters}")
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns a server's program: Debian keeps PostgreSQL's off the path, one folder per version.
fn program(name: &str) -> Option<PathBuf> {
    static BIN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let bin = BIN.get_or_init(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let newest = versions
            .filter_map(|entry| {
                let version: u32 = entry.file_name().to_str()?.parse().ok()?;
                let bin = entry.path().join("bin");
                bin.join("postgres").exists().then_some((version, bin))
            })
            .max();
        newest.map(|(_, bin)| bin)
    });
    let beside = bin.iter().map(|bin| bin.join(name)).find(|path| path.exists());
    beside.or_else(|| on_path(name))
}

/// Looks on the path, and where Debian keeps what only root is expected to start.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Returns user and group of [`SERVER_USER`].
fn server_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find_map(|line| line.strip_prefix(SERVER_USER)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Returns a port that is free now and that the system gives to nobody who asks for any port: a
/// server that is down for a moment gets it back.
fn free_port() -> u16 {
    const FIRST: u64 = 12_000;
    const COUNT: u64 = 20_000;
    for _ in 0..1_000 {
        let port = FIRST + RandomState::new().build_hasher().finish() % COUNT;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}
