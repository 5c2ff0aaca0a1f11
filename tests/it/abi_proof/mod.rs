//! Proofs over the C library as a whole, read out of its header: what a new function adds to the
//! header is proven without a word here.

mod coverage;
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod gate;
mod lifecycle;
mod prototypes;
mod sweep;
