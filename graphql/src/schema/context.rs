//! What the resolvers of one operation share: the engine, and one consistent view of its data.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use jotrack_core::{AttachmentId, Engine, Error, Snapshot};
use tokio::sync::OnceCell;

use super::{error::Result, loaders::Loaders};

/// Where a client reads the bytes of an attachment.
pub trait DownloadUrls: Send + Sync {
    /// Returns a signed, expiring path.
    fn url(&self, attachment: AttachmentId) -> String;
}

/// Who executes a document: the engine's handle is the authority.
#[derive(Clone)]
pub struct Caller {
    /// Acts as one user.
    pub engine: Engine,
    /// Makes download paths; `None` in-process, where `downloadUrl` is null.
    pub downloads: Option<Arc<dyn DownloadUrls>>,
}

/// What the reads of one operation took. A mutation's plan and batch are the engine's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Statements that ran.
    pub statements: u32,
    /// How often the database was waited for; 0 on SQLite, which is in the process.
    pub round_trips: u32,
}

/// A consistent view that is opened by the first read.
pub(super) struct View {
    engine: Engine,
    snapshot: OnceCell<Snapshot>,
}

impl View {
    /// Returns the snapshot; every call of one view sees the same data.
    pub(super) async fn snapshot(&self) -> Result<&Snapshot, Error> {
        self.snapshot.get_or_try_init(|| self.engine.snapshot()).await
    }
}

/// One view with the loaders over it.
pub(super) struct ReadScope {
    view: Arc<View>,
    loaders: Loaders,
}

impl ReadScope {
    fn new(engine: Engine) -> Self {
        let view = Arc::new(View { engine, snapshot: OnceCell::new() });
        Self { loaders: Loaders::new(Arc::clone(&view)), view }
    }

    /// Returns what was read so far.
    fn cost(&self) -> Cost {
        self.view.snapshot.get().map_or_else(Cost::default, |snapshot| Cost {
            statements: snapshot.statements(),
            round_trips: snapshot.round_trips(),
        })
    }

    /// Returns the snapshot for reads that need no loader.
    pub(super) async fn snapshot(&self) -> Result<&Snapshot, Error> {
        self.view.snapshot().await
    }

    /// Returns the loaders.
    pub(super) fn loaders(&self) -> &Loaders {
        &self.loaders
    }
}

/// The data of one operation.
///
/// Invariant: no resolver keeps a scope over a mutation or from one subscription event to the next,
/// so replacing it closes the snapshot and frees its reader.
pub(super) struct OperationContext {
    caller: Caller,
    scope: Mutex<Arc<ReadScope>>,
    /// What the closed scopes took.
    spent: Mutex<Cost>,
}

impl OperationContext {
    pub(super) fn new(caller: Caller) -> Self {
        let scope = Mutex::new(Arc::new(ReadScope::new(caller.engine.clone())));
        Self { caller, scope, spent: Mutex::default() }
    }

    /// Returns what the reads took so far.
    pub(super) fn cost(&self) -> Cost {
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        plus(spent, self.scope().cost())
    }

    /// Returns who asks.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the present scope.
    pub(super) fn scope(&self) -> Arc<ReadScope> {
        Arc::clone(&self.scope.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Closes the present view; the next read opens a new one.
    pub(super) fn renew(&self) {
        let fresh = Arc::new(ReadScope::new(self.caller.engine.clone()));
        let stale = std::mem::replace(
            &mut *self.scope.lock().unwrap_or_else(PoisonError::into_inner),
            fresh,
        );
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent = plus(*spent, stale.cost());
        drop(spent);
        drop(stale);
    }
}

fn plus(a: Cost, b: Cost) -> Cost {
    Cost {
        statements: a.statements.saturating_add(b.statements),
        round_trips: a.round_trips.saturating_add(b.round_trips),
    }
}

/// Returns the operation that a resolver works for.
pub(super) fn operation<'a>(ctx: &Context<'a>) -> Result<&'a OperationContext> {
    ctx.data_opt::<Arc<OperationContext>>()
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::bug("read the operation", "executed without a caller").into())
}

/// Returns the read scope that a resolver works in.
pub(super) fn scope(ctx: &Context<'_>) -> Result<Arc<ReadScope>> {
    operation(ctx).map(OperationContext::scope)
}

/// Closes the view before a write, so that what follows reads what was written.
pub(super) fn begin_write<'a>(ctx: &Context<'a>) -> Result<&'a Engine> {
    let operation = operation(ctx)?;
    operation.renew();
    Ok(&operation.caller().engine)
}
