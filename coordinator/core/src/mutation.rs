//! Rules that a test can take out, to see that the simulation notices (feature `mutation`; without
//! it nothing can be taken out, and nothing of this is left in the machine).

/// A rule of the dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// A reply counts only from the instance that holds the attempt (P2).
    InstanceCheck,
    /// A reply counts only for attempts that were sent under its token (P3).
    TokenBinding,
    /// Lease time counts only while the coordinator's own echo comes back (P14).
    LinkEcho,
    /// A granted write moves only after a binding word (P18).
    BindingWord,
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
impl crate::Dispatcher {
    /// Takes a rule out.
    pub fn set_mutation(&mut self, rule: Mutation) {
        self.set_mutated(Mutated(Some(rule)));
    }
}
