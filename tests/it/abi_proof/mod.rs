//! Proofs over the C library as a whole, read out of its header: what a new function adds to the
//! header is proven without a word here.

mod coverage;
mod lifecycle;
mod prototypes;
mod sweep;
