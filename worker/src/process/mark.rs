//! What tells a program's processes from all others, whatever they make of themselves.
//!
//! A supervisor finds everybody below it by their parents. When it is gone itself, its orphans belong to
//! whoever takes orphans in, and to no list. They still carry the mark: a bound that the kernel stopped to
//! enforce long ago (`RLIMIT_LOCKS`), set to a number of the call's own. Whoever is started below inherits
//! it, across sessions, emptied environments and rewritten titles; nobody else has it; and a process must
//! lower that bound on purpose to lose it.

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, pidfd_open,
    pidfd_send_signal, setrlimit, waitid,
};
use serde::{Deserialize, Serialize};

use super::tree;

/// How long those that were killed are waited for: one that the kernel holds may take any time. Chosen, not
/// measured.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// From where marks are drawn, where there is no bound yet: large enough that none is drawn twice.
const DRAWN_FROM: u64 = 1 << 62;
/// Bounds below which no mark is drawn: others could carry the same.
const ROOM_MIN: u64 = 1 << 48;
/// How `/proc/{pid}/limits` calls the bound.
const BOUND: &str = "Max file locks";

/// The mark of one call's processes, or of one server's; none where somebody left too little room for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark(Option<u64>);

impl Mark {
    /// Draws one that this process may set for what it starts.
    pub(super) fn new() -> Self {
        let (drawn, _) = uuid::Uuid::new_v4().as_u64_pair();
        // Below a bound that is there already: a worker may itself be somebody's tool.
        let from = match getrlimit(Resource::Locks).maximum {
            None => DRAWN_FROM,
            Some(bound) if bound < ROOM_MIN => return Self(None),
            Some(bound) => bound / 2,
        };
        Self(Some(from + drawn % from))
    }

    /// Marks this process, and what it starts from now on.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub(super) fn set(self) -> io::Result<()> {
        let Some(mark) = self.0 else {
            return Ok(());
        };
        let bound = Rlimit {
            current: Some(mark),
            maximum: Some(mark),
        };
        Ok(setrlimit(Resource::Locks, bound)?)
    }

    /// Kills everybody who carries the mark, and waits until they are gone; `false` where some aren't in time,
    /// or can't be known. May block for two seconds.
    pub(super) fn end_all(self) -> bool {
        if self.0.is_none() {
            return false;
        }
        let until = Instant::now() + GONE_WITHIN;
        loop {
            let alive = self.carriers();
            if alive.is_empty() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            for process in &alive {
                // An error says that it ended meanwhile.
                let _ = pidfd_send_signal(process, Signal::KILL);
            }
            for process in &alive {
                has_ended(process, until.saturating_duration_since(Instant::now()));
                // Orphans come to a worker that is the first process of its container.
                let _ = waitid(
                    WaitId::PidFd(process.as_fd()),
                    WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
                );
            }
        }
    }

    /// Those that carry the mark and haven't ended.
    fn carriers(self) -> Vec<OwnedFd> {
        let Some(mark) = self.0 else {
            return Vec::new();
        };
        let carry = |pid: &Pid| mark_of(*pid) == Some(mark);
        let opened = |pid: Pid| {
            let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
            // The number may have been given to somebody else since it was read; it can't be after the open.
            carry(&pid).then_some(process)
        };
        let all = tree::all().filter(carry).filter_map(opened);
        all.filter(|process| !has_ended(process, Duration::ZERO))
            .collect()
    }
}

/// What stands where marks are: the bound above the one that is asked for, for that can't be raised again.
fn mark_of(pid: Pid) -> Option<u64> {
    let path = format!("/proc/{}/limits", pid.as_raw_nonzero());
    let limits = fs::read_to_string(path).ok()?;
    let bounds = limits.lines().find_map(|line| line.strip_prefix(BOUND))?;
    bounds.split_whitespace().nth(1)?.parse().ok()
}

/// Waits so long for a process to end; whether it has.
fn has_ended(process: &OwnedFd, within: Duration) -> bool {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    let within = Timespec::try_from(within).ok();
    poll(&mut ended, within.as_ref()).is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn who_hides_is_found_and_nobody_else_is() {
        let (mark, other) = (Mark::new(), Mark::new());
        assert_ne!(mark, other);
        let script = format!(
            "ulimit -x {}; (setsid env -i sleep 1000 > /dev/null &); (cd /; exec sleep 1000) & echo stands; exec sleep 1000",
            mark.0.unwrap()
        );
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut unmarked = Command::new("sleep").arg("1000").spawn().unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut said).unwrap();
        assert_eq!(said, "stands\n");
        assert!(other.carriers().is_empty());
        assert_eq!(mark.carriers().len(), 3);

        assert!(mark.end_all());
        assert!(mark.carriers().is_empty());
        assert!(unmarked.try_wait().unwrap().is_none());
        unmarked.kill().unwrap();
        unmarked.wait().unwrap();
        // Reaped already, as a worker's orphans are.
        assert!(child.wait().is_err());
    }
}
