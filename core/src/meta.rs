//! What the database knows about itself and its users.

use crate::{
    db::{Batch, Rejected, Stmt, Store, params},
    enums::Tier,
    error::{Error, Result},
    id::{LOCAL_USER, UserId, random_bytes},
    time::Timestamp,
    validate::{Checks, TextRule},
};

static META_GET: Stmt = Stmt::read("meta_get", "SELECT value FROM meta WHERE name = $1");

static META_INSERT: Stmt = Stmt::write(
    "meta_insert",
    "INSERT INTO meta (name, value)
     VALUES ($1, $2)
     ON CONFLICT (name) DO NOTHING",
);

static USER_INSERT: Stmt = Stmt::write(
    "user_insert",
    "INSERT INTO users (id, display_name, tier, locale, time_zone, version, created_at, updated_at)
     VALUES ($1, $2, $3, 'en', 'UTC', 1, $4, $4)
     ON CONFLICT (id) DO NOTHING",
);

static USER_GET: Stmt = Stmt::read(
    "user_get",
    "SELECT display_name, tier, created_at
     FROM users
     WHERE id = $1",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 4] {
    [&META_GET, &META_INSERT, &USER_INSERT, &USER_GET]
}

const SECRET: &str = "idempotency_secret";

/// Makes sure of the local owner and of the engine's secret, which it returns.
pub(crate) async fn prepare(store: &Store, now: Timestamp) -> Result<[u8; 32]> {
    if let (Some(secret), true) = (secret(store).await?, user_exists(store, LOCAL_USER).await?) {
        return Ok(secret);
    }
    let fresh = random_bytes::<32>()?;
    let mut batch = Batch::system(now);
    batch.step(&META_INSERT, params![SECRET, hex(&fresh)]);
    batch.step(&USER_INSERT, params![LOCAL_USER, "Me", Tier::Enterprise.as_str(), now]);
    store.commit(batch).await.map_err(Error::from)?;
    // Another process may have been first: what is stored counts.
    secret(store).await?.ok_or_else(|| Error::bug("open the engine", "the secret is missing"))
}

async fn secret(store: &Store) -> Result<Option<[u8; 32]>> {
    let found = store.query(&META_GET, params![SECRET], |row| row.text(0).map(unhex)).await?;
    found
        .into_iter()
        .next()
        .map(|bytes| {
            bytes.ok_or_else(|| Error::bug("open the engine", "the stored secret is damaged"))
        })
        .transpose()
}

/// Reports whether there is such a user.
pub(crate) async fn user_exists(store: &Store, user: UserId) -> Result<bool> {
    Ok(!store.query(&USER_GET, params![user], |_| Ok(())).await?.is_empty())
}

/// Returns the plan of a user.
pub(crate) async fn tier(store: &Store, user: UserId) -> Result<Tier> {
    let found = store.query(&USER_GET, params![user], |row| row.word(1, Tier::parse)).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found("user", user))
}

/// Adds a user.
pub(crate) async fn create_user(store: &Store, name: &str, now: Timestamp) -> Result<UserId> {
    let mut checks = Checks::default();
    let name = checks.required(&["displayName"], name, TextRule::line(100));
    checks.finish()?;
    let user = UserId::new(now);
    let mut batch = Batch::system(now);
    batch.step(&USER_INSERT, params![user, name, Tier::Free.as_str(), now]);
    store.commit(batch).await.map_err(|rejected: Rejected| Error::from(rejected))?;
    if store.has_replicas() {
        store.saw(user).await?;
    }
    Ok(user)
}

/// Who a user is.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What to call them.
    pub display_name: String,
    /// Their plan.
    pub tier: Tier,
    /// Since when they are known.
    pub created_at: Timestamp,
}

impl crate::Snapshot {
    /// Returns the user this snapshot belongs to. One statement.
    ///
    /// # Errors
    /// `NotFound` when the user was removed.
    pub async fn user_row(&self) -> Result<User> {
        let id = self.user();
        // The local owner's plan is the operator's to say.
        let own = (id == LOCAL_USER).then_some(self.engine().config().ai.local_tier);
        self.view()
            .find(&USER_GET, params![id], |row| {
                Ok(User {
                    id,
                    display_name: row.text(0)?.to_owned(),
                    tier: own.map_or_else(|| row.word(1, Tier::parse), Ok)?,
                    created_at: row.time(2)?,
                })
            })
            .await?
            .ok_or_else(|| Error::not_found("user", id))
    }
}

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Reads 32 bytes of hex.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    (text.len() == 64).then_some(())?;
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
