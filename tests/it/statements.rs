//! Every statement of the catalogue is proven by its plan, on an empty database and on a large
//! analysed one, and by SQLite's own counters while it runs.

use std::collections::{BTreeMap, HashSet};

use jotrack_core::{
    AttachmentFilter, AttachmentKind, JobFilter, JobId, JobOrder, JobOrderField, JobQuery,
    JobStatus, OrderDirection, PageRequest, VariantName, catalogue,
    db::{Kind, Stmt},
};
use jotrack_tests::Lab;
use rusqlite::Connection;

/// Statements that may do what the rest may not, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("job_list_dump", "a check reads every row of the user in id order; runs on the blocking pool"),
    ("job_list_expected", "a rebuild reads every job of the user in id order; blocking pool"),
    ("job_count_expected", "a check counts every job of the user by group; blocking pool"),
    ("job_count_rebuild", "a rebuild counts every row of the user by group"),
    ("blob_dump", "doctor looks for every file; blocking pool"),
    ("rev_users", "the hourly pruning visits every user; blocking pool"),
    ("sealed_count", "counts every sealed value by its key; blocking pool"),
    ("ai_cache_stats", "counts what is kept, by kind; blocking pool"),
    ("search_ranked", "the best of all hits must see all hits; blocking pool, bounded by LIMIT"),
];

/// Most steps through the sets of one statement: ten ids, four kinds, two names, and their ends.
const SET_STEPS: u64 = 24;

fn takes_a_set(name: &str) -> bool {
    catalogue::statements().iter().any(|stmt| stmt.name == name && stmt.sql.contains("rarray"))
}

fn excepted(stmt: &Stmt) -> bool {
    excepted_by_name(stmt.name)
}

fn excepted_by_name(name: &str) -> bool {
    EXCEPTIONS.iter().any(|(excepted, _)| *excepted == name)
}

fn connection(lab: &Lab) -> Connection {
    let db = Connection::open(lab.dir.path().join("jotrack.db")).unwrap();
    jotrack_tests::add_functions(&db);
    db.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    db
}

