//! `callboard mock-provider`: serves the strict mock of the model APIs, for people who build agents.

use std::collections::BTreeMap;
use std::sync::Arc;

use callboard_mock_provider::{Format, Key, Mock, Options, Recorded, Script};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::cli::MockProvider;
use crate::exit::{BadInput, Exit, bad_input};
use crate::output;
use crate::signals;

/// Requests that wait to be printed, at most; beyond that, lines are left out and the mock goes on. Chosen.
const LINES: usize = 1024;

pub(crate) async fn run(flags: &MockProvider) -> anyhow::Result<Exit> {
    let mut script = match &flags.script {
        Some(path) => Script::from_file(path).map_err(bad_input)?,
        None => Script::default(),
    };
    if let Some(name) = &flags.api_key_env {
        script.api_key = Some(key(name)?);
    }
    let (lines, mut seen) = mpsc::channel(LINES);
    let options = Options {
        listen: flags.listen,
        recorded_max: 0,
        observer: Some(Arc::new(move |request: &Recorded| {
            // A reader that is too slow misses lines; it mustn't hold up answers.
            let _ = lines.try_send(Line::of(request));
        })),
    };
    let model = script.model.clone();
    let mock = Mock::start(options, script).await.map_err(|error| {
        BadInput(format!(
            "can't listen on {}: {error}; give another address with --listen",
            flags.listen
        ))
    })?;
    if flags.json {
        let urls: BTreeMap<_, _> = Format::ALL
            .iter()
            .map(|format| (format.name(), mock.base_url(*format)))
            .collect();
        let address = mock.address();
        let started = serde_json::json!({"address": address, "model": model, "base_urls": urls});
        output::line(&started.to_string()).or_else(unless_closed)?;
    }
    let place = if flags.listen.ip().is_loopback() {
        ""
    } else {
        " (others can reach it)"
    };
    output::note(&format!(
        "callboard: mock provider for the model {model:?} on {}{place}; Ctrl-C ends it",
        mock.address()
    ));
    for format in Format::ALL {
        output::note(&format!(
            "  {:<12} {}",
            format.name(),
            mock.base_url(format)
        ));
    }
    let printed = async {
        while let Some(line) = seen.recv().await {
            let text = if flags.json {
                serde_json::to_string(&line)?
            } else {
                line.text()
            };
            if let Err(error) = output::line(&text) {
                // Whoever read the first line is served all the same.
                return unless_closed(error);
            }
        }
        anyhow::Ok(())
    };
    let served = async {
        printed.await?;
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        served = served => served?,
        asked = signals::asked_to_end() => asked?,
    }
    mock.stop().await;
    Ok(Exit::Done)
}

/// That nobody reads our lines any more is no reason to end.
fn unless_closed(error: std::io::Error) -> anyhow::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        Ok(())
    } else {
        Err(error.into())
    }
}

fn key(name: &str) -> anyhow::Result<Key> {
    match std::env::var(name) {
        Ok(key) if !key.is_empty() => Ok(Key::new(key)),
        Ok(_) | Err(_) => Err(BadInput(format!(
            "the environment holds no key in {name}; set it, or take --api-key-env out"
        ))
        .into()),
    }
}

/// What is printed of a request. A script has turns from 1.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    format: Option<&'static str>,
    method: String,
    path: String,
    turn: Option<usize>,
    stream: bool,
    status: Option<u16>,
    fault: Option<&'static str>,
    rule: Option<&'static str>,
    message: Option<String>,
    request_id: String,
}

impl Line {
    fn of(request: &Recorded) -> Self {
        Self {
            format: request.format.map(Format::name),
            method: request.method.clone(),
            path: request.path.clone(),
            turn: request.turn.map(|turn| turn + 1),
            stream: request.stream,
            status: request.status,
            fault: request.fault,
            rule: request.rule,
            message: request.refusal.clone(),
            request_id: request.request_id.clone(),
        }
    }

    fn text(&self) -> String {
        let mut text = match self.format {
            Some(format) => format.to_owned(),
            None => format!("{} {}", self.method, self.path),
        };
        if let Some(turn) = self.turn {
            text.push_str(&format!(" turn {turn}"));
        }
        if self.stream {
            text.push_str(" stream");
        }
        match self.status {
            Some(status) => text.push_str(&format!(" {status}")),
            None => text.push_str(" no answer"),
        }
        if let Some(fault) = self.fault {
            text.push_str(&format!(" fault {fault}"));
        }
        if let (Some(rule), Some(message)) = (self.rule, &self.message) {
            text.push_str(&format!(" {rule}: {}", message.trim_end()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_goes_away_ends_nothing() {
        assert!(unless_closed(std::io::ErrorKind::BrokenPipe.into()).is_ok());
        assert!(unless_closed(std::io::ErrorKind::StorageFull.into()).is_err());
    }

    #[test]
    fn a_line_says_what_was_asked_and_what_came_of_it() {
        let line = Line {
            format: Some("openai"),
            method: "POST".to_owned(),
            path: "/v1/responses".to_owned(),
            turn: Some(2),
            stream: true,
            status: Some(200),
            fault: Some("cut"),
            rule: None,
            message: None,
            request_id: "req_1".to_owned(),
        };
        assert_eq!(line.text(), "openai turn 2 stream 200 fault cut");
        let refused = Line {
            stream: false,
            status: Some(400),
            fault: None,
            rule: Some("unanswered"),
            message: Some("No tool output found.\n".to_owned()),
            ..line
        };
        assert_eq!(
            refused.text(),
            "openai turn 2 400 unanswered: No tool output found."
        );
        let closed = Line {
            format: None,
            turn: None,
            status: None,
            rule: None,
            ..refused
        };
        assert_eq!(closed.text(), "POST /v1/responses no answer");
    }
}
