//! Wrong settings: one clear message each, no password, no half state.

use std::sync::Arc;

use jotrack_core::{DatabaseUrl, ErrorCode, PostgresConfig};
use jotrack_tests::{
    program::Home,
    services::{self, Options, PgBouncer, PoolMode, Postgres, Replica},
};
use tokio::task::spawn_blocking;

use super::{open, try_open};

/// Must never be seen.
const PASSWORD: &str = "correct-horse-battery";

fn at(url: impl Into<String>) -> PostgresConfig {
    PostgresConfig { startup_wait_ms: 0, ..PostgresConfig::at(url) }
}

/// Returns the code and the whole message of a start that must fail.
async fn refused(config: PostgresConfig) -> (ErrorCode, String) {
    let dir = tempfile::tempdir().unwrap();
    let error = try_open(dir.path(), config).await.expect_err("a refusal");
    let message = error.chain();
    assert!(!message.contains(PASSWORD), "the password is in the message");
    assert!(!format!("{error:?}").contains(PASSWORD), "the password is in the error");
    (error.code(), message)
}

async fn assert_refused(config: PostgresConfig, code: ErrorCode, parts: &[&str]) {
    let (found, message) = refused(config).await;
    assert_eq!(found, code, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {message}");
    }
}

async fn tables(database: &services::Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind = 'r'";
    database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_so() {
    let url = format!("postgres://ann:{PASSWORD}@127.0.0.1:1/jt");
    assert_refused(at(url), ErrorCode::Storage, &["127.0.0.1:1/jt", "does not answer"]).await;
    for (url, part) in [
        ("", "postgres://"),
        ("postgres://127.0.0.1:1", "database is missing"),
        ("postgres://127.0.0.1:1/jt?sslmode=perhaps", "verify-full"),
        ("postgres://127.0.0.1:port/jt", "port"),
    ] {
        assert_refused(at(url), ErrorCode::InvalidArgument, &[part]).await;
    }
}

#[tokio::test]
async fn a_wrong_password_and_none_at_all_are_told_apart() {
    if !services::require() {
        return;
    }
    let start = || Postgres::with(Options::default().password("another"));
    let postgres = spawn_blocking(start).await.unwrap();
    let port = postgres.port();
    let misuse = ErrorCode::InvalidArgument;

    let wrong = format!("postgres://jotrack:{PASSWORD}@127.0.0.1:{port}/postgres");
    assert_refused(at(wrong), misuse, &["does not let jotrack in", "password"]).await;
    let none = format!("postgres://jotrack@127.0.0.1:{port}/postgres");
    assert_refused(at(none), misuse, &["wants a password"]).await;
    let missing = postgres.url("nowhere");
    assert_refused(at(missing), misuse, &["nowhere", "createdb"]).await;
}

#[tokio::test]
async fn a_start_waits_for_a_server_that_comes() {
    if !services::require() {
        return;
    }
    let postgres = Arc::new(spawn_blocking(Postgres::start).await.unwrap());
    let database = postgres.database().await;
    let stopped = Arc::clone(&postgres);
    spawn_blocking(move || stopped.stop()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = PostgresConfig { startup_wait_ms: 60_000, ..database.config() };

    let back = Arc::clone(&postgres);
    let (engine, ()) = tokio::join!(open(dir.path(), config), async {
        spawn_blocking(move || back.restart()).await.unwrap();
    });

    assert!(engine.health().await.ok);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn an_engine_outlives_a_restart_of_its_server() {
    if !services::require() {
        return;
    }
    let postgres = Arc::new(spawn_blocking(Postgres::start).await.unwrap());
    let database = postgres.database().await;
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), database.config()).await;
    assert!(engine.health().await.ok);

    let again = Arc::clone(&postgres);
    spawn_blocking(move || again.restart()).await.unwrap();

    let job = jotrack_core::NewJob::new("Acme", "A");
    engine.create_job(job, &jotrack_tests::options()).await.unwrap();
    assert!(engine.health().await.ok);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn missing_rights_are_named_and_leave_nothing_behind() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let name = format!("poor_{}", database.name());
    let create = format!("CREATE ROLE {name} LOGIN; CREATE DATABASE {name}");
    for statement in create.split("; ") {
        services::execute(&postgres.url("postgres"), statement).await;
    }
    let url = postgres.url(&name).replace("jotrack@", &format!("{name}@"));

    assert_refused(at(&url), ErrorCode::InvalidArgument, &["may not set the database up", "GRANT"])
        .await;

    let client = services::connect(&postgres.url(&name)).await;
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_user_who_may_only_read_and_write_rows_is_enough_once_the_schema_stands() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let name = format!("rows_{}", database.name());
    let client = database.connect().await;
    let grant = format!(
        "CREATE ROLE {name} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"
    );
    client.batch_execute(&grant).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = database.url().replace("jotrack@", &format!("{name}@"));

    let engine = open(dir.path(), at(url)).await;

    let job = jotrack_core::NewJob::new("Acme", "A");
    engine.create_job(job, &jotrack_tests::options()).await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn somebody_elses_database_is_left_alone() {
    let Some(postgres) = services::shared() else { return };
    let name = format!("other_{}", postgres.database().await.name());
    postgres.create_database(&name, "template1").await;
    services::execute(&postgres.url(&name), "CREATE TABLE invoices (id BIGINT)").await;

    let config = at(postgres.url(&name));
    assert_refused(config, ErrorCode::InvalidArgument, &["holds something else"]).await;

    let client = services::connect(&postgres.url(&name)).await;
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_newer_and_a_changed_schema_are_refused_untouched() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let before = tables(&database).await;

    database.execute("UPDATE meta SET value = '99' WHERE name = 'compat'").await;
    let newer = PostgresConfig { startup_wait_ms: 0, ..database.config() };
    assert_refused(newer.clone(), ErrorCode::SchemaTooNew, &["newer version"]).await;
    database.execute("UPDATE meta SET value = '1' WHERE name = 'compat'").await;
    database.execute("UPDATE schema_migration SET sha256 = 'x'").await;
    assert_refused(newer, ErrorCode::Internal, &["differs from the one that ran here"]).await;

    assert_eq!(tables(&database).await, before);
}

#[tokio::test]
async fn an_empty_database_is_set_up_once_by_processes_that_start_together() {
    let Some(postgres) = services::shared() else { return };
    let name = format!("fresh_{}", postgres.database().await.name());
    postgres.create_database(&name, "template1").await;
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();

    let all = dirs.iter().map(|dir| open(dir.path(), at(postgres.url(&name))));
    let engines = futures_util::future::join_all(all).await;

    let client = services::connect(&postgres.url(&name)).await;
    let sql = "SELECT count(*), max(version) FROM schema_migration";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (5, 5));
    for engine in engines {
        engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let Some(postgres) = services::shared() else { return };
    let name = format!("latin_{}", postgres.database().await.name());
    let create = format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    services::execute(&postgres.url("postgres"), &create).await;

    let config = at(postgres.url(&name));
    assert_refused(config, ErrorCode::InvalidArgument, &["LATIN1", "UTF8"]).await;
}

#[tokio::test]
async fn a_pooler_of_statements_and_another_database_behind_it_are_refused() {
    let Some(postgres) = services::shared() else { return };
    let database = postgres.database().await;
    let start = |mode| {
        let postgres = Arc::clone(&postgres);
        spawn_blocking(move || PgBouncer::start(&postgres, mode))
    };
    let statements = start(PoolMode::Statement).await.unwrap();
    let transactions = start(PoolMode::Transaction).await.unwrap();
    let misuse = ErrorCode::InvalidArgument;
    let through = |url: String| PostgresConfig {
        url: DatabaseUrl::new(url),
        direct_url: Some(DatabaseUrl::new(database.url())),
        startup_wait_ms: 0,
        ..database.config()
    };

    let config = through(statements.url(database.name()));
    assert_refused(config, misuse, &["pool_mode = transaction"]).await;
    let other = postgres.database().await;
    let dir = tempfile::tempdir().unwrap();
    // Both are databases of an engine, but not of the same.
    fresh_identity(&other).await;
    open(dir.path(), through(transactions.url(database.name()))).await.close().await.unwrap();
    let config = through(transactions.url(other.name()));
    assert_refused(config, misuse, &["different databases"]).await;
}

/// A copy of the template has the template's identity; a database of another engine has its own.
async fn fresh_identity(database: &services::Database) {
    database.execute("UPDATE meta SET value = 'another' WHERE name = 'engine_id'").await;
}

#[tokio::test]
async fn a_primary_and_a_replica_of_another_server_are_no_replicas_and_a_replica_is_no_primary() {
    let Some(postgres) = services::shared() else { return };
    let (database, dir) = (postgres.database().await, tempfile::tempdir().unwrap());
    let (other, replica) = spawn_blocking(|| {
        let other = Postgres::start();
        let replica = Replica::start(&other);
        (other, replica)
    })
    .await
    .unwrap();
    other.create_database("theirs", "template1").await;
    open(dir.path(), at(other.url("theirs"))).await.close().await.unwrap();
    replica.catch_up(&other).await;
    let misuse = ErrorCode::InvalidArgument;
    let with = |url: String| PostgresConfig {
        replica_urls: vec![DatabaseUrl::new(url)],
        startup_wait_ms: 0,
        ..database.config()
    };

    assert_refused(with(other.url("theirs")), misuse, &["is not a replica"]).await;
    assert_refused(with(replica.url("theirs")), misuse, &["replica of another database"]).await;
    let (code, message) = refused(at(replica.url("theirs"))).await;
    assert!(message.contains("address of the primary"), "{code:?} {message}");
}

#[tokio::test]
async fn the_program_ends_with_a_code_and_one_line() {
    let home = Home::new();
    let url = format!("postgres://ann:{PASSWORD}@127.0.0.1:1/jt");
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    command.env("JOTRACK_DATABASE_URL", url).env("JOTRACK_POSTGRES_STARTUP_WAIT_MS", "0");

    let ended = jotrack_tests::program::Running::start(&mut command).end().await;

    let complaint = ended.failed(1);
    assert!(complaint.contains("127.0.0.1:1/jt does not answer"), "{complaint}");
    assert!(!complaint.contains(PASSWORD), "the password is in the message");
}
