//! Project tasks: `cargo xtask setup | test | python | api | providers | mcp | page | manifests | networks | kubernetes | jaeger |
//! promtool | sbom | ci | bench`.
//!
//! Cargo alone is needed to start them; what else they need, they get, and say where from.

mod api;
mod bench;
mod ci;
mod deployment;
mod manifests;
mod mcp;
mod page;
mod promtool;
mod providers;
mod python;
mod say;
mod sbom;
mod setup;
mod steps;
mod test;
mod tracing;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::setup::Way;

/// The tasks of the Callboard repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Gets what the tests need and says where it came from
    Setup {
        /// Install by this way alone, even when a nats-server is at hand
        #[arg(long, value_enum)]
        via: Option<Way>,
    },
    /// Gets what the tests need, then runs every suite: workspace, doc tests, provider proofs, simulation
    Test,
    /// Installs the official SDKs of the model providers under target/ and runs the proofs that use them
    Providers,
    /// Installs the Python worker under target/python-worker and runs its own tests
    Python,
    /// Renders the Kubernetes manifests and judges them by the API's schemas and rules of hardening
    Manifests,
    /// Runs the images on separate Docker networks, breaks and restarts each part under load
    Networks {
        /// Leave containers and networks in the end
        #[arg(long)]
        keep: bool,
    },
    /// Runs the manifests on the cluster that KUBECONFIG names: traced, scaled, rolled and broken under load
    Kubernetes {
        /// Command that gives the cluster local images, whose names follow: `kind load docker-image`, for example
        #[arg(long, value_name = "COMMAND")]
        load: Option<String>,
        /// Leave the namespace in the end
        #[arg(long)]
        keep: bool,
    },
    /// Writes what the binary is made of, as a CycloneDX bill of materials, to standard output
    Sbom,
    /// Installs the MCP reference servers under target/mcp and runs the proofs of MCP hosting on them
    Mcp,
    /// Tries the service with requests that schemathesis draws from its own description
    Api,
    /// Gets a Jaeger v2 and looks at a traced fan-out through it
    Jaeger,
    /// Tries the live page of the service in a headless Chromium, and its modules in node
    Page,
    /// Judges what is scraped and the alert rules by Prometheus' own tool
    Promtool,
    /// Runs what CI runs: formatting, lints, documentation, the house rules, then `test`
    Ci,
    /// Runs the benchmark in the profile that is shipped
    Bench {
        /// What the benchmark itself is told
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup { via } => setup::run(via),
        Task::Test => test::run(),
        Task::Providers => providers::run(),
        Task::Python => python::run(),
        Task::Manifests => manifests::run(),
        Task::Networks { keep } => deployment::networks(keep),
        Task::Kubernetes { load, keep } => deployment::kubernetes(load.as_deref(), keep),
        Task::Sbom => sbom::run(),
        Task::Mcp => mcp::run(),
        Task::Api => api::run(),
        Task::Jaeger => tracing::run(),
        Task::Page => page::run(),
        Task::Promtool => promtool::run(),
        Task::Ci => ci::run(),
        Task::Bench { arguments } => bench::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::line(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
