//! Labels stand for ids: a label's ASCII bytes, filled with zeros.

use callboard_proto::{
    Attempt, AttemptKey, CoordinatorId, Digest, Epoch, GrantId, InstanceId, RunId, Token,
    ToolUseId, Turn,
};
use callboard_worker_core::ReplyTo;
use uuid::Uuid;

fn bytes<const N: usize>(label: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..label.len()].copy_from_slice(label.as_bytes());
    bytes
}

fn label(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8(bytes[..end].to_vec()).unwrap()
}

fn uuid(label: &str) -> Uuid {
    Uuid::from_bytes(bytes(label))
}

pub(crate) fn instance(label: &str) -> InstanceId {
    InstanceId::new(uuid(label))
}

pub(crate) fn coordinator(label: &str) -> CoordinatorId {
    CoordinatorId::new(uuid(label))
}

pub(crate) fn grant(label: &str) -> GrantId {
    GrantId::new(uuid(label))
}

pub(crate) fn grant_label(grant: GrantId) -> String {
    label(grant.uuid().as_bytes())
}

pub(crate) fn digest(label: &str) -> Digest {
    Digest::new(bytes(label))
}

/// `coordinator/token`.
pub(crate) fn reply(text: &str) -> ReplyTo {
    let (from, token) = text.split_once('/').unwrap();
    ReplyTo {
        coordinator: coordinator(from),
        token: Token::new(uuid(token)),
    }
}

pub(crate) fn reply_label(to: ReplyTo) -> String {
    let coordinator = label(to.coordinator.uuid().as_bytes());
    format!("{coordinator}/{}", label(to.token.uuid().as_bytes()))
}

/// `run/turn/tool_use_id#attempt`, and `@epoch` where it isn't 0.
pub(crate) fn attempt(text: &str) -> AttemptKey {
    let (text, epoch) = text.split_once('@').unwrap_or((text, "0"));
    let (call, attempt) = text.split_once('#').unwrap();
    let [run, turn, id] = call.splitn(3, '/').collect::<Vec<_>>().try_into().unwrap();
    AttemptKey {
        run: RunId::new(uuid(run)),
        turn: Turn(turn.parse().unwrap()),
        id: ToolUseId::new(id).unwrap(),
        attempt: Attempt(attempt.parse().unwrap()),
        epoch: Epoch(epoch.parse().unwrap()),
    }
}

pub(crate) fn attempt_label(of: &AttemptKey) -> String {
    let run = label(of.run.uuid().as_bytes());
    let epoch = match of.epoch.0 {
        0 => String::new(),
        epoch => format!("@{epoch}"),
    };
    format!("{run}/{}/{}#{}{epoch}", of.turn.0, of.id, of.attempt.0)
}
