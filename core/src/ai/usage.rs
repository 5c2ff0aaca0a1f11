//! What calls cost: tokens times a dated price table that is data.

use serde::Deserialize;

/// A price, in micro-units (millionths of the currency unit, US dollars in the built-in table) per
/// million tokens, from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The provider's word, lower case.
    pub provider: String,
    /// The model, or the start of its name followed by `*`.
    pub model: String,
    /// The first day it holds, `YYYY-MM-DD`.
    pub valid_from: String,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's own cache.
    pub cached: u64,
}
