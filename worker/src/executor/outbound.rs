//! What a worker says, encoded.

use std::time::SystemTime;

use callboard_proto::codec::EncodedItems;
use callboard_proto::message::{
    AckItem, Beat, Free, ProgressHead, ProgressItem, Refusal, ReplyHead, ToolsHead,
};
use callboard_proto::{InstanceId, Kind, ToolSpec, codec};
use callboard_worker_core::ReplyTo;

use crate::link::Outgoing;

pub(super) fn ack(to: ReplyTo, head: &ReplyHead, items: &[AckItem]) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Ack,
        body: codec::encode_canonical(head, items),
    }
}

pub(super) fn result(to: ReplyTo, head: &ReplyHead, items: &EncodedItems) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Result,
        body: codec::encode_batch_of(head, items),
    }
}

pub(super) fn free(to: ReplyTo, free: &Free) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Free,
        body: codec::encode(free),
    }
}

/// With the time of day, which the core doesn't know.
pub(super) fn beat(beat: Beat, now: SystemTime) -> Outgoing {
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).ok();
    let unix_ms = since_1970.and_then(|time| u64::try_from(time.as_millis()).ok());
    Outgoing::Beat(codec::encode(&Beat { unix_ms, ..beat }))
}

pub(super) fn progress(to: ReplyTo, instance: InstanceId, items: &[ProgressItem]) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Progress,
        body: codec::encode_batch(&ProgressHead { instance }, items),
    }
}

pub(super) fn refusal(to: ReplyTo, refusal: &Refusal) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Refusal,
        body: codec::encode(refusal),
    }
}

pub(super) fn tools(to: ReplyTo, head: &ToolsHead, specs: &[&ToolSpec]) -> Outgoing {
    Outgoing::Reply {
        to,
        kind: Kind::Tools,
        body: codec::encode_batch(head, specs),
    }
}
