//! The tools that a run may use: frozen when the run starts, so that a rolling upgrade or a worker
//! that comes or goes changes nothing in the middle of a conversation (P10).

use std::sync::Arc;

use bytes::Bytes;
use callboard_coordinator_core::run::TURN_CALLS_MAX;
use callboard_coordinator_core::{NewCall, Posting};
use callboard_proto::{
    Digest, Executed, Failure, FailureKind, Manifest, ToolName, ToolSpec, limit,
};
use rustc_hash::FxHashMap;

use crate::model::ToolUse;
use schema::{Schema, SchemaError};

mod json;
mod name;
mod plain;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;

/// A tool as workers offer it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The digest of all that it declares.
    pub digest: Digest,
    /// What it declares, after the operator's word on the manifest.
    pub spec: Arc<ToolSpec>,
    /// Instances that offer exactly this digest now.
    pub instances: usize,
}

/// A tool of a frozen list.
#[derive(Debug)]
pub struct Tool {
    model_name: Arc<str>,
    digest: Digest,
    spec: Arc<ToolSpec>,
    manifest: Arc<Manifest>,
    schema: Schema,
}

impl Tool {
    /// The name that the model sees: letters, digits, `_` and `-`, at most 64 of them.
    #[must_use]
    pub fn model_name(&self) -> &str {
        &self.model_name
    }

    /// The name that its worker gave it.
    #[must_use]
    pub fn name(&self) -> &ToolName {
        &self.spec.name
    }

    /// The digest that the run froze.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it declares.
    #[must_use]
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }
}

/// Workers offer different tools under one name, and the run uses one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name.
    pub name: ToolName,
    /// The digest that the run uses: of most instances, then the lowest.
    pub chosen: Digest,
    /// The digests that it doesn't use, each with the instances that offer it.
    pub others: Vec<(Digest, usize)>,
}

/// A tool that no run can use.
#[derive(Debug, thiserror::Error)]
#[error("the tool {name:?} ({digest:?}) can't be used; mend its schema where it is declared")]
pub struct Unusable {
    /// Its name.
    pub name: ToolName,
    /// Its digest.
    pub digest: Digest,
    /// What is wrong with its schema.
    #[source]
    pub source: SchemaError,
}

/// The frozen tools of one run.
#[derive(Debug)]
pub struct Catalogue {
    /// Ordered by name.
    tools: Vec<Tool>,
    /// By the name that the model sees and by the worker's own; the two never contradict each other.
    by_name: FxHashMap<Arc<str>, usize>,
    conflicts: Vec<Conflict>,
    unusable: Vec<Unusable>,
    arguments_bytes_max: usize,
}

impl Catalogue {
    /// Freezes what is on offer. The order of the offers doesn't matter; offers of one digest add up.
    #[must_use]
    pub fn freeze(offers: impl IntoIterator<Item = Offer>) -> Self {
        let mut offers: Vec<Offer> = offers.into_iter().collect();
        offers.sort_by(|a, b| (&a.spec.name, a.digest).cmp(&(&b.spec.name, b.digest)));
        offers.dedup_by(|later, first| {
            let is_same = later.spec.name == first.spec.name && later.digest == first.digest;
            if is_same {
                first.instances += later.instances;
            }
            is_same
        });
        let mut unusable = Vec::new();
        let mut usable: Vec<(Offer, Schema)> = Vec::new();
        for offer in offers {
            match Schema::compile(&offer.spec.input_schema) {
                Ok(schema) => usable.push((offer, schema)),
                Err(source) => unusable.push(Unusable {
                    name: offer.spec.name.clone(),
                    digest: offer.digest,
                    source,
                }),
            }
        }
        // Within a name: most instances first, then the lowest digest.
        usable.sort_by(|(a, _), (b, _)| {
            (&a.spec.name, std::cmp::Reverse(a.instances), a.digest).cmp(&(
                &b.spec.name,
                std::cmp::Reverse(b.instances),
                b.digest,
            ))
        });
        let mut conflicts: Vec<Conflict> = Vec::new();
        let mut chosen: Vec<(Offer, Schema)> = Vec::new();
        for (offer, schema) in usable {
            match chosen.last() {
                Some((first, _)) if first.spec.name == offer.spec.name => {
                    let other = (offer.digest, offer.instances);
                    match conflicts.last_mut() {
                        Some(conflict) if conflict.name == offer.spec.name => {
                            conflict.others.push(other);
                        }
                        Some(_) | None => conflicts.push(Conflict {
                            name: offer.spec.name.clone(),
                            chosen: first.digest,
                            others: vec![other],
                        }),
                    }
                }
                Some(_) | None => chosen.push((offer, schema)),
            }
        }
        Self::of(chosen, conflicts, unusable)
    }

