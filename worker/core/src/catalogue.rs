//! What is on offer.

use callboard_proto::{Digest, ToolName};
use rustc_hash::FxHashMap;

use crate::OfferedTool;

/// The tools on offer, by name.
#[derive(Debug)]
pub(crate) struct Catalogue {
    tools: FxHashMap<ToolName, OfferedTool>,
    /// Counts the changes, from 1.
    pub(crate) version: u64,
}

impl Catalogue {
    pub(crate) fn new(tools: Vec<OfferedTool>) -> Self {
        Self {
            tools: by_name(tools),
            version: 1,
        }
    }

    /// Puts other tools in their place, and gives what was on offer before.
    pub(crate) fn replace(&mut self, tools: Vec<OfferedTool>) -> Self {
        let version = self.version;
        self.version += 1;
        Self {
            tools: std::mem::replace(&mut self.tools, by_name(tools)),
            version,
        }
    }

    /// Whether the tool of that name is the same in another catalogue.
    pub(crate) fn agrees_on(&self, name: &ToolName, other: &Self) -> bool {
        let digest = |catalogue: &Self| catalogue.find(name, None).map(|tool| tool.digest);
        digest(self) == digest(other)
    }

    /// The tool of that name, if it is the one that is meant; no digest means whatever there is.
    pub(crate) fn find(&self, name: &ToolName, digest: Option<&Digest>) -> Option<&OfferedTool> {
        self.tools
            .get(name)
            .filter(|tool| digest.is_none_or(|digest| *digest == tool.digest))
    }
}

fn by_name(tools: Vec<OfferedTool>) -> FxHashMap<ToolName, OfferedTool> {
    tools
        .into_iter()
        .map(|tool| (tool.name.clone(), tool))
        .collect()
}
