//! A streaming replica.

use super::{
    Postgres, SUPERUSER, connect, execute,
    folder::Folder,
    postgres::Instance,
    server::{command, run},
    until, with_database,
};

/// A hot standby of a [`Postgres`]. Dropping it ends it and removes its data.
pub struct Replica {
    instance: Instance,
}

impl Replica {
    /// Copies the primary and follows it.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn start(primary: &Postgres) -> Self {
        let dir = Folder::new(None);
        let password = primary.instance.password.clone();
        let mut copy = command("pg_basebackup", dir.path());
        copy.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-w", "-h", "127.0.0.1"]);
        copy.args(["-p", &primary.port().to_string(), "-U", SUPERUSER]);
        copy.arg("-D").arg(dir.path().join("data"));
        if let Some(password) = &password {
            copy.env("PGPASSWORD", password);
        }
        run("pg_basebackup", copy);
        Self { instance: Instance::start("the replica", dir, Vec::new(), password) }
    }

    /// Returns the address of a database.
    pub fn url(&self, database: &str) -> String {
        with_database(&self.instance.base(), database)
    }

    pub fn port(&self) -> u16 {
        self.instance.port
    }

    /// Returns the process id of the postmaster.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn pid(&self) -> u32 {
        self.instance.pid()
    }

    /// Receives on, but shows nothing new.
    pub async fn pause_replay(&self) {
        let db = connect(&self.url("postgres")).await;
        db.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
        // Asked for is not reached: it stops at the next record, or when it next waits for one.
        let state = "SELECT pg_get_wal_replay_pause_state() = 'paused'";
        until(&db, state).await;
    }

    /// Shows what it has received, and all that follows.
    pub async fn resume_replay(&self) {
        execute(&self.url("postgres"), "SELECT pg_wal_replay_resume()").await;
    }

    /// Shows each commit only so long after it was made; 0 for at once.
    pub async fn delay_replay(&self, delay_ms: u64) {
        let db = connect(&self.url("postgres")).await;
        let set = format!("ALTER SYSTEM SET recovery_min_apply_delay = {delay_ms}");
        // Not in one call, which would be a transaction.
        db.batch_execute(&set).await.unwrap();
        db.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let setting = "SELECT setting FROM pg_settings WHERE name = 'recovery_min_apply_delay'";
        until(&db, &format!("SELECT ({setting})::bigint = {delay_ms}")).await;
    }

    /// Waits until the replica shows everything that the primary has written by now.
    pub async fn catch_up(&self, primary: &Postgres) {
        let current = "SELECT pg_current_wal_lsn()::text";
        let written = connect(&primary.url("postgres")).await.query_one(current, &[]).await;
        let written: String = written.unwrap().get(0);
        let db = connect(&self.url("postgres")).await;
        until(&db, &format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn")).await;
    }

    /// Kills the server, as a power cut would.
    pub fn kill(&self) {
        self.instance.kill();
    }

    /// Ends the server in order, cutting off its clients.
    pub fn stop(&self) {
        self.instance.stop();
    }

    /// Ends the server in order where it runs, and starts it again where it was.
    ///
    /// # Panics
    /// With the last lines of its log when it does not start.
    pub fn restart(&self) {
        self.instance.restart();
    }
}
