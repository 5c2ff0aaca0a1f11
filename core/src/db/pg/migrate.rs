//! Brings the schema of a PostgreSQL database up to date, under a lock that processes which start
//! together wait for.

use tokio_postgres::{Client, error::SqlState};

use super::{
    address::{Address, misuse},
    exec::{describe, run, storage},
};
use crate::{
    db::{
        Row, Value,
        migrate::{COMPATIBLE_SINCE, MIGRATIONS, Migration, digest},
    },
    error::{Error, Result, UnavailableKind},
    time::Timestamp,
};

const OP: &str = "migrate the database";
/// "JoTrack" in ASCII; held until the end of the transaction.
const LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(20920312936554347) AS TEXT)";

const BASE: &str = "
CREATE TABLE IF NOT EXISTS meta (
    name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
    value TEXT COLLATE \"C\" NOT NULL
);
CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE \"C\" NOT NULL,
    sha256 TEXT COLLATE \"C\" NOT NULL,
    applied_at BIGINT NOT NULL
);";

/// Things in the schema that no extension brought: somebody's.
const OTHERS: &str = "
SELECT CAST(count(*) AS BIGINT)
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema()))
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')";

/// Runs what has not run yet. A schema that is up to date needs no right but to read.
pub(super) async fn migrate(
    client: &Client,
    address: &Address,
    allowed: bool,
    now: Timestamp,
) -> Result<()> {
    if is_ours(client).await? {
        refuse_newer(client).await?;
        if pending(client).await? == MIGRATIONS.len() {
            return Ok(());
        }
    }
    if !allowed {
        return Err(misuse(format!(
            "the database {} holds no data of this version: start the server on it once, which \
             sets it up",
            address.name
        )));
    }
    let done = migrate_under_lock(client, address, now).await;
    if done.is_err() {
        // The connection is given up either way.
        drop(client.batch_execute("ROLLBACK").await);
    }
    done
}

async fn migrate_under_lock(client: &Client, address: &Address, now: Timestamp) -> Result<()> {
    let failed = |e: tokio_postgres::Error| explain(address, &e);
    let id = crate::id::uuid_at(now).simple().to_string();
    for i in 0..MIGRATIONS.len() {
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await.map_err(failed)?;
        run(client, LOCK, &[]).await.map_err(failed)?;
        if i == 0 && !is_ours(client).await? {
            refuse_others(client, address).await?;
            client.batch_execute(BASE).await.map_err(failed)?;
        }
        refuse_newer(client).await?;
        let Some(migration) = MIGRATIONS.get(i) else { break };
        if pending(client).await? == i {
            apply(client, i, migration, now, &id).await.map_err(failed)?;
        }
        client.batch_execute("COMMIT").await.map_err(failed)?;
    }
    Ok(())
}

async fn apply(
    client: &Client,
    i: usize,
    migration: &Migration,
    now: Timestamp,
    id: &str,
) -> std::result::Result<(), tokio_postgres::Error> {
    tracing::info!(migration = migration.name, "bringing the database up to date");
    client.batch_execute(migration.pg).await?;
    let done: [Value; 4] =
        [Value::from(i + 1), migration.name.into(), digest(migration.pg).into(), now.into()];
    let sql = "INSERT INTO schema_migration (version, name, sha256, applied_at)
               VALUES ($1, $2, $3, $4)";
    run(client, sql, &done).await?;
    let sql = "INSERT INTO meta (name, value) VALUES ('compat', $1)
               ON CONFLICT (name) DO UPDATE SET value = $1";
    run(client, sql, &[Value::from(COMPATIBLE_SINCE.to_string())]).await?;
    // Tells a replica of this database from one of another.
    let sql = "INSERT INTO meta (name, value) VALUES ('engine_id', $1)
               ON CONFLICT (name) DO NOTHING";
    run(client, sql, &[Value::from(id)]).await.map(drop)
}

/// Returns how many migrations have run; one that ran with another text is refused.
async fn pending(client: &Client) -> Result<usize> {
    let sql = "SELECT sha256 FROM schema_migration ORDER BY version";
    let rows = run(client, sql, &[]).await.map_err(|e| storage(OP, &e))?;
    for (i, (row, migration)) in rows.iter().zip(MIGRATIONS).enumerate() {
        let row: &dyn Row = row;
        if row.text(0)? != digest(migration.pg) {
            let why = format!("migration {} differs from the one that ran here", i + 1);
            return Err(Error::bug(OP, why));
        }
    }
    Ok(rows.len().min(MIGRATIONS.len()))
}

async fn refuse_newer(client: &Client) -> Result<()> {
    let sql = "SELECT value FROM meta WHERE name = 'compat'";
    let rows = run(client, sql, &[]).await.map_err(|e| storage(OP, &e))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let Some(row) = rows.first() else { return Ok(()) };
    let row: &dyn Row = row;
    if row.text(0)?.parse::<i64>().is_ok_and(|compat| compat <= known) {
        return Ok(());
    }
    Err(Error::unavailable(UnavailableKind::SchemaTooNew, "open the database"))
}

async fn is_ours(client: &Client) -> Result<bool> {
    let sql = "SELECT CAST(to_regclass('schema_migration') AS TEXT)";
    let rows = run(client, sql, &[]).await.map_err(|e| storage(OP, &e))?;
    let row: Option<&dyn Row> = rows.first().map(|row| row as &dyn Row);
    Ok(row.map(|row| row.opt_text(0)).transpose()?.flatten().is_some())
}

async fn refuse_others(client: &Client, address: &Address) -> Result<()> {
    let rows = run(client, OTHERS, &[] as &[Value]).await.map_err(|e| storage(OP, &e))?;
    let row: Option<&dyn Row> = rows.first().map(|row| row as &dyn Row);
    if row.map(|row| row.int(0)).transpose()?.unwrap_or(0) > 0 {
        return Err(misuse(format!(
            "the database {} holds something else: give JoTrack an empty one",
            address.name
        )));
    }
    Ok(())
}

fn explain(address: &Address, error: &tokio_postgres::Error) -> Error {
    let name = &address.name;
    match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => misuse(format!(
            "the user of {name} may not set the database up ({}): make it the owner of the \
             database, or let an administrator GRANT CREATE ON DATABASE and ON SCHEMA to it",
            describe(error)
        )),
        Some(code)
            if *code == SqlState::UNDEFINED_FILE
                || *code == SqlState::FEATURE_NOT_SUPPORTED
                || *code == SqlState::UNDEFINED_OBJECT =>
        {
            misuse(format!(
                "the server of {name} lacks an extension ({}): install PostgreSQL's contrib \
                 package",
                describe(error)
            ))
        }
        Some(code) if *code == SqlState::INVALID_SCHEMA_NAME => misuse(format!(
            "the user of {name} has no schema to create tables in: GRANT CREATE ON SCHEMA public"
        )),
        _ => storage(OP, error),
    }
}
