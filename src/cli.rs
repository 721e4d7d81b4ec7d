//! What can be typed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use callboard_coordinator::provider::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command::doctor::Doctor;
use crate::command::keys::{self, Keys};
use crate::config::{EagerWord, LogFormat, ParallelWord};
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
    /// How a log line looks [default: text].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "text|json",
        hide_possible_values = true
    )]
    pub(crate) log_format: Option<LogFormat>,
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
        after_help = "Example:\n  callboard run \"How are my last orders?\" --script examples/orders.toml\n  callboard run \"How are my last orders?\" --model anthropic/claude-sonnet-5-5\n  callboard run \"What is in here?\" --model openai-chat/qwen3 --base-url http://127.0.0.1:11434\n\nThe key is read from ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, or from where the\nconfiguration says (api_key_env or api_key_file in [provider.anthropic] and its like). A model's\nanswer goes to standard output, what happens on the way to standard error."
    )]
    Run(Run),
    /// Run the calls of one assistant message and print the message(s) with all results.
    #[command(
        after_help = "Example:\n  callboard execute < assistant-message.json\n  callboard execute --nats nats://127.0.0.1:4222 --deadline 30s message.json | jq '.content[].tool_use_id'\n  callboard execute --provider openai-chat message.json | jq '.[].tool_call_id'\n  callboard execute --provider openai response.json | jq '.[].call_id'\n  callboard execute --provider gemini response.json | jq '.parts[].functionResponse.name'\n\nReads what the model sent: the bare message, the whole response, or its stream as it was recorded (SSE).\n\nPrints what the conversation goes on with after that message, as one line of JSON:\n  anthropic    one message: messages.append(json.loads(out))\n  openai       a list of items: input.extend(json.loads(out))\n  openai-chat  a list of messages: messages.extend(json.loads(out))\n  gemini       one content: contents.append(json.loads(out))\nWith --json it is the report's `messages`, always a list, and `message` where it is always one; `echo` is\nwhat the model said, put together from its stream, as the conversation has to repeat it in front of them.\n\nWithout --idempotency-key, executing a message again executes its writes again. With one, a call\ngoes to the worker that it went to before, which answers with its result instead of running it again:\nfor 60 s, as long as that worker lives and has a slot. Beyond that only the tools protect: they are\ngiven the key to hand on to what they call. A key stands for one message."
    )]
    Execute(Execute),
    /// Offer tools to coordinators.
    #[command(
        after_help = "Example:\n  callboard worker --nats nats://127.0.0.1:4222 --tools fs --root ./docs --slots 8\n  callboard worker --config worker.toml --nats nats://127.0.0.1:4222 --health 8090\n\nEnds with 0 when it was told to end and has drained (SIGTERM, Ctrl-C, an operator's drain), with 2\nwhen it can't offer what it should, with 5 when the server can't be reached at the start or refuses\nwhat a worker needs, with 130 when a second signal ended it at once. A server that goes away later\nis waited for. More in docs/worker.md."
    )]
    Worker(Worker),
    /// Serve runs over HTTP: started, followed, cancelled; and the calls of other agents' messages.
    #[command(
        after_help = "Example:\n  callboard serve --model anthropic/claude-sonnet-5-5\n  curl -s http://127.0.0.1:8090/v1/runs -H 'content-type: application/json' \\\n    -d '{\"prompt\": \"How are my last orders?\"}'\n\nAll paths are described at /openapi.json; docs/service.md says more. Where others can reach it, it wants\n--tokens: `callboard token new NAME` makes one, SIGHUP reads the file anew.\n\nSIGTERM or Ctrl-C: nothing new begins, running runs have --grace to finish and then end as `interrupted`\nwith all calls settled. Ends with 0, or with 6 where runs had to be interrupted. `kill -9` loses what runs."
    )]
    Serve(Serve),
    /// Make bearer tokens for `callboard serve`.
    #[command(subcommand)]
    Token(Token),
    /// List the tools on offer.
    #[command(
        after_help = "Example:\n  callboard tools --nats nats://127.0.0.1:4222 --json | jq -r '.[].name'\n  callboard tools order_details --nats nats://127.0.0.1:4222\n\nWhere workers declare different tools under one name, a warning names who has which digest, and\nwhich a run takes: that of most instances, then the lowest."
    )]
    Tools(Tools),
    /// List the workers: slots, load, beats and tools.
    #[command(
        after_help = "Example:\n  callboard workers --nats nats://127.0.0.1:4222\n  callboard workers --watch --json | jq -c 'select(.event == \"left\") | .worker'\n\nLOAD is what runs, of the slots that there are, by the worker's last word. A worker holds nothing\nthat it can't start, so it has no queue: calls wait at their coordinators."
    )]
    Workers(View),
    /// Make the keys of a locked-down NATS server, and the configuration that knows them.
    #[command(after_help = keys::HELP)]
    Keys(Keys),
    /// Check the server, this login's permissions, the configuration, keys and this machine's sandbox.
    #[command(
        after_help = "Example:\n  callboard doctor\n  callboard doctor --nats nats://127.0.0.1:4222 --as worker\n  callboard doctor --config worker.toml --json | jq '.checks[] | select(.status != \"ok\")'\n\nEach line is ok, warning or FAILED, with what helps. Ends with 0 when what is configured can be used,\nwith 5 when the server's side must change, with 2 when this side must. Nothing is changed, no call is\nposted, and no secret is shown."
    )]
    Doctor(Doctor),
    /// Follow a run of a `callboard serve` in the terminal.
    #[command(
        after_help = "Example:\n  callboard tail --run 0198… --url http://127.0.0.1:8090\n  callboard tail --run 0198… --url https://callboard.example --token-env CALLBOARD_TOKEN --json | jq -c .type\n\nTells the run from its beginning, each thing once, and goes on where it was when the connection is lost.\nEnds with 0 when the run was answered, with 6 when it ended without an answer."
    )]
    Tail(Tail),
    /// Ask a worker or a service whether it is ready, where there is no other client at hand.
    #[command(
        after_help = "Example:\n  callboard probe\n  callboard probe http://127.0.0.1:9000/healthz --timeout 1s\n\nFor the health checks of containers: the image has no shell and no curl. Ends with 0 when the answer is a\nsuccess, with 5 when it isn't or doesn't come."
    )]
    Probe(Probe),
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
    /// Model that answers: anthropic/…, openai/…, openai-chat/… or gemini/… [default: the configured one].
    #[arg(long, value_name = "PROVIDER/MODEL", conflicts_with = "script")]
    pub(crate) model: Option<String>,
    /// Script (TOML or JSON) that answers in the model's place.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Where the provider is, e.g. http://127.0.0.1:11434 [default: its own address].
    #[arg(long, value_name = "URL", conflicts_with = "script")]
    pub(crate) base_url: Option<String>,
    /// Instructions for the model.
    #[arg(long, value_name = "TEXT", conflicts_with = "script")]
    pub(crate) system: Option<String>,
    /// Tokens of each response, at most.
    #[arg(long, value_name = "N", conflicts_with = "script", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: Option<u32>,
    /// Whether tools may (auto), must (any) or must not (none) be used; or the tool to use first.
    #[arg(long, value_name = "CHOICE", conflicts_with = "script")]
    pub(crate) tool_choice: Option<String>,
    /// Calls that start while the response still streams.
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "script")]
    pub(crate) eager: Option<EagerWord>,
    /// Ask for whole responses.
    #[arg(long, conflicts_with = "script")]
    pub(crate) no_stream: bool,
    /// Model responses, at most.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) turns: u32,
    /// Calls, at most.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) calls: u32,
    /// Tokens in and out of all responses together, at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tokens: Option<u64>,
    /// Time for the whole run.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    pub(crate) time: Duration,
    /// Limits for the calls of each turn.
    #[command(flatten)]
    pub(crate) limits: CallLimits,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Tell what happens on standard error, even where that is no terminal.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Print the run's report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `callboard execute`.
