//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::output;

/// What a shell gives for a process that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// Waits for the first Ctrl-C or SIGTERM. From then on a second one ends the process with 130, and so does the first
/// where nobody waits any more.
///
/// # Errors
/// Signals can't be listened for.
pub(crate) async fn asked_to_end() -> io::Result<()> {
    let (ask, asked) = oneshot::channel();
    // A thread of its own: the command's may be stuck in a write that nobody reads.
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(|| listen(ask))?;
    asked
        .await
        .expect("the thread asks, or ends with the process")
}

/// The wish to end, from the start of a command on: whoever waits for a server can be asked, too.
#[derive(Debug)]
pub(crate) struct Ending(JoinHandle<io::Result<()>>);

impl Ending {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        Self(tokio::spawn(asked_to_end()))
    }

    /// Waits until the process is asked to end.
    ///
    /// # Errors
    /// Signals can't be listened for.
    pub(crate) async fn asked(&mut self) -> io::Result<()> {
        (&mut self.0).await.map_err(io::Error::other)?
    }

    /// Waits no more: the next Ctrl-C or SIGTERM ends the process.
    pub(crate) async fn stop(self) {
        self.0.abort();
        // It is gone once its handle says so.
        let _cancelled = self.0.await;
    }

    /// Does a piece of work, unless the process is asked to end before it is done.
    ///
    /// # Errors
    /// Signals can't be listened for.
    pub(crate) async fn unless_asked<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> io::Result<Option<T>> {
        tokio::select! {
            done = work => Ok(Some(done)),
            asked = self.asked() => asked.map(|()| None),
        }
    }
}

fn listen(ask: oneshot::Sender<io::Result<()>>) {
    let listening = || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let signals = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        drop(entered);
        io::Result::Ok((runtime, signals))
    };
    let (runtime, (mut interrupt, mut terminate)) = match listening() {
        Ok(listening) => listening,
        Err(error) => {
            // Whoever waits no longer doesn't need it.
            let _ = ask.send(Err(error));
            return;
        }
    };
    let mut next = || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
    };
    next();
    if ask.send(Ok(())).is_ok() {
        output::note("callboard: ending in order; Ctrl-C again quits at once");
        next();
    }
    std::process::exit(INTERRUPTED);
}
