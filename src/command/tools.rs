//! `callboard tools`: what is on offer.

use callboard_coordinator::catalogue::Catalogue;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::View;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::session::Session;

/// A tool, as `--json` prints it.
#[derive(Serialize)]
struct ToolView {
    name: String,
    description: String,
    effect: &'static str,
    digest: String,
    instances: usize,
    /// Whether a run that begins now would use this digest.
    used: bool,
    manifest: callboard_proto::Manifest,
    input_schema: Option<Box<RawValue>>,
}

pub(crate) async fn run(flags: &View, config: &Config) -> anyhow::Result<Exit> {
    let session = Session::open(config).await?;
    session.listen().await?;
    let offers = session.dispatch.offers().await?;
    session.close().await;
    let used = Catalogue::freeze(offers.iter().cloned());
    let mut views: Vec<ToolView> = offers
        .iter()
        .map(|offer| ToolView {
            name: offer.spec.name.to_string(),
            description: offer.spec.description.clone(),
            effect: offer.spec.manifest.effect.as_str(),
            digest: offer.digest.to_string(),
            instances: offer.instances,
            used: used.tools().any(|tool| tool.digest() == offer.digest),
            manifest: offer.spec.manifest.clone(),
            input_schema: RawValue::from_string(offer.spec.input_schema.clone()).ok(),
        })
        .collect();
    views.sort_by(|one, other| (&one.name, &one.digest).cmp(&(&other.name, &other.digest)));
    if flags.json {
        output::json(&views)?;
        return Ok(Exit::Done);
    }
    if views.is_empty() {
        output::note("callboard: nobody offers a tool; start a worker: callboard worker --help");
        return Ok(Exit::Done);
    }
    let mut rows = vec![
        ["TOOL", "EFFECT", "WORKERS", "DIGEST", "", "DESCRIPTION"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(views.iter().map(|view| {
        let mut digest = view.digest.clone();
        digest.truncate(12);
        vec![
            view.name.clone(),
            view.effect.to_owned(),
            view.instances.to_string(),
            digest,
            if view.used { "" } else { "conflict" }.to_owned(),
            first_sentence(&view.description),
        ]
    }));
    output::line(&output::table(&rows))?;
    Ok(Exit::Done)
}

fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => line.to_owned(),
    }
}
