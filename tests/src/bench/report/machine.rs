//! Where a run took place.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, the day and the versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Processors that the system offers.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Release of the kernel.
    pub kernel: String,
    /// Load average of the last minute when the run began: what else the machine was doing.
    pub load: String,
    /// Day of the run, UTC.
    pub date: String,
    /// The commit that was built, if the work tree knows.
    pub commit: String,
    /// The Rust compiler.
    pub rustc: String,
    /// The nats-server.
    pub nats_server: String,
    /// The client library of both sides.
    pub async_nats: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// Looks around. What can't be found out is `unknown`.
    #[must_use]
    pub fn look(nats_server: String) -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key))
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let unknown = || UNKNOWN.to_owned();
        let memory = after(&file("/proc/meminfo"), "MemTotal");
        Self {
            processor: after(&file("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory
                .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok())
                .map_or(0, |kib| kib / 1024),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: file("/proc/loadavg")
                .split(' ')
                .next()
                .map_or_else(unknown, str::to_owned),
            date: said("date", &["-u", "+%F"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
            rustc: said("rustc", &["--version"]),
            nats_server,
            async_nats: locked_version("async-nats"),
        }
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| UNKNOWN.to_owned(), |text| text.trim().to_owned())
}

/// The version of a dependency that this was built with.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../../../../Cargo.lock");
    let name = format!("name = \"{package}\"");
    lock.lines()
        .skip_while(|line| *line != name)
        .nth(1)
        .and_then(|line| line.strip_prefix("version = "))
        .map_or_else(
            || UNKNOWN.to_owned(),
            |version| version.trim_matches('"').to_owned(),
        )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lock_file_names_the_client() {
        assert!(super::locked_version("async-nats").starts_with("0."));
    }
}
