//! A PgBouncer in front of a PostgreSQL.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Signal;

use super::{
    Postgres, SUPERUSER,
    folder::Folder,
    free_port,
    server::{Refused, Server, command},
    with_database,
};

/// How often another port is tried.
const PORTS: usize = 20;

/// When a client gives its connection to the server back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    Session,
    Transaction,
    Statement,
}

impl PoolMode {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

/// A pool of connections to every database of a server. Dropping it ends it.
pub struct PgBouncer {
    port: u16,
    server: Mutex<Option<Server>>,
    // Last: the server ends before its files go.
    dir: Folder,
}

impl PgBouncer {
    /// Starts a pool that lets in everybody.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn start(postgres: &Postgres, mode: PoolMode) -> Self {
        Self::with(postgres, mode, &[])
    }

    /// Starts a pool with other settings, such as `("default_pool_size", "1")`.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn with(postgres: &Postgres, mode: PoolMode, settings: &[(&str, &str)]) -> Self {
        let mut pool = Self { port: 0, server: Mutex::default(), dir: Folder::new(None) };
        for _ in 0..PORTS {
            pool.port = free_port();
            pool.configure(postgres, mode, settings);
            match pool.launch() {
                Ok(server) => {
                    *pool.running() = Some(server);
                    return pool;
                }
                Err(refused) if refused.port_was_taken() => {}
                Err(refused) => refused.panic(),
            }
        }
        panic!("PgBouncer found no free port");
    }

    fn configure(&self, postgres: &Postgres, mode: PoolMode, settings: &[(&str, &str)]) {
        let password = &postgres.instance.password;
        let password =
            password.as_ref().map(|word| format!(" password={word}")).unwrap_or_default();
        let (from, to) = (self.port, postgres.port());
        let mut text = format!(
            "[databases]\n* = host=127.0.0.1 port={to} user={SUPERUSER}{password}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {from}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {}\nmax_client_conn = 500\ndefault_pool_size = 20\n",
            mode.name()
        );
        // Hundreds of databases share the connections of one server; and a server that was away is
        // tried again at once.
        text.push_str("server_idle_timeout = 1\nserver_login_retry = 1\n");
        for (name, value) in settings {
            text.push_str(&format!("{name} = {value}\n"));
        }
        self.dir.write("pgbouncer.ini", text);
    }

    fn launch(&self) -> Result<Server, Refused> {
        let mut command = command("pgbouncer", self.dir.path());
        command.arg(self.dir.path().join("pgbouncer.ini"));
        // It takes SIGTERM for an immediate end.
        Server::start("PgBouncer", command, "process up", Signal::TERM)
    }

    fn running(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the address of a database; `pgbouncer` is its console, which knows only the simple
    /// protocol.
    pub fn url(&self, database: &str) -> String {
        with_database(&self.base(), database)
    }

    /// Returns the address without a database.
    pub fn base(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.running().as_ref().expect("PgBouncer runs").pid()
    }

    /// Kills it.
    pub fn kill(&self) {
        if let Some(server) = self.running().take() {
            server.kill();
        }
    }

    /// Ends it where it runs, and starts it again where it was.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn restart(&self) {
        let mut running = self.running();
        // Its port must be free before the next one wants it.
        drop(running.take());
        *running = Some(self.launch().unwrap_or_else(|refused| refused.panic()));
    }
}
