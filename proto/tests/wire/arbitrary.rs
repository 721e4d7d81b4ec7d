//! Arbitrary messages of every kind.

use std::time::Duration;

use bytes::Bytes;
use callboard_proto::message::{
    AckItem, AckState, Announce, BadItem, Beat, CallHead, CallItem, CancelHead, CancelItem,
    Describe, Down, Drain, Free, GrantHead, GrantItem, Load, ProgressHead, ProgressItem, Refusal,
    RefusalCode, ReplyHead, ResultItem, StatusHead, StatusItem, ToolDigest, ToolsHead,
};
use callboard_proto::{
    Affinity, Attempt, AttemptKey, Budget, Completed, CoordinatorId, Digest, Effect, Epoch,
    Executed, Failure, FailureKind, GrantId, InstanceId, Label, Manifest, Outcome, Part, Pool,
    Retry, RunId, ToolName, ToolSpec, ToolUseId, Turn, WorkerName,
};
use proptest::collection::vec;
use proptest::option::of as option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

pub(crate) fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

pub(crate) fn token_name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,63}"
}

/// Names with all that a token can't hold, from one character to the longest.
pub(crate) fn tool_name() -> impl Strategy<Value = ToolName> {
    prop_oneof!["[a-z_]{1,20}", "\\PC{1,32}", "[ .>*=$/é検🎭a-z]{1,24}"]
        .prop_filter_map("a tool's name", |name| ToolName::new(name).ok())
}

fn instance() -> impl Strategy<Value = InstanceId> {
    uuid().prop_map(InstanceId::new)
}

fn coordinator() -> impl Strategy<Value = CoordinatorId> {
    uuid().prop_map(CoordinatorId::new)
}

fn pool() -> impl Strategy<Value = Pool> {
    token_name().prop_map(|name| Pool::new(name).unwrap())
}

fn worker() -> impl Strategy<Value = WorkerName> {
    token_name().prop_map(|name| WorkerName::new(name).unwrap())
}

