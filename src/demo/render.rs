//! How a timeline looks at a given time and width. Pure.

use std::time::Duration;

use super::paint::{Line, Tone};
use super::timeline::{Row, Timeline};

const WAITS: char = '░';
const RUNS: char = '█';
const DEADLINE: char = '│';
const CUT: char = '╳';

/// The narrowest bar beside the columns; with less room, each call takes two lines.
const BAR_WIDTH_MIN: usize = 22;
/// The narrowest bar for which the tool's name gives up its room.
const BAR_WIDTH_GOOD: usize = 34;
const WORKER_WIDTH: usize = "stage-right".len();
const WORD_WIDTH: usize = "worker lost".len();
const TIME_WIDTH: usize = "6000 ms".len();

/// Where things are at a width.
struct Layout {
    width: usize,
    /// Columns before the bar.
    before: usize,
    bar: usize,
    shows_tool: bool,
    takes_two_lines: bool,
}

impl Layout {
    fn new(timeline: &Timeline, width: usize) -> Self {
        let worker = WORKER_WIDTH + 1 + 2 + 1;
        let narrow = timeline.name_width + 2 + worker;
        let with_tool = narrow + timeline.tool_width + 1;
        let after = 1 + TIME_WIDTH + 2 + WORD_WIDTH;
        let shows_tool = width >= with_tool + BAR_WIDTH_GOOD + after;
        let takes_two_lines = width < narrow + BAR_WIDTH_MIN + after;
        let (before, after) = if takes_two_lines {
            (worker, 0)
        } else if shows_tool {
            (with_tool, after)
        } else {
            (narrow, after)
        };
        Self {
            width,
            before,
            bar: width.saturating_sub(before + after),
            shows_tool,
            takes_two_lines,
        }
    }
}

/// The picture of a timeline, as lines of at most a width.
pub(super) fn picture(timeline: &Timeline, now: Duration, width: usize) -> Vec<Line> {
    let layout = Layout::new(timeline, width);
    let span = timeline.span.max(last_moment(timeline, now));
    let mut lines = Vec::new();
    for row in &timeline.rows {
        let bar = bar(timeline, row, now, span, layout.bar);
        if layout.takes_two_lines {
            let mut line = Line::default();
            line.push(
                Tone::Strong,
                format!("{:<1$} ", row.name(), timeline.name_width),
            );
            push_end(&mut line, row, now);
            lines.push(line);
            let mut line = Line::default();
            push_worker(&mut line, row);
            append(&mut line, &bar);
            lines.push(line);
        } else {
            let mut line = Line::default();
            line.push(
                Tone::Strong,
                format!("{:<1$}  ", row.name(), timeline.name_width),
            );
            if layout.shows_tool {
                line.push(
                    Tone::Plain,
                    format!("{:<1$} ", row.tool, timeline.tool_width),
                );
            }
            push_worker(&mut line, row);
            append(&mut line, &bar);
            push_end(&mut line, row, now);
            lines.push(line);
        }
    }
    lines.push(axis(span, &layout));
    lines.extend(legend(timeline, layout.width));
    lines
        .into_iter()
        .map(|line| line.clipped(layout.width))
        .collect()
}

fn last_moment(timeline: &Timeline, now: Duration) -> Duration {
    let ended_or_now = |row: &Row| row.end.as_ref().map_or(now, |end| end.at);
    let moments = timeline.rows.iter().map(ended_or_now);
    moments.max().unwrap_or_default()
}

fn tries(row: &Row) -> String {
    match row.tries.len() {
        0 | 1 => String::new(),
        tries => format!("×{tries}"),
    }
}

fn push_worker(line: &mut Line, row: &Row) {
    line.push(Tone::Dim, format!("{:<WORKER_WIDTH$} ", row.worker()));
    line.push(Tone::Strong, format!("{:<2} ", tries(row)));
}

fn append(line: &mut Line, other: &Line) {
    for (tone, text) in other.pieces() {
        line.push(tone, text);
    }
}

fn push_end(line: &mut Line, row: &Row, now: Duration) {
    let until = row.end.as_ref().map_or(now, |end| end.at);
    let took = format!("{} ms", until.saturating_sub(row.opened).as_millis());
    line.push(Tone::Plain, format!(" {took:>TIME_WIDTH$}  "));
    match &row.end {
        Some(end) => line.push(end.tone, end.word.clone()),
        None if row.runs_at(now) => line.push(Tone::Runs, "runs"),
        None => line.push(Tone::Dim, "waits"),
    }
}

fn bar(timeline: &Timeline, row: &Row, now: Duration, span: Duration, width: usize) -> Line {
    let cells = Cells { span, width };
    let until = row.end.as_ref().map_or(now, |end| end.at);
    let first = cells.at(row.opened);
    // Something that was over at once is still seen.
    let last = cells.at(until).max(first + 1);
    let deadline = cells.at(row.opened + timeline.call_deadline);
    let cut = row.cut.map(|cut| cells.at(cut).max(first));
    let tone = row.end.as_ref().map_or(Tone::Runs, |end| end.tone);
    let mut line = Line::default();
    for cell in 0..width {
        if cut == Some(cell) {
            line.push(Tone::Bad, CUT.to_string());
        } else if (first..last).contains(&cell) {
            // What the call did for most of its time in this cell.
            let from = cells.start(cell).max(row.opened);
            let to = cells.start(cell + 1).min(until).max(from);
            if row.runs_at((from + to) / 2) {
                line.push(tone, RUNS.to_string());
            } else {
                line.push(tone, WAITS.to_string());
            }
        } else if cell == deadline {
            line.push(Tone::Deadline, DEADLINE.to_string());
        } else {
            line.push(Tone::Plain, ' ');
        }
    }
    line
}

/// Time as cells of a bar.
#[derive(Clone, Copy)]
struct Cells {
    span: Duration,
    width: usize,
}

impl Cells {
    /// The cell that holds a moment; beyond the last one for what is beyond the span.
    fn at(self, moment: Duration) -> usize {
        let cell = moment.as_micros() * self.width as u128 / self.span.as_micros().max(1);
        usize::try_from(cell).unwrap_or(usize::MAX)
    }

    fn start(self, cell: usize) -> Duration {
        let cell = u32::try_from(cell).unwrap_or(u32::MAX);
        let width = u32::try_from(self.width.max(1)).unwrap_or(u32::MAX);
        self.span * cell / width
    }
}

fn axis(span: Duration, layout: &Layout) -> Line {
    let end = format!("{} ms", span.as_millis());
    let gap = layout.bar.saturating_sub(1 + end.len());
    let mut line = Line::default();
    line.push(Tone::Plain, " ".repeat(layout.before));
    line.push(Tone::Dim, format!("0{}{end}", " ".repeat(gap)));
    line
}

/// What the signs mean, in as many lines as that takes.
fn legend(timeline: &Timeline, width: usize) -> Vec<Line> {
    let mut parts = vec![
        format!("{WAITS} waits"),
        format!("{RUNS} runs"),
        format!(
            "{DEADLINE} deadline of {} ms",
            timeline.call_deadline.as_millis()
        ),
    ];
    if timeline.rows.iter().any(|row| row.cut.is_some()) {
        parts.push(format!("{CUT} line cut"));
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 2 + part.chars().count() <= width => {
                last.push_str("  ");
                last.push_str(&part);
            }
            Some(_) | None => lines.push(part),
        }
    }
    let line = |text| Line::of(Tone::Dim, text);
    lines.into_iter().map(line).collect()
}
