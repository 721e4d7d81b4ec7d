//! Tools that a worker's file declares, run by the binary as its users run it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod tools {
    mod builtins;
    mod descriptors;
    mod files;
    mod http;
    mod leftovers;
    mod sandbox;
    mod supervisors;
}
