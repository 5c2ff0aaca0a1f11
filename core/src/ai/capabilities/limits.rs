//! Lengths of input fields and lists that several capabilities share.

/// Name of a company.
pub(super) const COMPANY_CHARS: usize = 120;
/// Title of a job.
pub(super) const TITLE_CHARS: usize = 200;
/// Industry, role family or another short label.
pub(super) const LABEL_CHARS: usize = 80;
/// Names in a list of an answer.
pub(super) const NAMES: usize = 50;
