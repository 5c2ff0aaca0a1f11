//! Whether a page costs more when there are a hundred times as many jobs.

use std::path::Path;

use jotrack_core::{JobStatus, PageRequest, UserId, catalogue};
use jotrack_tests::services::{Database, connect};
use rusqlite::Connection;
use tokio::runtime::Runtime;

use crate::{
    data,
    meter::{self, Figures, Operation, measure, micros, ratio},
    operations::{self, Question},
    servers::{Servers, Way},
    sites::{self, Site},
};

pub(crate) const TITLE: &str = "page time as jobs grow";
/// Most that a page of the larger one may take, as a multiple of the smaller one's.
const MOST: f64 = 1.3;
/// Companies of a user.
const COMPANIES: u64 = 40;

/// Whose the jobs are.
#[derive(Debug, Clone, Copy)]
enum Owners {
    /// 1,000 users; the one who asks owns one job in a hundred.
    Many,
    /// The one who asks owns all.
    One,
}

/// How many jobs there are.
#[derive(Debug, Clone, Copy)]
struct Size {
    jobs: u64,
    owners: Owners,
}

/// Measures the first page and one in the middle at two sizes, and prints what that gave.
pub(crate) fn print(runtime: &Runtime, servers: Option<&Servers>) {
    let sizes = match (meter::is_bench(), meter::has("--million")) {
        (true, true) => [10_000, 1_000_000],
        (true, false) => [10_000, 100_000],
        (false, _) => [4_000, 8_000],
    };
    let [few, many] = sizes;
    println!("\n{TITLE}: pages of 20 at {few} and at {many} jobs; at most {MOST}x");
    println!(
        "{:52} {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6} | {:>5}",
        "", "p50 us", "grown", "x", "CPU us", "grown", "x", "trips"
    );
    for owners in [Owners::Many, Owners::One] {
        let grown = sizes.map(|jobs| Grown::fill(runtime, servers, Size { jobs, owners }));
        compare(runtime, &grown);
        for grown in &grown {
            grown.sites.iter().for_each(|site| runtime.block_on(site.close()));
        }
    }
    if !meter::has("--million") {
        println!("1,000,000 jobs: `cargo bench -p jotrack-tests --bench databases -- --million`");
    }
}

/// Every database at one size.
struct Grown<'a> {
    size: Size,
    sites: Vec<Site<'a>>,
}

