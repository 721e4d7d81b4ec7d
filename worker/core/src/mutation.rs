//! Rules that a test can take out, to see that the simulation notices (feature `mutation`; without
//! it nothing can be taken out, and nothing of this is left in the machine).

/// A rule of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Messages that name another instance are refused (P2).
    InstanceCheck,
    /// A grant is acted on once (P17).
    GrantId,
    /// A refused attempt is refused for ever (P16).
    Tombstone,
    /// Old messages are refused (P13).
    AgeCheck,
    /// Attempts of different turns are different (P1).
    TurnIdentity,
}

/// The rule that is taken out, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutated(#[cfg(feature = "mutation")] Option<Mutation>);

impl Mutated {
    /// Whether a rule is taken out.
    pub(crate) fn lacks(self, rule: Mutation) -> bool {
        #[cfg(feature = "mutation")]
        return self.0 == Some(rule);
        #[cfg(not(feature = "mutation"))]
        {
            let _ = rule;
            false
        }
    }
}

#[cfg(feature = "mutation")]
impl crate::Worker {
    /// Takes a rule out.
    pub fn set_mutation(&mut self, rule: Mutation) {
        self.mutated = Mutated(Some(rule));
        self.memory.mutated = self.mutated;
    }

    /// Without grant ids every copy of a grant starts the tool.
    pub(crate) fn start_again(&mut self, of: &callboard_proto::AttemptKey) {
        if let Some(start) = self.starts.get(of) {
            self.ready.push_back(crate::Effect::Start(start.clone()));
        }
    }
}
