//! The same data on every database, each with an engine to be timed and one that counts.

use std::path::Path;

use jotrack_core::{Config, Engine, Job, JobQuery, PageRequest, UserId};
use jotrack_tests::services::Database;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    copy, data,
    meter::{Answer, Ask, Operation},
    operations::Question,
    servers::{Servers, Way},
};

/// An engine on one database.
pub(crate) struct Site<'a> {
    pub(crate) way: Way,
    /// Not counted, to be timed.
    pub(crate) engine: Engine,
    counting: Engine,
    /// Absent where the database is in this process.
    pub(crate) servers: Option<&'a Servers>,
    // Last: the engines close before their data goes.
    database: Option<Database>,
    dir: TempDir,
}

impl<'a> Site<'a> {
    /// The jobs of one user with everything they have, on each database that there is.
    pub(crate) fn filled(
        runtime: &Runtime,
        servers: Option<&'a Servers>,
        jobs: usize,
    ) -> Vec<Self> {
        let dir = tempfile::tempdir().unwrap();
        runtime.block_on(data::fill(dir.path(), jobs, true));
        let mut sites = Vec::new();
        if let Some(servers) = servers {
            for way in [Way::Direct, Way::Pooled] {
                let database = runtime.block_on(servers.database());
                runtime.block_on(copy::copy(dir.path(), &database));
                sites.push(Self::on(runtime, servers, database, way));
            }
        }
        sites.insert(0, Self::lite(runtime, dir));
        sites
    }

    /// No jobs, on each database that there is.
    pub(crate) fn empty(runtime: &Runtime, servers: Option<&'a Servers>) -> Vec<Self> {
        let mut sites = vec![Self::lite(runtime, tempfile::tempdir().unwrap())];
        for (servers, way) in servers.iter().flat_map(|it| [(it, Way::Direct), (it, Way::Pooled)]) {
            let database = runtime.block_on(servers.database());
            sites.push(Self::on(runtime, servers, database, way));
        }
        sites
    }

    /// A folder with an SQLite file, or one to be.
    pub(crate) fn lite(runtime: &Runtime, dir: TempDir) -> Self {
        let (engine, counting) = open(runtime, dir.path(), |config| config);
        Self { way: Way::Sqlite, engine, counting, servers: None, database: None, dir }
    }

    /// A database of a server.
    pub(crate) fn on(
        runtime: &Runtime,
        servers: &'a Servers,
        database: Database,
        way: Way,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (engine, counting) =
            open(runtime, dir.path(), |config| servers.config(config, &database, way));
        let (servers, database) = (Some(servers), Some(database));
        Self { way, engine, counting, servers, database, dir }
    }

    /// Makes an operation of a question: counted on one engine, to be timed on the other.
    pub(crate) fn operation(
        &self,
        runtime: &Runtime,
        name: String,
        question: &Question,
        jobs: usize,
    ) -> Operation<'a> {
        // Laps that the timed calls do not begin with: a status must change.
        let first = u64::try_from(3 * jobs).unwrap();
        let (answer, statements) =
            runtime.block_on(self.count(&(question.ask)(&self.counting), first));
        assert_eq!(answer.rows, question.rows, "{}, {name}", question.title);
        let ask = (question.ask)(&self.engine);
        Operation {
            name,
            answer,
            statements,
            ask,
            engine: self.engine.clone(),
            servers: self.servers,
        }
    }

    async fn count(&self, ask: &Ask, first: u64) -> (Answer, u64) {
        let runs = || self.counting.statement_stats().iter().map(|(_, stats)| stats.runs).sum();
        ask(first).await;
        let before: u64 = runs();
        let answer = ask(first + 1).await;
        (answer, runs() - before)
    }

    /// Makes both engines act as a user.
    pub(crate) async fn act_as(&mut self, user: UserId) {
        self.engine = self.engine.as_user(user).await.unwrap();
        self.counting = self.counting.as_user(user).await.unwrap();
    }

    /// Returns the database of the server, where there is one.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Returns the folder of the engines.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Closes both engines.
    pub(crate) async fn close(&self) {
        self.engine.close().await.unwrap();
        self.counting.close().await.unwrap();
    }
}

fn open(runtime: &Runtime, dir: &Path, place: impl Fn(Config) -> Config) -> (Engine, Engine) {
    let open = |counts| runtime.block_on(Engine::open(place(data::config(dir, counts)))).unwrap();
    (open(false), open(true))
}

/// Returns the newest jobs, and the cursor behind them.
pub(crate) async fn newest(engine: &Engine, rows: usize) -> (Vec<Job>, String) {
    const PAGE: u32 = 200;

    let (mut jobs, mut cursor) = (Vec::with_capacity(rows), None);
    while jobs.len() < rows {
        let wanted = u32::try_from(rows - jobs.len()).unwrap().min(PAGE);
        let page = match cursor.take() {
            None => PageRequest::first(wanted),
            Some(cursor) => PageRequest::after(wanted, cursor),
        };
        let query = JobQuery { page, ..JobQuery::default() };
        let page = engine.list_jobs(&query).await.unwrap();
        assert_eq!(page.items.len(), usize::try_from(wanted).unwrap());
        cursor = page.end_cursor();
        jobs.extend(page.items);
    }
    (jobs, cursor.unwrap_or_default())
}
