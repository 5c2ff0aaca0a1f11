//! Several processes of one test program on one database, let go at the same moment.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use jotrack_core::{Config, DatabaseUrl, PostgresConfig};

use crate::{
    Data,
    program::{self, Running},
};

const URL: &str = "JOTRACK_TEST_CHILD_URL";
const DIRECT: &str = "JOTRACK_TEST_CHILD_DIRECT_URL";
/// Stands before what a child reports: the harness writes to the same pipe.
const ACK: &str = "ack ";

/// Children on one database.
#[derive(Debug)]
pub struct Siblings(Vec<Running>);

impl Siblings {
    /// Starts `count` children on a database and lets them go when all of them are ready; `test` is
    /// the full name of the test that plays `role`.
    ///
    /// # Panics
    /// When a child does not become ready.
    pub async fn start(data: &Data, test: &str, role: &str, count: usize) -> Self {
        // The first one makes the tables.
        data.open().await.close().await.unwrap();
        let go = File::create(data.dir.path().join("go")).unwrap();
        go.lock().unwrap();
        let start = |_| {
            let mut command = program::player(test, role, data.dir.path());
            if let Some(database) = &data.database {
                command.env(URL, database.url()).env(DIRECT, database.direct_url());
            }
            Running::start(command.arg("--test-threads=1"))
        };
        let mut siblings = Self((0..count).map(start).collect());
        for ready in siblings.reports().await {
            assert_eq!(ready, "ready");
        }
        siblings
    }

    /// Waits for the next report of each.
    ///
    /// # Panics
    /// When a child ends without one.
    pub async fn reports(&mut self) -> Vec<String> {
        let mut reports = Vec::new();
        for child in &mut self.0 {
            reports.push(child.line_after(ACK).await.expect("a report"));
        }
        reports
    }

    /// Waits for the end of all.
    ///
    /// # Panics
    /// When a child failed.
    pub async fn end(self) {
        for child in self.0 {
            child.end().await.succeeded();
        }
    }
}

/// What a child plays; see [`part`].
#[derive(Debug)]
pub struct Part {
    /// The role it was started with.
    pub role: String,
    /// The folder of all children.
    pub stage: PathBuf,
}

/// Returns the part of this process when it is a child of [`Siblings`].
#[must_use]
pub fn part() -> Option<Part> {
    let (role, stage) = program::role()?;
    // The harness may have begun a line.
    println!();
    Some(Part { role, stage })
}

impl Part {
    /// Returns the settings of an engine on the database of all children.
    ///
    /// # Panics
    /// When an address is no text.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config { background: false, ..Config::in_dir(&self.stage) };
        config.storage.shared = true;
        let variable = |name| Some(std::env::var_os(name)?.into_string().unwrap());
        if let Some(url) = variable(URL) {
            let direct_url = variable(DIRECT).map(DatabaseUrl::new);
            config.postgres = Some(PostgresConfig { direct_url, ..PostgresConfig::at(url) });
        }
        config
    }

    /// Says that it is ready and waits for the others.
    pub fn ready(&self) {
        self.report("ready");
        let go: &Path = &self.stage.join("go");
        File::open(go).unwrap().lock_shared().unwrap();
    }

    /// Tells the parent something, in one line.
    pub fn report(&self, words: &str) {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(format!("{ACK}{words}\n").as_bytes()).unwrap();
        stdout.flush().unwrap();
    }
}
