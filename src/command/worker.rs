//! `callboard worker`: offers tools to coordinators.

use std::sync::Arc;

use callboard_worker::executor::{Ended, Executor, Options, Why};
use callboard_worker::link::local::PAYLOAD_BYTES_MAX;
use callboard_worker::link::nats::NatsLink;
use callboard_worker::serve::Health;
use callboard_worker::tool::Tools;

use crate::config::Config;
use crate::exit::{BadInput, Exit, Refused, bad_input};
use crate::hosting::{Hosting, WORKER_PATIENCE};
use crate::offer;
use crate::output;
use crate::session::short;
use crate::signals::Ending;
use crate::telemetry::Watch;

/// Tools that the worker's first line names. Chosen, not measured: all of the built-in ones.
const NAMES_TOLD_MAX: usize = 16;

pub(crate) async fn run(config: &Config) -> anyhow::Result<Exit> {
    let Some(server) = config.server()? else {
        return Err(BadInput(
            "a worker needs a NATS server to be reached by; give one with --nats nats://host:4222"
                .to_owned(),
        )
        .into());
    };
    let own = offered(config)?;
    let mut options = Options::new(config.worker_name()?, config.pool()?)
        .with_slots(config.worker.slots)
        .with_labels(config.labels()?);
    options.busy_poll = config.worker.busy_poll;
    let watch = Watch::worker(config, &mut options)?;
    let metrics = options.metrics.clone();
    // Before it starts servers and connects: a probe that comes early is told that it starts.
    let health = match config.worker.health {
        Some(address) => Some(Health::open(address).await.map_err(bad_input)?),
        None => None,
    };
    let hosting = Hosting::start(config, Some(WORKER_PATIENCE)).await?;
    let tools = hosting
        .as_ref()
        .map_or_else(|| own.clone(), |hosting| hosting.offer(&own, &options));
    let announce = options.announce(&tools, PAYLOAD_BYTES_MAX);
    let mut ending = Ending::listen();
    let connecting = Box::pin(NatsLink::connect(&server, config.tenant()?, announce));
    let Some(link) = ending.unless_asked(connecting).await? else {
        if let Some(hosting) = hosting {
            hosting.stop().await;
        }
        return Ok(Exit::Interrupted);
    };
    let link = link?;
    let names: Vec<&str> = (tools.offers().iter())
        .map(|offer| offer.spec().name.as_str())
        .collect();
    let about = format!(
        "callboard: worker {} (instance {}, pool {}, {} slots) offers {} on {}",
        options.worker,
        short(options.instance),
        options.pool,
        config.worker.slots,
        told(&names),
        server.urls
    );
    let (executor, handle) = Executor::new(options, tools.clone(), link).map_err(bad_input)?;
    if let Some(hosting) = &hosting {
        hosting.follow(own, &tools, handle.clone());
    }
    output::note(&about);
    if let Some(health) = &health {
        match &metrics {
            Some(metrics) => health.watch_with_metrics(handle.clone(), Arc::clone(metrics)),
            None => health.watch(handle.clone()),
        }
        output::note(&format!(
            "callboard: probes at http://{0}/healthz and http://{0}/readyz",
            health.address()
        ));
    }
    if let Some(metrics) = &metrics {
        watch.keep_worker_fresh(&handle, metrics);
    }
    let grace = config.worker.grace;
    tokio::spawn(async move {
        match ending.asked().await {
            Ok(()) => handle.drain(grace).await,
            Err(error) => tracing::error!(%error, "signals can't be listened for"),
        }
    });
    let Ended { why, link } = executor.run().await;
    if let Some(hosting) = hosting {
        hosting.stop().await;
    }
    let closed = link.close().await;
    watch.close().await;
    match why {
        Why::Refused(reason) => Err(Refused(reason).into()),
        Why::Drained | Why::Stopped => {
            closed?;
            output::note("callboard: the worker has drained and ended");
            Ok(Exit::Done)
        }
    }
}

/// The worker's own tools.
///
/// # Errors
/// When there are none, also none of servers, or one of them can't be offered.
pub(crate) fn offered(config: &Config) -> anyhow::Result<Tools> {
    if config.worker.tools.is_empty() && config.tool.is_empty() && config.mcp.is_empty() {
        return Err(BadInput(
            "a worker needs tools to offer; give some with --tools fs,http,sql,shop,basic, or declare some as [[tool]] or [[mcp]] in the --config file".to_owned(),
        )
        .into());
    }
    offer::tools(&config.worker.tools, config)
}

/// What is on offer, in a few words: a line of a terminal isn't for thousands of names.
fn told(names: &[&str]) -> String {
    match names.split_at(names.len().min(NAMES_TOLD_MAX)) {
        ([], _) => "nothing yet".to_owned(),
        (names, []) => names.join(", "),
        (shown, others) => format!(
            "{} tools: {} and {} more",
            names.len(),
            shown.join(", "),
            others.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_names_are_counted() {
        assert_eq!(told(&[]), "nothing yet");
        assert_eq!(told(&["one", "two"]), "one, two");
        let names = vec!["a_tool"; 3_060];
        let line = told(&names);
        assert!(line.starts_with("3060 tools: a_tool, "), "{line}");
        assert!(line.ends_with(", a_tool and 3044 more"), "{line}");
        assert!(line.len() < 200, "{line}");
    }
}
