//! The storage seam: nothing above this module knows which database runs.
//!
//! Reads go through a [`View`] (one snapshot, many statements) or [`Store::query`] (one statement);
//! writes through [`Store::commit`] (one atomic [`Batch`]).

mod batch;
mod frame;
pub(crate) mod lite;
mod migrate;
#[cfg(feature = "postgres")]
mod pg;
mod stmt;
mod text_query;
mod value;

pub(crate) use batch::{Batch, Commit, Expect, IdempotencyRow, Miss, Rejected, Scope};
pub(crate) use frame::statements as frame_statements;
pub use stmt::{Kind, Stmt, StmtStats};
#[cfg(test)]
pub(crate) use text_query::owner_word;
pub(crate) use text_query::{TextField, TextQuery, TextTerm};
pub(crate) use value::{Column, OwnedRow, Params, Row, Type, Value, params};

use std::sync::Arc;

use serde::Serialize;

use crate::{
    config::Config,
    error::{Error, Result},
    hub::Hub,
    id::UserId,
    position::Position,
};
use lite::Lite;
#[cfg(feature = "postgres")]
use pg::Pg;

/// The database of an engine. A closed set.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// SQLite in this process.
    Lite(Arc<Lite>),
    /// PostgreSQL, with its replicas.
    #[cfg(feature = "postgres")]
    Pg(Arc<Pg>),
}

/// One consistent state of the data. It holds a reading connection: use it for at most a second
/// and never across a wait for network, AI or files.
#[derive(Debug)]
pub(crate) enum View {
    /// A reader of the SQLite file.
    Lite(lite::View),
    /// A connection to PostgreSQL.
    #[cfg(feature = "postgres")]
    Pg(pg::View),
}

/// How much a view must hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// One statement, which sees one state by itself: a transaction would only cost.
    One,
    /// Any number of statements.
    Many,
}

/// How new the state of a view must be. SQLite has one state, the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Any replica's.
    Any,
    /// One that holds this write.
    Position(Position),
    /// The newest.
    Primary,
}

/// What the store tells about itself.
#[derive(Debug, Clone)]
pub(crate) struct StoreHealth {
    pub(crate) engine: &'static str,
    pub(crate) version: String,
    pub(crate) replicas: Vec<ReplicaHealth>,
}

