//! Which tools the workers offer: what each digest declares, and the pages of descriptions that are
//! on their way (P10).

use std::collections::BTreeMap;
use std::sync::Arc;

use callboard_coordinator_core::Address;
use callboard_proto::message::{Announce, ToolDigest, ToolsHead};
use callboard_proto::{Digest, InstanceId, ToolSpec};

/// Digests whose declarations are remembered without an instance that offers them, so that a worker
/// that comes back needs no new description. Chosen, not measured.
const SPECS_MAX: usize = 10_000;

/// Tools that one instance may describe. Chosen, not measured.
const TOOLS_MAX: u32 = 10_000;

/// What follows from a page.
#[derive(Debug)]
pub(super) enum Next {
    /// The next page is wanted.
    Page { to: Address, from: u32 },
    /// The description is complete.
    Complete(Announce),
    /// The page belongs to nothing that was asked.
    Nothing,
}

#[derive(Debug, Default)]
struct Description {
    /// The version of the catalogue that its pages are of, once the first came.
    catalogue: Option<u64>,
    tools: Vec<ToolDigest>,
    /// Tools read so far, those that could not be read included.
    read: u32,
}

/// What is known of the tools on offer.
#[derive(Debug, Default)]
pub(super) struct Directory {
    specs: BTreeMap<Digest, Arc<ToolSpec>>,
    descriptions: BTreeMap<InstanceId, Description>,
}

impl Directory {
    pub(super) fn spec(&self, digest: Digest) -> Option<&Arc<ToolSpec>> {
        self.specs.get(&digest)
    }

    /// Whether an announced instance offers something whose declaration isn't known.
    pub(super) fn needs_description(&self, announce: &Announce) -> bool {
        announce
            .tools
            .iter()
            .any(|tool| !self.specs.contains_key(&tool.digest))
    }

    /// Notes that an instance is asked to describe itself, from its first tool on.
    pub(super) fn ask(&mut self, instance: InstanceId) {
        self.descriptions.insert(instance, Description::default());
    }

    /// Takes a page: declarations are remembered, and the description goes on or is complete.
    pub(super) fn take_page(&mut self, head: ToolsHead, specs: Vec<Option<ToolSpec>>) -> Next {
        let instance = head.announce.instance;
        let Some(description) = self.descriptions.get_mut(&instance) else {
            return Next::Nothing;
        };
        if head.from != description.read || head.total > TOOLS_MAX {
            return Next::Nothing;
        }
        let catalogue = head.announce.catalogue;
        if *description.catalogue.get_or_insert(catalogue) != catalogue {
            // The pages would be of two offers.
            *description = Description::default();
            return Next::Page {
                to: Address {
                    pool: head.announce.pool,
                    instance,
                },
                from: 0,
            };
        }
        let page = u32::try_from(specs.len()).unwrap_or(u32::MAX);
        for (spec, digest) in specs.into_iter().zip(head.digests) {
            // One that can't be read is passed over: nobody is offered it.
            let Some(spec) = spec else {
                continue;
            };
            description.tools.push(ToolDigest {
                name: spec.name.clone(),
                digest,
            });
            if self.specs.len() < SPECS_MAX || self.specs.contains_key(&digest) {
                self.specs.insert(digest, Arc::new(spec));
            }
        }
        description.read = description.read.saturating_add(page);
        if page > 0 && description.read < head.total {
            return Next::Page {
                to: Address {
                    pool: head.announce.pool,
                    instance,
                },
                from: description.read,
            };
        }
        let description = self.descriptions.remove(&instance);
        Next::Complete(Announce {
            tools: description.map(|done| done.tools).unwrap_or_default(),
            ..head.announce
        })
    }
}
