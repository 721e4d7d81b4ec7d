//! What a link brought, decoded: an input for the core, a question, or a reason to refuse.

use std::time::Duration;

use bytes::Bytes;
use callboard_proto::codec::{self, Batch, DecodeError};
use callboard_proto::message::{
    CallHead, CallItem, CancelHead, CancelItem, Describe, Drain, GrantHead, GrantItem, Refusal,
    RefusalCode, StatusHead, StatusItem,
};
use callboard_proto::{CoordinatorId, InstanceId, Kind};
use callboard_worker_core::{Input, ReplyTo};

/// What a message asks for.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something for the core.
    Input(Input),
    /// The question which tools there are, from this one on.
    Describe {
        /// Where the answer goes.
        reply: ReplyTo,
        /// The first tool that is wanted, from 0.
        from: u32,
    },
    /// Take no more calls; after this time, stop what runs.
    Drain(Duration),
    /// It can't be acted on; nothing of it was executed.
    Refused {
        /// Where the refusal goes, if anywhere.
        reply: Option<ReplyTo>,
        /// The refusal.
        refusal: Refusal,
    },
    /// It names no subject to answer on, so nobody could learn what became of it.
    Unanswerable,
}

/// Decodes one message to this instance.
pub(super) fn read(
    instance: InstanceId,
    reply: Option<ReplyTo>,
    kind: Kind,
    body: &Bytes,
) -> Heard {
    let answered = |request: Request| match reply {
        Some(reply) if reply.coordinator == CoordinatorId::VIEWER && !request.only_looks() => {
            let reason = format!("who only looks may ask for the tools, and sends no {kind}");
            Err((RefusalCode::Kind, reason))
        }
        Some(reply) => self::request(instance, reply, request, body),
        None => Ok(Heard::Unanswerable),
    };
    let heard = match kind {
        Kind::Call => answered(Request::Call),
        Kind::Grant => answered(Request::Grant),
        Kind::Cancel => answered(Request::Cancel),
        Kind::Status => answered(Request::Status),
        Kind::Describe => answered(Request::Describe),
        // An operator needs no answer: the beats say that the instance drains.
        Kind::Drain => drain(instance, body),
        Kind::Ack
        | Kind::Result
        | Kind::Progress
        | Kind::Free
        | Kind::Refusal
        | Kind::Tools
        | Kind::Beat
        | Kind::Announce => Err((
            RefusalCode::Kind,
            format!("a worker sends {kind} messages and takes none"),
        )),
    };
    heard.unwrap_or_else(|(code, message)| refused(instance, reply, code, message))
}

/// Refuses a message as a whole.
pub(super) fn refused(
    instance: InstanceId,
    reply: Option<ReplyTo>,
    code: RefusalCode,
    message: String,
) -> Heard {
    Heard::Refused {
        reply,
        refusal: Refusal {
            instance,
            code,
            message,
        },
    }
}

/// The kinds that are answered on a reply subject.
#[derive(Clone, Copy)]
enum Request {
    Call,
    Grant,
    Cancel,
    Status,
    Describe,
}

impl Request {
    /// Whether a viewer may ask it: what viewers are answered, all of them hear.
    fn only_looks(self) -> bool {
        match self {
            Self::Describe => true,
            Self::Call | Self::Grant | Self::Cancel | Self::Status => false,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Call => Kind::Call,
            Self::Grant => Kind::Grant,
            Self::Cancel => Kind::Cancel,
            Self::Status => Kind::Status,
            Self::Describe => Kind::Describe,
        }
    }
}

type Problem = (RefusalCode, String);

fn request(
    instance: InstanceId,
    reply: ReplyTo,
    request: Request,
    body: &Bytes,
) -> Result<Heard, Problem> {
    let malformed = |error| malformed(request.kind(), &error);
    Ok(Heard::Input(match request {
        Request::Call => {
            let batch: Batch<CallHead, CallItem> =
                codec::decode_canonical(body).map_err(malformed)?;
            // A call of a queue group names nobody.
            same(instance, batch.head.instance.unwrap_or(instance))?;
            Input::Call { reply, batch }
        }
        Request::Grant => {
            let batch: Batch<GrantHead, GrantItem> =
                codec::decode_canonical(body).map_err(malformed)?;
            same(instance, batch.head.instance)?;
            Input::Grant { reply, batch }
        }
        Request::Cancel => {
            let batch: Batch<CancelHead, CancelItem> =
                codec::decode_batch(body).map_err(malformed)?;
            same(instance, batch.head.instance)?;
            Input::Cancel { reply, batch }
        }
        Request::Status => {
            let batch: Batch<StatusHead, StatusItem> =
                codec::decode_batch(body).map_err(malformed)?;
            same(instance, batch.head.instance)?;
            Input::Status { reply, batch }
        }
        Request::Describe => {
            let describe: Describe = codec::decode(body).map_err(malformed)?;
            same(instance, describe.instance)?;
            return Ok(Heard::Describe {
                reply,
                from: describe.from,
            });
        }
    }))
}

fn drain(instance: InstanceId, body: &Bytes) -> Result<Heard, Problem> {
    let drain: Drain = codec::decode(body).map_err(|error| malformed(Kind::Drain, &error))?;
    same(instance, drain.instance)?;
    Ok(Heard::Drain(drain.grace_ms.duration()))
}

fn malformed(kind: Kind, error: &DecodeError) -> Problem {
    (
        RefusalCode::Malformed,
        format!("the {kind} message can't be read: {error}"),
    )
}

fn same(instance: InstanceId, named: InstanceId) -> Result<(), Problem> {
    if named == instance {
        return Ok(());
    }
    Err((
        RefusalCode::Instance,
        format!("the message is for instance {named}, and this is {instance}"),
    ))
}
