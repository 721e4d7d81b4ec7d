//! Looks again and again: redraws in a terminal, tells changes elsewhere, until Ctrl-C.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::output;
use crate::view::change::{Listed, changes};
use crate::view::table::cut;

/// Time between two looks: a beat comes each second.
const LOOK_EACH: Duration = Duration::from_millis(500);

/// The width of the terminal that standard output is, if it is one.
pub(crate) fn width() -> Option<usize> {
    let (columns, _) = terminal()?;
    Some(columns)
}

fn terminal() -> Option<(usize, usize)> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if !io::stdout().is_terminal() || is_dumb {
        return None;
    }
    Some(size())
}

/// Columns and lines of the terminal; what is usual where it doesn't know, or says that it has none.
pub(crate) fn size() -> (usize, usize) {
    let known = terminal::size().ok();
    let (columns, lines) = known
        .filter(|(columns, lines)| *columns > 0 && *lines > 0)
        .unwrap_or((80, 24));
    (usize::from(columns), usize::from(lines))
}

/// Shows what `look` finds until Ctrl-C or SIGTERM: as pictures of `draw` in a terminal, as a line for each
/// change elsewhere, and as lines of JSON where `as_json`.
pub(crate) async fn watch<T: Listed>(
    as_json: bool,
    mut look: impl AsyncFnMut() -> anyhow::Result<Vec<T>>,
    draw: impl Fn(&[T], Option<usize>) -> String,
) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut ticks = interval(LOOK_EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut screen = (!as_json && terminal().is_some())
        .then(Screen::open)
        .transpose()?;
    let mut before: Vec<T> = Vec::new();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let now = look().await?;
        match &mut screen {
            Some(screen) => screen.draw(&draw(&now, width()))?,
            None => {
                for change in changes(&before, &now) {
                    if as_json {
                        output::line(&serde_json::to_string(&change)?)?;
                    } else {
                        output::line(&change.line())?;
                    }
                }
            }
        }
        before = now;
    }
}

/// A screen of its own, put back when it is dropped.
struct Screen;

impl Screen {
    fn open() -> io::Result<Self> {
        let mut out = io::stdout().lock();
        queue!(out, EnterAlternateScreen, Hide)?;
        out.flush()?;
        Ok(Self)
    }

    fn draw(&mut self, picture: &str) -> io::Result<()> {
        let (columns, lines) = terminal().unwrap_or((80, 24));
        let mut out = io::stdout().lock();
        queue!(out, BeginSynchronizedUpdate, MoveTo(0, 0))?;
        for line in page(picture, lines) {
            queue!(
                out,
                Print(cut(&line, columns)),
                Clear(ClearType::UntilNewLine),
                Print("\r\n")
            )?;
        }
        queue!(
            out,
            Print("Ctrl-C ends"),
            Clear(ClearType::FromCursorDown),
            EndSynchronizedUpdate
        )?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = io::stdout().lock();
        // A terminal that is gone needs nothing put back.
        let _ = queue!(out, Show, LeaveAlternateScreen);
        let _ = out.flush();
    }
}

/// As many lines as there is room for above the last; what is left out is counted.
fn page(picture: &str, lines: usize) -> Vec<String> {
    let room = lines.saturating_sub(1).max(1);
    let all: Vec<&str> = picture.lines().collect();
    if all.len() <= room {
        return all.into_iter().map(str::to_owned).collect();
    }
    let shown = room.saturating_sub(1);
    let mut page: Vec<String> = all
        .iter()
        .take(shown)
        .map(|line| (*line).to_owned())
        .collect();
    page.push(format!("… and {} more", all.len() - shown));
    page
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn what_has_no_room_is_counted() {
        assert_eq!(page("a\nb\nc", 4), ["a", "b", "c"]);
        assert_eq!(page("a\nb\nc\nd", 4), ["a", "b", "… and 2 more"]);
        assert_eq!(page("a\nb", 0), ["… and 2 more"]);
    }
}
