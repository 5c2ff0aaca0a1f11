//! Every statement of the catalogue on PostgreSQL: it takes what the engine sends, answers with the
//! types that the engine reads, and its plan is proven as it is on SQLite.

mod fill;
mod plan;
mod recorder;
mod session;

use std::collections::BTreeSet;

use jotrack_core::{
    AiProvider, DatabaseUrl, Engine, LOCAL_USER, ManualClock, PostgresConfig, Protocol, catalogue,
};
use jotrack_tests::{
    Lab,
    provider::{FaultServer, Gate, Reply, Script},
    services::{self, Database, Postgres},
};
use plan::{Plan, Sending};
use recorder::{Recorder, Sent};
use tokio::sync::OnceCell;
use tokio_postgres::types::Type;

/// Statements with a text of their own. More need a reason, and this number.
const OWN_TEXTS: usize = 7;

/// Statements that must walk a table or an index from end to end, and why.
const WALKS: &[(&str, &str)] = &[
    ("blob_dump", "doctor looks for every file"),
    ("job_list_dump", "a check reads a user's rows in id order; it sorts them where it may"),
    ("job_list_expected", "the same for a rebuild"),
    ("rev_users", "the hourly pruning visits every user"),
    ("sealed_count", "counts every sealed value by its key"),
];

/// Statements that must sort, and why.
const SORTS: &[(&str, &str)] = &[
    ("ai_cache_stats", "counts what is kept, by kind"),
    ("job_count_expected", "a check counts every job of the user by group"),
    ("search_ranked", "the best of all hits must see all hits"),
];

/// Statements that walk where the planner may choose, and why that is right.
const FREE_WALKS: &[(&str, &str)] = &[
    ("blob_dump", "as above"),
    ("kek_list", "a table of one row, or a few"),
    ("kek_retire", "the same table"),
    ("meta_get", "a table of two rows"),
    ("rev_users", "as above"),
    ("root_secret_get", "a table of one row"),
    ("root_secret_page", "the same table"),
    ("root_secret_rewrap", "the same table"),
    ("sealed_count", "as above"),
    ("task_claim", "without its value LIMIT is taken for a tenth of the queue; see below"),
];

/// Statements that sort where the planner may choose, and why that is right.
const FREE_SORTS: &[(&str, &str)] = &[
    ("ai_cache_stats", "as above"),
    ("ai_run_recent", "the few calls of one subject in half a minute"),
    ("job_count_dump", "at most 180 counters of the user"),
    ("job_count_expected", "as above"),
    ("job_count_rebuild", "counts every row of the user by group"),
    ("job_list_dump", "in id order, see above"),
    ("job_list_expected", "in id order, see above"),
    ("kek_list", "a table of one row, or a few"),
    ("root_secret_page", "a table of one row"),
    ("search_newest", "the few hits of a rare word are sorted"),
    ("search_ranked", "as above"),
];

/// Statements for which a certain index was made on PostgreSQL alone.
const OWN_INDEXES: [(&str, &str); 2] =
    [("search_newest", "idx_job_search_newest"), ("search_ranked", "idx_job_search_words")];

/// Which index each of these statements must use. The clustered key of SQLite's table has a name
/// here.
fn indexes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let named = |index| if index == "PRIMARY KEY" { "job_list_pkey" } else { index };
    let shared = crate::statements::INDEXES.into_iter();
    shared.map(move |(name, index)| (name, named(index))).chain(OWN_INDEXES)
}

#[test]
fn few_statements_have_a_text_of_their_own() {
    let all = catalogue::statements();
    let own: Vec<_> = all.iter().filter(|stmt| stmt.pg.is_some()).map(|stmt| stmt.name).collect();

    println!("{} of {} statements have a text for PostgreSQL: {own:?}", own.len(), all.len());

    assert_eq!(own.len(), OWN_TEXTS, "{own:?}");
    assert!(own.len() * 10 <= all.len(), "more than 10 in 100");
}

#[tokio::test]
async fn every_statement_takes_and_returns_what_the_engine_knows() {
    let Some(postgres) = services::shared() else { return };
    let sent = record(&postgres).await;
    let database = postgres.database().await;
    let db = database.connect().await;
    let lab = Lab::on(None, |_| {}).await;
    let lite = rusqlite::Connection::open(lab.dir.path().join("jotrack.db")).unwrap();
    jotrack_tests::add_functions(&lite);

    for sending in sendings(sent) {
        let Sending { stmt, sql, types, checked } = &sending;
        let name = stmt.name;
        let ours = db.prepare_typed(sql, types).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let theirs = lite.prepare(stmt.sql).unwrap();

        assert_eq!(ours.params(), types, "{name}");
        assert_eq!(ours.params().len(), theirs.parameter_count(), "{name}");
        assert_eq!(parameters(sql), parameters(stmt.sql), "{name}");
        if !checked {
            assert_eq!(ours.columns().len(), theirs.column_count(), "{name}");
        }
        let readable = [Type::INT8, Type::TEXT, Type::FLOAT8, Type::BYTEA, Type::UUID];
        for (i, column) in ours.columns().iter().enumerate() {
            assert!(readable.contains(column.type_()), "{name}: column {i}: {}", column.type_());
        }
    }
}