#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// File with the model's message, response or stream; `-` or nothing for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) message: Option<PathBuf>,
    /// Format of what is read and printed.
    #[arg(long, value_enum, default_value_t = Provider::Anthropic)]
    pub(crate) provider: Provider,
    /// Limits for the calls.
    #[command(flatten)]
    pub(crate) limits: CallLimits,
    /// Makes repeating this message safe while its workers live and remember it; see below.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Print the report (outcomes, attempts, times) with the message(s) in it, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `callboard serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where it listens [default: 127.0.0.1:8090].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// File with the hashes of the tokens that may ask; needed where others can reach it.
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// PEM file with the certificate to encrypt with, and its chain.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// PEM file with that certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Model of runs that name none: anthropic/…, openai/…, openai-chat/…, gemini/… or script/….
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub(crate) model: Option<String>,
    /// Script that answers for the model script/NAME; repeatable.
    #[arg(long = "script", value_name = "NAME=FILE", value_parser = named_file)]
    pub(crate) scripts: Vec<(String, PathBuf)>,
    /// Time for running runs to finish after SIGTERM or Ctrl-C.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) grace: Option<Duration>,
    /// Limits for the calls of a turn.
    #[command(flatten)]
    pub(crate) limits: CallLimits,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
}

/// `callboard token`.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token: it goes to standard output, once, and its entry for the file to standard error.
    #[command(
        after_help = "Example:\n  callboard token new support-agent > support-agent.token 2>> tokens.toml\n  callboard token new support-agent --json | jq -r .token"
    )]
    New {
        /// What it is called in views and logs.
        name: String,
        /// Print both as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `callboard probe`.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// Address to ask: `/readyz` or `/healthz` of `callboard serve`, or of a worker with `--health`.
    #[arg(default_value = "http://127.0.0.1:8090/readyz")]
    pub(crate) url: String,
    /// Time for the answer.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = positive_duration)]
    pub(crate) timeout: Duration,
}

