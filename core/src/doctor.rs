//! Is everything as it should be: the database file, the read model, the files.

use serde::Serialize;

use crate::{engine::Engine, error::Result, jobs::store::read_model::ReadModelReport};

/// What a check found.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Complaints of the database about its own file, broken references included.
    pub damages: Vec<String>,
    /// How far the read model is from the tables.
    pub read_model: ReadModelReport,
    /// Digests of stored files that are missing or have another size.
    pub missing_files: Vec<String>,
}

impl CheckReport {
    /// Reports whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.damages.is_empty() && self.read_model.agrees() && self.missing_files.is_empty()
    }
}

impl Engine {
    /// Checks the database, this user's read model and the presence of files. Reads everything
    /// once: seconds on a large store. Changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when a check cannot be made.
    pub async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport {
            damages: self.shared.store.integrity().await?,
            read_model: self.check_read_model().await?,
            missing_files: self.missing_blobs().await?,
        })
    }
}
