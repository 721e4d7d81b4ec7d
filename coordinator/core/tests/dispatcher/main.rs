//! The dispatcher, rule by rule: literal instants, workers as data, whole lists of effects compared.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;
mod words;

mod cancels;
mod cost;
mod deadlines;
mod events;
mod forged;
mod grants;
mod leases;
mod matching;
mod placing;
mod poison;
mod refused;
mod retries;
mod schedules;
mod sessions;
mod undelivered;
mod waiting;
