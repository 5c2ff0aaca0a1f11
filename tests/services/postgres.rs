//! A PostgreSQL of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Cluster, Database, SUPERUSER,
    folder::Folder,
    free_port,
    server::{Refused, Server, command, run},
    with_database,
};
use rustix::process::Signal;

/// How often another port is tried.
const PORTS: usize = 20;

/// How a PostgreSQL is to differ from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Settings such as `("fsync", "on")`; the last of a name counts.
    pub settings: Vec<(String, String)>,
    /// The superuser's, without which nobody gets in; nobody needs one when absent.
    pub password: Option<String>,
    /// What the server offers TLS with.
    pub tls: Option<Tls>,
    /// The folder to keep everything in, such as a small file system.
    pub within: Option<PathBuf>,
}

/// A certificate and its key, both PEM; they are copied.
#[derive(Debug, Clone)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Options {
    /// Adds a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks everybody for a password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Offers TLS.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Keeps everything in a folder.
    #[must_use]
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.within = Some(folder.into());
        self
    }
}

/// A primary with a superuser `jotrack`. Dropping it ends it and removes its data.
pub struct Postgres {
    pub(super) instance: Instance,
    cluster: Arc<Cluster>,
}

impl Postgres {
    /// Starts a server that trusts everybody and does not wait for the disk.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Starts a server with other settings.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn with(options: Options) -> Self {
        let dir = Folder::new(options.within.as_deref());
        let data = dir.path().join("data");
        let mut initdb = command("initdb", dir.path());
        initdb.args(["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-A", "trust"]);
        initdb.args(["-U", SUPERUSER]).arg("-D").arg(&data);
        if let Some(password) = &options.password {
            dir.write("password", password);
            initdb
                .arg("--auth-host=scram-sha-256")
                .arg("--pwfile")
                .arg(dir.path().join("password"));
        }
        run("initdb", initdb);
        let mut settings = options.settings;
        if let Some(tls) = &options.tls {
            for (from, setting) in [(&tls.certificate, "ssl_cert_file"), (&tls.key, "ssl_key_file")]
            {
                dir.write(setting, fs::read(from).unwrap());
                let file = dir.path().join(setting);
                settings.push((setting.to_owned(), file.to_str().unwrap().to_owned()));
            }
            settings.push((String::from("ssl"), String::from("on")));
        }
        let instance = Instance::start("PostgreSQL", dir, settings, options.password);
        let cluster = Arc::new(Cluster::at(instance.base()));
        Self { instance, cluster }
    }

    /// Returns the address of a database.
    pub fn url(&self, database: &str) -> String {
        with_database(&self.base(), database)
    }

    /// Returns the address without a database.
    pub fn base(&self) -> String {
        self.instance.base()
    }

    pub fn port(&self) -> u16 {
        self.instance.port
    }

    /// Returns where tests make databases of their own.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Makes a database that an engine has already prepared.
    pub async fn database(&self) -> Database {
        self.cluster.database().await
    }

    /// Makes a database as a copy of another one, `template1` for an empty one.
    pub async fn create_database(&self, name: &str, template: &str) {
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        super::execute(&self.url("postgres"), &create).await;
    }

    /// Returns the process id of the postmaster.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn pid(&self) -> u32 {
        self.instance.pid()
    }

    /// Kills the postmaster and its children, as a power cut would.
    pub fn kill(&self) {
        self.instance.kill();
    }

    /// Ends the server in order where it runs, cutting off its clients, and starts it again where
    /// it was.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn restart(&self) {
        self.instance.restart();
    }

    /// Ends the server in order, cutting off its clients.
    pub fn stop(&self) {
        self.instance.stop();
    }

    /// Kills one backend, which makes the postmaster end all of them and recover, and waits until
    /// it has. `pg_stat_activity` knows the ids.
    ///
    /// # Panics
    /// When there is no such process, or the server does not come back.
    pub fn kill_backend(&self, pid: u32) {
        let running = self.instance.running();
        let server = running.as_ref().expect("PostgreSQL runs");
        let times = server.times_ready();
        super::kill_process(pid);
        server.wait_until_ready(times).unwrap_or_else(|refused| refused.panic());
    }
}

/// A data folder and the server on it.
pub(super) struct Instance {
    name: &'static str,
    pub(super) port: u16,
    pub(super) password: Option<String>,
    settings: Vec<(String, String)>,
    server: Mutex<Option<Server>>,
    // Last: the server ends before its files go.
    dir: Folder,
}

impl Instance {
    /// Starts a server on the folder `data` in `dir`.
    pub(super) fn start(
        name: &'static str,
        dir: Folder,
        settings: Vec<(String, String)>,
        password: Option<String>,
    ) -> Self {
        let mut instance =
            Self { name, port: 0, password, settings, server: Mutex::default(), dir };
        for _ in 0..PORTS {
            instance.port = free_port();
            match instance.launch() {
                Ok(server) => {
                    *instance.running() = Some(server);
                    return instance;
                }
                Err(refused) if refused.port_was_taken() => {}
                Err(refused) => refused.panic(),
            }
        }
        panic!("{name} found no free port");
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn base(&self) -> String {
        let password = self.password.as_ref().map(|word| format!(":{word}")).unwrap_or_default();
        format!("postgres://{SUPERUSER}{password}@127.0.0.1:{}", self.port)
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pid(&self) -> u32 {
        self.running().as_ref().unwrap_or_else(|| panic!("{} does not run", self.name)).pid()
    }

    pub(super) fn kill(&self) {
        if let Some(server) = self.running().take() {
            server.kill();
        }
    }

    pub(super) fn stop(&self) {
        if let Some(server) = self.running().take() {
            server.stop(Signal::INT);
        }
    }

    pub(super) fn restart(&self) {
        let mut running = self.running();
        if let Some(server) = running.take() {
            server.stop(Signal::INT);
        }
        *running = Some(self.launch().unwrap_or_else(|refused| refused.panic()));
    }

    fn launch(&self) -> Result<Server, Refused> {
        let port = self.port.to_string();
        let sockets = self.dir.path().to_str().unwrap();
        let usual = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port),
            ("unix_socket_directories", sockets),
            ("fsync", "off"),
            ("wal_level", "replica"),
            ("wal_keep_size", "256MB"),
            ("wal_retrieve_retry_interval", "100ms"),
            ("shared_buffers", "64MB"),
            ("max_connections", "200"),
            // Files in the data folder: what a kill leaves behind goes with it.
            ("dynamic_shared_memory_type", "mmap"),
            ("lc_messages", "C"),
        ];
        let mut command = command("postgres", self.dir());
        command.arg("-D").arg(self.dir().join("data"));
        let own = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in usual.into_iter().chain(own) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        // An immediate shutdown: nobody will read the data again.
        Server::start(self.name, command, "system is ready to accept", Signal::QUIT)
    }
}
