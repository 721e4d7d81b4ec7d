//! Views that are looked at once or watched: rows, how they fit a terminal, and what changed in them.

pub(crate) mod change;
pub(crate) mod clock;
pub(crate) mod conflict;
pub(crate) mod crew;
pub(crate) mod plain;
pub(crate) mod table;
pub(crate) mod watch;
