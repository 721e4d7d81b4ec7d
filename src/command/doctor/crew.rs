//! Who is there for the tenant, and whether their clocks agree with this machine's.

use std::time::{Duration, SystemTime};

use super::check::Check;
use super::signing;
use crate::config::Config;
use crate::session::Session;
use crate::view::clock;
use crate::view::crew::heard;

/// From here on the times of two machines in a trace or log contradict each other to a person's eye.
/// Chosen, not measured; a beat's way is part of what is compared.
const SKEW_MAX: Duration = Duration::from_millis(500);

pub(super) async fn checks(config: &Config) -> anyhow::Result<Vec<Check>> {
    if !signing::can_hear(config) {
        return Ok(Vec::new());
    }
    let session = Session::open_to_look(config).await?;
    session.listen().await?;
    let workers = heard(&session.dispatch).await?;
    session.close().await;
    if workers.is_empty() {
        return Ok(vec![Check::warning(
            "workers",
            "none is there for this tenant",
            "start one: callboard worker --help",
        )]);
    }
    let names: Vec<&str> = workers
        .iter()
        .map(|(worker, _)| worker.worker.as_str())
        .collect();
    let there = format!("{} there: {}", names.len(), names.join(" "));
    let now = SystemTime::now();
    let read: Vec<(&str, f64)> = workers
        .iter()
        .filter_map(|(worker, _)| {
            let ahead_ms = clock::ahead_ms(worker.clock?, now)?;
            Some((worker.worker.as_str(), ahead_ms))
        })
        .collect();
    let pools = workers.iter().map(|(worker, _)| &worker.pool);
    let mut checks = vec![Check::ok("workers", there), clocks(&read)];
    checks.extend(signing::unlisted(config, pools));
    Ok(checks)
}

/// Of the clocks of workers, by how many milliseconds each is ahead of this machine's.
fn clocks(read: &[(&str, f64)]) -> Check {
    let off: Vec<String> = read
        .iter()
        .filter(|(_, ahead_ms)| ahead_ms.abs() > SKEW_MAX.as_secs_f64() * 1e3)
        .map(|(worker, ahead_ms)| {
            let side = if *ahead_ms > 0.0 { "ahead" } else { "behind" };
            format!("{worker} is {:.1} s {side}", ahead_ms.abs() / 1e3)
        })
        .collect();
    if !off.is_empty() {
        return Check::warning(
            "clocks",
            off.join(", "),
            "let NTP (chrony, systemd-timesyncd) set the clock of each machine; calls are not affected, but traces \
             and logs of several machines contradict each other",
        );
    }
    let furthest = read
        .iter()
        .map(|(_, ahead_ms)| ahead_ms.abs())
        .reduce(f64::max);
    Check::ok(
        "clocks",
        match furthest {
            Some(ms) => format!("{} of workers compared: within {ms:.0} ms", read.len()),
            None => "not compared: no worker tells its own".to_owned(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told() {
        let told = |read: &[(&str, f64)]| {
            serde_json::to_value(clocks(read)).expect("a check is a map of plain values")
        };
        let agreeing = told(&[("one", 3.2), ("two", -7.0)]);
        assert_eq!(agreeing["status"], "ok");
        assert_eq!(agreeing["finding"], "2 of workers compared: within 7 ms");
        let off = told(&[("one", 3.2), ("two", -7200.0), ("three", 90_000.0)]);
        assert_eq!(off["status"], "warning");
        assert_eq!(off["finding"], "two is 7.2 s behind, three is 90.0 s ahead");
        let none = told(&[]);
        assert_eq!(none["finding"], "not compared: no worker tells its own");
    }
}