/// `callboard tail`.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Run to follow.
    #[arg(long, value_name = "ID")]
    pub(crate) run: String,
    /// Where the service is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub(crate) url: String,
    /// Environment variable with the token for it.
    #[arg(long, value_name = "NAME")]
    pub(crate) token_env: Option<String>,
    /// Tell only of calls of these tools; several: separated by commas.
    #[arg(long = "tool", value_name = "NAME", value_delimiter = ',')]
    pub(crate) tools: Vec<String>,
    /// Tell only what went wrong.
    #[arg(long)]
    pub(crate) errors: bool,
    /// Print each event as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Colours: in a terminal (auto), always, or never.
    #[arg(long, value_enum, value_name = "auto|always|never", default_value_t = Color::Auto, hide_possible_values = true)]
    pub(crate) color: Color,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// In a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
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
    /// Calls of a turn in flight at once: as many as there are (auto), one (off), or so many.
    #[arg(long, value_name = "auto|off|N")]
    pub(crate) parallel: Option<ParallelWord>,
}

/// A format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Responses API.
    Openai,
    /// OpenAI's Chat Completions, and servers that speak it too (vLLM, Ollama, llama.cpp).
    OpenaiChat,
    /// Gemini's `generateContent`.
    Gemini,
}

impl Provider {
    /// The format that it stands for.
    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Anthropic => Format::Anthropic,
            Self::Openai => Format::Responses,
            Self::OpenaiChat => Format::Chat,
            Self::Gemini => Format::Gemini,
        }
    }
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
    /// Answer the probes /healthz and /readyz over HTTP here; a bare port means this host alone.
    #[arg(long, value_name = "ADDRESS", value_parser = probe_address)]
    pub(crate) health: Option<SocketAddr>,
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
    /// SQLite file that sql_query and sql_schema may read.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
}

/// `callboard tools`.
#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// Show this tool alone, with all that it declares.
    #[arg(value_name = "NAME", conflicts_with = "watch")]
    pub(crate) name: Option<String>,
    /// How it is shown.
    #[command(flatten)]
    pub(crate) view: View,
}

/// `callboard tools` and `callboard workers`.
#[derive(Debug, Args)]
pub(crate) struct View {
    /// Look again and again until Ctrl-C: redraw in a terminal, print a line for each change elsewhere.
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Print as JSON; with --watch a line for each change.
    #[arg(long)]
    pub(crate) json: bool,
    /// Tools of the embedded worker.
    #[command(flatten)]
    pub(crate) offer: Offer,
}

/// An address; a port alone is one of this host's own.
fn probe_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse()
        .map_err(|_| "write it as PORT, 127.0.0.1:PORT or 0.0.0.0:PORT".to_owned())
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(file)))
        }
        Some(_) | None => Err("write it like orders=examples/orders.toml".to_owned()),
    }
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
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use callboard_coordinator::provider::Format;
    use clap::{CommandFactory as _, ValueEnum as _};

    #[test]
    fn providers_are_named_as_their_formats_are() {
        for provider in super::Provider::value_variants() {
            let name = provider.to_possible_value().unwrap();
            assert_eq!(name.get_name(), provider.format().as_str());
        }
        assert_eq!(super::Provider::value_variants().len(), Format::ALL.len());
    }

    #[test]
    fn the_cli_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
