//! A worker of one's own: `cargo run -p callboard-example-worker`, with `NATS_URL` and `HEALTH` if they
//! differ from what stands below. The tools are in `tools.rs`.

mod tools;

use callboard_worker::serve::Worker;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(variable("LOG", "info,async_nats=off"))
        .init();
    let worker = Worker::builder(variable("NAME", "ledger-1"))
        .pool("ledger")
        .slots(8)
        .label("zone=eu-1")
        .tool(tools::report()?)
        .tool(tools::book()?)
        .tool(tools::digest()?)
        // Kubernetes and its like probe /healthz and /readyz here.
        .health(variable("HEALTH", "127.0.0.1:8090").parse()?)
        .connect(&variable("NATS_URL", "nats://127.0.0.1:4222"))
        .await?;
    // Until SIGTERM or Ctrl-C: then what runs may finish for 30 seconds.
    worker.serve().await?;
    Ok(())
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
