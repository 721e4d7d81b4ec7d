//! A worker on a bench: short names in, lines of text out, one line per effect with all that it says.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use callboard_proto::codec::{Batch, DecodeError, UnreadableItem};
use callboard_proto::message::{
    AckItem, CallHead, CallItem, CancelHead, CancelItem, GrantHead, GrantItem, Load, ReplyHead,
    ResultItem, StatusHead, StatusItem,
};
use callboard_proto::{
    Attempt, AttemptKey, Budget, CoordinatorId, Digest, Effect as ToolEffect, Epoch, GrantId,
    InstanceId, Outcome, RunId, Token, ToolName, ToolUseId, Turn,
};
use callboard_worker_core::{
    Config, Effect, Finished, Identity, Input, OfferedTool, ReplyTo, Worker,
};
use uuid::Uuid;

pub(crate) const INSTANCE: InstanceId = InstanceId::new(Uuid::from_u128(0xbeef));

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn digest(of: u8) -> Digest {
    Digest::new([of; 32])
}

/// `look` reads, `set` is idempotent, `pay` writes.
pub(crate) fn tools() -> Vec<OfferedTool> {
    [
        ("look", 1, ToolEffect::Read),
        ("set", 2, ToolEffect::Idempotent),
        ("pay", 3, ToolEffect::Write),
    ]
    .map(|(name, of, effect)| OfferedTool {
        name: ToolName::new(name).unwrap(),
        digest: digest(of),
        effect,
        slots: None,
    })
    .into()
}

/// The same, one of them with slots of its own.
pub(crate) fn with_slots(name: &str, slots: u32) -> Vec<OfferedTool> {
    let mut tools = tools();
    for tool in &mut tools {
        if tool.name.as_str() == name {
            tool.slots = NonZeroU32::new(slots);
        }
    }
    tools
}

pub(crate) fn identity() -> Identity {
    Identity {
        instance: INSTANCE,
        worker: "w".parse().unwrap(),
        pool: "p".parse().unwrap(),
    }
}

pub(crate) fn config(slots: u32) -> Config {
    Config {
        slots,
        ..Config::default()
    }
}

/// `A1`: coordinator A, token 1.
pub(crate) fn reply(name: &str) -> ReplyTo {
    let (coordinator, token) = name.split_at(1);
    ReplyTo {
        coordinator: CoordinatorId::new(Uuid::from_u128(u128::from(coordinator.as_bytes()[0]))),
        token: Token::new(Uuid::from_u128(token.parse().unwrap())),
    }
}

fn reply_name(to: ReplyTo) -> String {
    let letter = char::from(u8::try_from(to.coordinator.uuid().as_u128()).unwrap());
    format!("{letter}{}", to.token.uuid().as_u128())
}

/// `c`: attempt 1 of call c in turn 1. `c#2`: its attempt 2. `2/c`: in turn 2.
pub(crate) fn of(name: &str) -> AttemptKey {
    let (turn, rest) = name.split_once('/').unwrap_or(("1", name));
    let (id, attempt) = rest.split_once('#').unwrap_or((rest, "1"));
    AttemptKey {
        run: RunId::new(Uuid::from_u128(7)),
        turn: Turn(turn.parse().unwrap()),
        id: ToolUseId::new(id).unwrap(),
        attempt: Attempt(attempt.parse().unwrap()),
        epoch: Epoch(0),
    }
}

fn name(of: &AttemptKey) -> String {
    let turn = match of.turn {
        Turn(1) => String::new(),
        Turn(turn) => format!("{turn}/"),
    };
    let attempt = match of.attempt {
        Attempt(1) => String::new(),
        Attempt(attempt) => format!("#{attempt}"),
    };
    format!("{turn}{}{attempt}", of.id)
}

fn grant_id(of: u128) -> GrantId {
    GrantId::new(Uuid::from_u128(of))
}

pub(crate) fn call(tool: &str, name: &str) -> CallItem {
    CallItem {
        of: of(name),
        tool: ToolName::new(tool).unwrap(),
        digest: None,
        effect: ToolEffect::Read,
        budget_ms: Budget::new(ms(5_000)),
        arguments: "{}".into(),
        key: None,
        traceparent: None,
    }
}

pub(crate) fn look(name: &str) -> CallItem {
    call("look", name)
}

pub(crate) fn pay(name: &str) -> CallItem {
    call("pay", name)
}

pub(crate) fn within(mut item: CallItem, budget: u64) -> CallItem {
    item.budget_ms = Budget::new(ms(budget));
    item
}

