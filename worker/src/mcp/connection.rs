//! One connection to a server, from its start to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rmcp::service::{
    ClientInitializeError, Peer, RoleClient, RunningService, RunningServiceCancellationToken,
    serve_client,
};
use rmcp::transport::IntoTransport;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::client::Client;
use super::errors::Failed;
use super::paging::List;
use super::progress::Progress;
use super::spec::{Server, Way};
use super::stderr::{self, LastWords};
use super::stdio::{Noise, Stdio};
use super::{errors, http, paging};
use crate::process::{Host, Service, ServiceSpec, Watch};

/// How long a process that is to end may take beyond its grace, before it is killed with its supervisor, which
/// somebody must have stopped; and how long what it left in its pipes is read. Chosen, not measured.
const END_MARGIN: Duration = Duration::from_secs(1);

/// A server that has listed its tools.
pub(super) struct Connection {
    pub(super) peer: Peer<RoleClient>,
    /// Its first list of tools.
    pub(super) tools: List,
    /// Told when the list changed.
    pub(super) changed: Arc<Notify>,
    pub(super) progress: Arc<Progress>,
    quit: Pin<Box<dyn Future<Output = ()> + Send>>,
    cancel: RunningServiceCancellationToken,
    behind: Behind,
}

/// What is behind a connection.
enum Behind {
    Process(Box<Process>),
    Elsewhere,
}

struct Process {
    watch: Watch,
    last_words: LastWords,
    /// Reads its standard error to the end.
    listening: JoinHandle<()>,
    noise: Arc<Noise>,
    end_within: Duration,
}

impl Process {
    /// Why the connection is over, with what the process left.
    async fn explain(&mut self, what: &str) -> String {
        let ended = self.seen_off().await;
        self.told(ended.unwrap_or_else(|| what.to_owned()))
    }

    /// Why it can't be used, with what the process left. How it ended says nothing: it was ended from here.
    async fn refused(&mut self, why: String) -> String {
        self.seen_off().await;
        self.told(why)
    }

    /// Waits until nothing of it is left, and says how it ended, if it did so by itself and in time.
    async fn seen_off(&mut self) -> Option<String> {
        let ended = timeout(self.end_within, self.watch.ended()).await.ok();
        if ended.is_none() {
            self.watch.kill().await;
        }
        // The pipe is at its end: nothing more comes, and all of it is read in a moment.
        let _ = timeout(END_MARGIN, &mut self.listening).await;
        ended
    }

    fn told(&self, how: String) -> String {
        let more = [self.noise.told(), self.last_words.told()];
        let parts: Vec<String> = std::iter::once(how)
            .chain(more.into_iter().flatten())
            .collect();
        parts.join("; ")
    }
}

/// Starts a server or goes to it, and lists its tools.
///
/// # Errors
/// A sentence that says why it can't be used.
pub(super) async fn connect(server: &Server, host: &Host) -> Result<Connection, String> {
    match &server.way {
        Way::Process(spec) => start(server, spec, host).await,
        Way::Http(spec) => {
            let parallel = server.parallel.map(std::num::NonZeroUsize::get);
            let transport = http::transport(spec, parallel)?;
            match timeout(server.start_timeout, open(transport)).await {
                Ok(Ok(open)) => Ok(open.with(Behind::Elsewhere)),
                Ok(Err(failed)) => Err(failed.why),
                Err(_) => Err(too_slow(server)),
            }
        }
    }
}

async fn start(server: &Server, spec: &ServiceSpec, host: &Host) -> Result<Connection, String> {
    let service = Service::start(spec, host).await;
    let Service {
        stdin,
        stdout,
        stderr,
        watch,
    } = service.map_err(|error| errors::chain(&error))?;
    let last_words = LastWords::default();
    let listening = stderr::log(server.name.clone(), stderr, last_words.clone());
    let listening = tokio::spawn(listening);
    let noise = Arc::new(Noise::new(&server.name));
    let mut process = Process {
        watch,
        last_words,
        listening,
        noise: Arc::clone(&noise),
        end_within: spec.limits.grace() + END_MARGIN,
    };
    let transport = Stdio::new(stdout, stdin, noise);
    // What doesn't come through drops the transport, and with it the process's standard input.
    match timeout(server.start_timeout, open(transport)).await {
        Ok(Ok(open)) => Ok(open.with(Behind::Process(Box::new(process)))),
        Ok(Err(failed)) if failed.is_closed => Err(process.explain(&failed.why).await),
        Ok(Err(failed)) => Err(process.refused(failed.why).await),
        Err(_) => {
            let told = [process.noise.told(), process.last_words.told()];
            let parts = std::iter::once(too_slow(server)).chain(told.into_iter().flatten());
            Err(parts.collect::<Vec<_>>().join("; "))
        }
    }
}

fn too_slow(server: &Server) -> String {
    format!(
        "it didn't answer `initialize` and list its tools within {} s; raise its start_timeout if it needs longer",
        server.start_timeout.as_secs_f64()
    )
}

struct Open {
    service: RunningService<RoleClient, Client>,
    tools: List,
}

async fn open<T, E, A>(transport: T) -> Result<Open, Failed>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let client = Client {
        progress: Arc::default(),
        changed: Arc::default(),
    };
    let service = serve_client(client, transport)
        .await
        .map_err(|error| Failed {
            why: errors::of_initialize(&error),
            is_closed: matches!(error, ClientInitializeError::ConnectionClosed(_)),
        })?;
    let tools = paging::list(service.peer()).await?;
    Ok(Open { service, tools })
}

impl Open {
    fn with(self, behind: Behind) -> Connection {
        let Self { service, tools } = self;
        let client = service.service();
        let (changed, progress) = (Arc::clone(&client.changed), Arc::clone(&client.progress));
        Connection {
            peer: service.peer().clone(),
            tools,
            changed,
            progress,
            cancel: service.cancellation_token(),
            // An error says that the library's task panicked, which ends the connection as well.
            quit: Box::pin(async move { drop(service.waiting().await) }),
            behind,
        }
    }
}

impl Connection {
    /// Whether the server is somewhere else, where its end isn't seen from here.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.behind, Behind::Elsewhere)
    }

    /// Waits for the end of the connection, and says why.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn ended(&mut self) -> String {
        let what = "it closed the connection";
        match &mut self.behind {
            Behind::Process(process) => {
                tokio::select! {
                    () = self.quit.as_mut() => {}
                    // What it had written is read all the same, and then the pipe is at its end.
                    _ = process.watch.ended() => drop(timeout(END_MARGIN, self.quit.as_mut()).await),
                }
                self.quit = Box::pin(std::future::pending());
                process.explain(what).await
            }
            Behind::Elsewhere => {
                self.quit.as_mut().await;
                // Polled once more, it would panic.
                self.quit = Box::pin(std::future::pending());
                what.to_owned()
            }
        }
    }

    /// Ends the connection, and waits until nothing of a process is left.
    pub(super) async fn close(mut self) {
        self.cancel.cancel();
        self.quit.as_mut().await;
        if let Behind::Process(process) = &mut self.behind {
            process.explain("").await;
        }
    }
}
