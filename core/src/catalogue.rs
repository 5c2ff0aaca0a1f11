//! Every statement the engine runs, in one list: what is proven, counted and compared.

use crate::{
    analyses, attachments, changes, coach, companies, db, idempotency, jobs, limits, matching,
    meta, secret, tasks,
};

/// Returns all statements, each once.
pub fn statements() -> Vec<&'static db::Stmt> {
    let mut all = Vec::new();
    all.extend(db::frame_statements());
    all.extend(meta::statements());
    all.extend(idempotency::statements());
    all.extend(companies::store::statements());
    all.extend(jobs::store::statements());
    all.extend(attachments::store::statements());
    all.extend(coach::store::statements());
    all.extend(matching::store::statements());
    all.extend(secret::store::statements());
    all.extend(changes::statements());
    all.extend(tasks::statements());
    all.extend(limits::statements());
    all.extend(analyses::store::statements());
    all
}
