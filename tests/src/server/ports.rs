//! Ports for servers that must come back on the same one.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

/// The ports to choose from.
///
/// Below the ephemeral range (Linux: from 32768): a client that redials a dead port of that range may be given that very
/// port as its own and connect to itself, and no other program's outgoing connection takes a port of ours meanwhile.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// How many ports are looked at before giving up. Chosen, not measured.
const TRIES: usize = 64;

/// Returns a loopback port that was free a moment ago.
pub(crate) fn free() -> anyhow::Result<u16> {
    std::iter::repeat_with(|| fastrand::u16(RANGE))
        .take(TRIES)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .with_context(|| {
            format!(
                "{TRIES} ports between {} and {} are all taken",
                RANGE.start, RANGE.end
            )
        })
}

/// Tells whether a start failed because somebody else took the port first.
pub(super) fn taken(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    text.contains("address already in use") || text.contains("port is already allocated")
}
