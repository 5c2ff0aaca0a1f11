//! All sealed values, table by table: what a rotation reads and rewrites.

use uuid::Uuid;

use super::{
    super::{derive::KekId, envelope::Place},
    read_kek_id,
};
use crate::{
    db::{Batch, Row, Stmt, Store, params},
    enums::AiProvider,
    error::Result,
    id::UserId,
};

static ROOT_SECRET_PAGE: Stmt = Stmt::read(
    "root_secret_page",
    "SELECT generation, sealed
     FROM root_secret
     WHERE generation > $1
     ORDER BY generation
     LIMIT $2",
);

static ROOT_SECRET_REWRAP: Stmt = Stmt::write(
    "root_secret_rewrap",
    "UPDATE root_secret
     SET sealed = $1
     WHERE generation = $2 AND sealed = $3
     RETURNING generation",
);

static USER_KEY_PAGE: Stmt = Stmt::read(
    "user_key_page",
    "SELECT user_id, sealed
     FROM user_key
     WHERE user_id > $1
     ORDER BY user_id
     LIMIT $2",
);

static USER_KEY_REWRAP: Stmt = Stmt::write(
    "user_key_rewrap",
    "UPDATE user_key
     SET sealed = $1
     WHERE user_id = $2 AND sealed = $3
     RETURNING user_id",
);

static PROVIDER_KEY_PAGE: Stmt = Stmt::read(
    "provider_key_page",
    "SELECT id, sealed, user_id, provider, base_url
     FROM provider_key
     WHERE id > $1
     ORDER BY id
     LIMIT $2",
);

static PROVIDER_KEY_REWRAP: Stmt = Stmt::write(
    "provider_key_rewrap",
    "UPDATE provider_key
     SET sealed = $1
     WHERE id = $2 AND sealed = $3
     RETURNING id",
);

static SEALED_COUNT: Stmt = Stmt::long(
    "sealed_count",
    "SELECT kek_id, count(*)
     FROM (
         SELECT substr(sealed, 6, 8) AS kek_id FROM root_secret
         UNION ALL
         SELECT substr(sealed, 6, 8) FROM user_key
         UNION ALL
         SELECT substr(sealed, 6, 8) FROM provider_key
     ) every
     GROUP BY kek_id",
);

/// The statements of rotations.
pub(super) fn statements() -> [&'static Stmt; 7] {
    [
        &ROOT_SECRET_PAGE,
        &ROOT_SECRET_REWRAP,
        &USER_KEY_PAGE,
        &USER_KEY_REWRAP,
        &PROVIDER_KEY_PAGE,
        &PROVIDER_KEY_REWRAP,
        &SEALED_COUNT,
    ]
}

/// Counts the sealed values of each master key; reads all of them.
pub(in crate::secret) async fn sealed_counts(store: &Store) -> Result<Vec<(KekId, u64)>> {
    let map = |row: &dyn Row| Ok((read_kek_id(row.blob(0)?)?, row.number(1)?));
    store.scan(&SEALED_COUNT, params![], map).await
}

/// A table that holds sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::secret) enum SealedTable {
    RootSecret,
    UserKey,
    ProviderKey,
}

/// Where a page of sealed values goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::secret) enum RowKey {
    Generation(i64),
    Id(Uuid),
}

/// A sealed value with its place.
pub(in crate::secret) struct SealedRow {
    key: RowKey,
    pub(in crate::secret) place: Place,
    pub(in crate::secret) sealed: Vec<u8>,
}

impl SealedTable {
    pub(in crate::secret) const ALL: [Self; 3] =
        [Self::RootSecret, Self::UserKey, Self::ProviderKey];

    /// Returns at most `limit` values that follow `after`, in the order of their keys.
    pub(in crate::secret) async fn page(
        self,
        store: &Store,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<SealedRow>> {
        let after = match (self, after) {
            (_, Some(RowKey::Generation(generation))) => generation.into(),
            (_, Some(RowKey::Id(id))) => id.into(),
            (Self::RootSecret, None) => i64::MIN.into(),
            (Self::UserKey | Self::ProviderKey, None) => Uuid::nil().into(),
        };
        let params = vec![after, limit.into()];
        match self {
            Self::RootSecret => store.query(&ROOT_SECRET_PAGE, params, root_row).await,
            Self::UserKey => store.query(&USER_KEY_PAGE, params, user_row).await,
            Self::ProviderKey => store.query(&PROVIDER_KEY_PAGE, params, provider_row).await,
        }
    }
}

impl SealedRow {
    /// Returns where the next page begins.
    pub(in crate::secret) fn key(&self) -> RowKey {
        self.key
    }

    /// Replaces the sealed value, unless somebody else did so meanwhile.
    pub(in crate::secret) fn replace(&self, batch: &mut Batch, table: SealedTable, sealed: &[u8]) {
        let key = match self.key {
            RowKey::Generation(generation) => generation.into(),
            RowKey::Id(id) => id.into(),
        };
        let stmt = match table {
            SealedTable::RootSecret => &ROOT_SECRET_REWRAP,
            SealedTable::UserKey => &USER_KEY_REWRAP,
            SealedTable::ProviderKey => &PROVIDER_KEY_REWRAP,
        };
        batch.step(stmt, vec![sealed.into(), key, self.sealed.as_slice().into()]);
    }
}

fn root_row(row: &dyn Row) -> Result<SealedRow> {
    let generation = row.int(0)?;
    Ok(SealedRow {
        key: RowKey::Generation(generation),
        place: Place::root_secret(generation),
        sealed: row.blob(1)?.to_vec(),
    })
}

fn user_row(row: &dyn Row) -> Result<SealedRow> {
    let user = row.id(0)?;
    Ok(SealedRow {
        key: RowKey::Id(user),
        place: Place::user_key(UserId::from_uuid(user)),
        sealed: row.blob(1)?.to_vec(),
    })
}

fn provider_row(row: &dyn Row) -> Result<SealedRow> {
    let (id, user) = (row.id(0)?, UserId::from_uuid(row.id(2)?));
    let provider = row.word(3, AiProvider::parse)?;
    Ok(SealedRow {
        key: RowKey::Id(id),
        place: Place::provider_key(user, id, provider, row.opt_text(4)?),
        sealed: row.blob(1)?.to_vec(),
    })
}
