//! SQL of the key vault. Nothing here can be opened without a master key.

mod sealed;

pub(super) use sealed::{SealedRow, SealedTable, sealed_counts};

use uuid::Uuid;

use super::{AiSettings, ProviderKey, derive::KekId};
use crate::{
    db::{Batch, Miss, Params, Stmt, Store, View, params},
    engine::Engine,
    enums::AiProvider,
    error::{Error, Result},
    id::UserId,
    time::Timestamp,
};

static KEK_LIST: Stmt = Stmt::read(
    "kek_list",
    "SELECT kek_id, wraps, check_value, created_at
     FROM kek
     WHERE kek_id > $1
     ORDER BY kek_id
     LIMIT $2",
);

static KEK_WRAP: Stmt = Stmt::write(
    "kek_wrap",
    "INSERT INTO kek (kek_id, state, wraps, check_value, created_at)
     VALUES ($1, 'ACTIVE', $2, $3, $4)
     ON CONFLICT (kek_id) DO UPDATE SET
         state = 'ACTIVE', wraps = kek.wraps + excluded.wraps",
);

static KEK_RETIRE: Stmt = Stmt::write(
    "kek_retire",
    "UPDATE kek
     SET state = 'RETIRED'
     WHERE kek_id = $1",
);

static ROOT_SECRET_GET: Stmt = Stmt::read(
    "root_secret_get",
    "SELECT sealed
     FROM root_secret
     WHERE generation = $1",
);

static ROOT_SECRET_INSERT: Stmt = Stmt::write(
    "root_secret_insert",
    "INSERT INTO root_secret (generation, sealed, created_at)
     VALUES ($1, $2, $3)
     ON CONFLICT (generation) DO NOTHING",
);

static USER_KEY_GET: Stmt = Stmt::read(
    "user_key_get",
    "SELECT sealed
     FROM user_key
     WHERE user_id = $1",
);

static USER_KEY_INSERT: Stmt = Stmt::write(
    "user_key_insert",
    "INSERT INTO user_key (user_id, sealed, created_at)
     SELECT id, $1, $2
     FROM users
     WHERE id = $3
     ON CONFLICT (user_id) DO NOTHING",
);

static PROVIDER_KEY_GET: Stmt = Stmt::read(
    "provider_key_get",
    "SELECT id, base_url, sealed, fingerprint, last_used_at
     FROM provider_key
     WHERE user_id = $1 AND provider = $2",
);

static PROVIDER_KEY_LIST: Stmt = Stmt::read(
    "provider_key_list",
    "SELECT provider, last4, fingerprint, base_url, created_at, last_used_at
     FROM provider_key
     WHERE user_id = $1
     ORDER BY provider",
);

static PROVIDER_KEY_SET: Stmt = Stmt::write(
    "provider_key_set",
    "INSERT INTO provider_key (id, user_id, provider, base_url, sealed, last4, fingerprint, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (user_id, provider) DO UPDATE SET
         id = excluded.id, base_url = excluded.base_url, sealed = excluded.sealed,
         last4 = excluded.last4, fingerprint = excluded.fingerprint,
         created_at = excluded.created_at, last_used_at = NULL",
);

static PROVIDER_KEY_DELETE: Stmt = Stmt::write(
    "provider_key_delete",
    "DELETE FROM provider_key
     WHERE user_id = $1 AND provider = $2",
);

static PROVIDER_KEY_TOUCH: Stmt = Stmt::write(
    "provider_key_touch",
    "UPDATE provider_key
     SET last_used_at = $1
     WHERE id = $2",
);

static AI_SETTINGS_GET: Stmt = Stmt::read(
    "ai_settings_get",
    "SELECT network_enabled, provider, model
     FROM ai_settings
     WHERE user_id = $1",
);

