//! The coordinator as a service: runs and executions over HTTP.
//!
//! `runs` begins and keeps them, `crew` are a tenant's workers, `token` says who may ask, `peers` finds
//! what another replica holds, `http` is the thin shell around all of it. What the program around
//! brings (models, workers) is the port [`Setup`].

mod crew;
pub mod http;
mod limits;
pub mod peers;
mod rate;
mod refusal;
pub mod runs;
mod setup;
pub mod token;
pub mod views;

pub use limits::Limits;
pub use refusal::Refusal;
pub use setup::{AnyModel, Cast, Connected, Defaults, Setup};
