//! A database per test, copied from one that an engine has prepared.

use std::{
    fmt::Write as _,
    path::Path,
    process,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use jotrack_core::{Clock, Config, DatabaseUrl, Engine, ManualClock, PostgresConfig};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use super::{connect, execute, with_database};

/// What the databases of tests are copies of.
const TEMPLATE: &str = "jt_template";
/// The lock under which the template is made, and shared while it is copied.
const TEMPLATE_LOCK: i64 = 0x6a74_7465_6d70;
/// Where databases are made and dropped from.
const MAINTENANCE: &str = "postgres";
/// Connections of one engine: many engines share a test server.
const POOL: usize = 4;
/// Databases that may wait to be dropped.
const DROPS: usize = 1_000;

/// A running server in which tests make databases of their own.
#[derive(Debug)]
pub struct Cluster {
    /// The address of the server, without a database.
    direct: String,
    /// The address of its PgBouncer, without a database.
    pool: Option<String>,
    /// Whether this process has made the template, or why it could not.
    template: OnceCell<Result<(), String>>,
}

impl Cluster {
    /// Takes the address of a running server, without a database.
    pub fn at(direct: impl Into<String>) -> Self {
        Self { direct: direct.into(), pool: None, template: OnceCell::new() }
    }

    /// The same server, which engines reach through a PgBouncer.
    #[must_use]
    pub fn through(self, pool: impl Into<String>) -> Self {
        Self { pool: Some(pool.into()), ..self }
    }

    /// Returns the server that this run of the tests is about; `None` when it is about SQLite.
    ///
    /// # Panics
    /// When the environment contradicts itself.
    pub fn of_environment() -> Option<&'static Arc<Self>> {
        static CLUSTER: OnceLock<Option<Arc<Cluster>>> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| {
            let get = |name: &str| std::env::var_os(name).map(|value| value.into_string().unwrap());
            let base = |name| get(name).unwrap_or_else(|| panic!("{name} names no server"));
            match get("JOTRACK_TEST_DATABASE").as_deref().unwrap_or("sqlite") {
                "sqlite" => None,
                "postgres" => Some(Arc::new(Self::at(base("JOTRACK_TEST_PG")))),
                "pgbouncer" => {
                    let direct = Self::at(base("JOTRACK_TEST_PG"));
                    Some(Arc::new(direct.through(base("JOTRACK_TEST_PGBOUNCER"))))
                }
                other => panic!("JOTRACK_TEST_DATABASE={other}: sqlite, postgres or pgbouncer"),
            }
        });
        cluster.as_ref()
    }

    /// Makes a database that an engine has already prepared.
    ///
    /// # Panics
    /// When the server does not answer, or no engine can prepare the template.
    pub async fn database(self: &Arc<Self>) -> Database {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let template = self.template.get_or_init(|| make_template(&self.direct)).await;
        template.as_ref().unwrap_or_else(|why| panic!("the template of the tests: {why}"));
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("jt_{}_{number}", process::id());
        let db = connect(&with_database(&self.direct, MAINTENANCE)).await;
        // Another process may be about to replace the template.
        let lock = format!("SELECT pg_advisory_lock_shared({TEMPLATE_LOCK})");
        db.batch_execute(&lock).await.unwrap();
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        db.batch_execute(&create).await.unwrap_or_else(|e| panic!("{create}: {e:?}"));
        Database { name, cluster: Arc::clone(self) }
    }
}

/// A database of one test. Dropping it drops it, whoever is connected.
#[derive(Debug)]
pub struct Database {
    name: String,
    cluster: Arc<Cluster>,
}

impl Database {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the address that engines use.
    pub fn url(&self) -> String {
        let cluster = &self.cluster;
        with_database(cluster.pool.as_ref().unwrap_or(&cluster.direct), &self.name)
    }

    /// Returns the address without a PgBouncer.
    pub fn direct_url(&self) -> String {
        with_database(&self.cluster.direct, &self.name)
    }

    /// Returns the settings of an engine on it.
    pub fn config(&self) -> PostgresConfig {
        let direct = self.cluster.pool.is_some().then(|| DatabaseUrl::new(self.direct_url()));
        PostgresConfig { direct_url: direct, pool: POOL, ..PostgresConfig::at(self.url()) }
    }

    /// Connects past any PgBouncer.
    pub async fn connect(&self) -> Client {
        connect(&self.direct_url()).await
    }

    /// Runs statements of one transaction.
    pub async fn execute(&self, sql: &str) {
        execute(&self.direct_url(), sql).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        discard(with_database(&self.cluster.direct, MAINTENANCE), std::mem::take(&mut self.name));
    }
}

/// Makes the template anew: an older one may be of an older build.
async fn make_template(direct: &str) -> Result<(), String> {
    let db = connect(&with_database(direct, MAINTENANCE)).await;
    let run = async |sql: &str| db.batch_execute(sql).await.map_err(|e| format!("{sql}: {e:?}"));
    run(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await?;
    sweep(&db).await?;
    run(&format!("DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")).await?;
    run(&format!("CREATE DATABASE {TEMPLATE}")).await?;
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let config = Config {
        background: false,
        clock: Clock::Manual(ManualClock::new(crate::START)),
        postgres: Some(PostgresConfig {
            pool: POOL,
            ..PostgresConfig::at(with_database(direct, TEMPLATE))
        }),
        ..Config::in_dir(dir.path())
    };
    let engine = Engine::open(config).await.map_err(|e| format!("{e:?}"))?;
    engine.close().await.map_err(|e| format!("{e:?}"))?;
    // Nobody can copy what somebody is connected to.
    run(&format!("ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")).await?;
    run(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await
}

/// Drops what ended processes left behind.
async fn sweep(db: &Client) -> Result<(), String> {
    if !Path::new("/proc/self").exists() {
        return Ok(());
    }
    let names = "SELECT datname::text FROM pg_database WHERE datname ~ '^jt_[0-9]+_[0-9]+$'";
    let mut drops = Vec::new();
    for row in db.query(names, &[]).await.map_err(|e| format!("{e:?}"))? {
        let name: String = row.get(0);
        let owner = name.split('_').nth(1).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            drops.push(format!("DROP DATABASE IF EXISTS {name}"));
        }
    }
    let mut failed = String::new();
    for sql in drops {
        if let Err(e) = db.batch_execute(&sql).await {
            // Somebody is connected after all: not ours to cut off.
            writeln!(failed, "{sql}: {e}").map_err(|e| e.to_string())?;
        }
    }
    if !failed.is_empty() {
        eprint!("{failed}");
    }
    Ok(())
}

/// Drops a database from a thread of its own: a test that ends cannot wait for that.
fn discard(maintenance: String, name: String) {
    static JANITOR: OnceLock<SyncSender<(String, String)>> = OnceLock::new();
    let janitor = JANITOR.get_or_init(|| {
        let (sender, drops) = sync_channel::<(String, String)>(DROPS);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap();
            for (maintenance, name) in drops {
                runtime.block_on(drop_database(&maintenance, &name));
            }
        });
        sender
    });
    // Without a janitor the database stays; the next run sweeps.
    drop(janitor.send((maintenance, name)));
}

/// A server that is gone has dropped its databases in its own way.
async fn drop_database(maintenance: &str, name: &str) {
    let Ok(mut config) = maintenance.parse::<tokio_postgres::Config>() else { return };
    config.connect_timeout(Duration::from_secs(5));
    let Ok((client, connection)) = config.connect(NoTls).await else { return };
    let connection = tokio::spawn(connection);
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    drop(client.batch_execute(&sql).await);
    drop(client);
    drop(connection.await);
}
