//! Migrations: one gapless list, forward only, each in a transaction of its own. A migration that
//! was released is never edited: its digest is in every database it ran on.

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::{
    db::Stmt,
    error::{Error, Result, UnavailableKind},
    time::Timestamp,
};

/// One step of the schema.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration {
    name: "foundation",
    sql: include_str!("../../migrations/001_foundation.lite.sql"),
}];

/// The oldest engine that may open what these migrations leave behind: raised when a migration
/// takes away what an older engine needs.
const COMPATIBLE_SINCE: i64 = 1;

/// Step 1 of every user batch: a row lock that puts one user's batches in order.
pub(super) static USER_REV_BUMP: Stmt = Stmt::write(
    "user_rev_bump",
    "INSERT INTO user_rev (user_id, rev, floor)
     VALUES ($1, $2, 0)
     ON CONFLICT (user_id) DO UPDATE SET rev = user_rev.rev + $2
     RETURNING rev",
);

/// Step 2: an expired key may be taken again, a live one not.
pub(super) static IDEMPOTENCY_INSERT: Stmt = Stmt::write(
    "idempotency_insert",
    "INSERT INTO idempotency (user_id, mutation, key, digest, result, rev, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (user_id, mutation, key) DO UPDATE
     SET digest = $4, result = $5, rev = $6, expires_at = $7
     WHERE idempotency.expires_at <= $8",
);

/// Last step: the changes, each with a revision of its own.
pub(super) static CHANGE_LOG_INSERT: Stmt = Stmt::write(
    "change_log_insert",
    "INSERT INTO change_log (user_id, rev, entity, entity_id, op, at)
     SELECT $1, user_rev.rev - $2, $3, $4, $5, $6
     FROM user_rev
     WHERE user_rev.user_id = $1",
);

/// The statements that every batch runs by itself.
pub(crate) fn statements() -> [&'static Stmt; 3] {
    [&USER_REV_BUMP, &IDEMPOTENCY_INSERT, &CHANGE_LOG_INSERT]
}

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
    let digest = Sha256::digest(migration.sql.as_bytes());
    let digest = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
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
    tx.execute_batch(migration.sql).map_err(failed)?;
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
