//! PostgreSQL when things break: killed backends, servers, poolers and processes, replicas that lag
//! and vanish, wrong settings.

mod child;
mod disk;
mod kills;
mod patience;
mod processes;
mod replicas;
mod settings;
mod tls;
mod trips;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use jotrack_core::{
    Config, DatabaseUrl, Engine, Error, JobFilter, JobId, JobQuery, NewJob, PageRequest,
    PostgresConfig,
};
use jotrack_tests::{
    key,
    program::PATIENCE,
    services::{Database, PgBouncer, PoolMode, Postgres},
};
use tokio::task::JoinSet;

/// Opens an engine with settings of PostgreSQL; its files are its own.
async fn open(dir: &std::path::Path, postgres: PostgresConfig) -> Engine {
    try_open(dir, postgres).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

async fn try_open(dir: &std::path::Path, postgres: PostgresConfig) -> Result<Engine, Error> {
    let config = Config { postgres: Some(postgres), background: false, ..Config::in_dir(dir) };
    Engine::open(config).await
}

/// A database behind a PgBouncer of the test's own.
struct Pooled {
    pooler: Arc<PgBouncer>,
    database: Database,
    config: PostgresConfig,
}

impl Pooled {
    async fn start(postgres: &Arc<Postgres>) -> Self {
        let server = Arc::clone(postgres);
        let start = move || PgBouncer::start(&server, PoolMode::Transaction);
        let pooler = Arc::new(tokio::task::spawn_blocking(start).await.unwrap());
        let database = postgres.database().await;
        let config = PostgresConfig {
            url: DatabaseUrl::new(pooler.url(database.name())),
            direct_url: Some(DatabaseUrl::new(database.url())),
            ..database.config()
        };
        Self { pooler, database, config }
    }
}

/// Creates jobs with a key each until it is told to stop, trying each again until it is saved, and
/// notes what was acknowledged.
#[derive(Clone, Default)]
struct Writers {
    acknowledged: Arc<Mutex<BTreeMap<String, JobId>>>,
    errors: Arc<Mutex<BTreeMap<String, u32>>>,
    stop: Arc<AtomicBool>,
}

impl Writers {
    /// Starts several of them.
    fn begin(&self, engine: &Engine) -> JoinSet<()> {
        let mut running = JoinSet::new();
        for i in 0..6 {
            running.spawn(self.clone().run(engine.clone(), format!("w{i}")));
        }
        running
    }

    /// Waits for a last write, stops them and asserts that nothing is lost.
    async fn end(&self, engine: &Engine, running: JoinSet<()>) {
        self.more(1).await;
        self.stop.store(true, Ordering::Relaxed);
        running.join_all().await;
        assert_nothing_is_lost(engine, self).await;
    }

    async fn run(self, engine: Engine, name: String) {
        let mut n = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let title = format!("{name}-{n}");
            loop {
                let created = engine.create_job(NewJob::new("Acme", &title), &key(&title)).await;
                match created {
                    Ok(written) => {
                        self.acknowledged.lock().unwrap().insert(title, written.value);
                        break;
                    }
                    Err(error @ (Error::Unavailable { .. } | Error::Timeout { .. })) => {
                        *self.errors.lock().unwrap().entry(error.to_string()).or_default() += 1;
                        tokio::task::yield_now().await;
                    }
                    Err(other) => panic!("{}", other.chain()),
                }
            }
            n += 1;
        }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until this many more writes are acknowledged.
    async fn more(&self, by: usize) {
        let wanted = self.count() + by;
        let waiting = async {
            while self.count() < wanted {
                tokio::task::yield_now().await;
            }
        };
        let met = || self.errors.lock().unwrap().clone();
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{:?}", met()));
    }
}

/// Returns all jobs of an engine by title; a title that stands twice fails.
async fn titles(engine: &Engine) -> BTreeMap<String, JobId> {
    let mut found = BTreeMap::new();
    let mut page = PageRequest { first: Some(200), ..PageRequest::default() };
    loop {
        let query =
            JobQuery { filter: JobFilter::default(), page: page.clone(), ..JobQuery::default() };
        let jobs = engine.list_jobs(&query).await.unwrap();
        let end = jobs.has_next.then(|| jobs.end_cursor()).flatten();
        for job in jobs.items {
            let twice = found.insert(job.title.clone(), job.id);
            assert_eq!(twice, None, "{} was saved twice", job.title);
        }
        match end {
            Some(cursor) => page.after = Some(cursor),
            None => return found,
        }
    }
}

/// Asserts that what was acknowledged is there, once, with every revision, and that what is derived
/// agrees.
async fn assert_nothing_is_lost(engine: &Engine, writers: &Writers) {
    let found = titles(engine).await;
    let acknowledged = writers.acknowledged.lock().unwrap().clone();
    for (title, id) in &acknowledged {
        assert_eq!(found.get(title), Some(id), "{title}");
    }
    let (mut revisions, mut since) = (BTreeSet::new(), 0);
    loop {
        let batch = engine.changes_since(since, 500, &[]).await.unwrap();
        assert!(!batch.resync);
        revisions.extend(batch.changes.iter().map(|change| change.revision));
        since = batch.revision;
        if !batch.has_more {
            break;
        }
    }
    let newest = engine.revision().await.unwrap();
    assert_eq!(revisions, (1..=newest).collect(), "revisions have gaps");
    let report = engine.check().await.unwrap();
    assert!(report.is_healthy(), "{report:?}");
}
