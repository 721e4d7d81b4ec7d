//! Signals to processes that the tests started: the faults that a process can't answer.

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

/// Freezes a process (`SIGSTOP`): it keeps its connections and runs no more.
///
/// # Errors
/// No such process, or it isn't ours.
pub fn pause(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::STOP)
}

/// Lets a frozen process go on (`SIGCONT`).
///
/// # Errors
/// No such process, or it isn't ours.
pub fn resume(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::CONT)
}

/// Kills a process without a farewell (`SIGKILL`), frozen or not.
///
/// # Errors
/// No such process, or it isn't ours.
pub fn kill9(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::KILL)
}

/// Asks a process to end in order (`SIGTERM`).
///
/// # Errors
/// No such process, or it isn't ours.
pub fn terminate(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::TERM)
}

/// Tells a process that its configuration has changed (`SIGHUP`).
///
/// # Errors
/// No such process, or it isn't ours.
pub fn hang_up(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::HUP)
}

/// Interrupts a process as Ctrl-C does (`SIGINT`).
///
/// # Errors
/// No such process, or it isn't ours.
pub fn interrupt(pid: u32) -> anyhow::Result<()> {
    send(pid, Signal::INT)
}

/// Tells whether a process has a handler of its own for Ctrl-C.
///
/// # Errors
/// No such process.
pub fn catches_interrupts(pid: u32) -> anyhow::Result<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("failed to read the status of process {pid}"))?;
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .context("no line of caught signals")?;
    // SIGINT is signal 2, so bit 1.
    Ok(u64::from_str_radix(caught.trim(), 16)? & 0b10 != 0)
}

fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = raw.with_context(|| format!("{pid} is no process id"))?;
    kill_process(pid, signal)
        .with_context(|| format!("failed to send {signal:?} to process {pid:?}"))
}
