//! The processes below this one, however they got there.

use std::collections::{HashMap, VecDeque};
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

/// Sends a signal to every process below this one. A process that ends meanwhile is passed over.
pub(super) fn signal_all(signal: Signal) {
    for pid in descendants() {
        let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        // The number may have been given to somebody else since it was read; it can't be after the open.
        if is_below(pid) {
            let _ = pidfd_send_signal(fd, signal);
        }
    }
}

/// All processes below this one, nearest first.
fn descendants() -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for pid in all() {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = VecDeque::from([getpid()]);
    while let Some(parent) = open.pop_front() {
        for pid in children.remove(&parent).into_iter().flatten() {
            found.push(pid);
            open.push_back(pid);
        }
    }
    found
}

fn is_below(pid: Pid) -> bool {
    let mut at = pid;
    while let Some(parent) = parent_of(at) {
        if parent == getpid() {
            return true;
        }
        at = parent;
    }
    false
}

/// All processes there are.
pub(super) fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// The parent by `/proc/{pid}/stat`: the second field after the name, which is in brackets and may
/// itself contain any.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    Pid::from_raw(rest.split_ascii_whitespace().nth(1)?.parse().ok()?)
}
