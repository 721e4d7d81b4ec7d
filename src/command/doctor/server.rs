//! The NATS server: whether it answers, what it is, and what it lets this login do.

use std::time::{Duration, Instant};

use callboard_nats::connection::Connection;
use callboard_nats::probe::{self, Facts, Trial, Tried};
use callboard_proto::server::{LinkError, Operation};
use callboard_proto::{CoordinatorId, InstanceId, Pool, Role, Tenant, limit, subject};
use uuid::Uuid;

use super::Part;
use super::check::Check;
use super::crew;
use crate::config::Config;

/// How long a message to oneself may take. Chosen, not measured.
const ECHO_WITHIN: Duration = Duration::from_secs(2);
/// Below it a page of tools or a wide turn needs many messages; the server's own default is 1 MiB.
const PAYLOAD_BYTES_LOW: usize = 256 * 1024;

pub(super) async fn checks(config: &Config, part: Option<Part>) -> anyhow::Result<Vec<Check>> {
    let Some(options) = config.server()? else {
        return Ok(vec![Check::ok(
            "server",
            "none is configured: workers run within the process (--nats URL checks one)",
        )]);
    };
    let began = Instant::now();
    let mut connection = match Connection::open(&options, "callboard doctor".to_owned()).await {
        Ok(connection) => connection,
        Err(error) => return Ok(vec![unreachable(&error)]),
    };
    let took = began.elapsed();
    let facts = probe::facts(&connection);
    let mut checks = vec![Check::ok(
        "server",
        format!(
            "{} answers: connected in {}, version {}",
            options.urls,
            ms(took),
            facts.version
        ),
    )];
    checks.extend(limits(&facts));
    let (tenant, pool) = (config.tenant()?, config.pool()?);
    let parts = [
        (
            Part::Coordinator,
            Role::Coordinator,
            "a coordinator".to_owned(),
        ),
        (
            Part::Worker,
            Role::Worker(pool.clone()),
            format!("a worker of pool {pool}"),
        ),
        (Part::Viewer, Role::Viewer, "a viewer".to_owned()),
    ];
    let mut played = Vec::new();
    for (which, role, name) in parts {
        let needs = Needs::of(&role, &tenant, &pool);
        let over = tokio::time::sleep(ECHO_WITHIN);
        let tried = probe::try_out(&mut connection, &needs.trial, over).await;
        played.push(Played {
            part: which,
            name,
            refused: needs.refused(&tried),
            round_trip: tried.round_trip,
        });
    }
    drop(connection);
    checks.extend(permissions(&tenant, part, &played));
    let may_look = played
        .iter()
        .any(|played| played.part == Part::Viewer && played.refused.is_none());
    if may_look {
        checks.extend(crew::checks(config).await?);
    }
    Ok(checks)
}

fn unreachable(error: &LinkError) -> Check {
    let mut finding = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !finding.contains(&text) {
            finding.push_str(&format!(" ({text})"));
        }
        cause = error.source();
    }
    Check::failed(
        "server",
        finding,
        "docs/errors/server.md has cause and cure",
    )
    .remote()
}

fn limits(facts: &Facts) -> Vec<Check> {
    let bytes = facts.payload_bytes_max;
    let inline = limit::inline_bytes_max(bytes);
    let finding = format!("{bytes} bytes; arguments and results of up to {inline} travel whole");
    let payload = if bytes < PAYLOAD_BYTES_LOW {
        Check::warning(
            "max_payload",
            finding,
            "raise max_payload in the server's configuration; 1MB is its default",
        )
    } else {
        Check::ok("max_payload", finding)
    };
    let jetstream = if facts.jetstream {
        Check::ok("jetstream", "there")
    } else {
        Check::ok("jetstream", "not there; nothing needs it yet")
    };
    vec![payload, jetstream]
}

/// What a role does: its patterns, each with a subject of it that nobody else uses, where that is possible.
struct Needs {
    publish: Vec<(String, String)>,
    subscribe: Vec<(String, String)>,
    trial: Trial,
}

