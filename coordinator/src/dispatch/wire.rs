//! Effects to messages, messages to inputs.

use bytes::Bytes;
use callboard_coordinator_core::{Address, Effect, Input};
use callboard_proto::codec::{self, Batch, DecodeError};
use callboard_proto::message::{
    AckItem, Announce, Beat, Describe, Free, ProgressHead, ProgressItem, Refusal, ReplyHead,
    ResultItem, ToolsHead,
};
use callboard_proto::{CoordinatorId, Kind, Token, ToolSpec};

use crate::link::{Incoming, Outgoing};

/// What an effect asks of the actor.
pub(super) enum Deed {
    Send(Outgoing),
    Describe(Address),
    Report(callboard_coordinator_core::Report),
    Event(callboard_coordinator_core::CallEvent),
}

pub(super) fn deed(effect: Effect) -> Deed {
    match effect {
        Effect::Call {
            to,
            token,
            head,
            items,
        } => post(
            to,
            Kind::Call,
            token,
            codec::encode_canonical(&head, &items),
        ),
        Effect::Grant {
            to,
            token,
            head,
            items,
        } => post(
            to,
            Kind::Grant,
            token,
            codec::encode_canonical(&head, &items),
        ),
        Effect::Cancel {
            to,
            token,
            head,
            items,
        } => post(to, Kind::Cancel, token, codec::encode_batch(&head, &items)),
        Effect::Status {
            to,
            token,
            head,
            items,
        } => post(to, Kind::Status, token, codec::encode_batch(&head, &items)),
        Effect::Echo { seq } => Deed::Send(Outgoing::Echo { seq }),
        Effect::Describe { to } => Deed::Describe(to),
        Effect::Report(report) => Deed::Report(report),
        Effect::Event(event) => Deed::Event(event),
    }
}

fn post(to: Address, kind: Kind, token: Token, body: Bytes) -> Deed {
    Deed::Send(Outgoing::ToInstance {
        to,
        kind,
        token,
        body,
    })
}

/// Asks an instance for a page of its tools.
pub(super) fn describe(
    to: Address,
    coordinator: CoordinatorId,
    token: Token,
    from: u32,
) -> Outgoing {
    let question = Describe {
        coordinator,
        instance: to.instance,
        from,
    };
    Outgoing::ToInstance {
        to,
        kind: Kind::Describe,
        token,
        body: codec::encode(&question),
    }
}

/// What arrived.
pub(super) enum Arrival {
    /// Something for the core.
    Input(Input),
    /// An instance is there, with these digests.
    Announce(Announce),
    /// A page of an instance's tools, under the token of its question; `None` for each that can't be read.
    Tools(Token, ToolsHead, Vec<Option<ToolSpec>>),
    /// The server refuses what this coordinator needs.
    Refused(String),
    /// An answer without the signature that is asked for; whether it is to be logged.
    Unsigned(String, bool),
    /// Nothing that can be read: counted and logged.
    Unreadable(String),
}

pub(super) fn arrival(incoming: Incoming) -> Arrival {
    match incoming {
        Incoming::Reply { token, kind, body } => reply(token, kind, &body)
            .unwrap_or_else(|error| Arrival::Unreadable(format!("a {kind}: {error}"))),
        Incoming::Undelivered { token, why } => Arrival::Input(Input::Undelivered { token, why }),
        Incoming::Beat(body) => match codec::decode::<Beat>(&body) {
            Ok(beat) => Arrival::Input(Input::Beat(beat)),
            Err(error) => Arrival::Unreadable(format!("a beat: {error}")),
        },
        Incoming::Announce(body) => match codec::decode::<Announce>(&body) {
            Ok(announce) => Arrival::Announce(announce),
            Err(error) => Arrival::Unreadable(format!("an announcement: {error}")),
        },
        Incoming::Echo { seq } => Arrival::Input(Input::Echo { seq }),
        Incoming::Unreadable { reason } => Arrival::Unreadable(reason),
        Incoming::Unsigned { reason, is_first } => Arrival::Unsigned(reason, is_first),
        Incoming::Refused { reason } => Arrival::Refused(reason),
        Incoming::Down => Arrival::Input(Input::LinkDown),
        Incoming::Up => Arrival::Input(Input::LinkUp),
    }
}

fn reply(token: Token, kind: Kind, body: &Bytes) -> Result<Arrival, DecodeError> {
    Ok(match kind {
        Kind::Ack => {
            let batch: Batch<ReplyHead, AckItem> = codec::decode_canonical(body)?;
            Arrival::Input(Input::Ack { token, batch })
        }
        Kind::Result => {
            let batch: Batch<ReplyHead, ResultItem> = codec::decode_canonical(body)?;
            Arrival::Input(Input::Result { token, batch })
        }
        Kind::Progress => {
            let batch: Batch<ProgressHead, ProgressItem> = codec::decode_batch(body)?;
            Arrival::Input(Input::Progress { token, batch })
        }
        Kind::Free => {
            let free: Free = codec::decode(body)?;
            Arrival::Input(Input::Free { token, free })
        }
        Kind::Refusal => {
            let refusal: Refusal = codec::decode(body)?;
            Arrival::Input(Input::Refusal { token, refusal })
        }
        Kind::Tools => {
            let page: Batch<ToolsHead, ToolSpec> = codec::decode_batch(body)?;
            let specs = page.items.into_iter().map(Result::ok).collect();
            Arrival::Tools(token, page.head, specs)
        }
        // Who is there says so where that was asked for, never in answer to something else.
        Kind::Announce
        | Kind::Call
        | Kind::Grant
        | Kind::Cancel
        | Kind::Status
        | Kind::Describe
        | Kind::Drain
        | Kind::Beat => Arrival::Unreadable(format!("a {kind} where an answer belongs")),
    })
}
