//! Reads recorded messages as today's links and codec do.

use std::collections::BTreeSet;

use callboard_proto::subject::{self, Verb};
use callboard_proto::{Kind, version_is_supported};
use callboard_tests::corpus::{Body, Direction, Message};

/// Checks that headers, subjects and bodies are taken, each as its kind asks, and that what is decoded survives
/// being encoded again.
pub(crate) fn check(messages: &[Message]) {
    let mut asked = BTreeSet::new();
    for message in messages {
        match message.direction {
            Direction::ToWorker => {
                asked.extend(message.reply.clone());
                to_worker(message);
            }
            Direction::FromWorker => {
                let is_answer = asked.contains(&message.subject);
                let is_beat = message.kind() == Some(Kind::Beat);
                assert!(is_answer != is_beat, "answers nothing: {message:?}");
                from_worker(message);
            }
        }
    }
}

fn to_worker(message: &Message) {
    if let Some(code) = &message.refused {
        refused(message, code);
        return;
    }
    let reply = message.reply.as_ref().unwrap();
    if message.subject == subject::DISCOVER {
        assert!(message.body.is_empty() && message.headers.is_empty());
        assert!(subject::reply_token(reply).is_some(), "{message:?}");
        return;
    }
    let tenant = message.tenant().unwrap();
    assert!(subject::is_reply(&tenant, reply), "{message:?}");
    let kind = kind(message);
    let body = body(message);
    if let Some(tool) = subject::call_tool(&tenant, &message.subject) {
        let Body::Call(batch) = body else {
            panic!("{message:?}")
        };
        let [Ok(item)] = batch.items.as_slice() else {
            panic!("{batch:?}")
        };
        assert_eq!(item.tool, tool);
    } else {
        let verb = subject::worker_verb(&message.subject);
        assert!(verb.is_some() && verb == Verb::of(kind), "{message:?}");
    }
}

fn from_worker(message: &Message) {
    let tenant = message.tenant().unwrap();
    match body(message) {
        Body::Beat(beat) => {
            assert_eq!(kind(message), Kind::Beat);
            let whose = subject::beat_parts(&tenant, &message.subject);
            assert_eq!(whose, Some((beat.pool, beat.instance)));
        }
        Body::Announce(_) => {
            assert!(message.headers.is_empty());
            assert!(subject::is_reply(&tenant, &message.subject));
        }
        Body::Ack(_)
        | Body::Result(_)
        | Body::Progress(_)
        | Body::Free(_)
        | Body::Refusal(_)
        | Body::Tools(_) => {
            kind(message);
            assert!(subject::is_reply(&tenant, &message.subject));
        }
        Body::Call(_)
        | Body::Grant(_)
        | Body::Cancel(_)
        | Body::Status(_)
        | Body::Describe(_)
        | Body::Drain(_) => panic!("no worker says {message:?}"),
    }
}

/// The kind, which the headers name too.
fn kind(message: &Message) -> Kind {
    let kind = message.kind().unwrap();
    assert_eq!(message.header_kind(), Some(kind), "{message:?}");
    kind
}

/// The body, every item of it but those that its own version could not read either.
fn body(message: &Message) -> Body {
    let kind = message.kind().unwrap();
    let mut body = Body::decode(kind, &message.body).unwrap();
    assert_eq!(body.take_bad_items(), message.bad_items, "{message:?}");
    assert_eq!(Body::decode(kind, &body.encode()).unwrap(), body);
    body
}

/// What its own version refused is refused today, for the same reason.
fn refused(message: &Message, code: &str) {
    let version = &message.headers[callboard_proto::HEADER_VERSION];
    assert_eq!(version_is_supported(version), code != "version");
    match code {
        "version" => {}
        "kind" => assert_eq!(message.header_kind(), None),
        "malformed" => assert_eq!(message.decoded(), None),
        "instance" => {
            let Some(Body::Call(batch)) = message.decoded() else {
                panic!("{message:?}")
            };
            let named = batch.head.instance.unwrap().to_string();
            assert!(!message.subject.contains(&named));
        }
        other => panic!("no code {other}: {message:?}"),
    }
}
