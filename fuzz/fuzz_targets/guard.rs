//! See `tests/fuzz-targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = callboard_fuzz_targets::guard(data);
});