#[tokio::test]
async fn no_statement_walks_a_table_on_an_empty_or_a_large_database() {
    let Some(postgres) = services::shared() else { return };
    let sendings = sendings(record(&postgres).await);
    let database = postgres.database().await;
    let db = database.connect().await;
    let partial = plan::partial_indexes(&db).await;
    db.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();

    let set = |on| format!("SET enable_seqscan = {on}; SET enable_sort = {on}");
    let (mut must, mut may) = (Judge::new(WALKS, SORTS), Judge::new(FREE_WALKS, FREE_SORTS));
    for size in ["empty", "large"] {
        if size == "large" {
            fill::fill(&database).await;
            println!("large: {} users with {} jobs each", fill::USERS, fill::JOBS);
        }
        // What an index can do it does.
        db.batch_execute(&set("off")).await.unwrap();
        for sending in &sendings {
            let plan = plan::of(&db, sending, &partial).await;
            must.hear(size, sending.stmt.name, &plan);
            let expected = indexes().find(|(stmt, _)| *stmt == sending.stmt.name);
            if let Some((name, index)) = expected
                && size == "large"
                && !plan.indexes.iter().any(|used| used == index)
            {
                must.wrong.push(format!("{name}: {:?}, not {index}", plan.indexes));
            }
        }
        db.batch_execute(&set("on")).await.unwrap();
    }
    for sending in &sendings {
        let plan = plan::of(&db, sending, &partial).await;
        may.hear("free", sending.stmt.name, &plan);
    }
    must.sentence();
    may.sentence();
    let claim = sendings.iter().find(|sending| sending.stmt.name == "task_claim").unwrap();
    let values = format!("1, '{LOCAL_USER}', 1800000000000, 2");
    db.batch_execute("SET plan_cache_mode = force_custom_plan").await.unwrap();
    let plan = plan::with(&db, claim, &values, &partial).await;
    assert!(plan.walks.is_empty(), "task_claim: {:?}", plan.walks);
    reads_walk_no_table(&database).await;
}

#[tokio::test]
async fn a_missing_index_is_seen() {
    let Some(postgres) = services::shared() else { return };
    let sendings = sendings(record(&postgres).await);
    let database = postgres.database().await;
    let db = database.connect().await;
    let set =
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_sort = off";
    db.batch_execute(set).await.unwrap();

    for (index, name) in [
        ("idx_jobs_purge_at", "job_due_for_purge"),
        ("idx_job_list_title", "job_list_title_desc"),
        ("idx_job_search_newest", "search_newest"),
    ] {
        let sending = sendings.iter().find(|sending| sending.stmt.name == name).unwrap();
        let before = plan::of(&db, sending, &[]).await;
        db.batch_execute(&format!("DROP INDEX {index}")).await.unwrap();
        let after = plan::of(&db, sending, &[]).await;

        assert!(before.walks.is_empty(), "{name}: {:?}", before.walks);
        assert!(!after.walks.is_empty() || after.sorts && !before.sorts, "{name} without {index}");
    }
}

/// Judges plans by lists of exceptions, each of which must be needed.
struct Judge {
    walks: &'static [(&'static str, &'static str)],
    sorts: &'static [(&'static str, &'static str)],
    used: BTreeSet<(&'static str, &'static str)>,
    wrong: Vec<String>,
}

impl Judge {
    fn new(
        walks: &'static [(&'static str, &'static str)],
        sorts: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { walks, sorts, used: BTreeSet::new(), wrong: Vec::new() }
    }

    fn hear(&mut self, size: &str, name: &'static str, plan: &Plan) {
        let mut fault = |kind, list: &[(&str, &str)], what: &str| {
            if list.iter().any(|(listed, _)| *listed == name) {
                self.used.insert((kind, name));
            } else {
                self.wrong.push(format!("{size}: {name}: {what}"));
            }
        };
        for walk in &plan.walks {
            fault("walk", self.walks, walk);
        }
        if plan.sorts {
            fault("sort", self.sorts, "sorts");
        }
    }

    fn sentence(self) {
        let walks = self.walks.iter().map(|(name, _)| ("walk", *name));
        let listed = walks.chain(self.sorts.iter().map(|(name, _)| ("sort", *name)));
        let unused: Vec<_> = listed.filter(|exception| !self.used.contains(exception)).collect();
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
    }
}

