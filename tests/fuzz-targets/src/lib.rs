//! What must hold for any input, one function for each fuzz target. `fuzz/` wraps them for cargo-fuzz; the
//! ordinary tests replay the corpus in `fuzz/corpus` and mutations of it.
//!
//! Each panics when a promise is broken, and gives whether the input got past the first checks, so that a
//! corpus that reaches nothing is noticed.

#[cfg(target_os = "linux")]
mod argv;
mod decoder;
mod guard;

#[cfg(target_os = "linux")]
pub use argv::argv;
pub use decoder::decoder;
pub use guard::guard;
