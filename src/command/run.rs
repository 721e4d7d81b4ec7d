//! `callboard run`: the model loop to a final answer.

use std::io::IsTerminal as _;

use callboard_coordinator::call_log::CallLog;
use callboard_coordinator::core::CancelReason;
use callboard_coordinator::core::run::Budgets;
use callboard_coordinator::model::Model;
use callboard_coordinator::model::http::ProviderModel;
use callboard_coordinator::model::script::ScriptedModel;
use callboard_coordinator::provider::{Format, Settings, ToolChoice};
use callboard_coordinator::run::{RunHandle, RunOptions, RunReport};
use callboard_coordinator::traces::Origin;
use callboard_proto::{Epoch, RunId};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use self::live::Live;
use crate::cli::Run;
use crate::config::Config;
use crate::exit::{BadInput, Exit, bad_input};
use crate::output;
use crate::session::{Session, wanted};
use crate::signals::Ending;
use crate::telemetry::{self, Traced};

mod live;
mod view;

/// What can't be written where standard output is full.
const REPORT: &str = "the run has ended, and its report";

pub(crate) async fn run(flags: Run, config: &Config) -> anyhow::Result<Exit> {
    if let Some(script) = &flags.script {
        let model = ScriptedModel::from_file(script).map_err(bad_input)?;
        let tools: Vec<String> = model.tools().map(str::to_owned).collect();
        let live = Live::new(flags.verbose);
        let asking = Asking {
            tools: &tools,
            choice: &ToolChoice::Auto,
            origin: telemetry::origin(model.name(), None),
        };
        let Some((report, exit)) = drive(&flags, config, model, asking, live).await? else {
            return Ok(Exit::Interrupted);
        };
        let printed = if flags.json {
            output::json(&Traced::of_run(config, &report))
        } else {
            output::line(&view::with_turns(&report)).map_err(Into::into)
        };
        tell_trace(config, &report, flags.verbose && !flags.json);
        output::unless_unread(printed, REPORT)?;
        return Ok(exit);
    }
    let (model, settings) = provider_model(config)?;
    let is_watched = !flags.json && std::io::stderr().is_terminal();
    let is_told = flags.verbose || is_watched;
    let live = Live::new(is_told);
    let tools: &[String] = match &settings.tool_choice {
        ToolChoice::Tool(name) => std::slice::from_ref(name),
        ToolChoice::Auto | ToolChoice::Any | ToolChoice::None => &[],
    };
    let format = config.model.target()?.map(|(format, _)| format);
    let asking = Asking {
        tools,
        choice: &settings.tool_choice,
        origin: telemetry::origin(&settings.model, format),
    };
    let Some((report, exit)) = drive(&flags, config, model, asking, live).await? else {
        return Ok(Exit::Interrupted);
    };
    let printed = if flags.json {
        output::json(&Traced::of_run(config, &report))
    } else if report.text.is_empty() {
        Ok(())
    } else {
        let text = view::text(&report, std::io::stdout().is_terminal());
        output::line(&text).map_err(Into::into)
    };
    if !flags.json {
        output::note(&format!("callboard: {}", view::summary(&report)));
        tell_trace(config, &report, is_told);
    }
    output::unless_unread(printed, REPORT)?;
    Ok(exit)
}

/// Says where the run's trace is found, to who follows the run.
fn tell_trace(config: &Config, report: &RunReport, is_told: bool) {
    if let Some(trace) = report.trace_id.as_deref().filter(|_| is_told) {
        output::note(&format!("callboard: {}", telemetry::shown(config, trace)));
    }
}

/// Sets the configured model up.
fn provider_model(config: &Config) -> anyhow::Result<(ProviderModel, Settings)> {
    let Some((format, name)) = config.model.target()? else {
        return Err(BadInput(
            "nobody answers: name a model (--model anthropic/…, or model.name in the configuration), or give a --script"
                .to_owned(),
        )
        .into());
    };
    let provider = config.provider.of(format);
    let mut settings = config.model.settings(name)?;
    if format == Format::Chat {
        settings.dialect = provider.dialect();
    }
    let options = provider.options(format)?;
    let model = ProviderModel::new(format, settings.clone(), options).map_err(|error| {
        let code = error.code();
        BadInput(format!("{} [{code}]", bad_input(error)))
    })?;
    Ok((model, settings))
}

/// What a model is asked with.
struct Asking<'a> {
    /// These tools are waited for; without any, whoever is there is listened for.
    tools: &'a [String],
    choice: &'a ToolChoice,
    origin: Origin,
}

/// Drives a run to its end; `None` where it was interrupted before it began.
async fn drive<M: Model>(
    flags: &Run,
    config: &Config,
    model: M,
    asking: Asking<'_>,
    mut live: Live,
) -> anyhow::Result<Option<(RunReport, Exit)>> {
    let Asking {
        tools,
        choice,
        origin,
    } = asking;
    let prepared = async {
        let session = Session::open(config).await?;
        let wanted = wanted(tools.iter().map(String::as_str));
        let catalogue = session.catalogue(wanted).await?;
        anyhow::Ok((session, catalogue))
    };
    let mut ending = Ending::listen();
    let Some(prepared) = ending.unless_asked(Box::pin(prepared)).await? else {
        output::note("callboard: interrupted before the model was asked; nothing was run");
        return Ok(None);
    };
    let (session, catalogue) = prepared?;
    if let ToolChoice::Tool(name) = choice
        && catalogue.find(name).is_none()
    {
        session.close().await;
        return Err(BadInput(format!(
            "model.tool_choice = {name:?}: nobody offers a tool of that name; see `callboard tools`"
        ))
        .into());
    }
    let limits = &config.coordinator;
    let run = RunId::new(Uuid::new_v4());
    let (trace, mut observers) = session.watch.run(run, origin);
    let options = RunOptions {
        run,
        task: flags.task.as_str().into(),
        catalogue,
        budgets: Budgets {
            turns: flags.turns,
            calls: flags.calls,
            tokens: flags.tokens,
            time: flags.time,
            turn_time: limits.deadline,
        },
        call_deadline: limits.call_deadline,
        parallel: config.model.parallel.0.at_most(limits.parallel),
        eager: config.model.eager.eager(),
        tool_choice: choice.clone(),
        epoch: Epoch(0),
        trace,
        is_watched: trace.is_some() || CallLog::is_heard(),
    };
    let mut events = session.dispatch.events();
    let (observer, mut lines) = live.observer(model.name());
    observers.push(Box::new(observer));
    let mut handle = RunHandle::start(options, model, session.dispatch.clone(), observers);
    let mut interrupted = false;
    let report = loop {
        tokio::select! {
            // What happened to the calls of a turn is told before the next turn.
            biased;
            event = events.recv(), if live.is_on() => match event {
                Ok(event) => live.tell(&event),
                Err(RecvError::Lagged(missed)) => live.missed(missed),
                Err(RecvError::Closed) => live.switch_off(),
            },
            Some(line) = lines.recv() => output::note(&line),
            report = handle.finished() => break report,
            asked = ending.asked(), if !interrupted => {
                asked?;
                interrupted = true;
                handle.cancel(CancelReason::Asked);
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        live.tell(&event);
    }
    while let Ok(line) = lines.try_recv() {
        output::note(&line);
    }
    if !interrupted {
        ending.stop().await;
    }
    session.close().await;
    let exit = match report.end.reason {
        _ if interrupted => Exit::Interrupted,
        "answered" => Exit::of_calls(&report.tally),
        _ => Exit::Unfinished,
    };
    Ok(Some((report, exit)))
}
