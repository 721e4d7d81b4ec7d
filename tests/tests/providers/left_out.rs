//! The SDKs, or the word that a proof can't be made without them.

use std::io::Write as _;

use xtask::sdks::{Sdks, VARIABLE};

/// Returns the SDKs. Where there are none, says so on the terminal itself: what a passing test prints is never shown.
pub(super) fn sdks(proof: &str) -> Option<Sdks> {
    let sdks = Sdks::named();
    if sdks.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: {proof} ({VARIABLE} names no SDKs; `cargo xtask providers` installs them and runs this)"
        );
    }
    sdks
}