pub(crate) fn unreadable<I>(of: Option<AttemptKey>) -> Result<I, UnreadableItem> {
    Err(UnreadableItem {
        of,
        error: DecodeError::Trailing,
    })
}

pub(crate) fn call_head(to: ReplyTo) -> CallHead {
    CallHead {
        coordinator: to.coordinator,
        instance: Some(INSTANCE),
        seen: None,
        waiting: 0,
    }
}

/// A worker whose first beat was polled.
pub(crate) struct Bench {
    pub(crate) worker: Worker,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    polled: Vec<String>,
}

impl Bench {
    pub(crate) fn new(slots: u32) -> Self {
        Self::with(config(slots))
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::offering(config, tools())
    }

    pub(crate) fn with_tool_slots(slots: u32, tool: &str, own: u32) -> Self {
        Self::offering(config(slots), with_slots(tool, own))
    }

    fn offering(config: Config, tools: Vec<OfferedTool>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a moment to count from")]
        let start = Instant::now();
        let mut bench = Self {
            worker: Worker::new(identity(), config, tools, start),
            start,
            now: start,
            polled: Vec::new(),
        };
        assert_eq!(bench.effects().len(), 1);
        bench
    }

    /// Goes on to a moment, in ms from the start, as a shell does: fires every timer on the way and
    /// polls its effects. At the moment itself timers fire, and nothing is polled yet.
    pub(crate) fn at(&mut self, at: u64) -> &mut Self {
        let then = self.start + ms(at);
        self.poll();
        while let Some(due) = self.worker.poll_timeout().filter(|due| *due < then) {
            self.worker.handle_timeout(due);
            self.poll();
            assert!(
                self.worker.poll_timeout().unwrap() > due,
                "a timer that never ends"
            );
        }
        self.now = then;
        self.worker.handle_timeout(then);
        self
    }

    /// Goes on to a moment without firing a timer, as a process does that was stopped.
    pub(crate) fn stopped_until(&mut self, at: u64) -> &mut Self {
        self.now = self.start + ms(at);
        self
    }

    pub(crate) fn input(&mut self, input: Input) -> &mut Self {
        self.worker.handle_input(input, self.now);
        self
    }

    pub(crate) fn post(
        &mut self,
        to: &str,
        change: impl FnOnce(&mut CallHead),
        items: Vec<Result<CallItem, UnreadableItem>>,
    ) -> &mut Self {
        let reply = reply(to);
        let mut head = call_head(reply);
        change(&mut head);
        self.input(Input::Call {
            reply,
            batch: Batch { head, items },
        })
    }

    pub(crate) fn call<const N: usize>(&mut self, to: &str, items: [CallItem; N]) -> &mut Self {
        self.post(to, |_| {}, items.into_iter().map(Ok).collect())
    }

    pub(crate) fn call_seen(&mut self, to: &str, seen: u64, item: CallItem) -> &mut Self {
        self.post(to, |head| head.seen = Some(seen), vec![Ok(item)])
    }

    pub(crate) fn call_waiting<const N: usize>(
        &mut self,
        to: &str,
        waiting: u32,
        items: [CallItem; N],
    ) -> &mut Self {
        self.post(
            to,
            |head| head.waiting = waiting,
            items.into_iter().map(Ok).collect(),
        )
    }

    pub(crate) fn grant(&mut self, to: &str, name: &str, grant: u128) -> &mut Self {
        self.grant_seen(to, name, grant, None, 5_000)
    }

    pub(crate) fn grant_seen(
        &mut self,
        to: &str,
        name: &str,
        grant: u128,
        seen: Option<u64>,
        budget: u64,
    ) -> &mut Self {
        let item = GrantItem {
            of: of(name),
            grant: grant_id(grant),
            budget_ms: Budget::new(ms(budget)),
        };
        self.grant_items(to, seen, vec![Ok(item)])
    }

    pub(crate) fn grant_items(
        &mut self,
        to: &str,
        seen: Option<u64>,
        items: Vec<Result<GrantItem, UnreadableItem>>,
    ) -> &mut Self {
        let reply = reply(to);
        let head = GrantHead {
            coordinator: reply.coordinator,
            instance: INSTANCE,
            seen,
        };
        self.input(Input::Grant {
            reply,
            batch: Batch { head, items },
        })
    }

    pub(crate) fn status<const N: usize>(&mut self, to: &str, names: [&str; N]) -> &mut Self {
        self.status_seen(to, Some(1), names)
    }

