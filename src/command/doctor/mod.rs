//! `callboard doctor`: what works here, what doesn't, and the cure.

mod check;
mod collector;
mod crew;
mod machine;
mod server;
mod settings;
mod signing;

use clap::{Args, ValueEnum};

use self::check::{Check, Status};
use crate::config::Config;
use crate::exit::Exit;
use crate::output;

/// `callboard doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Part that this login must be able to play [default: any one of them will do].
    #[arg(long = "as", value_enum, value_name = "PART")]
    part: Option<Part>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// A part between coordinators and workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Posts calls: `run`, `execute`.
    Coordinator,
    /// Executes them: `worker`.
    Worker,
    /// Looks at both: `tools`, `workers`.
    Viewer,
}

pub(crate) async fn run(flags: &Doctor, config: &Config) -> anyhow::Result<Exit> {
    let mut checks = settings::checks(config);
    checks.extend(signing::checks(config, flags.part));
    checks.extend(server::checks(config, flags.part).await?);
    checks.push(collector::check().await);
    checks.extend(machine::checks(config).await);
    let failed = |check: &&Check| check.status == Status::Failed;
    let is_usable = !checks.iter().any(|check| failed(&check));
    if flags.json {
        output::json(&serde_json::json!({ "usable": is_usable, "checks": checks }))?;
    } else {
        for check in &checks {
            output::line(&check.text())?;
        }
    }
    Ok(match checks.iter().find(failed) {
        None => Exit::Done,
        Some(check) if check.is_remote => Exit::Unreachable,
        Some(_) => Exit::BadInput,
    })
}
