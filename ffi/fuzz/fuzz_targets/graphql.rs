//! See `ffi/src/fuzz.rs`.
#![no_main]

use jotrack::fuzz::Border;

thread_local! {
    /// libFuzzer calls the target on one thread, so one engine sees all of its bytes.
    static BORDER: Border = Border::new();
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| BORDER.with(|border| border.graphql(data)));
