//! The vault of one engine: opened at the first need, and then kept in memory.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::{
    KeyFault,
    body::UserKey,
    derive::{Kek, KekId, Key, derive, random_key},
    envelope::{self, Place},
    source::Source,
    store::{self, KekRow},
};
use crate::{
    config::Config,
    db::Batch,
    engine::{Engine, Shared},
    error::{Error, Result},
    id::UserId,
    time::Timestamp,
};

/// The word that proves a master key.
const CHECK: &[u8] = b"jotrack";
/// The root secret in use.
const GENERATION: i64 = 1;
/// Users whose data keys are kept in memory.
const USERS: usize = 4_096;
/// Milliseconds between two looks for a key that the source did not have.
const REREAD_MS: i64 = 60_000;
/// Seals of one key after which the operator is told: random nonces are good for 2^32.
const WRAPS_WARNING: i64 = 1 << 28;
/// Seals of one key after which it seals no more.
const WRAPS_MAX: i64 = 1 << 31;

/// Where the engine's secrets are opened. Making one reads nothing.
pub(crate) struct Vault {
    pub(super) source: Arc<Source>,
    opened: Mutex<Option<Arc<Opened>>>,
    users: Mutex<HashMap<UserId, Arc<UserKey>>>,
    /// One task at a time makes what is missing.
    turn: tokio::sync::Mutex<()>,
    /// When the source last lacked a key.
    lacked_at: Mutex<Option<Timestamp>>,
}

/// What an open vault holds.
struct Opened {
    ring: Ring,
    root: Key,
}

/// The master keys of the source, the current one first. Never empty.
#[derive(Clone)]
pub(super) struct Ring(Vec<Kek>);

impl Ring {
    pub(super) fn current(&self) -> Result<&Kek> {
        self.0.first().ok_or_else(|| Error::bug("take a master key", "there is none"))
    }

    pub(super) fn find(&self, id: KekId) -> Option<&Kek> {
        self.0.iter().find(|kek| kek.id == id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = KekId> {
        self.0.iter().map(|kek| kek.id)
    }
}

impl Vault {
    /// Prepares a vault. Reads no file and no row.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        Ok(Self {
            source: Arc::new(Source::new(config)?),
            opened: Mutex::default(),
            users: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            lacked_at: Mutex::default(),
        })
    }

    /// Derives a key from the root secret.
    pub(super) async fn root_key(&self, shared: &Shared, info: &'static str) -> Result<Key> {
        derive(&self.opened(shared).await?.root, info)
    }

    /// Seals a secret with the current master key, in a batch that counts it.
    pub(super) async fn seal(
        &self,
        shared: &Shared,
        place: &Place,
        secret: &[u8],
    ) -> Result<Sealed> {
        self.opened(shared).await?;
        let ring = self.reread(shared).await?;
        let current = ring.current()?;
        let known = store::keks(&shared.store).await?;
        let wraps = known.iter().find(|row| row.id == current.id).map_or(0, |row| row.wraps);
        if wraps >= WRAPS_MAX {
            return Err(KeyFault::Exhausted { kek_id: current.id }.into());
        }
        if wraps >= WRAPS_WARNING {
            tracing::warn!(kek_id = %current.id, wraps, "rotate the keys: one is used too often");
        }
        Sealed::new(current, place, secret)
    }

    /// Opens a stored secret.
    pub(super) async fn open(
        &self,
        shared: &Shared,
        place: &Place,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let context = place.context();
        let kek_id = envelope::kek_id(sealed).ok_or_else(|| context.broken())?;
        let opened = self.opened(shared).await?;
        if let Some(kek) = opened.ring.find(kek_id) {
            return envelope::open(kek, context, sealed);
        }
        // Perhaps another process has rotated the keys.
        let now = shared.config.clock.now();
        let lacked = *self.lacked_at.lock();
        if lacked.is_none_or(|at| now >= at.plus_ms(REREAD_MS)) {
            if let Some(kek) = self.reread(shared).await?.find(kek_id) {
                return envelope::open(kek, context, sealed);
            }
            *self.lacked_at.lock() = Some(now);
        }
        Err(KeyFault::Missing { kek_id }.into())
    }

    /// Returns what a user's data key is used for, and makes the key when there is none.
    pub(super) async fn user_key(&self, shared: &Shared, user: UserId) -> Result<Arc<UserKey>> {
        if let Some(key) = self.users.lock().get(&user) {
            return Ok(Arc::clone(key));
        }
        self.opened(shared).await?;
        let _turn = self.turn.lock().await;
        if let Some(key) = self.users.lock().get(&user) {
            return Ok(Arc::clone(key));
        }
        let place = Place::user_key(user);
        let sealed = match store::user_key(&shared.store, user).await? {
            Some(sealed) => sealed,
            None => {
                let fresh = self.seal(shared, &place, &*random_key()?).await?;
                let mut batch = Batch::system(shared.config.clock.now());
                fresh.count(&mut batch);
                store::insert_user_key(&mut batch, user, &fresh.bytes);
                shared.store.commit(batch).await.map_err(Error::from)?;
                // Another process may have been first: what is stored counts.
                let stored = store::user_key(&shared.store, user).await?;
                stored.ok_or_else(|| Error::not_found("user", user))?
            }
        };
        let opened = self.open(shared, &place, &sealed).await?;
        let key = envelope::key(&opened).ok_or_else(|| place.context().broken())?;
        let key = Arc::new(UserKey::new(user, &key)?);
        let mut users = self.users.lock();
        if users.len() >= USERS {
            users.clear();
        }
        users.insert(user, Arc::clone(&key));
        Ok(key)
    }

    /// Reads the keys and the root secret, and makes what is missing in a database that has no
    /// keys yet.
    async fn opened(&self, shared: &Shared) -> Result<Arc<Opened>> {
        if let Some(opened) = &*self.opened.lock() {
            return Ok(Arc::clone(opened));
        }
        let _turn = self.turn.lock().await;
        if let Some(opened) = &*self.opened.lock() {
            return Ok(Arc::clone(opened));
        }
        let known = store::keks(&shared.store).await?;
        let source = Arc::clone(&self.source);
        let unused = known.is_empty();
        let keys =
            off_thread(
                move || {
                    if unused { source.read_or_create().map(Some) } else { source.read() }
                },
            );
        let ring = self.prove(keys.await?, &known)?;
        let root = match store::root_secret(&shared.store, GENERATION).await? {
            Some(sealed) => sealed,
            None => make_root_secret(shared, ring.current()?).await?,
        };
        let place = Place::root_secret(GENERATION);
        let kek_id = envelope::kek_id(&root).ok_or_else(|| place.context().broken())?;
        let kek = ring.find(kek_id).ok_or(KeyFault::Missing { kek_id })?;
        let root = envelope::open(kek, place.context(), &root)?;
        let root = envelope::key(&root).ok_or_else(|| place.context().broken())?;
        let opened = Arc::new(Opened { ring, root });
        *self.opened.lock() = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Reads the source again, because another process may have rotated the keys.
    pub(super) async fn reread(&self, shared: &Shared) -> Result<Ring> {
        let known = store::keks(&shared.store).await?;
        let source = Arc::clone(&self.source);
        let ring = self.prove(off_thread(move || source.read()).await?, &known)?;
        let mut opened = self.opened.lock();
        if let Some(before) = &*opened {
            *opened = Some(Arc::new(Opened { ring: ring.clone(), root: before.root.clone() }));
        }
        Ok(ring)
    }

    /// Returns the keys when the database knows one of them, or none at all.
    pub(super) fn prove(&self, keys: Option<Vec<Kek>>, known: &[KekRow]) -> Result<Ring> {
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
            let place = self.source.path().map_or_else(String::new, |p| p.display().to_string());
            let why = "the file that sealed this database is missing".to_owned();
            return Err(KeyFault::Source { place, why }.into());
        };
        let ring = Ring(keys);
        let mut proven = false;
        for row in known {
            let Some(kek) = ring.find(row.id) else { continue };
            let place = Place::kek_check(row.id);
            if envelope::open(kek, place.context(), &row.check)?.as_slice() != CHECK {
                return Err(place.context().broken().into());
            }
            proven = true;
        }
        if proven || known.is_empty() {
            return Ok(ring);
        }
        Err(KeyFault::Wrong { kek_id: ring.current()?.id }.into())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("source", &self.source.word()).finish_non_exhaustive()
    }
}

