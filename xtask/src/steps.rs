//! A list of commands that run one after the other, each timed.

use std::env;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xtask::paths;

use crate::say;

/// The steps done so far, in order.
#[derive(Debug)]
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(&'static str, Duration)>,
    notes: Vec<String>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Keeps something for the summary that isn't a step: which tool was taken, which way was gone.
    pub(crate) fn note(&mut self, text: String) {
        say::line(&format!("xtask: {text}"));
        self.notes.push(text);
    }

    /// Runs `command` with no input; the first one that fails ends the task.
    pub(crate) fn run(&mut self, name: &'static str, command: &mut Command) -> anyhow::Result<()> {
        say::line(&format!("xtask: {name}: {}", shown(command)));
        let began = Instant::now();
        let status = command
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("{name}: {} can't be run", shown(command)))?;
        self.done.push((name, began.elapsed()));
        if !status.success() {
            bail!(
                "{name} failed ({status}) after {}; {}",
                seconds(began.elapsed()),
                self.summary()
            );
        }
        Ok(())
    }

    /// Returns one line: every step with its time, the notes, the whole time.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::new();
        for (name, time) in &self.done {
            let _ = write!(text, "{name} {} · ", seconds(*time));
        }
        for note in &self.notes {
            let _ = write!(text, "{note} · ");
        }
        let _ = write!(text, "{} in all", seconds(self.started.elapsed()));
        text
    }
}

/// Returns a cargo command that runs in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::root()).args(arguments);
    command
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut text = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        format!("{}m{:02}s", whole / 60, whole % 60)
    }
}
