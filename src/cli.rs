//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::demo::SceneName;
use crate::exit;
use crate::offer::ToolSet;

/// A distributed executor for the tool calls of LLM agents.
#[derive(Debug, Parser)]
#[command(name = "callboard", version, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// NATS server to work over, e.g. nats://127.0.0.1:4222 (several: separated by commas).
    #[arg(long, global = true, value_name = "URL", conflicts_with = "embedded")]
    pub(crate) nats: Option<String>,
    /// Work with workers in this process (the default where no server is configured).
    #[arg(long, global = true)]
    pub(crate) embedded: bool,
    /// Tenant whose workers are used.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Configuration file (TOML). Order: defaults, this file, `CALLBOARD_SECTION__KEY`, flags.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Check the configuration and end.
    #[arg(long, global = true)]
    pub(crate) check_config: bool,
    /// Print the configuration that results, without secrets, and end.
    #[arg(long, global = true)]
    pub(crate) print_config: bool,
    /// What to log to standard error: a level, or a filter such as `warn,callboard_worker=debug`.
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what Callboard is for: fan-outs, chains, failures, a lost worker. No server, no key.
    #[command(
        after_help = "Example:\n  callboard demo\n  callboard demo --only mixed,slow\n  callboard demo --json | jq .totals.saved_percent\n\nEnds with 0 when every scene ended as its script expects, its planned failures included, else with 1."
    )]
    Demo(Demo),
    /// Drive a conversation: model turn, calls, results, and again until the model stops.
    #[command(
        after_help = "Example:\n  callboard run \"How are my last orders?\" --script examples/orders.toml"
    )]
    Run(Run),
    /// Run the calls of one assistant message and print the one user message with all results.
    #[command(
        after_help = "Example:\n  callboard execute < assistant-message.json\n  callboard execute --nats nats://127.0.0.1:4222 --deadline 30s message.json | jq '.content[].tool_use_id'\n\nWithout --idempotency-key, executing a message again executes its writes again. With one, a worker\nthat still remembers a call (60 s) answers with its result instead of running it, and tools are given\nthe key to hand on to what they call."
    )]
    Execute(Execute),
    /// Offer tools to coordinators.
    #[command(
        after_help = "Example:\n  callboard worker --nats nats://127.0.0.1:4222 --tools fs --root ./docs --slots 8"
    )]
    Worker(Worker),
    /// List the tools on offer.
    #[command(
        after_help = "Example:\n  callboard tools --nats nats://127.0.0.1:4222 --json | jq -r '.[].name'"
    )]
    Tools(View),
    /// List the workers: slots, load, beats and tools.
    #[command(after_help = "Example:\n  callboard workers --nats nats://127.0.0.1:4222")]
    Workers(View),
    /// Serve a strict mock of the model APIs: scripted answers, checked conversations, faults on request.
    #[command(
        after_help = "Example:\n  callboard mock-provider --script examples/mock-provider.toml\n  ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_API_KEY=any python my_agent.py\n\nThe form of a script is in docs/mock-provider.md. Without one, it calls up to three\ntools whose names sound like reading, then says that it is done."
    )]
    MockProvider(MockProvider),
}

/// `callboard demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play only these scenes; several: separated by commas.
    #[arg(long, value_enum, value_name = "SCENE", value_delimiter = ',')]
    pub(crate) only: Vec<SceneName>,
    /// Print plain lines, one for each event, even in a terminal.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Print only the measurements, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `callboard run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What the model is asked to do.
    pub(crate) task: String,
    /// Script (TOML or JSON) that answers in the model's place.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: PathBuf,
    /// Model responses, at most.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub(crate) turns: u32,
    /// Calls, at most.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) calls: u32,
    /// Time for the whole run.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
    /// Limits for the calls of each turn.
    #[command(flatten)]
    pub(crate) limits: CallLimits,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Print the run's report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `callboard execute`.
#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// File with the assistant message; `-` or nothing for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) message: Option<PathBuf>,
    /// Format of the message.
    #[arg(long, value_enum, default_value_t = Provider::Anthropic)]
    pub(crate) provider: Provider,
    /// Limits for the calls.
    #[command(flatten)]
    pub(crate) limits: CallLimits,
    /// Makes repeating this message safe where workers remember it; see below.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Print the report (outcomes, attempts, times) with the message in it, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `callboard mock-provider`.
#[derive(Debug, Args)]
pub(crate) struct MockProvider {
    /// Script (TOML or JSON) with what it answers, and what goes wrong.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Environment variable with the key that requests must carry [default: any key will do].
    #[arg(long, value_name = "NAME")]
    pub(crate) api_key_env: Option<String>,
    /// Print JSON: a line with the address and the base URLs, then one for each request.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Limits for the calls of a turn.
#[derive(Clone, Debug, Args)]
pub(crate) struct CallLimits {
    /// Time for all calls of a turn.
    #[arg(long, value_name = "TIME", value_parser = positive_duration)]
    pub(crate) deadline: Option<Duration>,
    /// Time for each call.
    #[arg(long, value_name = "TIME", value_parser = positive_duration)]
    pub(crate) call_deadline: Option<Duration>,
    /// Calls in flight at once, at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) parallel: Option<u32>,
}

/// A format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
}

/// `callboard worker`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Name under which this worker's lives succeed each other [default: host and process id].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Pool that it belongs to.
    #[arg(long, value_name = "NAME")]
    pub(crate) pool: Option<String>,
    /// Calls that it runs at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) slots: Option<u32>,
    /// Label for tools to require or prefer, as key=value; repeatable.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Time for running calls to finish after SIGTERM or Ctrl-C.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) grace: Option<Duration>,
    /// What it offers.
    #[command(flatten)]
    pub(crate) offer: Offer,
}

/// What a worker offers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Offer {
    /// Tools to offer; several: separated by commas.
    #[arg(long, value_enum, value_name = "SET", value_delimiter = ',')]
    pub(crate) tools: Vec<ToolSet>,
    /// Folder that fs_read, fs_list and fs_search may read; nothing outside of it is seen.
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}

/// `callboard tools` and `callboard workers`.
#[derive(Debug, Args)]
pub(crate) struct View {
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 30s, 500ms or 2m"))?;
    if duration.is_zero() {
        return Err("a limit of no time lets nothing run".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_cli_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
