//! `callboard tools`: what is on offer.

use callboard_coordinator::catalogue::{Catalogue, Offer};
use callboard_coordinator::dispatch::DispatchHandle;
use callboard_worker::plain;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::Tools;
use crate::config::Config;
use crate::exit::{BadInput, Exit};
use crate::output;
use crate::session::Session;
use crate::view::change::Listed;
use crate::view::conflict::Offerers;
use crate::view::table::{Column, fit};
use crate::view::watch::{watch, width};

/// A tool, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    name: String,
    description: String,
    effect: &'static str,
    digest: String,
    instances: usize,
    /// Their names.
    workers: Vec<String>,
    /// Whether a run that begins now would use this digest.
    used: bool,
    /// Why no run can use it, where none can.
    unusable: Option<String>,
    manifest: callboard_proto::Manifest,
    input_schema: Option<Box<RawValue>>,
}

const COLUMNS: [Column; 6] = [
    Column {
        heading: "TOOL",
        rank: 0,
    },
    Column {
        heading: "EFFECT",
        rank: 2,
    },
    Column {
        heading: "WORKERS",
        rank: 3,
    },
    Column {
        heading: "DIGEST",
        rank: 4,
    },
    // What stands here must be seen.
    Column {
        heading: "",
        rank: 1,
    },
    Column {
        heading: "DESCRIPTION",
        rank: 5,
    },
];

pub(crate) async fn run(flags: &Tools, config: &Config) -> anyhow::Result<Exit> {
    let view = &flags.view;
    let session = Session::open_to_look(config).await?;
    session.listen().await?;
    if view.watch {
        let look = async || Ok(look(&session.dispatch).await?.rows);
        let watched = watch(view.json, look, draw).await;
        session.close().await;
        return watched.map(|()| Exit::Done);
    }
    let mut seen = look(&session.dispatch).await?;
    let nobody = session.nobody();
    session.close().await;
    for warning in &seen.warnings {
        output::note(warning);
    }
    if let Some(name) = &flags.name {
        seen.rows = one(seen.rows, name)?;
    }
    if view.json {
        output::json(&seen.rows)?;
    } else if flags.name.is_some() {
        let pages: Vec<String> = seen.rows.iter().map(Row::page).collect();
        output::line(&pages.join("\n\n"))?;
    } else if seen.rows.is_empty() {
        output::note(&format!("callboard: {nobody}"));
    } else {
        output::line(&draw(&seen.rows, width()))?;
    }
    Ok(Exit::Done)
}

struct Seen {
    rows: Vec<Row>,
    warnings: Vec<String>,
}

async fn look(dispatch: &DispatchHandle) -> anyhow::Result<Seen> {
    let mut offers = dispatch.offers().await?;
    // Whose workers have gone has left.
    offers.retain(|offer| offer.instances > 0);
    let offerers = Offerers::of(&dispatch.workers().await?);
    let used = Catalogue::freeze(offers.iter().cloned());
    let mut rows: Vec<Row> = offers
        .iter()
        .map(|offer| Row::of(offer, &used, &offerers))
        .collect();
    rows.sort_by(|one, other| (&one.name, &one.digest).cmp(&(&other.name, &other.digest)));
    Ok(Seen {
        rows,
        warnings: offerers.warnings(&used),
    })
}

/// What is offered under a name.
fn one(rows: Vec<Row>, name: &str) -> anyhow::Result<Vec<Row>> {
    let near: Vec<String> = rows
        .iter()
        .filter(|row| row.name.contains(name) || name.contains(&row.name))
        .map(|row| row.name.clone())
        .collect();
    let found: Vec<Row> = rows.into_iter().filter(|row| row.name == name).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let cure = match near.as_slice() {
        [] => "callboard tools lists what is offered".to_owned(),
        near => format!("there is {}", near.join(", ")),
    };
    Err(BadInput(format!("nobody offers a tool named {name}; {cure}")).into())
}

fn draw(rows: &[Row], width: Option<usize>) -> String {
    if rows.is_empty() {
        return "nobody offers a tool".to_owned();
    }
    let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    fit(&COLUMNS, &cells, width)
}

