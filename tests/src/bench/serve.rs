//! The measured process's end of the protocol.

use std::future::Future;
use std::io::{BufRead, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::mpsc;

use super::protocol::{Answer, Command, Execution, Load, Sustained, Tool};

/// Commands that may wait for the process; the driver sends one at a time.
const COMMANDS_MAX: usize = 4;

/// What can be measured of a coordinator, or asked of a worker. A side says no to what it has not.
pub trait Side: Send {
    /// Posts `calls` calls at once and gathers them all; the time from the first post to the last
    /// result.
    ///
    /// # Errors
    /// When a call did not complete.
    fn fan_out(
        &mut self,
        calls: u32,
        tool: Tool,
    ) -> impl Future<Output = anyhow::Result<Duration>> + Send {
        async move { bail!("no fan-out of {calls} {tool:?} calls here") }
    }

    /// Keeps a load in flight.
    ///
    /// # Errors
    /// When a call did not complete.
    fn sustained(&mut self, load: Load) -> impl Future<Output = anyhow::Result<Sustained>> + Send {
        async move { bail!("no sustained load here: {load:?}") }
    }

    /// Opens calls without waiting for them.
    ///
    /// # Errors
    /// When the side can't.
    fn open(
        &mut self,
        calls: u32,
        turn_calls: u32,
        tool: Tool,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        async move { bail!("no opening of {calls} {tool:?} calls by {turn_calls} here") }
    }

    /// Waits for what was opened: completed calls, failed calls, and the time from the first opening.
    ///
    /// # Errors
    /// When the side can't.
    fn gather(&mut self) -> impl Future<Output = anyhow::Result<(u64, u64, Duration)>> + Send {
        async move { bail!("nothing to gather here") }
    }

    /// Hands out what was executed since the last question.
    ///
    /// # Errors
    /// When the side is no worker.
    fn take_log(&mut self) -> anyhow::Result<Vec<Execution>> {
        bail!("no log here")
    }

    /// Hands out how many spans came since the last question.
    ///
    /// # Errors
    /// When the side is no collector.
    fn take_spans(&mut self) -> anyhow::Result<u64> {
        bail!("no spans here")
    }

    /// Lets held calls answer.
    ///
    /// # Errors
    /// When the side is no worker.
    fn let_go(&mut self) -> anyhow::Result<()> {
        bail!("nothing is held here")
    }
}

/// Says that the process is ready, then obeys commands until its standard input ends.
///
/// # Errors
/// When the driver's lines can't be read or answered.
pub async fn serve<S: Side>(mut side: S) -> anyhow::Result<()> {
    let (sender, mut commands) = mpsc::channel(COMMANDS_MAX);
    // A thread of its own: the runtime must not be busy with standard input while it is measured.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    say(&Answer::Ready)?;
    while let Some(line) = commands.recv().await {
        let command = serde_json::from_str(&line).context("failed to read the driver's command")?;
        let answer = obey(&mut side, command)
            .await
            .unwrap_or_else(|error| Answer::Failed(format!("{error:#}")));
        say(&answer)?;
    }
    Ok(())
}

async fn obey<S: Side>(side: &mut S, command: Command) -> anyhow::Result<Answer> {
    Ok(match command {
        Command::FanOut {
            calls,
            repeats,
            tool,
        } => {
            let mut samples = Vec::with_capacity(repeats as usize);
            for _ in 0..repeats {
                samples.push(nanos(side.fan_out(calls, tool).await?));
            }
            Answer::Samples(samples)
        }
        Command::Chain { calls, tool } => {
            let mut whole = Duration::ZERO;
            for _ in 0..calls {
                whole += side.fan_out(1, tool).await?;
            }
            Answer::Samples(vec![nanos(whole)])
        }
        Command::Sustained(load) => Answer::Sustained(side.sustained(load).await?),
        Command::Open {
            calls,
            turn_calls,
            tool,
        } => {
            side.open(calls, turn_calls, tool).await?;
            Answer::Done
        }
        Command::Gather => {
            let (completed, failed, elapsed) = side.gather().await?;
            Answer::Gathered {
                completed,
                failed,
                nanos: nanos(elapsed),
            }
        }
        Command::TakeLog => Answer::Log(side.take_log()?),
        Command::TakeSpans => Answer::Spans(side.take_spans()?),
        Command::LetGo => {
            side.let_go()?;
            Answer::Done
        }
    })
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// The duration in whole nanoseconds.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
