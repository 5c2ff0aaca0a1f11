//! The storage seam: nothing above this module knows which database runs.
//!
//! Reads go through a [`View`] (one snapshot, many statements) or [`Store::query`] (one statement);
//! writes through [`Store::commit`] (one atomic [`Batch`]).

mod batch;
pub(crate) mod lite;
mod migrate;
mod stmt;
mod value;

pub(crate) use batch::{Batch, Commit, Expect, IdempotencyRow, Miss, Rejected, Scope};
pub(crate) use migrate::statements as migration_statements;
pub use stmt::{Kind, Stmt, StmtStats};
pub(crate) use value::{Column, OwnedRow, Params, Row, Type, Value, params};

use std::sync::Arc;

use crate::{
    config::Config,
    error::{Error, Result},
    hub::Hub,
};
use lite::Lite;
pub(crate) use lite::Span;

/// The database of an engine. A closed set: PostgreSQL joins as a second variant.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// SQLite in this process.
    Lite(Arc<Lite>),
}

/// One consistent state of the data. It holds a reading connection: use it for at most a second
/// and never across a wait for network, AI or files.
#[derive(Debug)]
pub(crate) enum View {
    /// A reader of the SQLite file.
    Lite(lite::View),
}

/// What the store tells about itself.
#[derive(Debug, Clone)]
pub(crate) struct StoreHealth {
    pub(crate) engine: &'static str,
    pub(crate) version: String,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub(crate) fn open(config: &Config, dir: &std::path::Path, hub: Arc<Hub>) -> Result<Self> {
        Lite::open(config, dir, hub).map(Arc::new).map(Self::Lite)
    }

    /// Takes a view; waits for a free reader until the configured time.
    pub(crate) async fn view(&self, span: Span) -> Result<View> {
        match self {
            Self::Lite(lite) => lite.view(span).await.map(View::Lite),
        }
    }

    /// Runs one bounded statement on its own.
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(lite) => lite.query(stmt, &params, map).await,
        }
    }

    /// Runs a long statement on the blocking pool.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(lite) => {
                let lite = Arc::clone(lite);
                tokio::task::spawn_blocking(move || lite.scan(stmt, &params, map))
                    .await
                    .map_err(|e| Error::internal("run a long statement", e))?
            }
        }
    }

    /// Runs a batch. It happens whole or not at all, also when the caller stops waiting.
    pub(crate) async fn commit(&self, batch: Batch) -> std::result::Result<Commit, Rejected> {
        match self {
            Self::Lite(lite) => lite.commit(batch).await,
        }
    }

    /// Finishes queued batches and lets go of all files.
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::Lite(lite) => {
                let lite = Arc::clone(lite);
                tokio::task::spawn_blocking(move || lite.close())
                    .await
                    .map_err(|e| Error::internal("close the database", e))?
            }
        }
    }

    /// Returns name and version of the database.
    pub(crate) fn health(&self) -> StoreHealth {
        match self {
            Self::Lite(_) => StoreHealth { engine: "sqlite", version: lite::version().to_owned() },
        }
    }

    /// Returns the database's own list of damages, empty when all is well.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>> {
        match self {
            Self::Lite(lite) => {
                let lite = Arc::clone(lite);
                tokio::task::spawn_blocking(move || lite.integrity())
                    .await
                    .map_err(|e| Error::internal("check the database", e))?
            }
        }
    }

    /// Returns what the database counted for each statement, where counting is on.
    pub(crate) fn statement_stats(&self) -> Vec<(&'static str, StmtStats)> {
        match self {
            Self::Lite(lite) => lite.stats(),
        }
    }
}

impl View {
    /// Runs one statement on this snapshot.
    #[expect(clippy::unused_async, reason = "PostgreSQL will wait here; SQLite runs inline")]
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(view) => view.query(stmt, &params, map),
        }
    }

    /// Runs one statement and returns its first row, if any.
    pub(crate) async fn find<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.query(stmt, params, map).await?.into_iter().next())
    }

    /// Returns how many statements ran on this view.
    pub(crate) fn statements(&self) -> u32 {
        match self {
            Self::Lite(view) => view.statements(),
        }
    }
}
