//! The page for people: `docs/benchmarks.md`.

use std::fmt::{Result, Write};

use super::{Bound, Check, Measure, Row, Run, SideRow};
use crate::bench::payload;
use crate::bench::stats::{Ratio, Verdict};

/// Writes the page.
///
/// # Panics
/// Never: writing to a string can't fail.
#[must_use]
pub fn page(run: &Run) -> String {
    let mut page = String::new();
    write_page(&mut page, run).expect("writing to a string can't fail");
    page
}

fn write_page(page: &mut String, run: &Run) -> Result {
    writeln!(page, "# Benchmarks\n")?;
    writeln!(
        page,
        "Written by `cargo xtask bench`; don't edit. Coordinator, worker and nats-server are separate\n\
         processes on one machine, so latencies are floors. Calls and results carry {} bytes each.",
        payload::BYTES
    )?;
    write_machine(page, run)?;
    write_method(page)?;
    let of = |is_of: fn(&Measure) -> bool| -> Vec<&Row> {
        let rows = run.rows.iter();
        rows.filter(|row| is_of(&row.measure)).collect()
    };
    let fan_outs = of(|measure| matches!(measure, Measure::FanOut { .. }));
    if !fan_outs.is_empty() {
        writeln!(page, "\n## Fan-outs\n")?;
        write_rows(page, "raw", &fan_outs)?;
    }
    let steady = of(|measure| matches!(measure, Measure::Sustained { .. }));
    if !steady.is_empty() {
        writeln!(page, "\n## Sustained load\n")?;
        write_rows(page, "raw", &steady)?;
    }
    let traced = of(|measure| matches!(measure, Measure::Traced { .. }));
    if !traced.is_empty() {
        writeln!(
            page,
            "\n## What tracing costs\n\nEach turn is a trace of its own. The collector is a further process on the same machine,\n\
             and takes its share of the processors.\n"
        )?;
        write_rows(page, "none", &traced)?;
    }
    let signed = of(|measure| matches!(measure, Measure::Signed { .. }));
    if !signed.is_empty() {
        writeln!(
            page,
            "\n## What signatures cost\n\nEvery call, grant, ack and result is signed and checked, on both sides.\n"
        )?;
        write_rows(page, "unsigned", &signed)?;
    }
    if !run.checks.is_empty() {
        writeln!(page, "\n## Bounds of their own\n")?;
        write_checks(page, &run.checks)?;
    }
    if !run.rows.is_empty() {
        writeln!(page, "\n## Processor time per call\n")?;
        write_cpu(page, &run.rows)?;
        write_trials(page, &run.rows)?;
    }
    Ok(())
}

fn write_machine(page: &mut String, run: &Run) -> Result {
    let machine = &run.machine;
    writeln!(page, "\n| | |\n|---|---|")?;
    let memory = format!("{} MiB", machine.memory_mib);
    let lines = [
        ("processor", machine.processor.as_str()),
        ("cores", &machine.cores.to_string()),
        ("memory", &memory),
        ("kernel", &machine.kernel),
        ("load average at the start", &machine.load),
        ("date", &machine.date),
        ("commit", &machine.commit),
        ("compiler", &machine.rustc),
        ("nats-server", &machine.nats_server),
        ("async-nats", &machine.async_nats),
        ("command", &format!("`{}`", run.command)),
    ];
    for (name, value) in lines {
        writeln!(page, "| {name} | {value} |")?;
    }
    Ok(())
}

fn write_method(page: &mut String) -> Result {
    writeln!(
        page,
        "\nThe baseline is raw async-nats with one shared reply inbox and one message per call, in the\n\
         fastest of four ways for each row. Sides are measured in turns in the same run; the ratio is the\n\
         median over the pairs with its 95 % bootstrap interval. A target holds when the whole interval is\n\
         within it; \"not shown\" means that the target lies inside the interval. The Callboard sides\n\
         use the public API: schema check, ledger, leases, duplicate memory, the `Tool` trait.\n\
         Before a fan-out is measured the machine rests and the side runs in, so that none finds the\n\
         scheduler as another left it ([why](performance.md#how-it-is-measured))."
    )
}

