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
}

impl OperationContext {
    pub(super) fn new(caller: Caller) -> Self {
        let scope = Mutex::new(Arc::new(ReadScope::new(caller.engine.clone())));
        Self { caller, scope }
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
        drop(stale);
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
