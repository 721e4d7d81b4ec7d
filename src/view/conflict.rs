//! Tools that workers declare differently under one name.

use std::collections::BTreeMap;

use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::core::WorkerView;
use callboard_coordinator::dispatch::Known;
use callboard_proto::{Digest, ToolName};

/// Who offers which digest of which tool.
#[derive(Debug, Default)]
pub(crate) struct Offerers(BTreeMap<ToolName, BTreeMap<Digest, Vec<String>>>);

impl Offerers {
    pub(crate) fn of(workers: &[(WorkerView, Vec<Known>)]) -> Self {
        let mut all = Self::default();
        for (worker, offered) in workers {
            for Known { name, digest } in offered {
                let digests = all.0.entry(name.clone()).or_default();
                digests
                    .entry(*digest)
                    .or_default()
                    .push(worker.worker.to_string());
            }
        }
        all
    }

    /// The workers that offer exactly this.
    pub(crate) fn names(&self, name: &ToolName, digest: Digest) -> &[String] {
        self.0
            .get(name)
            .and_then(|digests| digests.get(&digest))
            .map_or(&[], Vec::as_slice)
    }

    /// A warning for each tool that is offered with several digests: who has which, and which a run takes.
    pub(crate) fn warnings(&self, used: &Catalogue) -> Vec<String> {
        let conflicts = self.0.iter().filter(|(_, digests)| digests.len() > 1);
        conflicts
            .map(|(name, digests)| {
                let offered: Vec<String> = digests
                    .iter()
                    .map(|(digest, workers)| {
                        format!("{} by {}", digest.short(), workers.join(", "))
                    })
                    .collect();
                let taken = match used.tools().find(|tool| tool.name() == name) {
                    Some(tool) => format!("a run that begins now uses {}", tool.digest().short()),
                    None => "none of them can be used".to_owned(),
                };
                format!(
                    "callboard: workers offer different tools named {name}: {}; {taken}",
                    offered.join("; ")
                )
            })
            .collect()
    }
}
