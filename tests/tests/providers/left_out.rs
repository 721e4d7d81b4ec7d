//! The SDKs, or the word that a proof can't be made without them.

use std::io::Write as _;

use xtask::sdks::{Sdks, VARIABLE};

/// Returns the SDKs. Where there are none, says so on the terminal itself: what a passing test prints is never shown.
pub(super) fn sdks(proof: &str) -> Option<Sdks> {
    let sdks = Sdks::named();
    if sdks.is_none() {
        let line = format!(
            "LEFT OUT: {proof} ({VARIABLE} names no SDKs; `cargo xtask providers` installs them and runs this)\n"
        );
        // In one write: other tests are talking, too.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    sdks
}
