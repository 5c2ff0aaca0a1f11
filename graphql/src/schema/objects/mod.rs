//! The objects of the contract: thin wrappers that hold a shared row and translate it.

pub(super) mod ai_settings;
pub(super) mod analysis;
pub(super) mod analysis_event;
pub(super) mod attachment;
pub(super) mod change;
pub(super) mod coach;
pub(super) mod company;
pub(super) mod history;
pub(super) mod job;
pub(super) mod score;
pub(super) mod stats;
pub(super) mod usage;
pub(super) mod user_error;
pub(super) mod viewer;
