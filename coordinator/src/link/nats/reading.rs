//! What the messages of the three subscriptions are. Pure.

use async_nats::{Message, StatusCode};
use callboard_coordinator_core::Undelivered;
use callboard_nats::headers::kind_of;
use callboard_proto::message::{Announce, Beat};
use callboard_proto::subject::METADATA_ANNOUNCE;
use callboard_proto::{Kind, Tenant, Token, codec, subject};
use serde::Deserialize;

use crate::link::Incoming;

/// What a message under the reply subject is; `None` where nobody answered a discovery.
pub(super) fn reply(message: Message, discovery: Token) -> Option<Incoming> {
    let Some(token) = subject::reply_token(&message.subject) else {
        return Some(unreadable(&message, "its subject ends in no token"));
    };
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        // Nobody heard the question who is there: nobody is.
        return (token != discovery).then_some(Incoming::Undelivered {
            token,
            why: Undelivered::NoResponders,
        });
    }
    if let Some(status) = message.status {
        return Some(unreadable(&message, &format!("it has status {status}")));
    }
    if token == discovery {
        return Some(announce(&message));
    }
    Some(match kind_of(message.headers.as_ref()) {
        Ok(kind) => Incoming::Reply {
            token,
            kind,
            body: message.payload,
        },
        Err(error) => unreadable(&message, &error.reason),
    })
}

/// What a message under the beat subjects is: a beat counts only if it came on its own instance's
/// subject, because permissions are given by subject (P4).
pub(super) fn beat(message: Message, tenant: &Tenant) -> Incoming {
    match kind_of(message.headers.as_ref()) {
        Ok(Kind::Beat) => {}
        Ok(kind) => return unreadable(&message, &format!("a {kind} is no beat")),
        Err(error) => return unreadable(&message, &error.reason),
    }
    let beat: Beat = match codec::decode(&message.payload) {
        Ok(beat) => beat,
        Err(error) => return unreadable(&message, &error.to_string()),
    };
    if subject::beat_parts(tenant, &message.subject) == Some((beat.pool, beat.instance)) {
        Incoming::Beat(message.payload)
    } else {
        unreadable(&message, "it speaks for another instance or pool")
    }
}

/// The number of an echo.
pub(super) fn echo(message: &Message) -> Incoming {
    match <[u8; 8]>::try_from(message.payload.as_ref()) {
        Ok(seq) => Incoming::Echo {
            seq: u64::from_be_bytes(seq),
        },
        Err(_) => unreadable(message, "an echo has eight bytes"),
    }
}

/// What a worker's micro service says of itself, as the announcement within it.
fn announce(message: &Message) -> Incoming {
    #[derive(Deserialize)]
    struct Info<'a> {
        #[serde(borrow)]
        metadata: std::collections::HashMap<&'a str, std::borrow::Cow<'a, str>>,
    }

    let info: Info<'_> = match serde_json::from_slice(&message.payload) {
        Ok(info) => info,
        Err(error) => return unreadable(message, &format!("no service's info: {error}")),
    };
    let Some(text) = info.metadata.get(METADATA_ANNOUNCE) else {
        return unreadable(
            message,
            &format!("its metadata has no {METADATA_ANNOUNCE:?}"),
        );
    };
    match Announce::from_json(text) {
        Ok(announce) => Incoming::Announce(codec::encode(&announce)),
        Err(error) => unreadable(message, &format!("no announcement: {error}")),
    }
}

fn unreadable(message: &Message, reason: &str) -> Incoming {
    Incoming::Unreadable {
        reason: format!("message on {}: {reason}", message.subject),
    }
}
