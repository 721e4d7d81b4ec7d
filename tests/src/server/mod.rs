//! A nats-server for one test or one benchmark.
//!
//! [`Server::start`] takes whatever server the machine has, by the rules of [`xtask::nats`], and gives it a port
//! and folders of its own; [`Server::start_for_faults`] prefers a container. Both can be paused, killed and
//! restarted on the same port, and both are gone when the value is dropped. When no server can be had, the error
//! names every place that was tried and the cure.
//!
//! [`Server::start`]: crate::server::Server::start

mod options;
pub(crate) mod ports;
mod process;
mod ready;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::docker;
use xtask::nats::{self, NotFound, Source};

pub use self::options::Options;
pub use self::process::Process;

use self::ready::Greeting;
use crate::container::{self, Container};

/// Set to `required`, this variable turns a missing Docker engine into an error.
///
/// CI sets it once its engine answers, so that the container tests can't fall back unseen.
pub const CONTAINERS_VARIABLE: &str = "CALLBOARD_CONTAINERS";

/// How often a start is tried again because another program took the port first. Chosen, not measured.
const PORT_TRIES: usize = 8;

/// A running nats-server on a loopback port of its own.
///
/// Dropping it kills the process or removes the container. A server in a container must be dropped inside a tokio
/// runtime.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    version: Version,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Process(Process),
    Container(Box<Container>),
}

impl Server {
    /// Starts the server that [`xtask::nats::find`] finds, and waits until it greets clients.
    ///
    /// # Errors
    /// No server was found (the text names every place and the cure), or it didn't start (with its log).
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        match source()? {
            Source::Binary { path, .. } => Self::spawned(path, options).await,
            Source::Image { name } => Self::contained(name, options).await,
        }
    }

    /// Starts the server in a container where a Docker engine runs, else as [`Server::start`] does.
    ///
    /// # Errors
    /// As [`Server::start`]; also when [`CONTAINERS_VARIABLE`] requires an engine and none runs.
    pub async fn start_for_faults(options: &Options) -> anyhow::Result<Self> {
        match docker::engine() {
            Ok(_) => {
                let image = container::image(&source()?).await?;
                Self::contained(image, options).await
            }
            Err(reason) if containers_required() => bail!(
                "{CONTAINERS_VARIABLE}=required, but no Docker engine runs: {reason}; cure: start dockerd \
                 (Debian package docker.io)"
            ),
            Err(_) => Self::start(options).await,
        }
    }

    async fn spawned(binary: std::path::PathBuf, options: &Options) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let port = ports::free()?;
            match Process::start(&binary, port, options).await {
                Ok((process, greeting)) => {
                    return Self::new(port, greeting, Body::Process(process));
                }
                Err(error) if ports::taken(&error) && tries < PORT_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn contained(image: String, options: &Options) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let port = ports::free()?;
            let started = async {
                let container = Container::start(&image, port, options).await?;
                let greeting = ready::wait(port, None, || Ok(())).await?;
                anyhow::Ok((container, greeting))
            };
            match started.await {
                Ok((container, greeting)) => {
                    return Self::new(port, greeting, Body::Container(Box::new(container)));
                }
                Err(error) if ports::taken(&error) && tries < PORT_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn new(port: u16, greeting: Greeting, body: Body) -> anyhow::Result<Self> {
        let version = Version::parse(&greeting.version)
            .with_context(|| format!("the server says version {:?}", greeting.version))?;
        if version < nats::OLDEST {
            bail!(
                "the server is version {version}, too old: Callboard needs {} or newer",
                nats::OLDEST
            );
        }
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            version,
            body,
        })
    }

    /// Returns the URL for clients, for example `nats://127.0.0.1:20417`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Returns the address for clients. It stays the same over [`Server::restart`].
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the version that the server greets with.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the process id of a spawned server, none for one in a container.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match &self.body {
            Body::Process(process) => Some(process.pid()),
            Body::Container(_) => None,
        }
    }

    /// Tells whether the server runs in a container.
    #[must_use]
    pub fn in_container(&self) -> bool {
        matches!(self.body, Body::Container(_))
    }

    /// Freezes the server: connections stay open, nothing is read, written or answered.
    ///
    /// # Errors
    /// The server isn't running.
    pub async fn pause(&self) -> anyhow::Result<()> {
        match &self.body {
            Body::Process(process) => process.pause(),
            Body::Container(container) => container.pause().await,
        }
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// The server isn't running.
    pub async fn resume(&self) -> anyhow::Result<()> {
        match &self.body {
            Body::Process(process) => process.resume(),
            Body::Container(container) => container.resume().await,
        }
    }

    /// Kills the server without a farewell (`SIGKILL`) and waits until it is gone.
    ///
    /// # Errors
    /// The server isn't running.
    pub async fn kill9(&mut self) -> anyhow::Result<()> {
        match &mut self.body {
            Body::Process(process) => process.kill9(),
            Body::Container(container) => container.kill9().await,
        }
    }

    /// Starts the server again on the same port and with the same folders, killing it first if it still runs.
    ///
    /// # Errors
    /// It didn't start: the text holds the end of its log.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        match &mut self.body {
            Body::Process(process) => process.restart().await,
            Body::Container(container) => {
                container.restart().await?;
                ready::wait(self.address.port(), None, || Ok(()))
                    .await
                    .map(drop)
            }
        }
    }
}

/// Looks for a server once per process: the search runs other programs.
fn source() -> Result<Source, NotFound> {
    static FOUND: OnceLock<Result<Source, NotFound>> = OnceLock::new();
    FOUND.get_or_init(nats::find).clone()
}

fn containers_required() -> bool {
    std::env::var_os(CONTAINERS_VARIABLE).is_some_and(|value| value == "required")
}
