//! The wire, held to its contract: golden bytes, old readers and new writers, round trips, hostile
//! bodies, names and subjects.
#![expect(clippy::unwrap_used, reason = "tests")]

mod arbitrary;
mod cases;
mod compatibility;
mod contract;
mod golden;
mod hostile;
mod names;
mod read;
mod round_trip;
mod subjects;
mod value;
