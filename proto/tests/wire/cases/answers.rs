//! What workers answer.

use std::time::Duration;

use callboard_proto::message::{
    AckItem, AckState, BadItem, Free, ProgressHead, ProgressItem, Refusal, RefusalCode, ReplyHead,
    ResultItem,
};
use callboard_proto::{Completed, Executed, Failure, FailureKind, Kind, Outcome, Part};

use super::{Case, batch, grant, instance, load, of, reply_head, single, to_coordinator};

pub(super) fn cases() -> Vec<Case> {
    let states = [
        AckState::Done,
        AckState::Running,
        AckState::Waiting,
        AckState::Busy,
        AckState::Stale,
        AckState::WrongDigest,
        AckState::Draining,
        AckState::NotHeld,
        AckState::Forgotten,
    ];
    vec![
        batch(
            "ack",
            Kind::Ack,
            to_coordinator(),
            "Every state; the fourth item of the answered message could not be read; the running attempt \
             is a granted write.",
            ReplyHead {
                bad: vec![BadItem {
                    index: 3,
                    reason: "the body isn't the MessagePack that its kind asks for".to_owned(),
                }],
                ..reply_head()
            },
            states
                .into_iter()
                .zip(0_u32..)
                .map(|(state, index)| AckItem {
                    of: of(2, &format!("c{index}"), 1),
                    state,
                    grant: (state == AckState::Running).then(grant),
                    tool_full: false,
                })
                .collect(),
        ),
        batch(
            "ack-tool-full",
            Kind::Ack,
            to_coordinator(),
            "Two refusals: the slots of the tool are taken, and those of the instance.",
            reply_head(),
            [true, false]
                .into_iter()
                .zip(0_u32..)
                .map(|(tool_full, index)| AckItem {
                    of: of(2, &format!("c{index}"), 1),
                    state: AckState::Busy,
                    grant: None,
                    tool_full,
                })
                .collect(),
        ),
        batch(
            "result",
            Kind::Result,
            to_coordinator(),
            "Each type of content part, a tool's own error, an empty answer, and two failures.",
            reply_head(),
            results(),
        ),
        batch(
            "progress",
            Kind::Progress,
            to_coordinator(),
            "How far two attempts are.",
            ProgressHead {
                instance: instance(),
            },
            vec![
                ProgressItem {
                    of: of(2, "toolu_01", 1),
                    percent: Some(40),
                    message: Some("4 of 10 files".to_owned()),
                },
                ProgressItem {
                    of: of(3, "c0", 2),
                    percent: None,
                    message: None,
                },
            ],
        ),
        single(
            "free",
            Kind::Free,
            to_coordinator(),
            "Three slots are held out to this coordinator.",
            Free {
                instance: instance(),
                load: load(),
            },
        ),
        single(
            "refusal",
            Kind::Refusal,
            to_coordinator(),
            "A whole message that could not be read.",
            Refusal {
                instance: instance(),
                code: RefusalCode::Version,
                message: "found protocol version 2, this worker reads 1".to_owned(),
            },
        ),
    ]
}

fn results() -> Vec<ResultItem> {
    let result = |tool_use: &str, outcome| ResultItem {
        of: of(2, tool_use, 1),
        outcome,
        queued: Duration::from_micros(120),
        executed: Duration::from_micros(300_450),
    };
    vec![
        result(
            "parts",
            Outcome::Completed(Completed {
                content: vec![
                    Part::Text("it is shipped".to_owned()),
                    Part::Json(r#"{"order_id":17,"state":"shipped"}"#.to_owned()),
                    Part::Image {
                        media_type: "image/png".to_owned(),
                        data: vec![0x89, 0x50, 0x4e, 0x47],
                    },
                    Part::Document {
                        media_type: "application/pdf".to_owned(),
                        name: Some("invoice".to_owned()),
                        data: vec![0x25, 0x50, 0x44, 0x46],
                    },
                    Part::Resource {
                        uri: "file:///orders/17".to_owned(),
                        media_type: Some("text/plain".to_owned()),
                        text: Some("seventeen".to_owned()),
                    },
                    Part::Unknown {
                        part_type: "hologram".to_owned(),
                        text: Some("a description".to_owned()),
                    },
                ],
                is_error: false,
            }),
        ),
        result(
            "own-error",
            Outcome::Completed(Completed {
                content: vec![Part::Text("there is no order 17".to_owned())],
                is_error: true,
            }),
        ),
        result("empty", Outcome::Completed(Completed::default())),
        result(
            "timed-out",
            Outcome::failed(
                FailureKind::TimedOut,
                "the tool did not end within 9980 ms",
                Executed::Yes,
            ),
        ),
        result(
            "refused",
            Outcome::Failed(Failure {
                kind: FailureKind::Refused,
                message: "the shop asks for a pause".to_owned(),
                executed: Executed::No,
                retry_after: Some(Duration::from_millis(1_500)),
            }),
        ),
    ]
}
