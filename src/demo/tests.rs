#![expect(clippy::unwrap_used, reason = "tests")]

mod measures;
mod pictures;
mod scenes;