    pub(crate) fn status_seen<const N: usize>(
        &mut self,
        to: &str,
        seen: Option<u64>,
        names: [&str; N],
    ) -> &mut Self {
        let reply = reply(to);
        let head = StatusHead {
            coordinator: reply.coordinator,
            instance: INSTANCE,
        };
        let items = names
            .into_iter()
            .map(|name| Ok(StatusItem { of: of(name), seen }))
            .collect();
        self.input(Input::Status {
            reply,
            batch: Batch { head, items },
        })
    }

    pub(crate) fn cancel<const N: usize>(&mut self, to: &str, names: [&str; N]) -> &mut Self {
        let reply = reply(to);
        let head = CancelHead {
            coordinator: reply.coordinator,
            instance: INSTANCE,
        };
        let items = names
            .into_iter()
            .map(|name| {
                Ok(CancelItem {
                    of: of(name),
                    seen: Some(1),
                })
            })
            .collect();
        self.input(Input::Cancel {
            reply,
            batch: Batch { head, items },
        })
    }

    pub(crate) fn finish(&mut self, name: &str) -> &mut Self {
        self.finish_with(name, Outcome::text("ok"))
    }

    pub(crate) fn finish_with(&mut self, name: &str, outcome: Outcome) -> &mut Self {
        self.input(Input::Finished(Finished {
            of: of(name),
            place: None,
            outcome,
            executed: ms(3),
        }))
    }

    pub(crate) fn drain(&mut self, grace: u64) -> &mut Self {
        self.input(Input::Drain { grace: ms(grace) })
    }

    /// Polls all effects, and gives them and those that were polled on the way, as text.
    pub(crate) fn effects(&mut self) -> Vec<String> {
        self.poll();
        std::mem::take(&mut self.polled)
    }

    fn poll(&mut self) {
        while let Some(effect) = self.worker.poll_effect() {
            self.polled.push(text(&effect));
        }
    }

    /// Polls all effects and forgets them.
    pub(crate) fn skip(&mut self) -> &mut Self {
        self.effects();
        self
    }

    /// The next moment at which the worker wants to be called, in ms from the start.
    pub(crate) fn timeout(&self) -> u64 {
        let due = self.worker.poll_timeout().unwrap();
        u64::try_from(due.duration_since(self.start).as_millis()).unwrap()
    }
}

/// An effect in one line: everything that it says, but what is the same in all.
pub(crate) fn text(effect: &Effect) -> String {
    match effect {
        Effect::Start(start) => format!(
            "start {} {} {} within {}",
            start.tool,
            name(&start.of),
            start.effect,
            start.budget.as_millis()
        ),
        Effect::Stop { of, reason, .. } => format!("stop {} {reason:?}", name(of)),
        Effect::Ack { to, head, items } => format!(
            "ack {} {}: {}",
            reply_name(*to),
            head_text(head),
            list(items, ack_text)
        ),
        Effect::Result { to, head, items } => format!(
            "result {} {}: {}",
            reply_name(*to),
            head_text(head),
            list(&items.decode(), |item| result_text(item.as_ref().unwrap()))
        ),
        Effect::Free { to, free } => {
            assert_eq!(free.instance, INSTANCE);
            format!("free {} {}", reply_name(*to), load_text(free.load))
        }
        Effect::Beat(beat) => {
            assert_eq!(beat.instance, INSTANCE);
            format!(
                "beat {} {}{} catalogue {}",
                beat.seq,
                load_text(beat.load),
                if beat.draining { " draining" } else { "" },
                beat.catalogue
            )
        }
        Effect::Drained => "drained".to_owned(),
    }
}

fn list<I>(items: &[I], text: impl Fn(&I) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn load_text(load: Load) -> String {
    format!("#{} {}/{}", load.seq, load.free, load.slots)
}

fn head_text(head: &ReplyHead) -> String {
    assert_eq!(head.instance, INSTANCE);
    let bad = match &head.bad[..] {
        [] => String::new(),
        bad => format!(
            " bad {}",
            list(bad, |bad| format!("{} ({})", bad.index, bad.reason))
        ),
    };
    format!("{}{bad}", load_text(head.load))
}

fn ack_text(item: &AckItem) -> String {
    let grant = match item.grant {
        Some(grant) => format!(" by {}", grant.uuid().as_u128()),
        None => String::new(),
    };
    let full = if item.tool_full { " (tool full)" } else { "" };
    format!("{} {}{full}{grant}", name(&item.of), item.state)
}

fn result_text(item: &ResultItem) -> String {
    let outcome = match &item.outcome {
        Outcome::Completed(_) => "completed".to_owned(),
        Outcome::Failed(failure) => format!("{} {}", failure.kind, failure.executed),
    };
    format!(
        "{} {outcome} {}+{}",
        name(&item.of),
        item.queued.as_millis(),
        item.executed.as_millis()
    )
}
