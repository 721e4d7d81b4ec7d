//! The binary as people and scripts meet it: help, mistakes, exit codes, views, and what it never says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli {
    mod calls;
    mod common;
    mod configuration;
    mod formats;
    mod help;
    mod messages;
    mod mock_provider;
    mod models;
    mod pipes;
    mod probe;
    mod scripts;
    mod secrets;
    mod server;
    mod sizes;
    mod views;
}
