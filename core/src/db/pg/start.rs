//! The start: waits for servers that are not there yet, checks them, and says in plain words what
//! is wrong with a setting.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, error::SqlState};

use super::{
    address::{Address, MARK, misuse},
    exec::{describe, run, storage},
    lease::{Source, is_passing},
};
use crate::{
    db::Row,
    error::{Error, Result, UnavailableKind},
};

const OP: &str = "connect to PostgreSQL";
/// Pause between two attempts at a server that does not answer.
const AGAIN: Duration = Duration::from_millis(250);
/// How often it is said what is waited for.
const SAY: Duration = Duration::from_secs(5);
/// How long a replica is waited for that has not replayed the first migration.
const FIRST_REPLAY: Duration = Duration::from_secs(10);
/// The oldest version that is supported.
const OLDEST: i64 = 140_000;

/// Connects outside a pool, waiting for a server that is starting.
pub(super) async fn wait_for(address: &Address, wait: Duration) -> Result<Client> {
    let started = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let why = match connect(address).await {
            Some(Ok(client)) => return Ok(client),
            Some(Err(error)) if !is_passing(&error) => return Err(refused(address, &error)),
            Some(Err(error)) => describe(&error),
            None => String::from("it takes the connection and says nothing"),
        };
        if started.elapsed() + AGAIN > wait {
            return Err(missing(address, &why));
        }
        if said.is_none_or(|at| at.elapsed() >= SAY) {
            let (name, left) = (&address.name, (wait - started.elapsed()).as_secs());
            tracing::warn!("waiting for PostgreSQL at {name}, at most {left} s more: {why}");
            said = Some(Instant::now());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Connects; `None` when the server takes the connection and says nothing.
async fn connect(address: &Address) -> Option<std::result::Result<Client, tokio_postgres::Error>> {
    let patience = address.config.get_connect_timeout().copied().unwrap_or(SAY);
    let connecting = address.config.connect(address.tls.clone());
    let (client, connection) = match tokio::time::timeout(patience, connecting).await.ok()? {
        Ok(connected) => connected,
        Err(error) => return Some(Err(error)),
    };
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %describe(&error), "a connection ended");
        }
    });
    Some(Ok(client))
}

fn missing(address: &Address, why: &str) -> Error {
    let name = &address.name;
    let what = if why.contains("does not allow writes") {
        format!("PostgreSQL at {name} only reads: give the address of the primary")
    } else {
        format!("PostgreSQL at {name} does not answer: {why}. Start it or correct the address")
    };
    Error::unavailable_because(UnavailableKind::Storage, OP, what)
}

/// Says what a server means that answers but lets nobody in.
fn refused(address: &Address, error: &tokio_postgres::Error) -> Error {
    let (name, why) = (&address.name, describe(error));
    let user = address.config.get_user().unwrap_or("the system's user");
    match error.code() {
        Some(code)
            if *code == SqlState::INVALID_PASSWORD
                || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            misuse(format!(
                "PostgreSQL at {name} does not let {user} in ({why}): correct user or password, \
                 or the server's pg_hba.conf"
            ))
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            misuse(format!("PostgreSQL at {name}: {why}. Create it, for example with createdb"))
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => misuse(format!(
            "PostgreSQL at {name}: {user} may not connect ({why}): GRANT CONNECT ON DATABASE"
        )),
        Some(_) => misuse(format!("PostgreSQL at {name} refused {user}: {why}")),
        None if why.contains("password missing") => misuse(format!(
            "PostgreSQL at {name} wants a password of {user}: put it into the address, best by \
             an environment variable"
        )),
        None => misuse(format!("PostgreSQL at {name}: {why}")),
    }
}

/// Reports whether a pooler stands before the server. Only a server keeps the mark; one that does
/// not answer now is taken for pooled, which is always safe.
pub(super) async fn is_pooled(address: &Address) -> bool {
    let marked = Address { config: address.marked(), ..address.clone() };
    let Some(Ok(client)) = connect(&marked).await else { return true };
    let sql = format!("SELECT CAST(current_setting('{MARK}', true) AS TEXT)");
    let rows = run(&client, &sql, &[]).await.unwrap_or_default();
    let mark = rows.first().and_then(|row| (row as &dyn Row).opt_text(0).ok().flatten());
    mark != Some("1")
}

/// What a server says about itself.
pub(super) struct About {
    pub(super) version: String,
    /// Whether it can notice that a client has left while a statement runs.
    pub(super) notices_leaving: bool,
    /// Whether commits do not wait for the disk unless they are told to.
    pub(super) unsynchronized: bool,
}