/// How a read replica is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaHealth {
    /// Host, port and database.
    pub name: String,
    /// Whether it gets reads.
    pub in_rotation: bool,
    /// Bytes of the primary's log that it has not applied; `None` when it does not answer.
    pub lag_bytes: Option<u64>,
    /// Snapshots taken on it since the engine was opened.
    pub snapshots: u64,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub(crate) async fn open(
        config: &Config,
        dir: &std::path::Path,
        hub: Arc<Hub>,
    ) -> Result<Self> {
        if let Some(postgres) = &config.postgres {
            #[cfg(feature = "postgres")]
            return Pg::open(postgres, config, hub).await.map(Self::Pg);
            #[cfg(not(feature = "postgres"))]
            return Err(Error::Misuse {
                kind: crate::error::MisuseKind::Unsupported,
                what: format!("{}: this program was built without PostgreSQL", postgres.url),
            });
        }
        let (config, dir) = (config.clone(), dir.to_path_buf());
        tokio::task::spawn_blocking(move || Lite::open(&config, &dir, hub))
            .await
            .map_err(|e| Error::internal("open the database", e))?
            .map(Arc::new)
            .map(Self::Lite)
    }

    /// Takes a view; waits for a free connection until the configured time.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "one state only"))]
    pub(crate) async fn view(&self, span: Span, at: At) -> Result<View> {
        match self {
            Self::Lite(lite) => lite.view(span).await.map(View::Lite),
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => Ok(View::Pg(pg.view(span, at))),
        }
    }

    /// Runs one bounded statement on its own, on the newest state.
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(lite) => lite.query(stmt, &params, map).await,
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => {
                Box::pin(pg.view(Span::One, At::Primary).query(stmt, params, map)).await
            }
        }
    }

    /// Runs a long statement: on the blocking pool, or on a connection of its own.
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
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.scan(stmt, &params, map).await,
        }
    }

    /// Runs a batch. It happens whole or not at all, also when the caller stops waiting.
    pub(crate) async fn commit(&self, batch: Batch) -> std::result::Result<Commit, Rejected> {
        match self {
            Self::Lite(lite) => lite.commit(batch).await,
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.commit(batch).await,
        }
    }

    /// Finishes queued batches and lets go of all files and connections.
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Self::Lite(lite) => {
                let lite = Arc::clone(lite);
                tokio::task::spawn_blocking(move || lite.close())
                    .await
                    .map_err(|e| Error::internal("close the database", e))?
            }
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => {
                pg.close().await;
                Ok(())
            }
        }
    }

    /// Returns name and version of the database.
    pub(crate) fn health(&self) -> StoreHealth {
        match self {
            Self::Lite(_) => StoreHealth {
                engine: "sqlite",
                version: lite::version().to_owned(),
                replicas: Vec::new(),
            },
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.health(),
        }
    }

    /// Returns the position of a user's newest write through this engine, where positions matter.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "one state only"))]
    pub(crate) fn written(&self, user: UserId) -> Option<Position> {
        match self {
            Self::Lite(_) => None,
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.written(user),
        }
    }

    /// Reports whether states of different age can be read.
    pub(crate) fn has_positions(&self) -> bool {
        !matches!(self, Self::Lite(_))
    }

    /// Reports whether a read may be a replica's.
    pub(crate) fn has_replicas(&self) -> bool {
        match self {
            Self::Lite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.has_replicas(),
        }
    }

    /// Notes that a user knows of a write that another process may have made.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, unused_variables, reason = "one state only")
    )]
    pub(crate) async fn saw(&self, user: UserId) -> Result<()> {
        match self {
            Self::Lite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.saw(user).await,
        }
    }

    /// Returns how often a follower of changes must look for those of other processes by itself;
    /// `None` where the hub hears of them.
    pub(crate) fn watch_ms(&self, config: &Config) -> Option<u64> {
        match self {
            Self::Lite(_) => {
                Some(config.storage.watch_ms).filter(|every| config.storage.shared && *every > 0)
            }
            #[cfg(feature = "postgres")]
            Self::Pg(_) => None,
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
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.integrity().await,
        }
    }

    /// Returns how often callers waited for an answer from outside the process.
    pub(crate) fn round_trips(&self) -> u64 {
        match self {
            Self::Lite(_) => 0,
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.round_trips(),
        }
    }

    /// Returns what the database counted for each statement, where counting is on.
    pub(crate) fn statement_stats(&self) -> Vec<(&'static str, StmtStats)> {
        match self {
            Self::Lite(lite) => lite.stats(),
            #[cfg(feature = "postgres")]
            Self::Pg(pg) => pg.stats(),
        }
    }
}

impl View {
    /// Runs one statement on this snapshot.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "SQLite runs inline")
    )]
    pub(crate) async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(view) => view.query(stmt, &params, map),
            #[cfg(feature = "postgres")]
            // On the heap: many statements under way together would fill the stack.
            Self::Pg(view) => Box::pin(view.query(stmt, params, map)).await,
        }
    }

    /// Runs a long statement: on this snapshot where a connection carries it, which holds one
    /// already, else on a connection of its own.
    pub(crate) async fn long<T: Send + 'static>(
        &self,
        store: &Store,
        stmt: &'static Stmt,
        params: Params,
        map: impl FnMut(&dyn Row) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        match self {
            Self::Lite(_) => store.scan(stmt, params, map).await,
            #[cfg(feature = "postgres")]
            Self::Pg(view) => Box::pin(view.query(stmt, params, map)).await,
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
            #[cfg(feature = "postgres")]
            Self::Pg(view) => view.statements(),
        }
    }

    /// Returns how often the view waited for an answer from outside the process.
    pub(crate) fn round_trips(&self) -> u32 {
        match self {
            Self::Lite(_) => 0,
            #[cfg(feature = "postgres")]
            Self::Pg(view) => view.round_trips(),
        }
    }
}
