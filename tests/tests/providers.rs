//! What Callboard and its mock say as model provider and client, judged by the providers' official SDKs: JSON Schemas
//! of their types, and the SDKs themselves as clients. `cargo xtask providers` installs them and runs this; without
//! them each test says that it is left out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod providers {
    mod agents;
    mod answer_controls;
    mod answers;
    mod controls;
    mod conversations;
    mod errors;
    mod left_out;
    mod mock;
    mod raw;
    mod requests;
    mod schemas;
    mod sdk;
    mod turns;
    mod words;
}
