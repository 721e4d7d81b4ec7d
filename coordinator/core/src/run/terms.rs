//! On what terms a run is driven.

use super::budget::Budgets;

/// On what terms a run is driven; fixed when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What it may spend.
    pub budgets: Budgets,
    /// Which calls may start while their response still streams.
    pub eager: Eager,
    /// Whether no call is to be had at all (`tool_choice = none`): those that come anyway are refused.
    pub refuses_calls: bool,
}

/// Which calls may start while the response that asks for them still streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eager {
    /// None: all wait for the reason why the model stopped.
    #[default]
    Off,
    /// Calls of `read` tools, up to the first that isn't one: no call starts before one that the model
    /// named earlier. If the response then breaks off or isn't to be run, what they did is thrown away.
    Read,
}

impl Eager {
    /// The word that configuration and command line use: `off`, `read`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Read => "read",
        }
    }
}
