//! The worker's side of one supervised call: what is printed is read, and everybody is seen off, also where
//! the supervisor isn't there to do it.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::mark::Mark;
use super::order::{End, Order};
use super::output::{Captured, capture};
use super::tool::Host;

/// How long a supervisor may take beyond the grace once it was told to end everything; then it is taken for
/// stopped. Chosen, not measured.
const END_MARGIN: Duration = Duration::from_secs(1);
/// How long its pipes are read when everybody is gone: what is in them is there already, and somebody who
/// was handed them mustn't hold up the call. Chosen, not measured.
const PIPES_WITHIN: Duration = Duration::from_secs(1);

/// Signals that end programs, with what the limits among them mean; others are told by their number.
const SIGNALS: [(i32, &str); 8] = [
    (6, "SIGABRT"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (15, "SIGTERM"),
    (24, "SIGXCPU: the processor time of its limits was used up"),
    (25, "SIGXFSZ: a file became larger than its limits allow"),
    (31, "SIGSYS"),
    (7, "SIGBUS"),
];

/// A supervisor at work. It is told to end everything when [`Stop`] is dropped.
pub(super) struct Supervised {
    supervisor: Child,
    control: ChildStdin,
    order: Order,
    /// The call's own folder, kept until the end.
    folder: TempDir,
    stopped: oneshot::Receiver<()>,
}

/// Ends everything, when it is dropped.
pub(super) struct Stop {
    _sender: oneshot::Sender<()>,
}

/// What came of it.
pub(super) struct Ran {
    pub(super) end: Result<End, Unseen>,
    pub(super) stdout: Captured,
    pub(super) stderr: Captured,
}

/// A program whose end its supervisor didn't see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unseen {
    /// The signal that ended the supervisor.
    pub(super) signal: Option<i32>,
    /// Whether all that it left is gone.
    pub(super) is_all_gone: bool,
}

impl Unseen {
    /// What is known of a program, as a sentence.
    pub(super) fn told(self, name: &str) -> String {
        let how = match self.signal {
            Some(signal) => format!("was ended by signal {}", signal_name(signal)),
            None => "ended without a word".to_owned(),
        };
        let rest = if self.is_all_gone {
            "nothing of it is left"
        } else {
            "some of it may still be running"
        };
        format!("the supervisor of {name} {how}, so how {name} itself ended can't be known; {rest}")
    }
}

impl Supervised {
    /// Starts a supervisor and gives it its order.
    ///
    /// # Errors
    /// When none can be started.
    pub(super) async fn start(
        host: &Host,
        order: Order,
        folder: TempDir,
    ) -> io::Result<(Self, Stop)> {
        let mut supervisor = command(host).spawn()?;
        let Some(mut control) = supervisor.stdin.take() else {
            return Err(io::Error::other("the supervisor has no pipes"));
        };
        let line = order.line();
        // A supervisor that is gone already tells so by its missing end file.
        let _ = control.write_all(line.as_bytes()).await;
        let _ = control.flush().await;
        let (sender, stopped) = oneshot::channel();
        let supervised = Self {
            supervisor,
            control,
            order,
            folder,
            stopped,
        };
        Ok((supervised, Stop { _sender: sender }))
    }

    /// Reads what is printed, until nobody is left. To be spawned, so that whoever stops listening doesn't
    /// stop this as well.
    pub(super) async fn see_off(mut self) -> Ran {
        let bytes_max = self.order.limits.output_bytes_max;
        let mut stdout = Captured::new(bytes_max);
        let mut stderr = Captured::new(bytes_max);
        let pipes = (self.supervisor.stdout.take(), self.supervisor.stderr.take());
        let end = {
            let reading = async {
                tokio::join!(capture(pipes.0, &mut stdout), capture(pipes.1, &mut stderr))
            };
            let mut reading = std::pin::pin!(reading);
            let mut is_read = false;
            let ending = end(
                &mut self.supervisor,
                self.control,
                self.stopped,
                self.order.limits.grace(),
            );
            let mut ending = std::pin::pin!(ending);
            let status = loop {
                tokio::select! {
                    _ = &mut reading, if !is_read => is_read = true,
                    status = &mut ending => break status,
                }
            };
            // Before the pipes: whoever is left may hold them.
            let end = seen(&self.order.end_file, status, self.order.mark).await;
            if !is_read {
                let _ = timeout(PIPES_WITHIN, reading).await;
            }
            end
        };
        drop(self.folder);
        Ran {
            end,
            stdout,
            stderr,
        }
    }
}

/// The command that starts a supervisor.
pub(super) fn command(host: &Host) -> Command {
    let mut command = Command::new(&host.program);
    command
        .args(&host.arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// How a program ended, by its supervisor that has ended; what that left behind is killed.
pub(super) async fn seen(
    end_file: &Path,
    status: Option<ExitStatus>,
    mark: Mark,
) -> Result<End, Unseen> {
    if let Some(end) = End::read(end_file) {
        return Ok(end);
    }
    let ended = tokio::task::spawn_blocking(move || mark.end_all()).await;
    Err(Unseen {
        signal: status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status)),
        // An error says that the worker is ending.
        is_all_gone: ended.unwrap_or(false),
    })
}

/// Waits for a supervisor's end; once it is told to end everything, it has the grace for it.
async fn end(
    supervisor: &mut Child,
    control: ChildStdin,
    stopped: oneshot::Receiver<()>,
    grace: Duration,
) -> Option<ExitStatus> {
    tokio::select! {
        // An error says that it was waited for before.
        status = supervisor.wait() => return status.ok(),
        // Nothing is ever sent: its other end was dropped.
        _ = stopped => {}
    }
    drop(control);
    let due = Instant::now() + grace + END_MARGIN;
    tokio::select! {
        status = supervisor.wait() => status.ok(),
        () = sleep_until(due) => {
            // Somebody stopped it; what is below it goes by its mark.
            let _ = supervisor.start_kill();
            supervisor.wait().await.ok()
        }
    }
}

/// What a signal is called, and which limit it tells of.
pub(super) fn signal_name(signal: i32) -> String {
    SIGNALS
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| signal.to_string(), |(_, name)| (*name).to_owned())
}
