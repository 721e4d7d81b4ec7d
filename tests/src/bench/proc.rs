//! What Linux knows of a process: its processor time and its memory.

use std::time::Duration;

use anyhow::{Context, bail};

/// Ticks of `/proc/PID/stat` in a second: Linux's `USER_HZ`, 100 on every architecture that we run on.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time that a process has used, user and system, with a resolution of 10 ms.
///
/// # Errors
/// When the process is gone.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    // The name in brackets may hold spaces; what follows it may not. User time is field 14 of all,
    // the twelfth after the name.
    let Some((_, rest)) = stat.rsplit_once(") ") else {
        bail!("{path} names no process");
    };
    let mut fields = rest.split(' ').skip(11);
    let mut ticks = || -> anyhow::Result<u64> {
        let field = fields.next().context("too few fields in /proc/PID/stat")?;
        Ok(field.parse()?)
    };
    let total = ticks()? + ticks()?;
    Ok(Duration::from_millis(total * 1000 / TICKS_PER_SECOND))
}

/// Memory that a process holds (its resident set), in bytes.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .with_context(|| format!("{path} has no VmRSS"))?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    #[test]
    fn this_process_has_time_and_memory() {
        let pid = std::process::id();
        assert!(super::processor_time(pid).is_ok());
        assert!(super::resident_bytes(pid).unwrap() > 0);
    }
}
