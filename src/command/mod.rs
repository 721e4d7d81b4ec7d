//! One file per command.

mod demo;
pub(crate) mod doctor;
mod execute;
pub(crate) mod keys;
mod mock_provider;
mod probe;
mod run;
mod serve;
mod tail;
mod token;
mod tools;
mod worker;
mod workers;

use crate::cli::{Cli, Command};
use crate::config;
use crate::exit::Exit;
use crate::hosting::Hosting;
use crate::log;
use crate::offer;
use crate::output;

/// Runs what was typed.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let mut config = config::load(cli.global.config.as_deref(), config::environment())?;
    for (name, meant) in config::misspelt(config::environment()) {
        output::note(&format!(
            "callboard: {name} is not read; two underscores stand between section and key: {meant}"
        ));
    }
    config.apply_global(&cli.global);
    match &cli.command {
        // The demo cuts lines on purpose; that they are down is no news, and would tear its picture.
        Command::Demo(_) if cli.global.log.is_none() => config.log.filter = "error".to_owned(),
        Command::Demo(_)
        | Command::Doctor(_)
        | Command::Keys(_)
        | Command::MockProvider(_)
        | Command::Probe(_)
        | Command::Tail(_)
        | Command::Token(_) => {}
        Command::Serve(flags) => config.apply_serve(flags),
        Command::Run(flags) => config.apply_run(flags),
        Command::Execute(flags) => {
            config.apply_limits(&flags.limits);
            config.apply_offer(&flags.offer);
        }
        Command::Worker(flags) => config.apply_worker(flags),
        Command::Tools(flags) => config.apply_offer(&flags.view.offer),
        Command::Workers(flags) => config.apply_offer(&flags.offer),
    }
    config.check()?;
    if cli.global.print_config {
        output::line(toml::to_string(&config)?.trim_end())?;
        return Ok(Exit::Done);
    }
    if cli.global.check_config {
        match &cli.command {
            Command::Worker(_) => drop(worker::offered(&config)?),
            Command::Demo(_)
            | Command::Doctor(_)
            | Command::Execute(_)
            | Command::Keys(_)
            | Command::MockProvider(_)
            | Command::Probe(_)
            | Command::Run(_)
            | Command::Serve(_)
            | Command::Tail(_)
            | Command::Token(_)
            | Command::Tools(_)
            | Command::Workers(_) => drop(offer::declared(&config, None)?),
        }
        Hosting::check(&config)?;
        output::note("callboard: the configuration is good");
        return Ok(Exit::Done);
    }
    log::set_up(&config.log)?;
    match cli.command {
        Command::Demo(flags) => demo::run(flags, &config).await,
        Command::Run(flags) => run::run(flags, &config).await,
        Command::Execute(flags) => execute::run(flags, &config).await,
        Command::Serve(_) => serve::run(&config).await,
        Command::Token(flags) => token::run(&flags),
        Command::Worker(_) => worker::run(&config).await,
        Command::Tools(flags) => tools::run(&flags, &config).await,
        Command::Workers(flags) => workers::run(&flags, &config).await,
        Command::Doctor(flags) => doctor::run(&flags, &config).await,
        Command::Keys(flags) => keys::run(&flags, &config),
        Command::Probe(flags) => probe::run(&flags).await,
        Command::Tail(flags) => tail::run(&flags, cli.global.nats.is_some()).await,
        Command::MockProvider(flags) => mock_provider::run(&flags).await,
    }
}
