//! Whole runs with a model behind HTTP: the binary, the strict mock of each provider, real tools.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod runs {
    mod common;
    mod conversation;
    mod eager;
    mod failures;
    mod quirks;
}
