//! The parties of a scenario: labels in the files, identities that are derived from them here.

use callboard_proto::message::{Announce, Beat, Load, ToolDigest};
use callboard_proto::{
    CoordinatorId, Digest, InstanceId, Pool, Tenant, Token, ToolName, WorkerName,
};
use uuid::Uuid;

fn id(label: &str) -> Uuid {
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(label.bytes()) {
        *byte = from;
    }
    Uuid::from_bytes(bytes)
}

/// The tenant of all scenarios.
///
/// # Panics
/// Never: the name is well-formed.
#[must_use]
pub fn tenant() -> Tenant {
    Tenant::new("stage").expect("letters")
}

/// The pool of all scenarios.
///
/// # Panics
/// Never: the name is well-formed.
#[must_use]
pub fn pool() -> Pool {
    Pool::new("main").expect("letters")
}

/// The id of the coordinator with this label.
#[must_use]
pub fn coordinator_id(label: &str) -> CoordinatorId {
    CoordinatorId::new(id(label))
}

/// The instance of the worker with this label.
#[must_use]
pub fn instance_id(label: &str) -> InstanceId {
    InstanceId::new(id(label))
}

/// The token with this label.
#[must_use]
pub fn token(label: &str) -> Token {
    Token::new(id(label))
}

/// What the worker with this label says of itself, with a tool of each name.
///
/// # Panics
/// When the label or a tool's name is no name.
#[must_use]
pub fn announce(label: &str, tools: &[&str]) -> Announce {
    let tool = |name: &&str| ToolDigest {
        name: ToolName::new(*name).expect("a scenario's tools have names"),
        digest: Digest::new([7; 32]),
    };
    Announce {
        instance: instance_id(label),
        worker: WorkerName::new(label).expect("a scenario's labels are names"),
        pool: pool(),
        version: "0.1.0".to_owned(),
        slots: 4,
        catalogue: 1,
        payload_bytes_max: 1024 * 1024,
        labels: Vec::new(),
        tools: tools.iter().map(tool).collect(),
        down: Vec::new(),
    }
}

/// A beat of the worker with this label.
///
/// # Panics
/// When the label is no name.
#[must_use]
pub fn beat(label: &str, seq: u64) -> Beat {
    Beat {
        instance: instance_id(label),
        worker: WorkerName::new(label).expect("a scenario's labels are names"),
        pool: pool(),
        seq,
        load: Load {
            seq,
            slots: 4,
            free: 4,
        },
        draining: false,
        catalogue: 1,
        unix_ms: None,
    }
}