impl Row {
    fn of(offer: &Offer, used: &Catalogue, offerers: &Offerers) -> Self {
        let spec = &offer.spec;
        Self {
            name: spec.name.to_string(),
            description: spec.description.clone(),
            effect: spec.manifest.effect.as_str(),
            digest: offer.digest.to_string(),
            instances: offer.instances,
            workers: offerers.names(&spec.name, offer.digest).to_vec(),
            used: used.tools().any(|tool| tool.digest() == offer.digest),
            unusable: used
                .unusable()
                .iter()
                .find(|tool| tool.name == spec.name && tool.digest == offer.digest)
                .map(|tool| plain(&tool.source.to_string())),
            manifest: spec.manifest.clone(),
            input_schema: RawValue::from_string(spec.input_schema.clone()).ok(),
        }
    }

    fn short_digest(&self) -> String {
        self.digest.chars().take(12).collect()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.effect.to_owned(),
            self.instances.to_string(),
            self.short_digest(),
            self.note().to_owned(),
            first_sentence(&self.description),
        ]
    }

    /// What keeps it from being used.
    fn note(&self) -> &'static str {
        match (self.used, &self.unusable) {
            (true, _) => "",
            (false, Some(_)) => "schema can't be used",
            (false, None) => "conflict",
        }
    }

    /// All that is declared, for people.
    fn page(&self) -> String {
        let mut text = format!(
            "{}\n  {}\n",
            self.name,
            plain(&self.description).replace('\n', "\n  ")
        );
        let mut fact = |name: &str, value: String| {
            if !value.is_empty() {
                text.push_str(&format!("\n  {name:<16}{value}"));
            }
        };
        let labels = |labels: &[callboard_proto::Label]| {
            let words: Vec<&str> = labels.iter().map(callboard_proto::Label::as_str).collect();
            words.join(" ")
        };
        let manifest = &self.manifest;
        let ms = |time: Option<u64>| time.map(|ms| format!("{ms} ms")).unwrap_or_default();
        fact("effect", self.effect.to_owned());
        fact("deadline", ms(manifest.deadline_ms));
        fact("attempt timeout", ms(manifest.attempt_timeout_ms));
        fact("attempts", manifest.retry.attempts.to_string());
        fact("affinity", manifest.affinity.as_str().to_owned());
        fact("require", labels(&manifest.require));
        fact("prefer", labels(&manifest.prefer));
        let bytes = manifest.output_bytes_max;
        fact(
            "output, at most",
            bytes
                .map(|bytes| format!("{bytes} bytes"))
                .unwrap_or_default(),
        );
        fact("digest", self.digest.clone());
        let unused = match (self.used, &self.unusable) {
            (true, _) => String::new(),
            (false, Some(why)) => format!(" (no run can use it: {why})"),
            (false, None) => " (a run that begins now uses another)".to_owned(),
        };
        fact("workers", format!("{}{unused}", self.workers.join(" ")));
        text.push_str("\n  schema");
        let schema = self.input_schema.as_ref().and_then(|schema| {
            let value: serde_json::Value = serde_json::from_str(schema.get()).ok()?;
            serde_json::to_string_pretty(&value).ok()
        });
        for line in schema.unwrap_or_else(|| "is no JSON".to_owned()).lines() {
            text.push_str(&format!("\n    {line}"));
        }
        text
    }
}

impl Listed for Row {
    fn key(&self) -> String {
        format!("{} {}", self.name, self.digest)
    }

    fn name(&self) -> String {
        format!("{} ({})", self.name, self.short_digest())
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let used = match self.note() {
            "" => "yes".to_owned(),
            note => format!("no: {note}"),
        };
        vec![
            ("effect", self.effect.to_owned()),
            ("workers", self.workers.join(" ")),
            ("used", used),
        ]
    }
}

fn first_sentence(text: &str) -> String {
    let text = plain(text).replace('\t', " ");
    let line = text.lines().next().unwrap_or_default();
    match line.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => line.to_owned(),
    }
}
