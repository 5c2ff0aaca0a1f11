//! See `ffi/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jotrack::fuzz::node_id(data));
