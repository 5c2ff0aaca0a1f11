//! Migrations: one gapless list, forward only, each in a transaction of its own. A migration that
//! was released is never edited: its digest is in every database it ran on.

use sha2::{Digest, Sha256};

/// One step of the schema, for each database.
pub(super) struct Migration {
    pub(super) name: &'static str,
    pub(super) lite: &'static str,
    #[cfg(feature = "postgres")]
    pub(super) pg: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "foundation",
        lite: include_str!("../../migrations/001_foundation.lite.sql"),
        #[cfg(feature = "postgres")]
        pg: include_str!("../../migrations/001_foundation.pg.sql"),
    },
    Migration {
        name: "purge_order",
        lite: include_str!("../../migrations/002_purge_order.sql"),
        #[cfg(feature = "postgres")]
        pg: include_str!("../../migrations/002_purge_order.sql"),
    },
    Migration {
        name: "keys",
        lite: include_str!("../../migrations/003_keys.lite.sql"),
        #[cfg(feature = "postgres")]
        pg: include_str!("../../migrations/003_keys.pg.sql"),
    },
    Migration {
        name: "quotas",
        lite: include_str!("../../migrations/004_quotas.lite.sql"),
        #[cfg(feature = "postgres")]
        pg: include_str!("../../migrations/004_quotas.pg.sql"),
    },
    Migration {
        name: "analyses",
        lite: include_str!("../../migrations/005_analyses.lite.sql"),
        #[cfg(feature = "postgres")]
        pg: include_str!("../../migrations/005_analyses.pg.sql"),
    },
];

/// The oldest engine that may open what these migrations leave behind: raised when a migration
/// takes away what an older engine needs.
pub(super) const COMPATIBLE_SINCE: i64 = 1;

/// Returns the digest that stands for a migration that ran.
pub(super) fn digest(sql: &str) -> String {
    let digest = Sha256::digest(sql.as_bytes());
    digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
