//! The shell of a coordinator: [`link`] connects it with its workers.

pub mod link;
