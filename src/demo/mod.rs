//! `callboard demo`: scenes on embedded workers, measured against what they would cost one after the
//! other.
//!
//! `scene` says what is played and what is expected of it; `stage` sets up the workers, `cut` breaks a
//! line at a stated moment, `play` plays. `timeline` and `render` are pure: what happened, and how it
//! looks at a given width. `screen` is the only one that touches the terminal, and `measure` and
//! `table` are what is left in the end.

mod cut;
mod interrupt;
mod measure;
mod paint;
mod plain;
mod play;
mod render;
mod scene;
mod screen;
mod stage;
mod table;
mod timeline;

#[cfg(test)]
mod tests;

pub(crate) use interrupt::Interrupt;
pub(crate) use measure::Measurements;
pub(crate) use play::play;
pub(crate) use scene::{Scene, SceneName};
pub(crate) use screen::Screen;
pub(crate) use table::table;
