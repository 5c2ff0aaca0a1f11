//! Companies: found or created from the name of a job, identified by a folded key.

mod name;
pub(crate) mod store;

pub use name::company_key;