fn compare(runtime: &Runtime, grown: &[Grown<'_>; 2]) {
    for (place, share) in [("first", None), ("middle", Some(2))] {
        // Both sizes of each database, database by database.
        let mut operations = Vec::new();
        let mut places = Vec::new();
        for i in 0..grown[0].sites.len() {
            for Grown { size, sites } in grown {
                let from = share.map(|share| {
                    let owned = usize::try_from(size.owned() / share).unwrap();
                    let (jobs, cursor) = runtime.block_on(sites::newest(&sites[i].engine, owned));
                    (jobs.last().unwrap().clone(), cursor)
                });
                let page = match &from {
                    None => PageRequest::first(20),
                    Some((_, cursor)) => PageRequest::after(20, cursor),
                };
                let question = Question {
                    title: format!("{place} page"),
                    rows: 20,
                    ask: Box::new(move |engine| operations::list(engine, page.clone())),
                };
                let name = format!("{place} page, {}, {}", size.owners.name(), sites[i].way.name());
                operations.push(sites[i].operation(runtime, name, &question, 0));
                places.push(from.map(|(job, _)| (job.created_at.as_ms(), job.id.to_string())));
            }
        }
        // The same rows on every database of a size.
        for (i, operation) in operations.iter().enumerate() {
            assert_eq!(operation.answer, operations[i % 2].answer, "{}", operation.name);
        }
        let figures = measure(runtime, &operations);
        for i in (0..operations.len()).step_by(2) {
            let [small, large] = [&figures[i], &figures[i + 1]];
            if print_pair(&operations[i], small, large) > MOST {
                for (grown, from) in grown.iter().zip(&places[i..]) {
                    let plan = grown.sites[i / 2].plan(runtime, grown.size, from.as_ref());
                    println!("  at {} jobs:\n{plan}", grown.size.jobs);
                }
            }
        }
    }
}

fn print_pair(operation: &Operation<'_>, small: &Figures, large: &Figures) -> f64 {
    let times = ratio(large.p50, small.p50);
    println!(
        "{:52} {:>8.0} {:>8.0} {times:>6.2} | {:>8.1} {:>8.1} {:>6.2} | {:>5.2}  {}",
        operation.name,
        micros(small.p50),
        micros(large.p50),
        micros(small.cpu()),
        micros(large.cpu()),
        ratio(large.cpu(), small.cpu()),
        large.trips,
        if times <= MOST { "kept" } else { "MISSED" },
    );
    times
}

impl Site<'_> {
    /// Returns how the database finds the page.
    fn plan(&self, runtime: &Runtime, size: Size, from: Option<&(i64, String)>) -> String {
        let all = catalogue::statements();
        let list = all.iter().find(|stmt| stmt.name == "job_list_created_desc").unwrap();
        let last = (i64::MAX, String::from("ffffffff-ffff-ffff-ffff-ffffffffffff"));
        let (at, id) = from.unwrap_or(&last);
        let Some(database) = self.database() else {
            let db = Connection::open(self.dir().join("jotrack.db")).unwrap();
            let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", list.sql)).unwrap();
            let lines = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            return lines.map(|line| format!("    {}\n", line.unwrap())).collect();
        };
        let (url, text, asker) = (database.direct_url(), list.postgres(), size.owners.asker());
        runtime.block_on(async {
            let db = connect(&url).await;
            let prepare = format!("PREPARE page (uuid, bigint, bigint, uuid, bigint) AS {text}");
            db.batch_execute(&prepare).await.unwrap();
            let explain =
                format!("EXPLAIN (ANALYZE, BUFFERS) EXECUTE page ('{asker}', 0, {at}, '{id}', 21)");
            // Twice: the first one reads what is not cached yet.
            db.query(&explain, &[]).await.unwrap();
            let rows = db.query(&explain, &[]).await.unwrap();
            rows.iter().map(|row| format!("    {}\n", row.get::<_, String>(0))).collect()
        })
    }
}

impl Owners {
    fn name(self) -> &'static str {
        match self {
            Self::Many => "1% of them",
            Self::One => "all of them",
        }
    }

    /// The user who asks: the first.
    fn asker(self) -> UserId {
        format!("{:012x}70008000{:012x}", 1, 1).parse().unwrap()
    }

    /// The number of the owner of job `n`, in SQL.
    fn owner(self) -> &'static str {
        match self {
            Self::Many => "CASE WHEN n % 100 = 0 THEN 1 ELSE 2 + n % 999 END",
            Self::One => "CAST(1 AS BIGINT)",
        }
    }
}

impl Size {
    /// How many of the jobs are the asker's.
    fn owned(self) -> u64 {
        match self.owners {
            Owners::Many => self.jobs / 100,
            Owners::One => self.jobs,
        }
    }

