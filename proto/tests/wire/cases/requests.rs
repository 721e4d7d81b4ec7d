//! What coordinators and operators send.

use callboard_proto::message::{
    CallHead, CallItem, CancelHead, CancelItem, Describe, Drain, GrantHead, GrantItem, StatusHead,
    StatusItem,
};
use callboard_proto::{AttemptKey, Effect, Epoch, Kind, subject};

use super::{
    Case, batch, call_item, coordinator, grant, instance, ms, of, single, tenant, to_worker, tool,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        batch(
            "call-one",
            Kind::Call,
            subject::call(&tenant(), &tool("order get.v2")),
            "A foreign client's single call on a queue group: no instance, no digest, the fewest fields. \
             The tool's name is escaped in the subject and plain in the item.",
            CallHead {
                coordinator: coordinator(),
                instance: None,
                seen: None,
                waiting: 0,
            },
            vec![CallItem {
                tool: tool("order get.v2"),
                digest: None,
                ..call_item()
            }],
        ),
        batch(
            "call-batch",
            Kind::Call,
            to_worker(Kind::Call),
            "Two calls of different turns in one message, every field used; 40 more calls wait for this \
             instance's slots.",
            CallHead {
                coordinator: coordinator(),
                instance: Some(instance()),
                seen: Some(70),
                waiting: 40,
            },
            vec![
                call_item(),
                CallItem {
                    of: AttemptKey {
                        epoch: Epoch(7),
                        ..of(3, "c0", 2)
                    },
                    tool: tool("order_cancel"),
                    effect: Effect::Write,
                    key: Some("order-17-cancel".to_owned()),
                    traceparent: Some(
                        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
                    ),
                    ..call_item()
                },
            ],
        ),
        batch(
            "grant",
            Kind::Grant,
            to_worker(Kind::Grant),
            "The permission to run one waiting write, once.",
            GrantHead {
                coordinator: coordinator(),
                instance: instance(),
                seen: Some(70),
            },
            vec![GrantItem {
                of: of(3, "c0", 2),
                grant: grant(),
                budget_ms: ms(4_200),
            }],
        ),
        batch(
            "cancel",
            Kind::Cancel,
            to_worker(Kind::Cancel),
            "The wish to end an attempt whose call named beat 70.",
            CancelHead {
                coordinator: coordinator(),
                instance: instance(),
            },
            vec![CancelItem {
                of: of(2, "toolu_01", 1),
                seen: Some(70),
            }],
        ),
        batch(
            "status",
            Kind::Status,
            to_worker(Kind::Status),
            "What is held of two attempts? The second was sent before any beat was seen.",
            StatusHead {
                coordinator: coordinator(),
                instance: instance(),
            },
            vec![
                StatusItem {
                    of: of(2, "toolu_01", 1),
                    seen: Some(70),
                },
                StatusItem {
                    of: of(3, "c0", 2),
                    seen: None,
                },
            ],
        ),
        single(
            "describe",
            Kind::Describe,
            to_worker(Kind::Describe),
            "The page of tools that begins with the first.",
            Describe {
                coordinator: coordinator(),
                instance: instance(),
                from: 0,
            },
        ),
        single(
            "drain",
            Kind::Drain,
            to_worker(Kind::Drain),
            "An operator's wish that the instance goes within 30 s.",
            Drain {
                instance: instance(),
                grace_ms: ms(30_000),
            },
        ),
    ]
}
