//! What a token may do.

use std::str::FromStr;

use callboard_proto::Tenant;
use serde::{Deserialize, Serialize};

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The token's name; never the token.
    pub name: String,
    /// The tenant whose workers it uses.
    pub tenant: Tenant,
    /// The tools that it may use; all where there is no pattern.
    pub tools: Option<Vec<ToolPattern>>,
    /// Runs and executions that it may begin per minute, after a burst.
    pub starts_per_minute: Option<u32>,
    /// Runs and executions that it may have in flight.
    pub runs_max: Option<usize>,
    /// Whose runs it sees.
    pub sees: Sees,
    /// Whose metrics it reads, beside those of nobody's.
    pub metrics: MetricsOf,
}

/// Whose runs a token sees; never those of another tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sees {
    /// Those that it began.
    #[default]
    Own,
    /// All of its tenant.
    Tenant,
}

/// Whose metrics a token reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsOf {
    /// Those of its tenant.
    #[default]
    Tenant,
    /// Those of all tenants: for whoever watches the service.
    All,
}

/// The name of a tool, or with a `*` at its end the beginning of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolPattern(String);

impl ToolPattern {
    fn allows(&self, tool: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(begin) => tool.starts_with(begin),
            None => self.0 == tool,
        }
    }
}

impl FromStr for ToolPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('*').unwrap_or(text);
        if text.is_empty() || name.contains('*') {
            return Err(format!(
                "{text:?} is no tool: write its name, or the beginning of names with a * after it"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ToolPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ToolPattern> for String {
    fn from(pattern: ToolPattern) -> Self {
        pattern.0
    }
}

impl Caller {
    /// Everybody, where nobody has to log in: may do everything and sees all.
    #[must_use]
    pub fn anybody(tenant: Tenant) -> Self {
        Self {
            name: "anybody".to_owned(),
            tenant,
            tools: None,
            starts_per_minute: None,
            runs_max: None,
            sees: Sees::Tenant,
            metrics: MetricsOf::All,
        }
    }

    /// The tenant whose metrics it reads; none: those of all.
    #[must_use]
    pub fn metrics_of(&self) -> Option<&str> {
        match self.metrics {
            MetricsOf::Tenant => Some(self.tenant.as_str()),
            MetricsOf::All => None,
        }
    }

    /// Whether it may use a tool, by its worker's name for it.
    #[must_use]
    pub fn may_use(&self, tool: &str) -> bool {
        self.tools
            .as_ref()
            .is_none_or(|tools| tools.iter().any(|pattern| pattern.allows(tool)))
    }

    /// Whether it sees what a token of this name and tenant began.
    #[must_use]
    pub fn sees(&self, tenant: &Tenant, name: &str) -> bool {
        self.tenant == *tenant
            && match self.sees {
                Sees::Own => self.name == name,
                Sees::Tenant => true,
            }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_names_or_beginnings() {
        let caller = Caller {
            tools: Some(vec!["shop.*".parse().unwrap(), "echo".parse().unwrap()]),
            ..Caller::anybody(Tenant::new("t").unwrap())
        };
        for (tool, may) in [
            ("shop.stock", true),
            ("echo", true),
            ("echoes", false),
            ("shop", false),
        ] {
            assert_eq!(caller.may_use(tool), may, "{tool}");
        }
        for text in ["", "a*b", "**"] {
            assert!(text.parse::<ToolPattern>().is_err(), "{text}");
        }
        let nothing = Caller {
            tools: Some(Vec::new()),
            ..caller
        };
        assert!(!nothing.may_use("echo"));
    }

    #[test]
    fn nobody_sees_another_tenant() {
        let (one, two) = (Tenant::new("one").unwrap(), Tenant::new("two").unwrap());
        let mut caller = Caller::anybody(one.clone());
        assert!(caller.sees(&one, "somebody") && !caller.sees(&two, "anybody"));
        caller.sees = Sees::Own;
        assert!(caller.sees(&one, "anybody") && !caller.sees(&one, "somebody"));
    }
}
