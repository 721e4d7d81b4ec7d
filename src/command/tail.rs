//! `callboard tail`: a run of a service, followed in the terminal.

use std::io::IsTerminal as _;

use callboard_coordinator::follow::{FollowError, Followed, Follower};
use callboard_coordinator::run_log::Happening;

use self::view::{Filter, Lines};
use crate::cli::{Color, Tail};
use crate::exit::{BadInput, Exit, bad_input};
use crate::output;
use crate::signals;

mod view;

pub(crate) async fn run(flags: &Tail, is_over_nats: bool) -> anyhow::Result<Exit> {
    if is_over_nats {
        return Err(BadInput(
            "a run is followed at its service, over HTTP; give its address with --url instead of --nats"
                .to_owned(),
        )
        .into());
    }
    let token = token(flags)?;
    let mut follower =
        Follower::new(&flags.url, &flags.run, token.as_deref()).map_err(bad_input)?;
    let mut lines = Lines::new(is_colored(flags.color));
    let mut filter = Filter::new(&flags.tools, flags.errors);
    let mut asked = std::pin::pin!(signals::asked_to_end());
    let mut end = None;
    let mut was_told = false;
    loop {
        let followed = tokio::select! {
            followed = follower.next() => match followed {
                // What was followed is lost with the replica that held it.
                Err(error @ FollowError::Refused { status: 404 | 410, .. }) if was_told => {
                    output::error(&error.into());
                    return Ok(Exit::Unfinished);
                }
                followed => followed.map_err(refusal)?,
            },
            asked = &mut asked => {
                asked?;
                return Ok(Exit::Interrupted);
            }
        };
        match followed {
            None => break,
            Some(Followed::Lost { why }) => {
                output::note(&format!("callboard: {why}; going on where it was"));
            }
            Some(Followed::Gap { first_kept }) => output::note(&format!(
                "callboard: what was told before event {first_kept} is kept no longer"
            )),
            Some(Followed::Entry(entry, text)) => {
                was_told = true;
                let what = entry.as_ref().map(|entry| &entry.what);
                if let Some(Happening::RunEnded { reason, .. }) = what {
                    end = Some(reason.to_string());
                }
                let is_wanted = what.is_none_or(|what| filter.wants(what));
                // One of a type that this version doesn't know is told as it came.
                let line = match entry {
                    Some(entry) if !flags.json => lines.of(&entry),
                    Some(_) | None => Some(text),
                };
                if let Some(line) = line.filter(|_| is_wanted) {
                    output::line(&line)?;
                }
            }
        }
    }
    Ok(match end.as_deref() {
        Some("answered") | None => Exit::Done,
        Some(_) => Exit::Unfinished,
    })
}

fn refusal(error: FollowError) -> anyhow::Error {
    match error {
        FollowError::Unreachable { .. } => error.into(),
        FollowError::Url { .. }
        | FollowError::Token
        | FollowError::Client(_)
        | FollowError::Refused { .. } => bad_input(error),
    }
}

fn token(flags: &Tail) -> anyhow::Result<Option<String>> {
    let Some(name) = &flags.token_env else {
        return Ok(None);
    };
    match std::env::var(name) {
        Ok(token) if !token.trim().is_empty() => Ok(Some(token.trim().to_owned())),
        Ok(_) | Err(_) => Err(BadInput(format!(
            "--token-env {name}: the variable is not set; put the token into it"
        ))
        .into()),
    }
}

fn is_colored(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            std::io::stdout().is_terminal() && !is_unwanted
        }
    }
}
