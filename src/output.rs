//! What goes to standard output and standard error. A reader that goes away ends the command in peace.

use std::io::{self, Write as _};

use serde::Serialize;
use tracing::Level;

use crate::log;
use crate::view::plain;

/// Writes a line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a value as pretty JSON to standard output.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(line(&serde_json::to_string_pretty(value)?)?)
}

/// Writes a note for people to standard error; that nobody reads it is nobody's loss.
pub(crate) fn note(text: &str) {
    say(Level::INFO, text);
}

/// Writes what another program takes to standard error, as it is.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn say(level: Level, text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", log::said(level, text));
}

/// Writes an error with all its causes to standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = format!("callboard: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(&format!("\n  because: {cause}"));
        }
    }
    say(Level::ERROR, &text);
}

/// What became of printing a result: that nobody reads on changes nothing about what was done, and ends no
/// command in another way; `what` can't be written otherwise.
pub(crate) fn unless_unread(printed: anyhow::Result<()>, what: &str) -> anyhow::Result<()> {
    match printed {
        Err(error) if !is_broken_pipe(&error) => {
            Err(error.context(format!("{what} can't be written to standard output")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the error is that nobody reads our output any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Lays rows out in columns; the first row is the heading. What a model wrote doesn't steer the terminal.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let plain = |row: &Vec<String>| row.iter().map(|cell| plain::line(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(plain).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = table(&[
            row(["TOOL", "EFFECT"]),
            row(["fs_read", "read"]),
            row(["é", ""]),
        ]);
        assert_eq!(text, "TOOL     EFFECT\nfs_read  read\né");
    }
}