fn write_rows(page: &mut String, baseline: &str, rows: &[&Row]) -> Result {
    writeln!(
        page,
        "| what | side | p50 | p99 | ratio to {baseline} | 95 % interval | target | verdict |\n\
         |---|---|---:|---:|---:|---|---|---|"
    )?;
    for row in rows {
        let name = row.measure.name();
        for side in std::iter::once(&row.baseline).chain(&row.sides) {
            writeln!(
                page,
                "| {name} | {} | {} | {} | {} |",
                side.label,
                figure(row.measure, side.nanos.p50),
                figure(row.measure, side.nanos.p99),
                judged(row.measure, side)
            )?;
        }
    }
    Ok(())
}

fn figure(measure: Measure, nanos: u64) -> String {
    let nanos = nanos as f64;
    match measure {
        Measure::FanOut { .. } if nanos < 1e6 => format!("{:.0} µs", nanos / 1e3),
        Measure::FanOut { .. } => format!("{:.2} ms", nanos / 1e6),
        Measure::Sustained { .. } | Measure::Traced { .. } | Measure::Signed { .. } => {
            format!("{:.1} k/s", 1e6 / nanos)
        }
    }
}

/// The ratio as people read it: of times for a fan-out, of calls per second under load.
fn judged(measure: Measure, side: &SideRow) -> String {
    let Some(ratio) = side.ratio else {
        return "1 | | | ".to_owned();
    };
    let (ratio, target) = match measure {
        Measure::FanOut { .. } => (ratio, side.target.map(|target| format!("≤ {target:.2}"))),
        Measure::Sustained { .. } | Measure::Traced { .. } | Measure::Signed { .. } => (
            Ratio {
                pairs: ratio.pairs,
                median: 1.0 / ratio.median,
                low: 1.0 / ratio.high,
                high: 1.0 / ratio.low,
            },
            side.target.map(|target| format!("≥ {:.2}", 1.0 / target)),
        ),
    };
    let verdict = match side.verdict {
        Some(Verdict::Holds) => "holds",
        Some(Verdict::NotShown) => "not shown",
        Some(Verdict::Missed) => "**missed**",
        None => "",
    };
    format!(
        "{:.2} | {:.2} to {:.2} ({} pairs) | {} | {verdict}",
        ratio.median,
        ratio.low,
        ratio.high,
        ratio.pairs,
        target.unwrap_or_default(),
    )
}

fn write_checks(page: &mut String, checks: &[Check]) -> Result {
    writeln!(
        page,
        "| what | measured | bound | verdict |\n|---|---:|---|---|"
    )?;
    for check in checks {
        let bound = match check.bound {
            Some(Bound::AtMost(most)) => format!("≤ {most}"),
            Some(Bound::AtLeast(least)) => format!("≥ {least}"),
            None => String::new(),
        };
        let verdict = match check.holds() {
            Some(true) => "holds",
            Some(false) => "**missed**",
            None => "",
        };
        writeln!(
            page,
            "| {} | {:.1} {} | {bound} | {verdict} |",
            check.what, check.value, check.unit
        )?;
    }
    Ok(())
}

fn write_cpu(page: &mut String, rows: &[Row]) -> Result {
    writeln!(
        page,
        "| what | side | coordinator | workers | nats-server | together |\n|---|---|---:|---:|---:|---:|"
    )?;
    for row in rows {
        for side in std::iter::once(&row.baseline).chain(&row.sides) {
            let cpu = side.cpu;
            let micros = |nanos: u64| format!("{:.1} µs", nanos as f64 / 1e3);
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} |",
                row.measure.name(),
                side.label,
                micros(cpu.coordinators),
                micros(cpu.workers),
                micros(cpu.server),
                micros(cpu.coordinators + cpu.workers + cpu.server)
            )?;
        }
    }
    Ok(())
}

fn write_trials(page: &mut String, rows: &[Row]) -> Result {
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.trial.is_empty()).collect();
    let Some(first) = rows.first() else {
        return Ok(());
    };
    writeln!(page, "\n## The baseline's four ways\n")?;
    writeln!(page, "p50 in the trial that chose the baseline.\n")?;
    let heads: String = first
        .trial
        .iter()
        .map(|(way, _)| format!(" {way} |"))
        .collect();
    let rule: String = first.trial.iter().map(|_| "---:|").collect();
    writeln!(page, "| what |{heads}\n|---|{rule}")?;
    for row in rows {
        let cells: String = row
            .trial
            .iter()
            .map(|&(_, nanos)| format!(" {} |", figure(row.measure, nanos)))
            .collect();
        writeln!(page, "| {} |{cells}", row.measure.name())?;
    }
    Ok(())
}
