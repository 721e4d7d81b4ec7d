//! A program that stays: started below a supervisor, spoken to by its standard input and output.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::limits::Limits;
use super::mark::Mark;
use super::order::{End, Order};
use super::sandbox::Sandbox;
use super::supervised;
use super::tool::Host;
use crate::secret::{EnvValue, SecretError};

/// What a program that stays is started with.
#[derive(Clone, Debug)]
pub(crate) struct ServiceSpec {
    /// The program's absolute path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Its environment; nothing else is inherited but `PATH` and `LANG` of ours.
    pub(crate) env: BTreeMap<String, EnvValue>,
    /// Its working directory; a temporary folder of its own where none is given.
    pub(crate) cwd: Option<PathBuf>,
    /// What it may use.
    pub(crate) limits: Limits,
    /// What it may see and do; everything that the worker may where none is given.
    pub(crate) sandbox: Option<Sandbox>,
}

/// Why a program that stays can't be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// A value of its environment can't be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its folder or its supervisor can't be made.
    #[error("no supervisor can be started")]
    Supervisor(#[from] io::Error),
}

/// A program that was started. Dropping its standard input ends it and everything below it.
pub(crate) struct Service {
    /// What it reads.
    pub(crate) stdin: ChildStdin,
    /// What it writes.
    pub(crate) stdout: ChildStdout,
    /// What it says besides.
    pub(crate) stderr: ChildStderr,
    /// Waits for its end.
    pub(crate) watch: Watch,
}

/// Waits for the end of a program and of everything below it.
pub(crate) struct Watch {
    supervisor: Child,
    end_file: PathBuf,
    mark: Mark,
    /// Kept until the end: the program's own folder is in it.
    _folder: tempfile::TempDir,
}

impl Service {
    /// Starts a program. It isn't known yet whether it runs: its end says so.
    ///
    /// # Errors
    /// When a secret can't be had or no supervisor can be started.
    pub(crate) async fn start(spec: &ServiceSpec, host: &Host) -> Result<Self, ServiceError> {
        let folder = tempfile::Builder::new()
            .prefix("callboard-server-")
            .tempdir()?;
        let scratch = folder.path().join("tmp");
        fs::create_dir(&scratch)?;
        let home = scratch.display().to_string();
        let path = std::env::var("PATH");
        let mut env = BTreeMap::from([
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("HOME".to_owned(), home.clone()),
            ("TMPDIR".to_owned(), home),
            (
                "PATH".to_owned(),
                path.unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ),
        ]);
        for (name, value) in &spec.env {
            env.insert(name.clone(), value.resolve()?);
        }
        let order = Order {
            worker: std::process::id(),
            mark: Mark::new(),
            program: spec.program.clone(),
            arguments: spec.arguments.clone(),
            env,
            cwd: spec.cwd.clone().unwrap_or_else(|| scratch.clone()),
            scratch,
            stdin: None,
            is_relayed: true,
            limits: spec.limits.clone(),
            sandbox: spec.sandbox.clone(),
            end_file: folder.path().join("end"),
        };
        let mut supervisor = supervised::command(host).spawn()?;
        let pipes = (
            supervisor.stdin.take(),
            supervisor.stdout.take(),
            supervisor.stderr.take(),
        );
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the supervisor has no pipes").into());
        };
        stdin.write_all(order.line().as_bytes()).await?;
        stdin.flush().await?;
        Ok(Self {
            stdin,
            stdout,
            stderr,
            watch: Watch {
                supervisor,
                end_file: order.end_file,
                mark: order.mark,
                _folder: folder,
            },
        })
    }
}

impl Watch {
    /// Waits until nobody of the program is left, and says how it ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ended(&mut self) -> String {
        // An error says that it was waited for before.
        let status = self.supervisor.wait().await.ok();
        match supervised::seen(&self.end_file, status, self.mark).await {
            Ok(End::Exited(code)) => format!("it ended with code {code}"),
            Ok(End::Signalled(signal)) => format!("it was ended by signal {signal}"),
            Ok(End::NotStarted(why)) => why,
            Err(unseen) => unseen.told("it"),
        }
    }

    /// Ends what doesn't end by itself, and its supervisor with it.
    pub(crate) async fn kill(&mut self) {
        // An error says that it has ended.
        let _ = self.supervisor.start_kill();
        self.ended().await;
    }
}
