//! `[worker.fetch]` and `[worker.sql]`: what built-in tools may do.

use std::path::PathBuf;
use std::time::Duration;

use callboard_worker::builtin::fetch::FetchOptions;
use callboard_worker::builtin::sql::SqlLimits;
use callboard_worker::http::guard::GuardRules;
use serde::{Deserialize, Serialize};

use super::duration;

/// `[worker.fetch]`: where `http_fetch` may go, and how much it may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fetch {
    /// Hosts that may be reached though they aren't public.
    pub(crate) allow: Vec<String>,
    /// The only hosts that may be reached besides; all public ones where it is empty.
    pub(crate) hosts: Vec<String>,
    /// Ports that are open besides 80 and 443.
    pub(crate) ports: Vec<u16>,
    /// Redirects that are followed, at most.
    pub(crate) redirects_max: usize,
    /// Time for a connection to come about.
    #[serde(with = "duration")]
    pub(crate) connect_timeout: Duration,
    /// Time for all of it.
    #[serde(with = "duration")]
    pub(crate) timeout: Duration,
    /// Bytes of a response that are read, at most.
    pub(crate) response_bytes_max: usize,
}

impl Default for Fetch {
    fn default() -> Self {
        let FetchOptions {
            rules,
            redirects_max,
            connect_timeout,
            timeout,
            response_bytes_max,
        } = FetchOptions::default();
        Self {
            allow: rules.allow,
            hosts: rules.hosts,
            ports: rules.ports,
            redirects_max,
            connect_timeout,
            timeout,
            response_bytes_max,
        }
    }
}

impl Fetch {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As the tool takes it.
    pub(crate) fn options(&self) -> FetchOptions {
        FetchOptions {
            rules: GuardRules {
                allow: self.allow.clone(),
                hosts: self.hosts.clone(),
                ports: self.ports.clone(),
            },
            redirects_max: self.redirects_max,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            response_bytes_max: self.response_bytes_max,
        }
    }
}

/// `[worker.sql]`: the database of `sql_query` and `sql_schema`, and how much they may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sql {
    /// A SQLite file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<PathBuf>,
    /// Rows of one answer, at most.
    pub(crate) rows_max: usize,
    /// Time for one query.
    #[serde(with = "duration")]
    pub(crate) timeout: Duration,
}

impl Default for Sql {
    fn default() -> Self {
        let limits = SqlLimits::default();
        Self {
            database: None,
            rows_max: limits.rows_max,
            timeout: limits.timeout,
        }
    }
}

impl Sql {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As the tools take them.
    pub(crate) fn limits(&self) -> SqlLimits {
        SqlLimits {
            rows_max: self.rows_max,
            timeout: self.timeout,
            ..SqlLimits::default()
        }
    }
}
