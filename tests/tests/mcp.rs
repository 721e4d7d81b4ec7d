//! MCP servers, hosted by the binary as its users run it: a strict fake one, and the reference servers
//! where they are installed (`cargo xtask mcp`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod mcp {
    mod answers;
    mod changes;
    mod ends;
    mod pools;
    mod progress;
    mod real;
    mod stage;
    mod troubles;
}
