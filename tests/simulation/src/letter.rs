//! A message on its way between two nodes, and how it becomes an input there.

use std::sync::Arc;

use callboard_coordinator_core as coordinator;
use callboard_proto::codec::{Batch, DecodeError, UnreadableItem, decode_batch, encode_batch};
use callboard_proto::message::{
    AckItem, Announce, Beat, CallHead, CallItem, CancelHead, CancelItem, Free, GrantHead,
    GrantItem, ProgressHead, ProgressItem, Refusal, ReplyHead, ResultItem, StatusHead, StatusItem,
};
use callboard_proto::{AttemptKey, InstanceId, Token};
use callboard_worker_core as worker;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ident::{InstanceRef, coordinator_id};

/// Where a message is from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A coordinator.
    Coordinator(u8),
    /// An instance.
    Instance(InstanceRef),
}

/// What a message says.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Call(CallHead, Vec<CallItem>),
    Grant(GrantHead, Vec<GrantItem>),
    Cancel(CancelHead, Vec<CancelItem>),
    Status(StatusHead, Vec<StatusItem>),
    Describe,
    Ack(ReplyHead, Vec<AckItem>),
    Result(ReplyHead, Vec<Arc<ResultItem>>),
    Progress(ProgressHead, Vec<ProgressItem>),
    Free(Free),
    Refusal(Refusal),
    Undelivered(coordinator::Undelivered),
    Beat(Beat),
    /// Somebody says that an instance is there.
    Announce(Announce),
    /// The answer to a question for its tools.
    Described(Announce),
    Echo(u64),
}

impl Body {
    /// The kind in one word, for traces.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Call(..) => "call",
            Self::Grant(..) => "grant",
            Self::Cancel(..) => "cancel",
            Self::Status(..) => "status",
            Self::Describe => "describe",
            Self::Ack(..) => "ack",
            Self::Result(..) => "result",
            Self::Progress(..) => "progress",
            Self::Free(_) => "free",
            Self::Refusal(_) => "refusal",
            Self::Undelivered(_) => "undelivered",
            Self::Beat(_) => "beat",
            Self::Announce(_) => "announce",
            Self::Described(_) => "tools",
            Self::Echo(_) => "echo",
        }
    }

    /// The instance that it names, where it must name one.
    pub(crate) fn instance(&self) -> Option<InstanceId> {
        match self {
            Self::Call(head, _) => head.instance,
            Self::Grant(head, _) => Some(head.instance),
            Self::Cancel(head, _) => Some(head.instance),
            Self::Status(head, _) => Some(head.instance),
            Self::Describe
            | Self::Ack(..)
            | Self::Result(..)
            | Self::Progress(..)
            | Self::Free(_)
            | Self::Refusal(_)
            | Self::Undelivered(_)
            | Self::Beat(_)
            | Self::Announce(_)
            | Self::Described(_)
            | Self::Echo(_) => None,
        }
    }

    /// Whether it belongs to the pulse that never ends, and so never keeps a schedule going.
    pub(crate) fn is_pulse(&self) -> bool {
        match self {
            Self::Beat(_)
            | Self::Echo(_)
            | Self::Announce(_)
            | Self::Described(_)
            | Self::Describe => true,
            Self::Call(..)
            | Self::Grant(..)
            | Self::Cancel(..)
            | Self::Status(..)
            | Self::Ack(..)
            | Self::Result(..)
            | Self::Progress(..)
            | Self::Free(_)
            | Self::Refusal(_)
            | Self::Undelivered(_) => false,
        }
    }

    /// How many items a batch has.
    pub(crate) fn items(&self) -> usize {
        match self {
            Self::Call(_, items) => items.len(),
            Self::Grant(_, items) => items.len(),
            Self::Cancel(_, items) => items.len(),
            Self::Status(_, items) => items.len(),
            Self::Ack(_, items) => items.len(),
            Self::Result(_, items) => items.len(),
            Self::Progress(_, items) => items.len(),
            Self::Describe
            | Self::Free(_)
            | Self::Refusal(_)
            | Self::Undelivered(_)
            | Self::Beat(_)
            | Self::Announce(_)
            | Self::Described(_)
            | Self::Echo(_) => 0,
        }
    }
}

