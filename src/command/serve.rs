//! `callboard serve`: runs over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use callboard_coordinator::service::http::{App, Gate, Server, router, tls_config};
use callboard_coordinator::service::peers::nats::NatsPeers;
use callboard_coordinator::service::runs::{Replica, Runs};
use callboard_coordinator::service::token::Tokens;
use callboard_proto::Tenant;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use self::program::Program;
use crate::config::Config;
use crate::exit::{BadInput, Exit, bad_input};
use crate::output;
use crate::signals::Ending;

mod program;

/// How long answers that are on their way when the last run has ended may take. Chosen, not measured.
const ANSWERS_GRACE: Duration = Duration::from_secs(2);

pub(crate) async fn run(config: &Config) -> anyhow::Result<Exit> {
    raise_file_limit();
    let serve = &config.serve;
    let tenant = config.tenant()?;
    let gate = gate(config, &tenant)?;
    let limits = serve.limits();
    let program = Arc::new(Program::new(config)?);
    let tls = match (&serve.tls_certificate_file, &serve.tls_key_file) {
        (Some(certificate), Some(key)) => Some(tls_config(certificate, key).map_err(bad_input)?),
        (Some(_), None) | (None, Some(_)) | (None, None) => None,
    };
    let server = Server::bind(serve.listen, tls, limits.clone()).await;
    let server = server.map_err(|error| {
        BadInput(format!(
            "can't listen on {}: {error}; give another address with --listen",
            serve.listen
        ))
    })?;
    let (_, replica) = uuid::Uuid::new_v4().as_u64_pair();
    let replica = Replica::new(u32::try_from(replica & 0xFFFF_FFFF).unwrap_or_default());
    let runs = Runs::new(replica, limits.clone(), Arc::clone(&program) as _);
    let app = App::new(Arc::clone(&runs), gate, limits);
    let mut ending = Ending::listen();
    let connecting = Box::pin(async {
        let peers = match config.server()? {
            Some(server) => Some(NatsPeers::join(&server, tenant.clone(), &app).await?),
            None => None,
        };
        let connected = runs.connect(&tenant).await;
        connected.map_err(|refusal| program.why_not(&refusal))?;
        anyhow::Ok(peers)
    });
    let Some(peers) = ending.unless_asked(connecting).await? else {
        return Ok(Exit::Interrupted);
    };
    let peers = peers?;
    // Before anybody is told where to send signals: unheard, this one ends the process.
    let hang_up = signal(SignalKind::hangup())?;
    tell(config, &server, replica)?;
    let (stop, stopped) = watch::channel(false);
    let router = router(app.clone(), Router::new());
    let serving = tokio::spawn(server.serve(router, stopped, ANSWERS_GRACE));
    let reloading = tokio::spawn(reload(app.clone(), config.clone(), tenant, hang_up));
    ending.asked().await?;
    let interrupted = runs.finish(serve.grace).await;
    // Whoever follows a run is told of its end before the connections go.
    stop.send_replace(true);
    let _ = serving.await;
    reloading.abort();
    if let Some(peers) = peers {
        peers.leave().await;
    }
    program.close().await;
    if interrupted == 0 {
        output::note("callboard: every run has ended");
        return Ok(Exit::Done);
    }
    output::note(&format!(
        "callboard: {interrupted} runs were interrupted; their calls are settled"
    ));
    Ok(Exit::Unfinished)
}

/// Says where it serves, and what it is.
fn tell(config: &Config, server: &Server, replica: Replica) -> anyhow::Result<()> {
    let scheme = if server.is_encrypted() {
        "https"
    } else {
        "http"
    };
    let who = match &config.serve.tokens_file {
        Some(_) => "with tokens",
        None => "for this machine alone",
    };
    output::note(&format!(
        "callboard: serving on {scheme}://{} {who}, as replica {replica}",
        server.address()?
    ));
    Ok(())
}

/// Who may ask.
fn gate(config: &Config, tenant: &Tenant) -> anyhow::Result<Gate> {
    let serve = &config.serve;
    match &serve.tokens_file {
        Some(path) => Ok(Gate::with_tokens(tokens(path, tenant)?)),
        None if serve.listen.ip().is_loopback() => Ok(Gate::open(tenant.clone())),
        None => Err(BadInput(format!(
            "{} can be reached by others, and nobody would have to log in; give a file of tokens with --tokens \
             (`callboard token new NAME` makes one), or listen on 127.0.0.1 [serve_open]",
            serve.listen
        ))
        .into()),
    }
}

fn tokens(path: &Path, tenant: &Tenant) -> anyhow::Result<Tokens> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        BadInput(format!(
            "the file of tokens {shown} can't be read: {error} [serve_tokens]"
        ))
    })?;
    Tokens::from_toml(&text, tenant)
        .map_err(|error| BadInput(format!("{shown}: {error} [serve_tokens]")).into())
}

/// Reads the tokens anew at each SIGHUP; a file that can't be used changes nothing.
async fn reload(app: App, config: Config, tenant: Tenant, mut hang_up: Signal) {
    while hang_up.recv().await.is_some() {
        let Some(path) = &config.serve.tokens_file else {
            continue;
        };
        match tokens(path, &tenant) {
            Ok(tokens) => {
                app.gate().replace(tokens);
                output::note("callboard: the tokens were read anew");
            }
            Err(error) => output::note(&format!("callboard: the old tokens stay: {error}")),
        }
    }
}

/// Each connection is a file, and the usual limit is made for programs with few: as much is taken as may
/// be had without asking.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}
