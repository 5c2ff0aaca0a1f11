//! The servers under measurement, and the CPU that they spend.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use jotrack_core::{Config, DatabaseUrl, PostgresConfig};
use jotrack_tests::services::{self, Database, Options, PgBouncer, PoolMode, Postgres, connect};
use tokio_postgres::SimpleQueryMessage;

/// Ticks per second of `/proc/<pid>/stat`: the same on every Linux.
const TICKS: u64 = 100;

/// Where an engine keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Sqlite,
    Direct,
    Pooled,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Direct => "PostgreSQL",
            Self::Pooled => "through PgBouncer",
        }
    }
}

/// A PostgreSQL that waits for the disk, and a PgBouncer before it.
pub(crate) struct Servers {
    // Before the server it speaks to.
    bouncer: PgBouncer,
    postgres: Postgres,
}

impl Servers {
    /// Starts both.
    ///
    /// # Errors
    /// Why they cannot be started here.
    pub(crate) fn start() -> Result<Self, String> {
        if let Some(why) = services::missing() {
            return Err(why);
        }
        let options = Options::default()
            .set("fsync", "on")
            .set("shared_buffers", "512MB")
            .set("maintenance_work_mem", "256MB")
            .set("max_wal_size", "4GB");
        let postgres = Postgres::with(options);
        // Tests let go of connections after a second; nobody else does.
        let settings = [("server_idle_timeout", "600")];
        let bouncer = PgBouncer::with(&postgres, PoolMode::Transaction, &settings);
        Ok(Self { bouncer, postgres })
    }

    /// Makes a database that an engine has already prepared.
    pub(crate) async fn database(&self) -> Database {
        self.postgres.database().await
    }

    /// Returns an engine's settings for a database, otherwise those of `config`.
    pub(crate) fn config(&self, config: Config, database: &Database, way: Way) -> Config {
        let direct = database.direct_url();
        let postgres = match way {
            Way::Sqlite => None,
            Way::Direct => Some(PostgresConfig::at(direct)),
            Way::Pooled => Some(PostgresConfig {
                direct_url: Some(DatabaseUrl::new(direct)),
                ..PostgresConfig::at(self.bouncer.url(database.name()))
            }),
        };
        Config { postgres, ..config }
    }

    /// Returns versions, and what a commit waits for.
    pub(crate) async fn about(&self) -> String {
        let db = connect(&self.postgres.url("postgres")).await;
        let settings = ["server_version", "shared_buffers"];
        let durability = ["fsync", "synchronous_commit", "full_page_writes", "wal_sync_method"];
        let mut said = Vec::new();
        for name in settings.into_iter().chain(durability) {
            let row = db.query_one(&format!("SHOW {name}"), &[]).await.unwrap();
            said.push(format!("{name} {}", row.get::<_, String>(0)));
        }
        let console = connect(&self.bouncer.url("pgbouncer")).await;
        let version = console.simple_query("SHOW VERSION").await.unwrap_or_default();
        let version = version.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        let pooler = version.unwrap_or_else(|| String::from("PgBouncer"));
        format!("PostgreSQL: {}; {pooler}, transaction mode", said.join(", "))
    }

    /// Returns the CPU time that the servers have spent.
    pub(crate) fn spent(&self) -> ServerCpu {
        ServerCpu { postgres: tree(self.postgres.pid()), pooler: tree(self.bouncer.pid()) }
    }
}

/// CPU time of the servers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServerCpu {
    /// The postmaster, its backends and its own workers.
    pub(crate) postgres: Duration,
    pub(crate) pooler: Duration,
}

impl ServerCpu {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            postgres: self.postgres.saturating_sub(earlier.postgres),
            pooler: self.pooler.saturating_sub(earlier.pooler),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.postgres += other.postgres;
        self.pooler += other.pooler;
    }
}

/// CPU time of a process, of its children that live, and of those that have ended.
fn tree(root: u32) -> Duration {
    let all: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
        .collect();
    let mut family = vec![root];
    let mut total = Duration::ZERO;
    while let Some(pid) = family.pop() {
        let own = all.iter().filter(|process| process.pid == pid);
        total += own.map(|process| process.own + process.ended).sum::<Duration>();
        family.extend(all.iter().filter(|process| process.parent == pid).map(|child| child.pid));
    }
    total
}

struct Process {
    pid: u32,
    parent: u32,
    own: Duration,
    /// Of children that were waited for.
    ended: Duration,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; the state and the parent follow it.
        let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |i: usize| -> Option<u64> { fields.get(i)?.parse().ok() };
        let time = |ticks| Duration::from_millis(ticks * 1_000 / TICKS);
        // Finer than ticks; these servers have one thread per process.
        let fine = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok();
        let fine: Option<u64> = fine.and_then(|text| text.split(' ').next()?.parse().ok());
        let own = match fine.filter(|nanos| *nanos > 0) {
            Some(nanos) => Duration::from_nanos(nanos),
            None => time(ticks(11)? + ticks(12)?),
        };
        let parent = fields.get(1)?.parse().ok()?;
        Some(Self { pid, parent, own, ended: time(ticks(13)? + ticks(14)?) })
    }
}

/// Returns the median time that the disk below a folder takes to keep 8 KiB.
pub(crate) fn flush(folder: &Path) -> Duration {
    use std::io::Write as _;

    let mut file = tempfile::tempfile_in(folder).unwrap();
    let mut times: Vec<_> = (0..51)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 8_192]).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}
