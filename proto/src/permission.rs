//! What the NATS user of each role may do, and nothing more (P4, P25).

use crate::subject::{self, Verb};
use crate::{CoordinatorId, Pool, Tenant};

/// What a user of a tenant is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Posts calls and gathers their results.
    Coordinator,
    /// Executes the calls of one pool.
    Worker(Pool),
    /// Sees which workers and tools are there, and posts nothing.
    Viewer,
    /// Sees what a viewer sees, and tells workers to drain.
    Operator,
}

/// What a user may do, as subjects with NATS wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects that it may publish to.
    pub publish: Vec<String>,
    /// Subjects that it may subscribe to; with a space and a queue group where only that will do.
    pub subscribe: Vec<String>,
    /// Whether it may answer each request that it gets once, within ten seconds: what a NATS micro
    /// service needs. Answers to coordinators need no such permission.
    pub answers_requests: bool,
}

impl Role {
    /// What this role of a tenant needs.
    #[must_use]
    pub fn permissions(&self, tenant: &Tenant) -> Permissions {
        let to_workers = |verb| subject::worker_verb_all(tenant, verb);
        let as_viewer = || Permissions {
            publish: vec![
                subject::DISCOVER.to_owned(),
                to_workers(Verb::Status),
                subject::echo_all(tenant),
            ],
            subscribe: vec![
                subject::reply_all(tenant, CoordinatorId::VIEWER),
                subject::beat_all(tenant),
                subject::echo_all(tenant),
            ],
            answers_requests: false,
        };
        match self {
            Self::Viewer => as_viewer(),
            Self::Operator => {
                let mut permissions = as_viewer();
                permissions.publish.push(to_workers(Verb::Drain));
                permissions
            }
            Self::Coordinator => {
                let mut permissions = as_viewer();
                let verbs = [Verb::Call, Verb::Grant, Verb::Cancel];
                permissions.publish.extend(verbs.map(to_workers));
                permissions.publish.push(subject::replica_all(tenant));
                permissions.subscribe.push(subject::reply_any(tenant));
                permissions.subscribe.push(subject::replica_all(tenant));
                permissions
            }
            Self::Worker(pool) => Permissions {
                publish: vec![
                    subject::beat_pool(tenant, pool),
                    subject::reply_any(tenant),
                    subject::service_ping_all(),
                ],
                subscribe: vec![
                    subject::worker_pool(tenant, pool),
                    format!("{} {}", subject::call_all(tenant), subject::QUEUE_GROUP),
                    subject::SERVICE_ALL.to_owned(),
                ],
                answers_requests: true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{InstanceId, Token, ToolName};

    /// Whether a pattern with NATS wildcards takes a subject.
    fn takes(pattern: &str, subject: &str) -> bool {
        let pattern = pattern.split(' ').next().unwrap();
        let mut patterns = pattern.split('.');
        let mut tokens = subject.split('.');
        loop {
            match (patterns.next(), tokens.next()) {
                (Some(">"), Some(_)) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(pattern), Some(token)) if pattern == token => {}
                (Some(_) | None, _) => return false,
            }
        }
    }

    #[test]
    fn each_role_may_do_what_it_is_for_and_nothing_else() {
        let tenant = Tenant::new("acme").unwrap();
        let (pool, other) = (Pool::new("main").unwrap(), Pool::new("gpu").unwrap());
        let instance = InstanceId::new(uuid::Uuid::from_u128(7));
        let coordinator = CoordinatorId::new(uuid::Uuid::from_u128(8));
        let token = Token::new(uuid::Uuid::from_u128(9));
        let tool = ToolName::new("order get").unwrap();
        let to = |pool, verb| subject::worker(&tenant, pool, instance, verb);
        let subjects = [
            ("call", to(&pool, Verb::Call)),
            ("grant", to(&pool, Verb::Grant)),
            ("cancel", to(&pool, Verb::Cancel)),
            ("status", to(&pool, Verb::Status)),
            ("drain", to(&pool, Verb::Drain)),
            ("call other pool", to(&other, Verb::Call)),
            ("beat", subject::beat(&tenant, &pool, instance)),
            ("beat other pool", subject::beat(&tenant, &other, instance)),
            ("reply", subject::reply(&tenant, coordinator, token)),
            (
                "reply to a viewer",
                subject::reply(&tenant, CoordinatorId::VIEWER, token),
            ),
            ("echo", subject::echo(&tenant, coordinator)),
            ("tool", subject::call(&tenant, &tool)),
            ("discover", subject::DISCOVER.to_owned()),
            ("ping", subject::service_ping(instance)),
            ("foreign", subject::beat_all(&Tenant::new("other").unwrap())),
            ("inbox", "_INBOX.x".to_owned()),
            ("jetstream", "$JS.API.INFO".to_owned()),
            ("replica", subject::replica_ask(&tenant, 7)),
        ];
        let allowed = |patterns: &[String]| {
            let names: Vec<&str> = subjects
                .iter()
                .filter(|(_, subject)| patterns.iter().any(|pattern| takes(pattern, subject)))
                .map(|(name, _)| *name)
                .collect();
            names.join(", ")
        };
        for (role, publish, subscribe) in [
            (
                Role::Coordinator,
                "call, grant, cancel, status, call other pool, echo, discover, replica",
                "beat, beat other pool, reply, reply to a viewer, echo, replica",
            ),
            (
                Role::Worker(pool.clone()),
                "beat, reply, reply to a viewer, ping",
                "call, grant, cancel, status, drain, tool, discover, ping",
            ),
            (
                Role::Viewer,
                "status, echo, discover",
                "beat, beat other pool, reply to a viewer, echo",
            ),
            (
                Role::Operator,
                "status, drain, echo, discover",
                "beat, beat other pool, reply to a viewer, echo",
            ),
        ] {
            let permissions = role.permissions(&tenant);
            assert_eq!(allowed(&permissions.publish), publish, "{role:?}");
            assert_eq!(allowed(&permissions.subscribe), subscribe, "{role:?}");
        }
    }
}
