//! Tools and workers, as the service and the command line tell them.

use callboard_coordinator_core::WorkerView;
use callboard_proto::{Digest, Manifest};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::catalogue::{Catalogue, Offer};
use crate::dispatch::Known;
use crate::run::in_ms;

/// A tool.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolRow {
    /// Its name.
    pub name: String,
    /// What it is for, as the model reads it.
    pub description: String,
    /// What it does to the world: `read`, `idempotent` or `write`.
    pub effect: &'static str,
    /// The digest of all that it declares.
    pub digest: String,
    /// Instances that offer it.
    pub instances: usize,
    /// Whether a run that begins now would use this digest.
    pub used: bool,
    /// What it declares beyond its schema.
    #[schema(value_type = Object)]
    pub manifest: Manifest,
    /// JSON Schema of its arguments; null where it isn't JSON.
    #[schema(value_type = Option<Object>)]
    pub input_schema: Option<Box<RawValue>>,
}

/// A worker's instance.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerRow {
    /// The worker's name.
    pub worker: String,
    /// Its pool.
    pub pool: String,
    /// This life of it.
    pub instance: String,
    /// The version of its software.
    pub version: String,
    /// All its slots.
    pub slots: u32,
    /// Slots that are taken, by its last beat; null before the first, and of one that drains.
    pub running: Option<u32>,
    /// Time since it was heard last, in milliseconds.
    pub silent_ms: f64,
    /// `ready`, `silent`, `unreachable` or `draining`.
    pub state: &'static str,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it offers.
    pub tools: Vec<String>,
    /// Those that get no calls for now, because they failed on it.
    pub suspended: Vec<String>,
}

/// What is on offer, by name.
#[must_use]
pub fn tool_rows(offers: &[Offer]) -> Vec<ToolRow> {
    let used = Catalogue::freeze(offers.iter().cloned());
    let mut rows: Vec<ToolRow> = offers
        .iter()
        .map(|offer| ToolRow {
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
    rows.sort_by(|one, other| (&one.name, &one.digest).cmp(&(&other.name, &other.digest)));
    rows
}

/// An instance, with the names of what it offers.
#[must_use]
pub fn worker_row(worker: &WorkerView, known: &[Known]) -> WorkerRow {
    let state = if worker.draining {
        "draining"
    } else if worker.unreachable {
        "unreachable"
    } else if worker.beat.is_none() {
        "silent"
    } else {
        "ready"
    };
    let names = |digests: &[Digest]| {
        known
            .iter()
            .filter(|known| digests.contains(&known.digest))
            .map(|known| known.name.to_string())
            .collect()
    };
    WorkerRow {
        worker: worker.worker.to_string(),
        pool: worker.pool.to_string(),
        instance: worker.instance.to_string(),
        version: worker.version.clone(),
        slots: worker.slots,
        running: worker.taken(),
        silent_ms: in_ms(worker.silent_for),
        state,
        labels: worker.labels.iter().map(ToString::to_string).collect(),
        tools: names(&worker.digests),
        suspended: names(&worker.suspended),
    }
}
