//! The tests of behaviour once more, on PostgreSQL: directly and through PgBouncer. This program
//! runs itself with an environment that names the servers.

use std::{collections::BTreeSet, io::Write as _, process::Stdio, time::Duration};

use jotrack_tests::{
    Lab, program,
    services::{self, Cluster, PgBouncer, PoolMode, Postgres},
};
use tokio::{process::Command, sync::Mutex, time::timeout};

/// Modules whose tests are about behaviour, whatever it is kept in.
const BEHAVIOUR: &[&str] = &[
    "access_matrix",
    "ai_flights",
    "attachments",
    "changes",
    "coach",
    "extraction",
    "graphql_analyses",
    "graphql_attacks",
    "graphql_http",
    "graphql_jobs",
    "idempotency",
    "jobs",
    "keys",
    "limits",
    "paging",
    "read_model",
    "search",
    "sql_per_operation",
    "staleness",
    "subscriptions",
    "uploads",
];

/// Modules that are about one database, about both, or about none.
const ELSEWHERE: &[&str] = &[
    "abi", // The C library, which is built without PostgreSQL.
    "abi_proof",
    "ai_wire",
    "bindings", // They load the C library too.
    "cli",
    "cluster",
    "crash",
    "databases",
    "equal_answers",
    "errors",
    "examples",
    "foreign",
    "layout",
    "packaging", // The C library, as above.
    "round_trips",
    "schema_equality",
    "sdl",
    "statements",
    "upgrades",
    "statements_postgres",
];

/// Tests of those modules that are about a file of SQLite, and why.
const ONLY_SQLITE: [(&str, &str); 2] = [
    ("jobs::a_file_of_another_program_is_refused_and_left_alone", "the file is the subject"),
    ("jobs::nobody_else_can_read_the_data", "the modes of the database's files are the subject"),
];

/// Whether a run is about the right database, which a green one alone does not tell.
const WITNESS: &str = "databases::a_lab_is_on_the_database_that_the_environment_names";

/// How long all tests may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// One run after the other: both load the machine with as many tests as it has processors.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn every_behaviour_holds_on_postgresql() {
    if !are_servers_there("on PostgreSQL").await {
        return;
    }
    let _turn = TURN.lock().await;
    let postgres = Postgres::start();

    repeat("on PostgreSQL", &[("DATABASE", "postgres"), ("PG", &postgres.base())]).await;
}

#[tokio::test]
async fn every_behaviour_holds_through_pgbouncer() {
    if !are_servers_there("through PgBouncer").await {
        return;
    }
    let _turn = TURN.lock().await;
    let postgres = Postgres::start();
    let pool = PgBouncer::start(&postgres, PoolMode::Transaction);
    let (direct, pooled) = (postgres.base(), pool.base());

    let variables = [("DATABASE", "pgbouncer"), ("PG", &*direct), ("PGBOUNCER", &*pooled)];
    repeat("through PgBouncer", &variables).await;
}

#[tokio::test]
async fn a_lab_is_on_the_database_that_the_environment_names() {
    let lab = Lab::new().await;
    lab.job("A", "B").await;

    let database = lab.engine.health().await.database;

    match (Cluster::of_environment(), &lab.database) {
        (Some(_), Some(own)) => {
            assert_eq!(database, "postgresql");
            let jobs = own.connect().await.query_one("SELECT count(*) FROM jobs", &[]).await;
            assert_eq!(jobs.unwrap().get::<_, i64>(0), 1);
            assert!(!lab.dir.path().join("jotrack.db").exists());
        }
        (None, None) => {
            assert_eq!(database, "sqlite");
            assert!(lab.dir.path().join("jotrack.db").exists());
        }
        _ => panic!("a lab that is elsewhere than the environment says"),
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn every_module_of_tests_is_about_behaviour_or_says_so() {
    let all = listed().await;

    let modules: BTreeSet<_> = all.iter().map(|test| module(test)).collect();
    let named: BTreeSet<_> = BEHAVIOUR.iter().chain(ELSEWHERE).copied().collect();
    assert_eq!(modules, named, "a module that is in no list, or in a list and gone");
    for (name, reason) in ONLY_SQLITE {
        assert!(all.iter().any(|test| test == name), "no test {name}: {reason}");
    }
}

/// Tells whether servers can be started; when not, names each test that is not repeated.
async fn are_servers_there(how: &str) -> bool {
    let Some(reason) = services::missing() else { return true };
    for test in repeated().await {
        program::skip(&format!("{test} {how}"), &reason);
    }
    false
}

/// Runs the tests of behaviour with variables, and prints what they print where the harness does
/// not hide it: the line with their result counts.
async fn repeat(how: &str, variables: &[(&str, &str)]) {
    let tests = repeated().await;
    let mut command = Command::new(program::this_program());
    command.arg("--exact").args(&tests);
    for (name, value) in variables {
        command.env(format!("JOTRACK_TEST_{name}"), value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);

    let child = command.spawn().unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("an end in time");
    let output = output.unwrap();

    let words = String::from_utf8_lossy(&output.stdout);
    let result = words.lines().find(|line| line.starts_with("test result: "));
    let shown = if output.status.success() { result.unwrap_or_default() } else { &words };
    // The harness may have begun a line.
    let mut text = String::from("\n");
    for line in shown.lines() {
        match line.strip_suffix(" ... FAILED") {
            Some(test) => text.push_str(&format!("{test} {how} ... FAILED\n")),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    // Not `print!`, which the harness catches.
    std::io::stdout().lock().write_all(text.as_bytes()).unwrap();
    assert!(output.status.success(), "a behaviour does not hold {how}");
    let passed = format!("test result: ok. {} passed; 0 failed; 0 ignored;", tests.len());
    assert!(result.is_some_and(|line| line.starts_with(&passed)), "{result:?}, not {passed}");
}

/// Returns the names of the tests that must hold on every database.
async fn repeated() -> Vec<String> {
    let is_repeated = |test: &String| {
        let excepted = ONLY_SQLITE.iter().any(|(name, _)| name == test);
        test == WITNESS || BEHAVIOUR.contains(&module(test)) && !excepted
    };
    listed().await.into_iter().filter(is_repeated).collect()
}

/// Returns the names of all tests of this program.
async fn listed() -> Vec<String> {
    let list = Command::new(program::this_program()).arg("--list").output().await.unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

fn module(test: &str) -> &str {
    test.split("::").next().unwrap()
}
