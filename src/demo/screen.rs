//! Where a scene is shown: a picture that is redrawn in place, plain lines, or nowhere.
//!
//! The picture is drawn without raw mode, without another screen and with the cursor visible, so
//! however the process ends there is nothing to put back.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crossterm::cursor::MoveToPreviousLine;
use crossterm::queue;
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};

use super::measure::{Measurement, latency};
use super::paint::{Line, Tone, wrap};
use super::scene::Scene;
use super::timeline::{Stamped, Timeline};
use super::{plain, render};
use crate::output;
use crate::view::watch::size;

/// Lines longer than this are hard to follow, however wide the terminal is.
const WIDTH_MAX: usize = 110;
/// Width where there is no terminal to ask.
const WIDTH_PLAIN: usize = 100;
/// What is said in the picture after Ctrl-C, in the place of the note that the picture overwrites.
const ENDING: &str = "ending in order; Ctrl-C again quits at once";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Live,
    Plain,
    Silent,
}

/// Where scenes are shown.
#[derive(Debug)]
pub(crate) struct Screen {
    mode: Mode,
    has_colours: bool,
    /// Widths of the picture's lines that are on the terminal now, top to bottom.
    drawn: Vec<usize>,
    /// Columns that others wrote below the picture since.
    written_below: usize,
    is_interrupted: bool,
    name_width: usize,
}

impl Screen {
    /// Live in a terminal that can, plain elsewhere or where that is wanted.
    pub(crate) fn new(wants_plain: bool, wants_json: bool) -> Self {
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        let is_terminal = io::stdout().is_terminal() && variable("TERM") != "dumb";
        let mode = if wants_json {
            Mode::Silent
        } else if is_terminal && !wants_plain {
            Mode::Live
        } else {
            Mode::Plain
        };
        Self {
            mode,
            has_colours: mode == Mode::Live && variable("NO_COLOR").is_empty(),
            drawn: Vec::new(),
            written_below: 0,
            is_interrupted: false,
            name_width: 0,
        }
    }

    /// Shows nothing, for tests.
    #[cfg(test)]
    pub(super) fn silent() -> Self {
        Self::new(false, true)
    }

    /// Columns for text.
    pub(crate) fn width(&self) -> usize {
        match self.mode {
            Mode::Live => columns().min(WIDTH_MAX),
            Mode::Plain if io::stdout().is_terminal() => columns().min(WIDTH_PLAIN),
            Mode::Plain | Mode::Silent => WIDTH_PLAIN,
        }
    }

    /// Says what is about to be shown.
    pub(crate) fn welcome(&self) -> io::Result<()> {
        let text = format!(
            "Calls are posted to two workers in this process, stage-left and stage-right, which answer them over the \
             data of a small shop. Each tool takes a stated {} ms, so that the arithmetic is visible. A script answers \
             in the model's place; all else is what runs in earnest.",
            latency().as_millis()
        );
        self.say(
            wrap(&text, self.width())
                .into_iter()
                .map(|line| Line::of(Tone::Plain, line)),
        )
    }