    fn of(chosen: Vec<(Offer, Schema)>, conflicts: Vec<Conflict>, unusable: Vec<Unusable>) -> Self {
        let names: Vec<&str> = chosen.iter().map(|(o, _)| o.spec.name.as_str()).collect();
        let model_names = name::model_names(&names);
        let tools: Vec<Tool> = std::iter::zip(chosen, model_names)
            .map(|((offer, schema), model_name)| Tool {
                model_name: model_name.into(),
                digest: offer.digest,
                manifest: Arc::new(offer.spec.manifest.clone()),
                spec: offer.spec,
                schema,
            })
            .collect();
        let mut by_name = FxHashMap::default();
        for (index, tool) in tools.iter().enumerate() {
            by_name.insert(Arc::clone(&tool.model_name), index);
            by_name.insert(Arc::from(tool.name().as_str()), index);
        }
        Self {
            tools,
            by_name,
            conflicts,
            unusable,
            arguments_bytes_max: limit::INLINE_BYTES_MAX,
        }
    }

    /// Lowers the largest arguments that a call may have, in bytes, to what the link can carry (P24).
    #[must_use]
    pub fn with_arguments_bytes_max(mut self, bytes: usize) -> Self {
        self.arguments_bytes_max = self.arguments_bytes_max.min(bytes);
        self
    }

    /// The tools, ordered by name.
    pub fn tools(&self) -> impl ExactSizeIterator<Item = &Tool> {
        self.tools.iter()
    }

    /// Finds a tool by the name that the model sees, or by its worker's.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Tool> {
        self.by_name.get(name).map(|index| &self.tools[*index])
    }

    /// Names under which workers offer different tools.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// What was on offer and can't be used.
    #[must_use]
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// Checks a call before anything is sent. Empty arguments count as `{}`; others are posted as the
    /// model wrote them, byte for byte.
    ///
    /// # Errors
    /// `unknown_tool`, or `invalid_arguments` for what is too large, no JSON object, or not what the
    /// schema asks for; always executed: no. The message names paths and causes, not values.
    pub fn check(&self, name: &str, arguments: Bytes) -> Result<Posting, Failure> {
        let Some(tool) = self.find(name) else {
            let names: Vec<&str> = self.tools.iter().map(Tool::model_name).collect();
            return Err(Failure::new(
                FailureKind::UnknownTool,
                suggest::unknown_tool(name, &names),
                Executed::No,
            ));
        };
        let arguments = if arguments.trim_ascii().is_empty() {
            Bytes::from_static(b"{}")
        } else {
            arguments
        };
        if arguments.len() > self.arguments_bytes_max {
            return Err(invalid(format!(
                "the arguments have {} bytes, and at most {} can be sent",
                arguments.len(),
                self.arguments_bytes_max
            )));
        }
        tool.schema.check(&arguments).map_err(invalid)?;
        Ok(Posting {
            tool: tool.spec.name.clone(),
            digest: tool.digest,
            manifest: Arc::clone(&tool.manifest),
            arguments,
            key: None,
        })
    }

    /// Checks the calls of a response, each on its own; see [`Self::check_each`].
    #[must_use]
    pub fn check_all(&self, calls: &[ToolUse]) -> Vec<NewCall> {
        self.check_each(calls).collect()
    }

    /// Checks the calls of a response, each on its own and when it is asked for. Those beyond
    /// [`TURN_CALLS_MAX`] fail.
    pub fn check_each(&self, calls: &[ToolUse]) -> impl Iterator<Item = NewCall> {
        calls.iter().enumerate().map(|(position, call)| NewCall {
            id: call.id.clone(),
            body: if position < TURN_CALLS_MAX {
                self.check(&call.name, call.arguments.clone())
            } else {
                Err(too_many(position))
            },
        })
    }
}

fn too_many(position: usize) -> Failure {
    Failure::new(
        FailureKind::Overloaded,
        format!(
            "at most {TURN_CALLS_MAX} calls of one response are run, and this is call {}; ask for it in a later response",
            position + 1
        ),
        Executed::No,
    )
}

fn invalid(message: String) -> Failure {
    Failure::new(FailureKind::InvalidArguments, message, Executed::No)
}