static AI_SETTINGS_SET: Stmt = Stmt::write(
    "ai_settings_set",
    "INSERT INTO ai_settings (user_id, network_enabled, provider, model, updated_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (user_id) DO UPDATE SET
         network_enabled = CASE WHEN $6 = 1 THEN excluded.network_enabled ELSE ai_settings.network_enabled END,
         provider = CASE WHEN $7 = 1 THEN excluded.provider ELSE ai_settings.provider END,
         model = CASE WHEN $8 = 1 THEN excluded.model ELSE ai_settings.model END,
         updated_at = excluded.updated_at",
);

/// The statements of this domain.
pub(crate) fn statements() -> impl Iterator<Item = &'static Stmt> {
    let own = [
        &KEK_LIST,
        &KEK_WRAP,
        &KEK_RETIRE,
        &ROOT_SECRET_GET,
        &ROOT_SECRET_INSERT,
        &USER_KEY_GET,
        &USER_KEY_INSERT,
        &PROVIDER_KEY_GET,
        &PROVIDER_KEY_LIST,
        &PROVIDER_KEY_SET,
        &PROVIDER_KEY_DELETE,
        &PROVIDER_KEY_TOUCH,
        &AI_SETTINGS_GET,
        &AI_SETTINGS_SET,
    ];
    own.into_iter().chain(sealed::statements())
}

/// Master keys that one database can know.
const KEKS: u32 = 1_000;

/// What the database knows of a master key.
pub(super) struct KekRow {
    pub(super) id: KekId,
    pub(super) wraps: i64,
    pub(super) check: Vec<u8>,
    pub(super) created_at: Timestamp,
}

/// Returns the master keys that have sealed something.
pub(super) async fn keks(store: &Store) -> Result<Vec<KekRow>> {
    let nothing: &[u8] = &[];
    store
        .query(&KEK_LIST, params![nothing, KEKS], |row| {
            Ok(KekRow {
                id: read_kek_id(row.blob(0)?)?,
                wraps: row.int(1)?,
                check: row.blob(2)?.to_vec(),
                created_at: row.time(3)?,
            })
        })
        .await
}

fn read_kek_id(bytes: &[u8]) -> Result<KekId> {
    bytes.try_into().map(KekId).map_err(|e| Error::internal("read a key id", e))
}

/// Notes in a batch that a master key seals `wraps` values; `check` proves the key from then on.
pub(super) fn count_wraps(batch: &mut Batch, kek: KekId, check: &[u8], wraps: usize) {
    let at = batch.at;
    batch.step(&KEK_WRAP, params![kek.0.as_slice(), wraps, check, at]);
}

/// Notes that a master key seals nothing any more.
pub(super) fn retire(batch: &mut Batch, kek: KekId) {
    batch.step(&KEK_RETIRE, params![kek.0.as_slice()]);
}

/// Returns the sealed root secret.
pub(super) async fn root_secret(store: &Store, generation: i64) -> Result<Option<Vec<u8>>> {
    first(store, &ROOT_SECRET_GET, params![generation]).await
}

/// Adds a root secret unless there is one.
pub(super) fn insert_root_secret(batch: &mut Batch, generation: i64, sealed: &[u8]) {
    let at = batch.at;
    batch.step(&ROOT_SECRET_INSERT, params![generation, sealed, at]);
}

/// Returns a user's sealed data key.
pub(super) async fn user_key(store: &Store, user: UserId) -> Result<Option<Vec<u8>>> {
    first(store, &USER_KEY_GET, params![user]).await
}

/// Adds a user's data key unless there is one, or no such user.
pub(super) fn insert_user_key(batch: &mut Batch, user: UserId, sealed: &[u8]) {
    let at = batch.at;
    batch.step(&USER_KEY_INSERT, params![sealed, at, user]);
}

async fn first(store: &Store, stmt: &'static Stmt, params: Params) -> Result<Option<Vec<u8>>> {
    let found = store.query(stmt, params, |row| Ok(row.blob(0)?.to_vec())).await?;
    Ok(found.into_iter().next())
}

/// A provider's key as it is stored.
pub(super) struct ProviderRow {
    pub(super) id: Uuid,
    pub(super) base_url: Option<String>,
    pub(super) sealed: Vec<u8>,
    pub(super) fingerprint: String,
    pub(super) last_used_at: Option<Timestamp>,
}

