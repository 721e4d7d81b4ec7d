//! `callboard probe`: asks a process whether it is well.

use callboard_coordinator::probe::{ProbeError, probe};

use crate::cli::Probe;
use crate::exit::{Exit, bad_input};
use crate::output;

pub(crate) async fn run(flags: &Probe) -> anyhow::Result<Exit> {
    match probe(&flags.url, flags.timeout).await {
        Ok(text) => {
            output::line(&text)?;
            Ok(Exit::Done)
        }
        Err(error @ ProbeError::Url { .. }) => Err(bad_input(error)),
        Err(error) => Err(error.into()),
    }
}
