//! Logs go to standard error, as text or as JSON lines.

mod json;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::config::{Log, LogFormat};
use crate::exit::BadInput;

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
    set.map_err(|error| anyhow::anyhow!("logging can't be set up: {error}"))
}
