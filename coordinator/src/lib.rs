//! The shell of a coordinator: [`link`] connects it with its workers.

pub mod catalogue;
pub mod dispatch;
pub mod link;
pub mod model;
pub mod provider;
pub mod run;
