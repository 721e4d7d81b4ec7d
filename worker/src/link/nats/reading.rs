//! What the messages of the instance's and its tools' subscriptions are. Pure.

use async_nats::Message;
use callboard_nats::headers::{Unreadable, kind_of};
use callboard_nats::signatures::Keyring;
use callboard_proto::message::{CallHead, CallItem, RefusalCode};
use callboard_proto::subject::{self, Verb};
use callboard_proto::{Kind, Tenant, ToolName, codec};
use callboard_worker_core::ReplyTo;

use crate::link::Incoming;

/// What a message to the instance itself is: its kind must be one that its subject is for, because
/// permissions are given by subject.
pub(super) fn request(message: Message, tenant: &Tenant, keys: Option<&Keyring>) -> Incoming {
    let read = kind_of(message.headers.as_ref()).and_then(|kind| {
        let verb = subject::worker_verb(&message.subject);
        if verb.is_some() && verb == Verb::of(kind) {
            judge(kind, &message, keys)
        } else {
            let reason = format!("a {kind} has no place on {}", message.subject);
            Err(Unreadable {
                code: RefusalCode::Kind,
                reason,
            })
        }
    });
    incoming(message, tenant, read)
}

/// What a message to a tool's queue group is: one call of that very tool, because permissions are
/// given by subject.
pub(super) fn call(
    message: Message,
    tenant: &Tenant,
    tool: &ToolName,
    keys: Option<&Keyring>,
) -> Incoming {
    let read = kind_of(message.headers.as_ref()).and_then(|kind| {
        if kind != Kind::Call {
            return Err(Unreadable {
                code: RefusalCode::Kind,
                reason: format!("a {kind} has no place on {}", message.subject),
            });
        }
        judge(kind, &message, keys)?;
        let malformed = |reason| Unreadable {
            code: RefusalCode::Malformed,
            reason,
        };
        let batch = codec::decode_batch::<CallHead, CallItem>(&message.payload)
            .map_err(|error| malformed(error.to_string()))?;
        match batch.items.as_slice() {
            [Ok(item)] if item.tool == *tool => Ok(kind),
            [Ok(item)] => Err(malformed(format!(
                "a call of {} has no place on {}",
                item.tool, message.subject
            ))),
            [Err(item)] => Err(malformed(item.error.to_string())),
            items => Err(malformed(format!(
                "{} calls in one message; a queue group takes one",
                items.len()
            ))),
        }
    });
    incoming(message, tenant, read)
}

/// Whether a message bears the signature that is asked for. The refusal of one that doesn't is itself
/// unsigned, so it decides nothing where signatures count.
fn judge(kind: Kind, message: &Message, keys: Option<&Keyring>) -> Result<Kind, Unreadable> {
    let Some(keys) = keys else {
        return Ok(kind);
    };
    keys.verify(kind, message).map_err(|error| {
        tracing::debug!(%kind, %error, "a message is not taken without its signature");
        Unreadable {
            code: RefusalCode::Malformed,
            reason: format!(
                "this worker takes a {kind} only signed by a listed coordinator: {error}"
            ),
        }
    })?;
    Ok(kind)
}

fn incoming(message: Message, tenant: &Tenant, read: Result<Kind, Unreadable>) -> Incoming {
    let reply = message
        .reply
        .as_ref()
        .and_then(|reply| subject::reply_parts(tenant, reply))
        .map(|(coordinator, token)| ReplyTo { coordinator, token });
    match read {
        Ok(kind) => Incoming::Request {
            reply,
            kind,
            body: message.payload,
        },
        Err(Unreadable { code, reason }) => Incoming::Unreadable {
            reply,
            code,
            reason,
        },
    }
}