/// Refuses servers that cannot keep the data.
pub(super) async fn check(client: &Client, address: &Address) -> Result<About> {
    let name = &address.name;
    let sql = "SELECT current_setting('server_version'), current_setting('server_version_num'),
                   current_setting('server_encoding'), CAST(pg_is_in_recovery() AS TEXT),
                   current_setting('fsync'), current_setting('synchronous_commit')";
    let rows = run(client, sql, &[]).await.map_err(|e| storage(OP, &e))?;
    let row: &dyn Row =
        rows.first().ok_or_else(|| Error::bug(OP, "the server says nothing about itself"))?;
    if row.text(1)?.parse::<i64>().is_ok_and(|number| number < OLDEST) {
        let version = row.text(0)?;
        return Err(misuse(format!("PostgreSQL at {name} is {version}: 14 or newer is needed")));
    }
    if row.text(2)? != "UTF8" {
        let encoding = row.text(2)?;
        return Err(misuse(format!(
            "the database {name} is encoded as {encoding}: create it with ENCODING 'UTF8'"
        )));
    }
    if row.text(3)? == "true" {
        return Err(misuse(format!(
            "PostgreSQL at {name} is a replica: give the address of the primary"
        )));
    }
    if row.text(4)? == "off" || row.text(5)? == "off" {
        tracing::warn!(
            "PostgreSQL at {name} has fsync or synchronous_commit off: power loss may take \
             writes that were acknowledged"
        );
    }
    let version = row.text(0)?.split(' ').next().unwrap_or_default().to_owned();
    let probe = "BEGIN; SET LOCAL client_connection_check_interval = 1000";
    let notices_leaving = client.batch_execute(probe).await.is_ok();
    client.batch_execute("ROLLBACK").await.map_err(|e| storage(OP, &e))?;
    let unsynchronized = row.text(5)? == "off";
    Ok(About { version, notices_leaving, unsynchronized })
}

/// Proves that transactions work through the pool, which a PgBouncer in statement mode refuses,
/// and that it leads to the database that was set up.
pub(super) async fn check_pool(source: &Source, identity: &str, within: Duration) -> Result<()> {
    let name = &source.address.name;
    let lease = source.lease(OP, within).await?;
    let client = lease.client()?;
    let asked = async {
        client.batch_execute("BEGIN").await?;
        let rows = run(client, "SELECT value FROM meta WHERE name = 'engine_id'", &[]).await?;
        client.batch_execute("COMMIT").await?;
        Ok::<_, tokio_postgres::Error>(rows)
    };
    let answer = lease.within(OP, within, asked).await?;
    if answer.is_err() {
        // It may be in the middle of a transaction.
        lease.tear();
    }
    match answer {
        Ok(rows) => {
            let row: Option<&dyn Row> = rows.first().map(|row| row as &dyn Row);
            let found = row.map(|row| row.text(0)).transpose()?;
            if found == Some(identity) {
                return Ok(());
            }
            Err(misuse(format!(
                "{name} and the direct address lead to different databases: correct one of them"
            )))
        }
        Err(error) if describe(&error).contains("statement pooling") => Err(misuse(format!(
            "the PgBouncer at {name} pools statements: set pool_mode = transaction for this \
             database"
        ))),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Err(misuse(format!(
            "{name} and the direct address lead to different databases: correct one of them"
        ))),
        Err(error) => Err(storage(OP, &error)),
    }
}

/// Returns the id that the first migration gave the database; `None` when it has not run there.
pub(super) async fn identity(source: &Source) -> Result<Option<String>> {
    let op = "identify a database";
    let patience = Duration::from_secs(5);
    let lease = source.lease(op, Duration::ZERO).await?;
    let sql = "SELECT value FROM meta WHERE name = 'engine_id'";
    match lease.run(op, sql, &[], patience).await? {
        Ok(rows) => {
            let row: Option<&dyn Row> = rows.first().map(|row| row as &dyn Row);
            row.map(|row| row.text(0).map(str::to_owned)).transpose()
        }
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        Err(error) => Err(storage(op, &error)),
    }
}

/// Refuses a replica that is none, or of another database; `id` is the primary's, when it has one.
/// One that does not answer yet joins later by itself.
pub(super) async fn check_replica(source: &Source, id: Option<&str>) -> Result<()> {
    let wait = if id.is_some() { FIRST_REPLAY } else { Duration::ZERO };
    let name = &source.address.name;
    let started = Instant::now();
    let client = loop {
        match connect(&source.address).await {
            Some(Ok(client)) => break client,
            None => {
                tracing::warn!("the replica {name} joins when it answers");
                return Ok(());
            }
            Some(Err(error)) if is_passing(&error) => {
                tracing::warn!("the replica {name} joins when it answers: {}", describe(&error));
                return Ok(());
            }
            // It has not replayed CREATE DATABASE yet.
            Some(Err(error))
                if error.code() == Some(&SqlState::INVALID_CATALOG_NAME)
                    && started.elapsed() < wait =>
            {
                tokio::time::sleep(AGAIN).await;
            }
            Some(Err(error))
                if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) && id.is_none() =>
            {
                return Ok(());
            }
            Some(Err(error)) => return Err(refused(&source.address, &error)),
        }
    };
    let sql = "SELECT CAST(pg_is_in_recovery() AS TEXT)";
    let rows = run(&client, sql, &[]).await.map_err(|e| storage(OP, &e))?;
    let row: Option<&dyn Row> = rows.first().map(|row| row as &dyn Row);
    if row.map(|row| row.text(0)).transpose()? != Some("true") {
        return Err(misuse(format!("{name} is not a replica: it is a primary of its own")));
    }
    loop {
        match identity(source).await {
            Ok(found) if found.as_deref() == id => return Ok(()),
            Ok(Some(_)) => {
                return Err(misuse(format!(
                    "{name} is a replica of another database: give one of the primary's"
                )));
            }
            Ok(None) if started.elapsed() < wait => tokio::time::sleep(AGAIN).await,
            Ok(None) => {
                return Err(misuse(format!(
                    "{name} does not hold the primary's data: it is a replica of another server, \
                     or its replay is paused"
                )));
            }
            Err(error) => {
                tracing::warn!("the replica joins when it answers: {}", error.chain());
                return Ok(());
            }
        }
    }
}
