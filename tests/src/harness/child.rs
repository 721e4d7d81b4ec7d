//! A process of the test, what it says while it runs, and how it ends.

use std::process::ExitStatus;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::until::PATIENCE;
use crate::signal;

/// A process that was started for the test; dropping it kills it, frozen or not.
#[derive(Debug)]
pub struct Child {
    inner: tokio::process::Child,
    pid: u32,
    output: JoinHandle<Vec<u8>>,
    errors: watch::Receiver<String>,
}

/// How a process ended, and all that it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code, none where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Child {
    pub(super) fn start(mut command: Command, input: Vec<u8>) -> anyhow::Result<Self> {
        let mut inner = command.spawn().context("failed to start the process")?;
        let pid = inner.id().context("the process has ended already")?;
        let mut stdin = inner.stdin.take().context("standard input is a pipe")?;
        tokio::spawn(async move {
            // A process that ends without reading has read enough.
            let _ = stdin.write_all(&input).await;
        });
        let stdout = inner.stdout.take().context("standard output is a pipe")?;
        let output = tokio::spawn(all(stdout));
        let stderr = inner.stderr.take().context("standard error is a pipe")?;
        let (told, errors) = watch::channel(String::new());
        tokio::spawn(follow(stderr, told));
        Ok(Self {
            inner,
            pid,
            output,
            errors,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until its standard error holds `text`.
    ///
    /// # Errors
    /// It ended or kept silent instead; the text holds what it said.
    pub async fn says(&mut self, text: &str) -> anyhow::Result<()> {
        let heard = self.errors.wait_for(|said| said.contains(text));
        let heard = matches!(timeout(PATIENCE, heard).await, Ok(Ok(_)));
        if !heard {
            bail!(
                "never said {text:?}, but this: {}",
                self.errors.borrow().trim()
            );
        }
        Ok(())
    }

    /// Waits until its standard error holds `text`, and gives all that it said.
    ///
    /// # Errors
    /// It ended or kept silent instead; the text holds what it said.
    pub async fn hears(&mut self, text: &str) -> anyhow::Result<String> {
        self.says(text).await?;
        Ok(self.errors.borrow().clone())
    }

    /// All that it has said on standard error so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.errors.borrow().clone()
    }

    /// Tells it that its configuration has changed.
    ///
    /// # Errors
    /// It has ended.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        signal::hang_up(self.pid)
    }

    /// Tells whether it still runs.
    ///
    /// # Errors
    /// The system can't say.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.inner.try_wait()?.is_none())
    }

    /// Interrupts it as Ctrl-C does.
    ///
    /// # Errors
    /// It has ended.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        signal::interrupt(self.pid)
    }

    /// Asks it to end in order.
    ///
    /// # Errors
    /// It has ended.
    pub fn terminate(&self) -> anyhow::Result<()> {
        signal::terminate(self.pid)
    }

    /// Freezes it.
    ///
    /// # Errors
    /// It has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        signal::pause(self.pid)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(&self) -> anyhow::Result<()> {
        signal::resume(self.pid)
    }

    /// Kills it without a farewell and waits until it is gone.
    ///
    /// # Errors
    /// It has ended before.
    pub async fn kill9(&mut self) -> anyhow::Result<()> {
        signal::kill9(self.pid)?;
        self.exit().await.map(drop)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It doesn't end within [`PATIENCE`]; the text holds what it said.
    pub async fn ended(mut self) -> anyhow::Result<Ended> {
        let status = self.exit().await?;
        let stdout = timeout(PATIENCE, &mut self.output)
            .await
            .context("somebody else holds its standard output open")??;
        // The sender goes away with the end of the stream.
        while timeout(PATIENCE, self.errors.changed())
            .await
            .context("somebody else holds its standard error open")?
            .is_ok()
        {}
        let stderr = self.errors.borrow().clone();
        Ok(Ended {
            code: status.code(),
            stdout: String::from_utf8(stdout).context("its output isn't UTF-8")?,
            stderr,
        })
    }

    async fn exit(&mut self) -> anyhow::Result<ExitStatus> {
        match timeout(PATIENCE, self.inner.wait()).await {
            Ok(status) => status.context("failed to wait for the process"),
            Err(_) => bail!(
                "did not end within {PATIENCE:?}; it said: {}",
                self.errors.borrow().trim()
            ),
        }
    }
}

async fn all(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is all that there is.
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

async fn follow(mut stream: impl AsyncRead + Unpin, told: watch::Sender<String>) {
    let mut bytes = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        // Cut characters are mended by what comes next.
        told.send_replace(String::from_utf8_lossy(&bytes).into_owned());
    }
}