/// A sealed secret on its way into the database.
pub(super) struct Sealed {
    pub(super) bytes: Vec<u8>,
    kek: KekId,
    check: Vec<u8>,
}

impl Sealed {
    fn new(kek: &Kek, place: &Place, secret: &[u8]) -> Result<Self> {
        let bytes = envelope::seal(kek, place.context(), secret)?;
        Ok(Self { bytes, kek: kek.id, check: check_value(kek)? })
    }

    /// Notes the seal in the batch that writes it.
    pub(super) fn count(&self, batch: &mut Batch) {
        store::count_wraps(batch, self.kek, &self.check, 1);
    }
}

/// Seals the word that proves a master key.
pub(super) fn check_value(kek: &Kek) -> Result<Vec<u8>> {
    envelope::seal(kek, Place::kek_check(kek.id).context(), CHECK)
}

async fn make_root_secret(shared: &Shared, kek: &Kek) -> Result<Vec<u8>> {
    let fresh = Sealed::new(kek, &Place::root_secret(GENERATION), &*random_key()?)?;
    let mut batch = Batch::system(shared.config.clock.now());
    fresh.count(&mut batch);
    store::insert_root_secret(&mut batch, GENERATION, &fresh.bytes);
    shared.store.commit(batch).await.map_err(Error::from)?;
    // Another process may have been first: what is stored counts.
    let stored = store::root_secret(&shared.store, GENERATION).await?;
    stored.ok_or_else(|| Error::bug("open the key vault", "the root secret is missing"))
}

/// Runs what reads and writes files.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::internal("read the master key", e))?
}

impl Engine {
    /// Returns what this user's data key is used for; the key is made at the first call.
    ///
    /// # Errors
    /// `Unavailable` of kind KEY_UNAVAILABLE or CRYPTO, `NotFound` when the user was removed.
    pub(crate) async fn user_key(&self) -> Result<Arc<UserKey>> {
        self.refuse_closed()?;
        self.shared.vault.user_key(&self.shared, self.user_id()).await
    }

    /// Returns the key of the MACs of one purpose, the same for all users and after a rotation.
    ///
    /// # Errors
    /// `Unavailable` of kind KEY_UNAVAILABLE or CRYPTO.
    pub(crate) async fn root_mac(&self, info: &'static str) -> Result<[u8; 32]> {
        self.refuse_closed()?;
        Ok(*self.shared.vault.root_key(&self.shared, info).await?)
    }
}
