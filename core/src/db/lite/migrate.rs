//! Brings the schema of a SQLite file up to date.

use rusqlite::Connection;

use crate::{
    db::migrate::{self, COMPATIBLE_SINCE, MIGRATIONS, Migration},
    error::{Error, Result, UnavailableKind},
    time::Timestamp,
};

/// Brings the schema of `conn` up to date.
pub(super) fn run(
    conn: &mut Connection,
    now: Timestamp,
    failed: impl Fn(rusqlite::Error) -> Error,
) -> Result<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS meta (
             name TEXT NOT NULL PRIMARY KEY,
             value TEXT NOT NULL
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS schema_migration (
             version INTEGER NOT NULL PRIMARY KEY,
             name TEXT NOT NULL,
             sha256 TEXT NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT;",
    )
    .map_err(&failed)?;
    refuse_newer(conn, &failed)?;
    for (i, migration) in MIGRATIONS.iter().enumerate() {
        let version = i64::try_from(i + 1).unwrap_or(i64::MAX);
        apply(conn, version, migration, now, &failed)?;
    }
    Ok(())
}

fn refuse_newer(conn: &Connection, failed: &impl Fn(rusqlite::Error) -> Error) -> Result<()> {
    let compat: i64 = conn
        .query_row(
            "SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'compat'), 0)",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if compat > i64::try_from(MIGRATIONS.len()).unwrap_or(0) {
        return Err(Error::unavailable(UnavailableKind::SchemaTooNew, "open the database"));
    }
    Ok(())
}

fn apply(
    conn: &mut Connection,
    version: i64,
    migration: &Migration,
    now: Timestamp,
    failed: &impl Fn(rusqlite::Error) -> Error,
) -> Result<()> {
    let digest = migrate::digest(migration.lite);
    // Two processes may start at once: who waits for the lock finds the work done.
    let tx =
        conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
    let known: Option<String> = tx
        .query_row("SELECT sha256 FROM schema_migration WHERE version = $1", [version], |row| {
            row.get(0)
        })
        .map(Some)
        .or_else(|e| if e == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(e) })
        .map_err(failed)?;
    match known {
        Some(known) if known == digest => return Ok(()),
        Some(_) => {
            return Err(Error::bug(
                "migrate the database",
                format!("migration {version} differs from the one that ran here"),
            ));
        }
        None => {}
    }
    tx.execute_batch(migration.lite).map_err(failed)?;
    tx.execute(
        "INSERT INTO schema_migration (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
        (version, migration.name, &digest, now.as_ms()),
    )
    .map_err(failed)?;
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('compat', $1)
         ON CONFLICT (name) DO UPDATE SET value = $1",
        [COMPATIBLE_SINCE.to_string()],
    )
    .map_err(failed)?;
    tx.commit().map_err(failed)
}