/// An item that can't be read on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt {
    /// Its position.
    pub(crate) index: usize,
    /// Whether at least its attempt can be read.
    pub(crate) names_attempt: bool,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: Node,
    pub(crate) to: Node,
    /// The token that its answers, or it as an answer, come under.
    pub(crate) token: Token,
    pub(crate) body: Body,
    /// Whether somebody else than `from` wrote it.
    pub(crate) forged: bool,
    /// Whether there are two of it: then no 503 is binding, and none is sent.
    pub(crate) copy: bool,
    pub(crate) corrupt: Option<Corrupt>,
}

impl Letter {
    /// The message as its coordinator takes it in.
    pub(crate) fn into_coordinator_input(self, encoded: bool) -> Option<coordinator::Input> {
        use coordinator::Input;
        let Self {
            token,
            body,
            corrupt,
            ..
        } = self;
        Some(match body {
            Body::Ack(head, items) => Input::Ack {
                token,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Result(head, items) => Input::Result {
                token,
                batch: arrive(
                    head,
                    items.iter().map(|item| (**item).clone()).collect(),
                    corrupt,
                    encoded,
                ),
            },
            Body::Progress(head, items) => Input::Progress {
                token,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Free(free) => Input::Free { token, free },
            Body::Refusal(refusal) => Input::Refusal { token, refusal },
            Body::Undelivered(why) => Input::Undelivered { token, why },
            Body::Beat(beat) => Input::Beat(beat),
            Body::Announce(announce) => Input::Announce(announce),
            Body::Described(announce) => Input::Described(announce),
            Body::Echo(seq) => Input::Echo { seq },
            Body::Call(..)
            | Body::Grant(..)
            | Body::Cancel(..)
            | Body::Status(..)
            | Body::Describe => return None,
        })
    }

    /// The message as its instance takes it in.
    pub(crate) fn into_worker_input(self, encoded: bool) -> Option<worker::Input> {
        use worker::Input;
        let Node::Coordinator(from) = self.from else {
            return None;
        };
        let reply = worker::ReplyTo {
            coordinator: coordinator_id(from),
            token: self.token,
        };
        let corrupt = self.corrupt;
        Some(match self.body {
            Body::Call(head, items) => Input::Call {
                reply,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Grant(head, items) => Input::Grant {
                reply,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Cancel(head, items) => Input::Cancel {
                reply,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Status(head, items) => Input::Status {
                reply,
                batch: arrive(head, items, corrupt, encoded),
            },
            Body::Describe
            | Body::Ack(..)
            | Body::Result(..)
            | Body::Progress(..)
            | Body::Free(_)
            | Body::Refusal(_)
            | Body::Undelivered(_)
            | Body::Beat(_)
            | Body::Announce(_)
            | Body::Described(_)
            | Body::Echo(_) => return None,
        })
    }
}

/// An element of a batch: it says which attempt it speaks of.
pub(crate) trait Item {
    /// The attempt.
    fn of(&self) -> &AttemptKey;
}

macro_rules! items {
    ($($name:ty),*) => { $(impl Item for $name { fn of(&self) -> &AttemptKey { &self.of } })* };
}
items!(
    CallItem,
    GrantItem,
    CancelItem,
    StatusItem,
    AckItem,
    ResultItem,
    ProgressItem
);

/// What stands in a batch on the wire: an item, or what became of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Element<'a, I> {
    Whole(&'a I),
    Named { of: &'a AttemptKey, torn: u8 },
    Torn { torn: u8 },
}

fn arrive<H, I>(head: H, items: Vec<I>, corrupt: Option<Corrupt>, encoded: bool) -> Batch<H, I>
where
    H: Serialize + DeserializeOwned,
    I: Serialize + DeserializeOwned + Item,
{
    let torn = |index| corrupt.filter(|corrupt| corrupt.index == index);
    if encoded {
        let elements: Vec<Element<'_, I>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| match torn(index) {
                None => Element::Whole(item),
                Some(corrupt) if corrupt.names_attempt => Element::Named {
                    of: item.of(),
                    torn: 1,
                },
                Some(_) => Element::Torn { torn: 1 },
            })
            .collect();
        return decode_batch(&encode_batch(&head, &elements))
            .expect("what the codec wrote, it reads");
    }
    let items = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| match torn(index) {
            None => Ok(item),
            Some(corrupt) => Err(UnreadableItem {
                of: corrupt.names_attempt.then(|| item.of().clone()),
                error: DecodeError::Malformed("torn".to_owned()),
            }),
        })
        .collect();
    Batch { head, items }
}
