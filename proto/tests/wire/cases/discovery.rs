//! Who is there and what they offer.

use callboard_proto::message::{Announce, Beat, Down, ToolsHead};
use callboard_proto::{Affinity, Digest, Effect, Kind, Label, Manifest, Retry, ToolSpec, subject};

use super::{
    Case, announce, announced, batch, digest, instance, load, pool, single, tenant, to_coordinator,
    tool, worker,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        batch(
            "tools",
            Kind::Tools,
            to_coordinator(),
            "The only page of an instance's tools: the first with every field, the second with the fewest.",
            ToolsHead {
                announce: announce(Vec::new()),
                from: 0,
                total: 2,
                digests: vec![digest(), Digest::new([0xff; 32])],
            },
            vec![
                ToolSpec {
                    name: tool("order_get"),
                    description: "Reads one order.".to_owned(),
                    input_schema:
                        r#"{"type":"object","properties":{"order_id":{"type":"integer"}}}"#
                            .to_owned(),
                    manifest: Manifest {
                        effect: Effect::Read,
                        deadline_ms: Some(30_000),
                        attempt_timeout_ms: Some(10_000),
                        retry: Retry { attempts: 2 },
                        affinity: Affinity::Run,
                        require: vec![Label::new("shop=yes").unwrap()],
                        prefer: vec![Label::new("zone=eu-1").unwrap()],
                        output_bytes_max: Some(65_536),
                    },
                },
                ToolSpec {
                    name: tool("order_cancel"),
                    description: "Cancels one order.".to_owned(),
                    input_schema: r#"{"type":"object"}"#.to_owned(),
                    manifest: Manifest::new(Effect::Write),
                },
            ],
        ),
        single(
            "beat",
            Kind::Beat,
            subject::beat(&tenant(), &pool(), instance()),
            "The 71st word that an instance lives.",
            Beat {
                instance: instance(),
                worker: worker(),
                pool: pool(),
                seq: 71,
                load: load(),
                draining: false,
                catalogue: 1,
                unix_ms: Some(1_795_435_200_123),
            },
        ),
        single(
            "announce",
            Kind::Announce,
            "the local link only; on NATS it is JSON in the service's metadata".to_owned(),
            "An instance with one tool.",
            announced(),
        ),
        batch(
            "tools-down",
            Kind::Tools,
            to_coordinator(),
            "The only page of an instance that offers nothing, because what it hosts is down.",
            ToolsHead {
                announce: Announce {
                    down: vec![Down {
                        what: "mcp memory".to_owned(),
                        why: "it ended with code 1; the next start is in 8 s".to_owned(),
                    }],
                    ..announce(Vec::new())
                },
                from: 0,
                total: 0,
                digests: Vec::new(),
            },
            Vec::<ToolSpec>::new(),
        ),
    ]
}