    /// Fills the tables that a list reads, and those it is made from, as the engine would.
    fn sql(self, series: &str, id: fn(&str, &str) -> String) -> String {
        let owner = self.owners.owner();
        let statuses: String = JobStatus::ALL
            .iter()
            .enumerate()
            .map(|(i, status)| format!("WHEN {i} THEN '{}' ", status.as_str()))
            .collect();
        let [job, user, company] =
            [id("n", "3"), id("u", "1"), id(&format!("u * {COMPANIES} + c"), "2")];
        format!(
            "CREATE TEMP TABLE numbered AS
                 SELECT n, {owner} AS u, n / 100 % {COMPANIES} AS c FROM ({series}) s;
             CREATE TEMP TABLE fresh AS
                 SELECT n, u, {job} AS id, {user} AS user_id, {company} AS company_id,
                     'Platform Engineer, Payments and Ledgers ' || n AS title,
                     'Invented Works ' || u || ' of ' || c AS company,
                     1790000000000 + n * 60000 AS at, CASE n % 9 {statuses} END AS status
                 FROM numbered;
             INSERT INTO users (id, display_name, tier, locale, time_zone, version, created_at, updated_at)
                 SELECT DISTINCT user_id, 'U', 'FREE', 'en', 'UTC', 1, 1, 1 FROM fresh;
             INSERT INTO companies (id, user_id, name, key, version, created_at, updated_at)
                 SELECT DISTINCT company_id, user_id, company, lower(company), 1, 1, 1 FROM fresh;
             INSERT INTO jobs (id, user_id, company_id, title, title_key, posting_url, location, source,
                     notes, status, status_since, coach_status, version, guard, created_at, updated_at)
                 SELECT id, user_id, company_id, title, lower(title),
                     'https://jobs.example.com/openings/' || n, 'Rotterdam', 'Referral',
                     'Asked for the team.', status, at, 'NOT_STARTED', 1, 1, at, at
                 FROM fresh ORDER BY n;
             INSERT INTO job_list (user_id, folder, created_at, job_id, updated_at, version, title, title_key,
                     company_id, company, company_key, status, status_since, posting_url, location, source,
                     coach_status, coach_progress, attachment_count, attachment_kinds)
                 SELECT user_id, 0, at, id, at, 1, title, lower(title), company_id, company, lower(company),
                     status, at, 'https://jobs.example.com/openings/' || n, 'Rotterdam', 'Referral',
                     'NOT_STARTED', 0, 0, 1
                 FROM fresh ORDER BY n;
             INSERT INTO job_count (user_id, folder, status, coach_status, n)
                 SELECT user_id, 0, status, 'NOT_STARTED', count(*) FROM fresh GROUP BY user_id, status;"
        )
    }
}

impl<'a> Grown<'a> {
    fn fill(runtime: &Runtime, servers: Option<&'a Servers>, size: Size) -> Self {
        let dir = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let engine = jotrack_core::Engine::open(data::config(dir.path(), false)).await.unwrap();
            engine.close().await.unwrap();
        });
        fill_lite(dir.path(), size);
        let mut sites = vec![Site::lite(runtime, dir)];
        if let Some(servers) = servers {
            let database = runtime.block_on(servers.database());
            runtime.block_on(fill_pg(&database, size));
            sites.push(Site::on(runtime, servers, database, Way::Direct));
        }
        for site in &mut sites {
            runtime.block_on(site.act_as(size.owners.asker()));
            // The rows are those that the engine would have written.
            if size.owned() <= 10_000 {
                let report = runtime.block_on(site.engine.check_read_model()).unwrap();
                assert!(report.agrees(), "{}: {report:?}", site.way.name());
                assert_eq!(u64::try_from(report.rows).unwrap(), size.owned());
            }
        }
        Self { size, sites }
    }
}

fn fill_lite(dir: &Path, size: Size) {
    let last = size.jobs - 1;
    let series = format!(
        "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < {last}) SELECT n FROM k"
    );
    let id = |n: &str, kind: &str| format!("unhex(printf('%012x70008000%012x', {n}, {kind}))");
    let db = Connection::open(dir.join("jotrack.db")).unwrap();
    db.execute_batch(&format!(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -524288; PRAGMA temp_store = FILE; BEGIN; {} COMMIT;
         ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)",
        size.sql(&series, id)
    ))
    .unwrap();
}

async fn fill_pg(database: &Database, size: Size) {
    let last = size.jobs - 1;
    let series = format!("SELECT n FROM generate_series(CAST(0 AS BIGINT), {last}) n");
    let id = |n: &str, kind: &str| {
        format!(
            "CAST(lpad(to_hex({n}), 12, '0') || '70008000' || lpad(to_hex({kind}), 12, '0') AS uuid)"
        )
    };
    let db = database.connect().await;
    // Without triggers: the parents are there.
    let sql = format!(
        "BEGIN; SET LOCAL session_replication_role = replica; {} COMMIT",
        size.sql(&series, id)
    );
    db.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{e:?}"));
    db.batch_execute("VACUUM ANALYZE").await.unwrap();
    db.batch_execute("CHECKPOINT").await.unwrap();
}
