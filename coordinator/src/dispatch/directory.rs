//! Which tools the workers offer: what each digest declares, and the pages of descriptions that are
//! on their way (P10).

mod specs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_coordinator_core::Address;
use callboard_proto::message::{Announce, ToolDigest, ToolsHead};
use callboard_proto::{Digest, InstanceId, Token, ToolSpec};

use self::specs::Specs;

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

/// Descriptions that are waited for at once: of instances that somebody merely names, too. Chosen, not
/// measured.
const PENDING_MAX: usize = 4_096;

/// How long a question for a page is waited for before the description may begin anew. Chosen, not measured.
const PAGE_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Description {
    /// Who was asked, under which token, and when: only its own answer counts (P3).
    of: Address,
    token: Token,
    asked: Instant,
    /// The version of the catalogue that its pages are of, once the first came.
    catalogue: Option<u64>,
    tools: Vec<ToolDigest>,
    /// Tools read so far, those that could not be read included.
    read: u32,
}

/// What is known of the tools on offer.
#[derive(Debug, Default)]
pub(super) struct Directory {
    specs: Specs,
    descriptions: BTreeMap<InstanceId, Description>,
}

impl Directory {
    pub(super) fn spec(&self, digest: Digest) -> Option<&Arc<ToolSpec>> {
        self.specs.get(digest)
    }

    /// Whether an announced instance offers something whose declaration isn't known.
    pub(super) fn needs_description(&self, announce: &Announce) -> bool {
        announce
            .tools
            .iter()
            .any(|tool| !self.specs.has(tool.digest))
    }

    /// Notes that an instance is asked for its tools from this one on, under this token; false where that is
    /// not to be asked: the description is on its way already, or too many are.
    pub(super) fn ask(&mut self, to: &Address, from: u32, token: Token, now: Instant) -> bool {
        if from > 0 {
            let Some(description) = self.descriptions.get_mut(&to.instance) else {
                return false;
            };
            description.token = token;
            description.asked = now;
            return true;
        }
        let is_awaited = |description: &Description| {
            now.saturating_duration_since(description.asked) < PAGE_WITHIN
        };
        if self.descriptions.len() >= PENDING_MAX {
            self.descriptions
                .retain(|_, description| is_awaited(description));
        }
        let pending = self.descriptions.get(&to.instance);
        if self.descriptions.len() >= PENDING_MAX
            || pending.is_some_and(|description| is_awaited(description) && description.of == *to)
        {
            return false;
        }
        let description = Description {
            of: to.clone(),
            token,
            asked: now,
            catalogue: None,
            tools: Vec::new(),
            read: 0,
        };
        self.descriptions.insert(to.instance, description);
        true
    }

    /// Whether pages are on their way.
    pub(super) fn is_reading(&self, now: Instant) -> bool {
        self.descriptions
            .values()
            .any(|description| now.saturating_duration_since(description.asked) < PAGE_WITHIN)
    }

    /// The question under this token reached nobody.
    pub(super) fn undelivered(&mut self, token: Token) {
        self.descriptions
            .retain(|_, description| description.token != token);
    }

    /// Takes a page: declarations are remembered, and the description goes on or is complete.
    pub(super) fn take_page(
        &mut self,
        token: Token,
        head: ToolsHead,
        specs: Vec<Option<ToolSpec>>,
    ) -> Next {
        let instance = head.announce.instance;
        let Some(description) = self.descriptions.get_mut(&instance) else {
            return Next::Nothing;
        };
        if description.token != token
            || description.of.pool != head.announce.pool
            || head.from != description.read
            || head.total > TOOLS_MAX
        {
            return Next::Nothing;
        }
        let catalogue = head.announce.catalogue;
        if *description.catalogue.get_or_insert(catalogue) != catalogue {
            // The pages would be of two offers.
            let to = description.of.clone();
            self.descriptions.remove(&instance);
            return Next::Page { to, from: 0 };
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
            self.specs.remember(digest, spec, &description.of.pool);
        }
        description.read = description.read.saturating_add(page);
        if page > 0 && description.read < head.total {
            return Next::Page {
                to: description.of.clone(),
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
