//! Logs go to standard error, as text or as JSON lines.

mod json;

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::config::{Log, LogFormat};
use crate::exit::BadInput;

/// Whether what goes to standard error is JSON, a line for each.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// What the process says to people as it goes to standard error: as it is, or as a line of the log where logs
/// are JSON, so that whoever reads them finds nothing else between.
pub(crate) fn said(level: Level, text: &str) -> String {
    if IS_JSON.load(Ordering::Relaxed) {
        json::line(level, text.strip_prefix("callboard: ").unwrap_or(text))
    } else {
        text.to_owned()
    }
}

/// Sets logging up for the whole process.
pub(crate) fn set_up(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&log.filter).map_err(|error| {
        BadInput(format!(
            "log.filter = {:?} is no log filter ({error}); write a level such as \"info\", or \"warn,callboard_worker=debug\"",
            log.filter
        ))
    })?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let set = match log.format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs
            .fmt_fields(JsonFields::new())
            .event_format(json::Lines)
            .try_init(),
    };
    IS_JSON.store(log.format == LogFormat::Json, Ordering::Relaxed);
    set.map_err(|error| anyhow::anyhow!("logging can't be set up: {error}"))
}
