//! What the process itself takes.

use super::names;
use super::source::{Reading, Source};

/// Reads what the process takes from the system, where the system tells it.
#[derive(Debug)]
pub(super) struct Process;

/// `/proc` tells memory in these.
const KIB: f64 = 1024.0;

impl Source for Process {
    fn read(&self) -> Vec<Reading> {
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
            return Vec::new();
        };
        let resident = resident_kib(&status).map(|kib| kib * KIB);
        let reading = resident.map(|bytes| Reading::single(names::RESIDENT_MEMORY, bytes));
        reading.into_iter().collect()
    }
}

/// The memory that is in use, as `/proc/self/status` tells it.
fn resident_kib(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::resident_kib;

    #[test]
    fn memory_is_read_where_it_is_told() {
        assert_eq!(
            resident_kib("Name:\tx\nVmRSS:\t    9524 kB\n"),
            Some(9524.0)
        );
        assert_eq!(resident_kib("Name:\tx\n"), None);
    }
}
