//! Plays recorded words of workers against today's dispatcher, which posted none of what they answer.

use std::collections::BTreeSet;
use std::time::Instant;

use callboard_coordinator_core::{Config, Dispatcher, Effect, Input, Limits};
use callboard_proto::{CoordinatorId, Token, subject};
use callboard_tests::corpus::{Body, Direction, Message};

/// Plays to each recorded coordinator what it was told.
///
/// # Panics
/// When an answer to a call isn't counted as unknown, or makes the dispatcher post or report anything.
pub(crate) fn replay(messages: &[Message]) {
    let coordinators: BTreeSet<CoordinatorId> = messages
        .iter()
        .filter_map(|message| address(message).map(|(coordinator, _)| coordinator))
        .collect();
    assert!(
        coordinators.len() >= 3,
        "two coordinators and a foreign client"
    );
    for coordinator in coordinators {
        play(coordinator, messages);
    }
}

/// To whom a worker answers, and under which token.
fn address(message: &Message) -> Option<(CoordinatorId, Token)> {
    let is_answer = message.direction == Direction::FromWorker;
    subject::reply_parts(&message.tenant().filter(|_| is_answer)?, &message.subject)
}

fn play(coordinator: CoordinatorId, messages: &[Message]) {
    let config = Config {
        coordinator,
        seed: [7; 32],
        events: true,
        limits: Limits::default(),
    };
    let began = Instant::now();
    let mut core = Dispatcher::new(config, began);
    let (mut answers, mut frees) = (0, 0);
    for message in messages {
        let now = began + message.at();
        while let Some(due) = core.poll_timeout().filter(|due| *due <= now) {
            core.handle_timeout(due);
            perform(&mut core, due);
        }
        let token = match address(message) {
            Some((to, token)) if to == coordinator => Some(token),
            Some(_) | None => None,
        };
        let Some(body) = message.decoded() else {
            continue;
        };
        let input = match (body, token) {
            (Body::Beat(beat), _) => Input::Beat(beat),
            (Body::Announce(announce), Some(_)) => Input::Announce(*announce),
            (Body::Ack(batch), Some(token)) => {
                answers += batch.items.len() + batch.head.bad.len();
                Input::Ack { token, batch }
            }
            (Body::Result(batch), Some(token)) => {
                answers += batch.items.len();
                Input::Result { token, batch }
            }
            (Body::Progress(batch), Some(token)) => Input::Progress { token, batch },
            (Body::Free(free), Some(token)) => {
                frees += 1;
                Input::Free { token, free }
            }
            (Body::Refusal(refusal), Some(token)) => Input::Refusal { token, refusal },
            _ => continue,
        };
        core.handle_input(input, now);
        perform(&mut core, now);
    }
    let counters = core.counters();
    assert_eq!(
        counters.replies_unknown,
        answers as u64 + frees,
        "{counters:?}"
    );
    assert_eq!(counters.free, 0, "{counters:?}");
    assert_eq!(core.open_turns(), 0);
}

fn perform(core: &mut Dispatcher, now: Instant) {
    while let Some(effect) = core.poll_effect() {
        match effect {
            Effect::Echo { seq } => core.handle_input(Input::Echo { seq }, now),
            // What runs or waits and belongs to nobody is ended; of whom nothing is known, it is asked.
            Effect::Cancel { .. } | Effect::Describe { .. } => {}
            Effect::Call { .. }
            | Effect::Grant { .. }
            | Effect::Status { .. }
            | Effect::Report(_)
            | Effect::Event(_) => panic!("nothing was asked for: {effect:?}"),
        }
    }
}
