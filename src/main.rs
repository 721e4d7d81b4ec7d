//! The one binary: `callboard`.
//!
//! The CLI and nothing else: `cli` is what can be typed, `config` is what can be set, `session` joins a
//! coordinator to its workers, `command` holds one file per command, `view` what lists have in common,
//! and `demo` what the demo plays.

mod cli;
mod command;
mod config;
mod demo;
mod embedded;
mod exit;
mod hosting;
mod log;
mod offer;
mod output;
mod session;
mod signals;
mod telemetry;
mod view;

use clap::Parser as _;

use crate::cli::Cli;
use crate::exit::Exit;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == offer::SUPERVISE)
    {
        return callboard_worker::process::supervise();
    }
    let cli = Cli::parse();
    // One thread for link, ledger and CLI: every hand-over to another thread would cost more than a
    // call does. Tools have threads of their own.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Exit::Internal.report(&anyhow::Error::new(error)),
    };
    match runtime.block_on(command::run(cli)) {
        Ok(exit) => exit.into(),
        Err(error) => Exit::of(&error).report(&error),
    }
}