/// Returns one provider's key of a user.
pub(super) async fn provider_key(
    engine: &Engine,
    provider: AiProvider,
) -> Result<Option<ProviderRow>> {
    let params = params![engine.user_id(), provider.as_str()];
    let found = engine
        .query(&PROVIDER_KEY_GET, params, |row| {
            Ok(ProviderRow {
                id: row.id(0)?,
                base_url: row.opt_text(1)?.map(str::to_owned),
                sealed: row.blob(2)?.to_vec(),
                fingerprint: row.text(3)?.to_owned(),
                last_used_at: row.opt_time(4)?,
            })
        })
        .await?;
    Ok(found.into_iter().next())
}

/// Reports whether a user has a key of a provider.
pub(super) async fn has_provider_key(
    view: &View,
    user: UserId,
    provider: AiProvider,
) -> Result<bool> {
    let params = params![user, provider.as_str()];
    Ok(view.find(&PROVIDER_KEY_GET, params, |_| Ok(())).await?.is_some())
}

/// Returns what may be told of a user's keys, by provider.
pub(super) async fn provider_keys(view: &View, user: UserId) -> Result<Vec<ProviderKey>> {
    view.query(&PROVIDER_KEY_LIST, params![user], |row| {
        Ok(ProviderKey {
            provider: row.word(0, AiProvider::parse)?,
            last4: row.text(1)?.to_owned(),
            fingerprint: row.text(2)?.to_owned(),
            base_url: row.opt_text(3)?.map(str::to_owned),
            created_at: row.time(4)?,
            last_used_at: row.opt_time(5)?,
        })
    })
    .await
}

/// A provider's key to store.
pub(super) struct NewProviderKey {
    pub(super) id: Uuid,
    pub(super) provider: AiProvider,
    pub(super) base_url: Option<String>,
    pub(super) sealed: Vec<u8>,
    pub(super) last4: String,
    pub(super) fingerprint: String,
}

/// Stores a provider's key in the place of the one that was there.
pub(super) fn set_provider_key(batch: &mut Batch, user: UserId, key: &NewProviderKey) {
    let at = batch.at;
    let params = params![
        key.id,
        user,
        key.provider.as_str(),
        key.base_url.clone(),
        key.sealed.as_slice(),
        key.last4.as_str(),
        key.fingerprint.as_str(),
        at,
    ];
    batch.one(&PROVIDER_KEY_SET, params, Miss::Conflict);
}

/// Removes a provider's key.
pub(super) fn delete_provider_key(batch: &mut Batch, user: UserId, provider: AiProvider) {
    batch.one(&PROVIDER_KEY_DELETE, params![user, provider.as_str()], Miss::Conflict);
}

/// Notes that a provider's key is used.
pub(super) fn touch_provider_key(batch: &mut Batch, id: Uuid) {
    let at = batch.at;
    batch.step(&PROVIDER_KEY_TOUCH, params![at, id]);
}

/// Returns a user's settings; `None` when nothing was ever set.
pub(super) async fn ai_settings(view: &View, user: UserId) -> Result<Option<AiSettings>> {
    view.find(&AI_SETTINGS_GET, params![user], |row| {
        Ok(AiSettings {
            network_enabled: row.flag(0)?,
            provider: row.opt_word(1, AiProvider::parse)?,
            model: row.opt_text(2)?.map(str::to_owned),
        })
    })
    .await
}

/// Stores a user's settings: those whose flag in `changed` is set, in the order of the fields, or
/// all when nothing was ever set.
pub(super) fn set_ai_settings(
    batch: &mut Batch,
    user: UserId,
    settings: &AiSettings,
    changed: [bool; 3],
) {
    let (at, [network, provider, model]) = (batch.at, changed);
    let params = params![
        user,
        settings.network_enabled,
        settings.provider.map(AiProvider::as_str),
        settings.model.clone(),
        at,
        network,
        provider,
        model,
    ];
    batch.step(&AI_SETTINGS_SET, params);
}
