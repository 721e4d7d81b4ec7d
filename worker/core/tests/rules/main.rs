//! The rules of the worker's core: tables of inputs at literal moments and every effect that follows,
//! and random schedules against invariants.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;
mod calls;
mod drain;
mod fairness;
mod grants;
mod inquiry;
mod memory;
mod messages;
mod offers;
mod orphans;
mod schedules;
mod time;
mod tools;
mod world;
