//! SQL of companies.

use crate::{
    companies::company_key,
    db::{Batch, Stmt, params},
    id::{CompanyId, UserId},
};

static COMPANY_ENSURE: Stmt = Stmt::write(
    "company_ensure",
    "INSERT INTO companies (id, user_id, name, key, version, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 1, $5, $5)
     ON CONFLICT (user_id, key) DO NOTHING",
);

/// The statements of this module.
pub(crate) fn statements() -> [&'static Stmt; 1] {
    [&COMPANY_ENSURE]
}

/// Adds a step that creates the company if it is not known; returns its key. The spelling that
/// came first stays.
pub(crate) fn ensure(batch: &mut Batch, user: UserId, name: &str) -> String {
    let key = company_key(name);
    let id = CompanyId::new(batch.at);
    let at = batch.at;
    batch.step(&COMPANY_ENSURE, params![id, user, name, key.as_str(), at]);
    key
}