fn label() -> impl Strategy<Value = Label> {
    "[a-z]{1,8}(=[a-z0-9./-]{1,8})?".prop_map(|label| Label::new(label).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

fn budget() -> impl Strategy<Value = Budget> {
    any::<u64>().prop_map(|ms| Budget::new(Duration::from_millis(ms)))
}

fn of() -> impl Strategy<Value = AttemptKey> {
    (
        uuid(),
        any::<u32>(),
        "\\PC{1,40}",
        any::<u32>(),
        any::<u64>(),
    )
        .prop_map(|(run, turn, id, attempt, epoch)| AttemptKey {
            run: RunId::new(run),
            turn: Turn(turn),
            id: ToolUseId::new(id).unwrap(),
            attempt: Attempt(attempt),
            epoch: Epoch(epoch % 3),
        })
}

fn load() -> impl Strategy<Value = Load> {
    (any::<u64>(), any::<u32>(), any::<u32>()).prop_map(|(seq, slots, free)| Load {
        seq,
        slots,
        free,
    })
}

fn part() -> impl Strategy<Value = Part> {
    let text = "\\PC{0,20}";
    let data = || vec(any::<u8>(), 0..40);
    prop_oneof![
        text.prop_map(Part::Text),
        text.prop_map(Part::Json),
        (text, data()).prop_map(|(media_type, data)| Part::Image { media_type, data }),
        (text, option(text), data()).prop_map(|(media_type, name, data)| Part::Document {
            media_type,
            name,
            data
        }),
        (text, option(text), option(text)).prop_map(|(uri, media_type, text)| Part::Resource {
            uri,
            media_type,
            text
        }),
        ("x-\\PC{0,8}", option(text))
            .prop_map(|(part_type, text)| Part::Unknown { part_type, text }),
    ]
}

fn failure_kind() -> impl Strategy<Value = FailureKind> {
    select(FailureKind::ALL)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let executed = select(Executed::ALL);
    prop_oneof![
        (vec(part(), 0..6), any::<bool>())
            .prop_map(|(content, is_error)| Outcome::Completed(Completed { content, is_error })),
        (
            failure_kind(),
            "\\PC{0,60}",
            executed,
            option(0..86_400_000_u64)
        )
            .prop_map(|(kind, message, executed, after)| Outcome::Failed(Failure {
                kind,
                message,
                executed,
                retry_after: after.map(Duration::from_millis),
            })),
    ]
}

pub(crate) fn call() -> impl Strategy<Value = (CallHead, Vec<CallItem>)> {
    let effect = select(Effect::ALL);
    let item = (
        (of(), tool_name(), option(digest()), effect, budget()),
        (
            vec(any::<u8>(), 0..80),
            option("\\PC{0,60}"),
            option("[0-9a-f-]{55}"),
        ),
    )
        .prop_map(
            |((of, tool, digest, effect, budget_ms), (arguments, key, traceparent))| CallItem {
                of,
                tool,
                digest,
                effect,
                budget_ms,
                arguments: Bytes::from(arguments),
                key,
                traceparent,
            },
        );
    let head = (
        coordinator(),
        option(instance()),
        option(any::<u64>()),
        any::<u32>(),
    )
        .prop_map(|(coordinator, instance, seen, waiting)| CallHead {
            coordinator,
            instance,
            seen,
            waiting,
        });
    (head, vec(item, 0..6))
}

pub(crate) fn grant() -> impl Strategy<Value = (GrantHead, Vec<GrantItem>)> {
    let item = (of(), uuid(), budget()).prop_map(|(of, grant, budget_ms)| GrantItem {
        of,
        grant: GrantId::new(grant),
        budget_ms,
    });
    let head = (coordinator(), instance(), option(any::<u64>())).prop_map(
        |(coordinator, instance, seen)| GrantHead {
            coordinator,
            instance,
            seen,
        },
    );
    (head, vec(item, 0..6))
}

pub(crate) fn cancel() -> impl Strategy<Value = (CancelHead, Vec<CancelItem>)> {
    let item = (of(), option(any::<u64>())).prop_map(|(of, seen)| CancelItem { of, seen });
    let head = (coordinator(), instance()).prop_map(|(coordinator, instance)| CancelHead {
        coordinator,
        instance,
    });
    (head, vec(item, 0..6))
}

pub(crate) fn status() -> impl Strategy<Value = (StatusHead, Vec<StatusItem>)> {
    let item = (of(), option(any::<u64>())).prop_map(|(of, seen)| StatusItem { of, seen });
    let head = (coordinator(), instance()).prop_map(|(coordinator, instance)| StatusHead {
        coordinator,
        instance,
    });
    (head, vec(item, 0..6))
}

pub(crate) fn describe() -> impl Strategy<Value = Describe> {
    (coordinator(), instance(), any::<u32>()).prop_map(|(coordinator, instance, from)| Describe {
        coordinator,
        instance,
        from,
    })
}

pub(crate) fn drain() -> impl Strategy<Value = Drain> {
    (instance(), budget()).prop_map(|(instance, grace_ms)| Drain { instance, grace_ms })
}

fn reply_head() -> impl Strategy<Value = ReplyHead> {
    let bad = (any::<u32>(), "\\PC{0,40}").prop_map(|(index, reason)| BadItem { index, reason });
    (instance(), load(), vec(bad, 0..3)).prop_map(|(instance, load, bad)| ReplyHead {
        instance,
        load,
        bad,
    })
}

pub(crate) fn ack() -> impl Strategy<Value = (ReplyHead, Vec<AckItem>)> {
    let state = select(AckState::ALL);
    let item = (of(), state, option(uuid()), any::<bool>());
    let item = item.prop_map(|(of, state, grant, tool_full)| AckItem {
        of,
        state,
        grant: grant.map(GrantId::new),
        tool_full,
    });
    (reply_head(), vec(item, 0..6))
}

pub(crate) fn result() -> impl Strategy<Value = (ReplyHead, Vec<ResultItem>)> {
    let item = (of(), outcome(), any::<u64>(), any::<u64>()).prop_map(
        |(of, outcome, queued, executed)| ResultItem {
            of,
            outcome,
            queued: Duration::from_micros(queued),
            executed: Duration::from_micros(executed),
        },
    );
    (reply_head(), vec(item, 0..6))
}

pub(crate) fn progress() -> impl Strategy<Value = (ProgressHead, Vec<ProgressItem>)> {
    let item =
        (of(), option(0..=100_u8), option("\\PC{0,40}")).prop_map(|(of, percent, message)| {
            ProgressItem {
                of,
                percent,
                message,
            }
        });
    let head = instance().prop_map(|instance| ProgressHead { instance });
    (head, vec(item, 0..6))
}

pub(crate) fn free() -> impl Strategy<Value = Free> {
    (instance(), load()).prop_map(|(instance, load)| Free { instance, load })
}

pub(crate) fn refusal() -> impl Strategy<Value = Refusal> {
    let code = select(RefusalCode::ALL);
    (instance(), code, "\\PC{0,60}").prop_map(|(instance, code, message)| Refusal {
        instance,
        code,
        message,
    })
}

pub(crate) fn announce() -> impl Strategy<Value = Announce> {
    let tool = (tool_name(), digest()).prop_map(|(name, digest)| ToolDigest { name, digest });
    let down = ("\\PC{0,20}", "\\PC{0,60}").prop_map(|(what, why)| Down { what, why });
    (
        (instance(), worker(), pool(), "\\PC{0,20}", any::<u32>()),
        (
            any::<u64>(),
            any::<u64>(),
            vec(label(), 0..3),
            vec(tool, 0..5),
            vec(down, 0..3),
        ),
    )
        .prop_map(
            |(
                (instance, worker, pool, version, slots),
                (catalogue, payload_bytes_max, labels, tools, down),
            )| Announce {
                instance,
                worker,
                pool,
                version,
                slots,
                catalogue,
                payload_bytes_max,
                labels,
                tools,
                down,
            },
        )
}

pub(crate) fn beat() -> impl Strategy<Value = Beat> {
    (
        (instance(), worker(), pool(), any::<u64>()),
        (load(), any::<bool>(), any::<u64>(), option(any::<u64>())),
    )
        .prop_map(
            |((instance, worker, pool, seq), (load, draining, catalogue, unix_ms))| Beat {
                instance,
                worker,
                pool,
                seq,
                load,
                draining,
                catalogue,
                unix_ms,
            },
        )
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (
        select(Effect::ALL),
        option(any::<u64>()),
        option(any::<u64>()),
        any::<u32>(),
        select(Affinity::ALL),
        vec(label(), 0..3),
        vec(label(), 0..3),
        option(any::<u64>()),
    )
        .prop_map(
            |(
                effect,
                deadline_ms,
                attempt_timeout_ms,
                attempts,
                affinity,
                require,
                prefer,
                max,
            )| {
                Manifest {
                    effect,
                    deadline_ms,
                    attempt_timeout_ms,
                    retry: Retry { attempts },
                    affinity,
                    require,
                    prefer,
                    output_bytes_max: max,
                }
            },
        )
}

pub(crate) fn tools() -> impl Strategy<Value = (ToolsHead, Vec<ToolSpec>)> {
    let item = (tool_name(), "\\PC{0,40}", "\\PC{0,40}", manifest()).prop_map(
        |(name, description, input_schema, manifest)| ToolSpec {
            name,
            description,
            input_schema,
            manifest,
        },
    );
    let head = (announce(), any::<u32>(), any::<u32>(), vec(digest(), 0..4)).prop_map(
        |(announce, from, total, digests)| ToolsHead {
            announce,
            from,
            total,
            digests,
        },
    );
    (head, vec(item, 0..4))
}