/// Fills tables directly: a number of new users with a number of jobs each; the local user too
/// gets `own` jobs.
fn fill(db: &Connection, users: i64, jobs: i64, own: i64) {
    let local = jotrack_core::LOCAL_USER.as_uuid().simple().to_string();
    db.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE who AS
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
         SELECT randomblob(16) AS id, {jobs} AS jobs FROM n UNION ALL SELECT x'{local}', {own};
         INSERT INTO users (id, display_name, tier, locale, time_zone, version, created_at, updated_at)
         SELECT id, 'U', 'FREE', 'en', 'UTC', 1, 1, 1 FROM who WHERE true ON CONFLICT DO NOTHING;
         CREATE TEMP TABLE firm AS SELECT randomblob(16) AS id, id AS user_id, jobs, hex(randomblob(4)) AS name FROM who;
         INSERT INTO companies (id, user_id, name, key, version, created_at, updated_at)
         SELECT id, user_id, name, name, 1, 1, 1 FROM firm;
         CREATE TEMP TABLE fresh AS
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < max({jobs}, {own}))
         SELECT randomblob(16) AS id, f.user_id, f.id AS company_id, f.name, n.i,
             CASE n.i % 3 WHEN 0 THEN 'APPLIED' WHEN 1 THEN 'OFFER' ELSE 'ON_RADAR' END AS status
         FROM firm f, n WHERE n.i <= f.jobs;
         INSERT INTO jobs (id, user_id, company_id, title, title_key, status, status_since, coach_status, version, guard, created_at, updated_at)
         SELECT id, user_id, company_id, 'T' || i, 't' || i, status, i, 'NOT_STARTED', 1, 1, 1700000000000 + i, i FROM fresh;
         INSERT INTO status_history (id, user_id, job_id, to_status, changed_at, recorded_at)
         SELECT randomblob(16), user_id, id, status, 1, 1 FROM fresh;
         INSERT INTO blob (hash, size, state, created_at) SELECT randomblob(32), 1, 'LIVE', 1 FROM fresh;
         INSERT INTO attachments (id, user_id, job_id, kind, version, is_active, filename, media_type, size, hash, source, text_state, created_at)
         SELECT randomblob(16), j.user_id, j.id, k.kind, 1, 1, 'f', 'text/plain', 1, (SELECT hash FROM blob LIMIT 1), 'PASTE', 'READY', 1
         FROM fresh j, (SELECT 'RESUME' AS kind UNION ALL SELECT 'JD') k;
         INSERT INTO attachment_variants (id, user_id, attachment_id, name, text, word_count, token_estimate, truncated, source, extractor_version, version, created_at, updated_at)
         SELECT randomblob(16), a.user_id, a.id, 'RAW', 'some text', 2, 3, 0, 'MANUAL', 1, 1, 1, 1 FROM fresh f JOIN attachments a ON a.job_id = f.id;
         INSERT INTO job_list (user_id, folder, created_at, job_id, updated_at, version, title, title_key, company_id, company, company_key, status, status_since, coach_status, coach_progress, attachment_count, attachment_kinds)
         SELECT user_id, 0, 1700000000000 + i, id, i, 1, 'T' || i, 't' || i, company_id, name, name, status, 1, 'NOT_STARTED', 0, 2, 6 FROM fresh;
         INSERT INTO job_count (user_id, folder, status, coach_status, n)
         SELECT user_id, 0, status, 'NOT_STARTED', count(*) FROM fresh WHERE true GROUP BY user_id, status
         ON CONFLICT DO UPDATE SET n = n + excluded.n;
         INSERT INTO coach_state (job_id, user_id, cover_letter_skipped, questions, answers, progress, version, updated_at)
         SELECT id, user_id, 0, '[]', '{{}}', 0, 1, 1 FROM fresh WHERE i % 2 = 0;
         INSERT INTO user_rev (user_id, rev, floor) SELECT id, 20, 0 FROM who WHERE true ON CONFLICT DO NOTHING;
         INSERT INTO change_log (user_id, rev, entity, entity_id, op, at)
         SELECT user_id, 1000000 + i, 'JOB', id, 'CREATED', 1 FROM fresh WHERE true ON CONFLICT DO NOTHING;
         INSERT INTO quota_subject (subject, last_at, prev_at) SELECT 'ai:' || hex(id), 1, 0 FROM who WHERE true ON CONFLICT DO NOTHING;
         INSERT INTO quota_event (subject, id, at, state) SELECT 'ai:' || hex(user_id), id, i, 'SETTLED' FROM fresh;
         DROP TABLE who; DROP TABLE firm; DROP TABLE fresh;
         COMMIT;
         ANALYZE;"
    ))
    .unwrap();
}