    /// Shows text, unless only measurements are wanted.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        self.say(text.lines().map(|line| Line::of(Tone::Plain, line)))
    }

    pub(super) fn begin(&mut self, scene: &Scene) -> io::Result<()> {
        self.name_width = scene
            .expected()
            .map(|expected| expected.call.len())
            .max()
            .unwrap_or(0);
        if self.mode == Mode::Silent {
            if io::stderr().is_terminal() {
                output::note(&format!("callboard: playing {}", scene.name.as_str()));
            }
            return Ok(());
        }
        let name = scene.name.as_str();
        let width = self.width();
        let mut lines = vec![Line::default()];
        for text in wrap(&format!("{name}: {}", scene.story), width) {
            let mut line = Line::default();
            // Only the first line begins with the name and its colon.
            match text.strip_prefix(&format!("{name}:")) {
                Some(rest) => {
                    line.push(Tone::Strong, name);
                    line.push(Tone::Plain, format!(":{rest}"));
                }
                None => line.push(Tone::Plain, text),
            }
            lines.push(line);
        }
        for note in scene.acts.iter().filter_map(|act| act.note) {
            let note = wrap(note, width.saturating_sub(2)).into_iter();
            lines.extend(note.map(|line| Line::of(Tone::Plain, format!("  {line}"))));
        }
        self.say(lines.into_iter())
    }

    pub(super) fn happened(&self, stamped: &Stamped) -> io::Result<()> {
        match (self.mode, plain::line(stamped, self.name_width)) {
            (Mode::Plain, Some(line)) => output::line(&line),
            (Mode::Plain, None) | (Mode::Live | Mode::Silent, _) => Ok(()),
        }
    }

    /// Ctrl-C came, and a note about it went to standard error.
    pub(super) fn interrupted(&mut self) {
        self.is_interrupted = true;
        if io::stderr().is_terminal() {
            // The terminal's own ^C, and the note.
            self.written_below = 2 + "callboard: ".len() + ENDING.len();
        }
    }

    /// Draws the picture in the place of the last one.
    pub(super) fn draw(&mut self, timeline: &Timeline, now: Duration) -> io::Result<()> {
        if self.mode != Mode::Live {
            return Ok(());
        }
        let mut lines = render::picture(timeline, now, self.width());
        if self.is_interrupted {
            lines.push(Line::of(Tone::Dim, ENDING).clipped(self.width()));
        }
        let (columns, rows) = (columns(), rows());
        // What has scrolled out of sight can't be drawn over.
        let hidden = lines.len().saturating_sub(rows.saturating_sub(1));
        lines.drain(..hidden);
        let mut out = Vec::new();
        queue!(out, BeginSynchronizedUpdate)?;
        let up = self.rows_drawn(columns).min(rows.saturating_sub(1));
        if up > 0 {
            queue!(
                out,
                MoveToPreviousLine(u16::try_from(up).unwrap_or(u16::MAX))
            )?;
        }
        queue!(out, Clear(ClearType::FromCursorDown))?;
        for line in &lines {
            self.write(line, &mut out)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        self.drawn = lines.iter().map(Line::width).collect();
        self.written_below = 0;
        show(&out)
    }

    /// Shows the last picture of a scene, and what there is to say about it.
    pub(super) fn end(&mut self, timeline: &Timeline, measurement: &Measurement) -> io::Result<()> {
        self.draw(timeline, Duration::ZERO)?;
        self.drawn.clear();
        self.say(notes(measurement, self.width()))
    }

    /// Rows that the picture takes up now: a terminal that became narrower has broken its lines.
    fn rows_drawn(&self, columns: usize) -> usize {
        let rows = |width: &usize| width.div_ceil(columns).max(1);
        let below = self.written_below.div_ceil(columns);
        self.drawn.iter().map(rows).sum::<usize>() + below
    }

    fn say(&self, lines: impl Iterator<Item = Line>) -> io::Result<()> {
        if self.mode == Mode::Silent {
            return Ok(());
        }
        let mut out = Vec::new();
        for line in lines {
            self.write(&line, &mut out)?;
        }
        show(&out)
    }

    fn write(&self, line: &Line, out: &mut Vec<u8>) -> io::Result<()> {
        if !self.has_colours {
            return writeln!(out, "{}", line.text());
        }
        for (tone, text) in line.pieces() {
            match tone {
                Tone::Plain => queue!(out, Print(text))?,
                Tone::Dim => in_weight(out, Attribute::Dim, text)?,
                Tone::Strong => in_weight(out, Attribute::Bold, text)?,
                Tone::Runs => in_colour(out, Color::DarkCyan, text)?,
                Tone::Good => in_colour(out, Color::DarkGreen, text)?,
                Tone::Bad => in_colour(out, Color::DarkRed, text)?,
                Tone::Late | Tone::Deadline => in_colour(out, Color::DarkYellow, text)?,
                Tone::Lost => in_colour(out, Color::DarkMagenta, text)?,
            }
        }
        writeln!(out)
    }
}

fn in_weight(out: &mut Vec<u8>, weight: Attribute, text: &str) -> io::Result<()> {
    queue!(
        out,
        SetAttribute(weight),
        Print(text),
        SetAttribute(Attribute::Reset)
    )
}

fn in_colour(out: &mut Vec<u8>, colour: Color, text: &str) -> io::Result<()> {
    queue!(out, SetForegroundColor(colour), Print(text), ResetColor)
}

fn show(out: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(out)?;
    stdout.flush()
}

fn columns() -> usize {
    let (columns, _) = size();
    columns.max(20)
}

fn rows() -> usize {
    let (_, rows) = size();
    rows.max(4)
}

/// What there is to say after a scene.
fn notes(measurement: &Measurement, width: usize) -> impl Iterator<Item = Line> {
    let mut lines = Vec::new();
    for (act, said) in measurement.said.iter().enumerate() {
        if act > 0 {
            lines.push(Line::default());
        }
        for (call, text) in &said.texts {
            lines.push(Line::of(
                Tone::Strong,
                format!("The model reads for {call}:"),
            ));
            let text = wrap(text, width - 4).into_iter();
            lines.extend(text.map(|line| Line::of(Tone::Plain, format!("    {line}"))));
        }
        if let Some(refunds) = said.refunds {
            let books = match refunds {
                0 => "In the shop's books: no refund.".to_owned(),
                1 => "In the shop's books: exactly one refund.".to_owned(),
                several => format!("In the shop's books: {several} refunds."),
            };
            lines.push(Line::of(Tone::Strong, books));
        }
        if let Some(answer) = &said.answer {
            let text = wrap(&format!("The model says: {answer}"), width).into_iter();
            lines.extend(text.map(|line| Line::of(Tone::Plain, line)));
        }
    }
    lines.into_iter()
}
