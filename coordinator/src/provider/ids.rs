//! Ids for calls whose provider gives none, or the same one twice.

use std::collections::BTreeSet;

use callboard_proto::ToolUseId;

/// The ids of one turn so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    taken: BTreeSet<ToolUseId>,
    calls: usize,
}

impl Ids {
    /// The id of the turn's next call: the provider's own where it is unique in the turn and can be an
    /// id, else minted by position (P1).
    pub(super) fn next(&mut self, own: Option<&str>) -> ToolUseId {
        let position = self.calls;
        self.calls += 1;
        let id = own
            .filter(|own| !own.is_empty())
            .and_then(|own| ToolUseId::new(own).ok())
            .filter(|own| !self.taken.contains(own))
            .unwrap_or_else(|| self.mint(position));
        self.taken.insert(id.clone());
        id
    }

    /// A provider may call its own calls what we would call ours; a turn has finitely many.
    fn mint(&self, position: usize) -> ToolUseId {
        (position..)
            .map(ToolUseId::minted)
            .find(|id| !self.taken.contains(id))
            .expect("a turn has fewer calls than there are numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_providers_own_where_that_names_one_call() {
        let mut ids = Ids::default();
        let got: Vec<String> = [
            Some("call_0"),
            Some("call_0"),
            None,
            Some(""),
            Some("c4"),
            None,
        ]
        .into_iter()
        .map(|own| ids.next(own).to_string())
        .collect();
        assert_eq!(got, ["call_0", "c1", "c2", "c3", "c4", "c5"]);
    }
}