fn plan(db: &Connection, stmt: &Stmt) -> Vec<String> {
    let mut explain = db
        .prepare(&format!("EXPLAIN QUERY PLAN {}", stmt.sql))
        .unwrap_or_else(|e| panic!("{}: {e}", stmt.name));
    let rows = explain
        .query_map(
            rusqlite::params_from_iter(std::iter::repeat_n(None::<i64>, explain_count(stmt))),
            |row| row.get(3),
        )
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn explain_count(stmt: &Stmt) -> usize {
    (1..=64).take_while(|n| stmt.sql.contains(&format!("${n}"))).count()
}

fn faults(db: &Connection, stmt: &Stmt) -> Vec<String> {
    plan(db, stmt)
        .into_iter()
        .filter(|line| {
            let virtual_table = line.contains("VIRTUAL TABLE");
            let scan = line.starts_with("SCAN") && !virtual_table && line != "SCAN CONSTANT ROW";
            scan || line.contains("USE TEMP B-TREE") || line.contains("AUTOMATIC")
        })
        .collect()
}

/// Statements for which a certain index was made, on every database.
pub(crate) const INDEXES: [(&str, &str); 12] = [
    ("job_list_created_desc", "PRIMARY KEY"),
    ("job_list_created_asc", "PRIMARY KEY"),
    ("job_list_status_desc", "idx_job_list_status"),
    ("job_list_coach_desc", "idx_jobs_user_status"),
    ("job_list_updated_desc", "idx_job_list_updated"),
    ("job_list_title_asc", "idx_job_list_title"),
    ("job_list_company_asc", "idx_job_list_company"),
    ("attachments_of_jobs", "idx_attachments_job_type"),
    ("history_load", "idx_status_history_job"),
    ("job_due_for_purge", "idx_jobs_purge_at"),
    ("uploads_expired", "idx_upload_expires"),
    ("task_claim", "idx_task_due"),
];

#[tokio::test]
async fn no_statement_scans_or_sorts_on_an_empty_or_a_large_database() {
    let lab = Lab::new().await;
    let db = connection(&lab);
    let mut wrong = Vec::new();
    for size in ["empty", "large"] {
        if size == "large" {
            fill(&db, 400, 20, 2_000);
        }
        for stmt in catalogue::statements().into_iter().filter(|stmt| !excepted(stmt)) {
            for line in faults(&db, stmt) {
                wrong.push(format!("{size}: {}: {line}", stmt.name));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_exception_is_needed_and_runs_off_the_calling_thread() {
    let lab = Lab::new().await;
    let db = connection(&lab);
    fill(&db, 50, 20, 50);
    let all = catalogue::statements();
    for (name, reason) in EXCEPTIONS {
        let stmt =
            all.iter().find(|stmt| stmt.name == *name).unwrap_or_else(|| panic!("{name} is gone"));
        assert!(!faults(&db, stmt).is_empty(), "{name} needs no exception any more");
        assert_ne!(stmt.kind, Kind::Read, "{name} runs on the calling thread");
        println!("exception {name} ({:?}): {reason}", stmt.kind);
    }
}

#[tokio::test]
async fn list_pages_use_the_index_made_for_them() {
    let lab = Lab::new().await;
    let db = connection(&lab);
    fill(&db, 400, 20, 2_000);
    for (name, index) in INDEXES {
        let stmt = catalogue::statements().into_iter().find(|stmt| stmt.name == name).unwrap();
        let lines = plan(&db, stmt).join("; ");
        assert!(lines.contains(index), "{name}: {lines}");
    }
}

#[tokio::test]
async fn parameters_are_numbered_in_order_of_appearance() {
    let lab = Lab::new().await;
    let db = connection(&lab);
    let mut names = HashSet::new();
    for stmt in catalogue::statements() {
        assert!(names.insert(stmt.name), "{} is listed twice", stmt.name);
        let prepared = db.prepare(stmt.sql).unwrap_or_else(|e| panic!("{}: {e}", stmt.name));
        for i in 1..=prepared.parameter_count() {
            assert_eq!(prepared.parameter_name(i), Some(format!("${i}").as_str()), "{}", stmt.name);
        }
        for word in ["SELECT *", "OFFSET", "REPLACE INTO", "now()", "random("] {
            assert!(!stmt.sql.contains(word), "{} uses {word}", stmt.name);
        }
    }
    assert!(names.len() > 60 && names.len() <= 256, "the statement cache holds 256");
}

#[test]
fn postgresql_text_follows_from_the_shared_one_but_for_a_few() {
    let all = catalogue::statements();
    for stmt in &all {
        let text = stmt.postgres();
        for word in ["rarray", "INDEXED BY", "WHERE +"] {
            assert!(!text.contains(word), "{}: {word} is SQLite's", stmt.name);
        }
    }
    let own: Vec<_> = all.iter().filter(|stmt| stmt.pg.is_some()).map(|stmt| stmt.name).collect();
    println!("{} of {} statements have a text of their own: {own:?}", own.len(), all.len());

    assert!(own.len() * 10 <= all.len());
}

/// Runs reads of every kind once.
async fn read_everything(lab: &Lab, ids: &[JobId]) {
    let snapshot = lab.engine.snapshot().await.unwrap();
    for field in JobOrderField::ALL {
        for direction in OrderDirection::ALL {
            let order = JobOrder { field: *field, direction: *direction };
            let query = JobQuery { order, page: PageRequest::first(10), ..JobQuery::default() };
            snapshot.list_jobs(&query).await.unwrap();
        }
    }
    let filter = JobFilter { status: vec![JobStatus::Applied], ..JobFilter::default() };
    let query = JobQuery { filter, page: PageRequest::first(10), ..JobQuery::default() };
    snapshot.list_jobs(&query).await.unwrap();
    snapshot.jobs(ids).await.unwrap();
    snapshot.attachments(ids, &AttachmentFilter::default()).await.unwrap();
    snapshot.documents(ids, AttachmentKind::ALL, VariantName::ALL).await.unwrap();
    snapshot.details(ids).await.unwrap();
    snapshot.skills(ids).await.unwrap();
    snapshot.history(ids).await.unwrap();
    snapshot.count_jobs(&JobFilter::default()).await.unwrap();
}

/// Returns runs and steps of three rounds, as SQLite counted them, after a first round that
/// adapts the plans to new statistics.
async fn counted(lab: &Lab, ids: &[JobId]) -> BTreeMap<&'static str, (u64, u64)> {
    let counters = || lab.engine.statement_stats().into_iter().collect::<BTreeMap<_, _>>();
    read_everything(lab, ids).await;
    let before = counters();
    for _ in 0..3 {
        read_everything(lab, ids).await;
    }
    let mut steps = BTreeMap::new();
    for (name, after) in counters() {
        let was = before.get(name).copied().unwrap_or_default();
        if after.runs == was.runs {
            continue;
        }
        assert_eq!(after.reprepares, was.reprepares, "{name} was planned anew");
        assert_eq!(after.auto_index, was.auto_index, "{name} built an index");
        if !excepted_by_name(name) {
            assert_eq!(after.sorts, was.sorts, "{name} sorted");
            // SQLite counts each step through a set that was passed in; no table is in it.
            let scanned = after.fullscan_steps - was.fullscan_steps;
            let most = if takes_a_set(name) { SET_STEPS * (after.runs - was.runs) } else { 0 };
            assert!(scanned <= most, "{name} scanned {scanned} rows");
        }
        steps.insert(name, (after.runs - was.runs, after.vm_steps - was.vm_steps));
    }
    steps
}

#[tokio::test]
async fn steps_of_a_page_do_not_grow_with_the_table() {
    let lab = Lab::with(|config| config.storage.read_deadline_ms = 5_000).await;
    let mut ids = Vec::new();
    for n in 0..20 {
        let id = lab.job("Acme", &format!("T{n:02}")).await;
        lab.paste(id, AttachmentKind::Resume, &format!("Rust, version {n}")).await;
        lab.paste(id, AttachmentKind::Jd, &format!("Required: Rust, number {n}")).await;
        ids.push(id);
    }
    let db = connection(&lab);
    fill(&db, 40, 20, 200);
    let small = counted(&lab, &ids[..10]).await;
    fill(&db, 400, 20, 2_000);

    let large = counted(&lab, &ids[..10]).await;

    for (name, (runs, steps)) in &small {
        let (runs_large, steps_large) = large[name];
        assert_eq!(*runs, runs_large, "{name}");
        assert!(steps_large * 10 <= steps * 11, "{name}: {steps} steps grew to {steps_large}");
    }
    println!("steps by statement for 3 rounds: {large:?}");
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let lab = Lab::new().await;
    let db = connection(&lab);
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'job_fts%'")
        .unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for table in tables {
        let keys: Vec<String> = db
            .prepare(&format!("SELECT \"from\" FROM pragma_foreign_key_list('{table}')"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for column in keys {
            let first: i64 = db.query_row(
                "SELECT count(*) FROM pragma_index_list($1) l, pragma_index_info(l.name) i WHERE i.seqno = 0 AND i.name = $2",
                [&table, &column], |row| row.get(0)).unwrap();
            let primary: i64 = db
                .query_row(
                    "SELECT count(*) FROM pragma_table_info($1) WHERE name = $2 AND pk = 1",
                    [&table, &column],
                    |row| row.get(0),
                )
                .unwrap();
            assert!(first + primary > 0, "{table}.{column} has no index");
        }
    }
}