/// What the server really did for an engine's reads, with the plans that it made for real values: it
/// counts how often it walked each table.
async fn reads_walk_no_table(database: &Database) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = jotrack_tests::config(dir.path(), &ManualClock::new(jotrack_tests::START));
    config.postgres = Some(database.config());
    let before = walks(database).await;
    let local = Engine::open(config).await.unwrap();
    let engine = local.as_user(fill::user(fill::USERS / 2)).await.unwrap();

    session::read_pages(&engine, fill::JOBS - 1).await;

    local.close().await.unwrap();
    let after = walks(database).await;
    assert!(before.len() > 10, "{before:?}");
    let walked: Vec<_> = after.difference(&before).collect();
    assert!(walked.is_empty(), "{walked:?} after {before:?}");
}

/// How often each large table was walked through so far.
async fn walks(database: &Database) -> BTreeSet<(String, i64)> {
    let db = database.connect().await;
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name <> ''";
    // A server process tells what it counted when it ends.
    while db.query_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {}
    let counts = "SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE n_live_tup > 100";
    let rows = db.query(counts, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Runs a session through a proxy, once for all tests, and returns what was sent.
async fn record(postgres: &Postgres) -> &'static Sent {
    static SENT: OnceCell<Sent> = OnceCell::const_new();
    let sent = SENT.get_or_init(|| async {
        let recorder = Recorder::before(postgres.port()).await;
        // From nothing: the engine sets up a database only once.
        postgres.create_database("recorded", "template1").await;
        let direct = postgres.url("recorded");
        let port = |port: u16| format!("127.0.0.1:{port}/");
        let through = direct.replace(&port(postgres.port()), &port(recorder.address.port()));
        assert_ne!(direct, through);
        let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(jotrack_tests::START));
        let mut config = jotrack_tests::config(dir.path(), &clock);
        // Counted only where there is a limit.
        config.limits.user_files = Some(1_000);
        let direct_url = Some(DatabaseUrl::new(direct));
        config.postgres = Some(PostgresConfig { direct_url, ..PostgresConfig::at(through) });
        let gate = Gate::closed();
        let server = provider(&gate).await;
        config.ai.provider = AiProvider::OpenAiCompatible;
        config.ai.base_url = Some(server.url());
        config.ai.model = Some("m".to_owned());
        config.ai.lease_ms = 60;
        let other = Engine::open(config.clone()).await.unwrap();
        let engine = Engine::open(config).await.unwrap();
        let lab = Lab { engine, clock, dir, database: None };
        let upstream = session::Upstream { gate, server, other };
        // Too large for the stack of a test.
        Box::pin(session::run(&lab, &upstream)).await;
        upstream.other.close().await.unwrap();
        lab.engine.close().await.unwrap();
        assert!(upstream.server.count() >= 4);
        recorder.sent()
    });
    sent.await
}

/// Answers about companies: at once, later, or when the gate is opened, by the company's name.
async fn provider(gate: &Gate) -> FaultServer {
    let gate = gate.clone();
    FaultServer::start(Script::function(move |call| {
        let prompt = call.prompt();
        let answer = Reply::answer(Protocol::Chat, r#"{"companies":[]}"#);
        if prompt.contains("Later") {
            Reply::error(Protocol::Chat, 429, "rate_limit").header("retry-after", "100")
        } else if prompt.contains("Slow") {
            answer.gate_first(&gate)
        } else {
            answer
        }
    }))
    .await
}

/// Every statement as the engine sends it, plain or checked or both.
fn sendings(sent: &Sent) -> Vec<Sending> {
    let (mut all, mut silent) = (Vec::new(), Vec::new());
    for stmt in catalogue::statements() {
        let text = stmt.postgres();
        let before = all.len();
        for (sql, types) in sent {
            let checked =
                sql.starts_with("WITH step AS (") && sql.contains(&format!("({text} RETURNING 1)"));
            if checked || *sql == *text {
                for types in types {
                    let types = types.iter().map(|oid| Type::from_oid(*oid).unwrap()).collect();
                    all.push(Sending { stmt, sql: sql.clone(), types, checked });
                }
            }
        }
        if all.len() == before {
            silent.push(stmt.name);
        }
    }
    assert!(silent.is_empty(), "the session does not run {silent:?}");
    all
}

/// The numbers of the parameters in a text.
fn parameters(sql: &str) -> BTreeSet<u32> {
    let pieces = sql.split('$').skip(1);
    let digits = pieces
        .map(|piece| piece.find(|c: char| !c.is_ascii_digit()).map_or(piece, |end| &piece[..end]));
    digits.map(|digits| digits.parse().unwrap()).collect()
}