impl Needs {
    fn of(role: &Role, tenant: &Tenant, pool: &Pool) -> Self {
        let fresh = Uuid::new_v4().simple().to_string();
        let permissions = role.permissions(tenant);
        let exact = |pattern: &str| {
            let subject = match pattern.strip_suffix('>') {
                Some(start) => format!("{start}{fresh}"),
                None => pattern.to_owned(),
            };
            // A pool stands before an instance, and a login may be for one pool alone.
            let subject = subject.replacen(".*.*.", &format!(".{pool}.{fresh}."), 1);
            subject.replace('*', &fresh)
        };
        let publish = permissions.publish.into_iter();
        let publish = publish.map(|pattern| (exact(&pattern), pattern)).collect();
        let mut groups = Vec::new();
        let subscribe = permissions.subscribe.into_iter().map(|pattern| {
            let (subject, group) = match pattern.split_once(' ') {
                // Who joins the group would get a foreign client's call.
                Some((pattern, group)) => (exact(pattern), Some(group.to_owned())),
                None => (pattern.clone(), None),
            };
            groups.push((subject.clone(), group));
            (subject, pattern)
        });
        let (publish, subscribe): (Vec<(String, String)>, Vec<_>) = (publish, subscribe.collect());
        let echo = match role {
            Role::Coordinator | Role::Viewer | Role::Operator => {
                subject::echo(tenant, CoordinatorId::new(Uuid::new_v4()))
            }
            Role::Worker(_) => subject::service_ping(InstanceId::new(Uuid::new_v4())),
        };
        let trial = Trial {
            publish: publish.iter().map(|(subject, _)| subject.clone()).collect(),
            subscribe: groups,
            echo,
        };
        Self {
            publish,
            subscribe,
            trial,
        }
    }

    /// What the server refused, in the words of its configuration.
    fn refused(&self, tried: &Tried) -> Option<String> {
        let of = |operation, needs: &[(String, String)]| -> Vec<String> {
            let is_denied = |subject: &str| {
                let mut denied = tried.denied.iter();
                denied.any(|denied| denied.operation == operation && denied.subject == subject)
            };
            let refused = needs.iter().filter(|(subject, _)| is_denied(subject));
            refused.map(|(_, pattern)| pattern.clone()).collect()
        };
        let parts = [
            ("publish", of(Operation::Publish, &self.publish)),
            ("subscribe", of(Operation::Subscribe, &self.subscribe)),
        ];
        let parts = parts.iter().filter(|(_, patterns)| !patterns.is_empty());
        let told: Vec<String> = parts
            .map(|(what, patterns)| format!("{what} {}", patterns.join(", ")))
            .collect();
        (!tried.denied.is_empty()).then(|| told.join("; "))
    }
}

/// A part, what it is called, what is refused of it, and how long a message to oneself took.
struct Played {
    part: Part,
    name: String,
    refused: Option<String>,
    round_trip: Option<Duration>,
}

fn permissions(tenant: &Tenant, wanted: Option<Part>, played: &[Played]) -> Vec<Check> {
    let is_good = |played: &Played| played.refused.is_none() && played.round_trip.is_some();
    let any_will_do = wanted.is_none() && played.iter().any(is_good);
    played
        .iter()
        .filter(|played| wanted.is_none_or(|wanted| wanted == played.part))
        .map(|Played { name, refused, round_trip, .. }| match (refused, round_trip) {
            (None, Some(round_trip)) => Check::ok(
                "permissions",
                format!("this login may be {name} of tenant {tenant}; a message to itself took {}", ms(*round_trip)),
            ),
            (None, None) => Check::failed(
                "permissions",
                format!("as {name} of tenant {tenant}, a message to itself didn't come back within {}", ms(ECHO_WITHIN)),
                "look at the server's load and log, and at the network between",
            )
            .remote(),
            (Some(refused), _) => {
                let finding = format!("this login may not be {name} of tenant {tenant}; refused: {refused}");
                if any_will_do {
                    Check::ok("permissions", finding)
                } else {
                    let cure = "allow what is refused, or use that part's login: `callboard keys` makes one, docs/wire.md lists what each needs";
                    Check::failed("permissions", finding, cure).remote()
                }
            }
        })
        .collect()
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
