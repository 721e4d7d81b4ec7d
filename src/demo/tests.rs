#![expect(clippy::unwrap_used, reason = "tests")]

mod pictures;
mod scenes;
