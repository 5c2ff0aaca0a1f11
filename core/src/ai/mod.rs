//! AI calls: one upstream call per key however many ask, streamed, kept, counted and explained.
//!
//! Here are the machinery and the capabilities; what a user's job has to do with them is in
//! `analyses`. The wire codecs know bytes only, the flights know no provider, and nothing here
//! knows HTTP servers, GraphQL or C.

pub(crate) mod call;
mod capabilities;
mod capability;
mod error;
pub(crate) mod gate;
mod guard;
mod key;
pub(crate) mod log;
mod prompt;
mod provider;
mod rules;
mod schema;
mod usage;
mod wire;

pub(crate) use call::{Attempt, Call, EPOCHS, Report};
pub(crate) use capability::{Capability, LocalContext};
pub(crate) use error::KEPT_MS;
pub(crate) use key::Scope;
pub(crate) use usage::PriceTable;
pub(crate) use wire::{Target, Timeouts, public_service};

pub use error::{AiError, Phase, Refusal};
pub use log::{AnalysisEvent, EventData};
pub(crate) use log::{EPOCH, NEVER_STARTED};
pub use provider::{
    AnswerSchema, ModelEvent, ModelRequest, Provider, Repair, StopReason, TokenUsage,
};
pub use usage::Price;
pub use wire::HttpProvider;
