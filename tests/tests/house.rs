//! The rules of the house that no compiler checks: who may depend on whom, how long a file may be, that every member
//! has the lints, that every error page is in the index. Each checker is shown to reject what breaks its rule.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod house {
    mod errors;
    mod graph;
    mod lints;
    mod sources;
}
