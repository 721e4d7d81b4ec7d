//! The table at the end.

use super::measure::{Measurement, Measurements};
use super::paint::wrap;

/// The position of the last column, which may go on in a line below.
const OUTCOMES: usize = 5;

/// Narrowest last column; with less room, the table becomes a list.
const OUTCOMES_WIDTH_MIN: usize = 16;

/// The measurements as a table of at most a width; where that is too little, as a short list.
pub(crate) fn table(measurements: &Measurements, width: usize) -> String {
    let rows = rows(measurements);
    let widths: Vec<usize> = (0..OUTCOMES)
        .map(|column| {
            let cells = rows.iter().map(|row| row.0[column].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    let before: usize = widths.iter().map(|width| width + 2).sum();
    let mut lines = if width < before + OUTCOMES_WIDTH_MIN {
        narrow(measurements, width)
    } else {
        let row = |row: &Row| row.lines(&widths, width - before);
        rows.iter().flat_map(row).collect()
    };
    lines.push(String::new());
    lines.extend(wrap(EXPLANATION, width));
    lines.join("\n")
}

const EXPLANATION: &str = "sequential: the tools' own times as the workers measured them, one after the other; \
    measured: from the first question to the model until its last answer";

/// Cells of one line each, and parts that may go on in a line below.
struct Row([String; OUTCOMES], Vec<String>);

impl Row {
    fn lines(&self, widths: &[usize], room: usize) -> Vec<String> {
        let mut head = String::new();
        for (column, (cell, width)) in std::iter::zip(&self.0, widths).enumerate() {
            head.push_str(&if column == 0 {
                format!("{cell:<width$}  ")
            } else {
                format!("{cell:>width$}  ")
            });
        }
        let before = head.chars().count();
        let mut lines = vec![head];
        let mut left = room;
        for (position, part) in self.1.iter().enumerate() {
            let comma = if position + 1 < self.1.len() {
                ", "
            } else {
                ""
            };
            let needed = part.chars().count() + comma.trim_end().len();
            if needed > left && left < room {
                lines.push(" ".repeat(before));
                left = room;
            }
            if let Some(last) = lines.last_mut() {
                last.push_str(part);
                last.push_str(comma);
            }
            left = left.saturating_sub(needed + 1);
        }
        lines
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

fn rows(measurements: &Measurements) -> Vec<Row> {
    let mut rows = vec![Row(
        ["SCENE", "CALLS", "SEQUENTIAL", "MEASURED", "SAVED"].map(str::to_owned),
        vec!["OUTCOMES".to_owned()],
    )];
    for scene in &measurements.scenes {
        rows.push(Row(
            [
                scene.scene.as_str().to_owned(),
                scene.calls.to_string(),
                ms(scene.sequential_ms),
                ms(Some(scene.measured_ms)),
                percent(scene.saved_percent),
            ],
            outcomes(scene),
        ));
    }
    let totals = &measurements.totals;
    if has_total(measurements) {
        rows.push(Row(
            [
                "total".to_owned(),
                totals.calls.to_string(),
                ms(Some(totals.sequential_ms)),
                ms(Some(totals.measured_ms)),
                percent(totals.saved_percent),
            ],
            vec![compared(measurements)],
        ));
    }
    rows
}

fn narrow(measurements: &Measurements, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for scene in &measurements.scenes {
        lines.push(cost(
            scene.scene.as_str(),
            scene.sequential_ms,
            scene.measured_ms,
            scene.saved_percent,
        ));
        let outcomes = wrap(&outcomes(scene).join(", "), width.saturating_sub(2)).into_iter();
        lines.extend(outcomes.map(|line| format!("  {line}")));
    }
    let totals = &measurements.totals;
    if has_total(measurements) {
        lines.push(cost(
            "total",
            Some(totals.sequential_ms),
            totals.measured_ms,
            totals.saved_percent,
        ));
    }
    lines
}

fn cost(
    name: &str,
    sequential_ms: Option<f64>,
    measured_ms: f64,
    saved_percent: Option<f64>,
) -> String {
    match sequential_ms {
        Some(sequential_ms) => format!(
            "{name}: {sequential_ms:.0} → {measured_ms:.0} ms, {}",
            percent(saved_percent)
        ),
        None => format!("{name}: {measured_ms:.0} ms"),
    }
}

/// Whether there is more than one scene to add up.
fn has_total(measurements: &Measurements) -> bool {
    let scenes = measurements.scenes.iter();
    scenes.filter(|scene| scene.sequential_ms.is_some()).count() > 1
}

/// Which scenes the total leaves out.
fn compared(measurements: &Measurements) -> String {
    let without: Vec<&str> = measurements
        .scenes
        .iter()
        .filter(|scene| scene.sequential_ms.is_none())
        .map(|scene| scene.scene.as_str())
        .collect();
    if without.is_empty() {
        String::new()
    } else {
        format!("without {}", without.join(", "))
    }
}

fn outcomes(scene: &Measurement) -> Vec<String> {
    scene
        .outcomes
        .iter()
        .map(|(outcome, calls)| format!("{calls} {}", outcome.replace('_', " ")))
        .collect()
}

fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} ms"))
}

fn percent(value: Option<f64>) -> String {
    match value {
        // Not "-0 %".
        Some(value) if value.abs() < 0.5 => "0 %".to_owned(),
        Some(value) => format!("{value:.0} %"),
        None => "-".to_owned(),
    }
}
