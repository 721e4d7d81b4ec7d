//! Placing the calls that wait, and composing what goes to each worker: one message with all of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use callboard_proto::message::{CallHead, CallItem};
use callboard_proto::{Attempt as AttemptNumber, Budget, Token};

use super::Dispatcher;
use crate::effect::{Effect, EventKind};
use crate::ledger::{Attempt, AttemptRef, CallRef, Phase, Stand};
use crate::placement::{self, Wish};
use crate::registry::WorkerIndex;
use crate::sent::{Errand, Sent};
use crate::timers::Timer;
use crate::waiting::Lane;

/// Bytes that a call takes beyond its arguments and texts: names of fields, identity, digest
/// (measured on an encoded call: 199).
const CALL_BYTES: usize = 224;

/// Calls for one worker that are placed before its message leaves: a wide turn travels in several
/// messages, so that coordinator, server and worker work on it at the same time. Measured on two
/// cores (2026-11-22): chunks of 32 or 64 cost a tenth more time per call, 512 save none.
const CHUNK_CALLS: usize = 128;

/// What became of the call at the head of a lane.
enum Placed {
    On(WorkerIndex, CallRef),
    /// It is settled: its deadline can't be met any more.
    Never,
    Nowhere,
}

impl Dispatcher {
    /// Places what can be placed and turns what waits to be sent into messages: of a wide turn one
    /// chunk, the others follow when this one was polled.
    pub(super) fn post(&mut self) {
        // Calls that can't be helped any more are settled on the way, and that lets others in.
        while self.unplaced && self.link_is_up && self.effects.is_empty() {
            self.unplaced = false;
            let boxes = self.place_some();
            for (worker, calls) in boxes {
                self.post_calls(worker, &calls);
            }
        }
        while self.effects.is_empty() && !self.questions.is_empty() {
            self.post_question();
        }
        for (worker, grants) in std::mem::take(&mut self.grants) {
            self.post_grants(worker, grants);
        }
        for (worker, cancels) in std::mem::take(&mut self.cancels) {
            self.post_cancels(worker, cancels);
        }
    }

    /// Places calls until there are no more that can be, or one worker's chunk is full.
    fn place_some(&mut self) -> BTreeMap<WorkerIndex, Vec<CallRef>> {
        let mut boxes: BTreeMap<WorkerIndex, Vec<CallRef>> = BTreeMap::new();
        // The call that came first goes first; a lane that can't move is left alone this time.
        let mut heads: BinaryHeap<Reverse<(u64, Lane)>> =
            self.waiting.heads().map(Reverse).collect();
        while let Some(Reverse((_, lane))) = heads.pop() {
            // As long as no other lane has somebody who came before, this one goes on.
            let other = heads.peek().map_or(u64::MAX, |Reverse((order, _))| *order);
            while let Some((order, at)) = self.waiting.head(lane) {
                if order > other {
                    heads.push(Reverse((order, lane)));
                    break;
                }
                match self.place_head(lane, at) {
                    Placed::On(worker, call) => {
                        let chunk = boxes.entry(worker).or_default();
                        chunk.push(call);
                        if chunk.len() == CHUNK_CALLS {
                            self.unplaced = true;
                            return boxes;
                        }
                    }
                    Placed::Never => {}
                    Placed::Nowhere => break,
                }
            }
        }
        boxes
    }

    /// Places the call that is next in a lane.
    fn place_head(&mut self, lane: Lane, at: CallRef) -> Placed {
        let bound_to = lane
            .bound_to
            .and_then(|run| self.session(run, lane.digest))
            .map(|session| session.instance);
        let Some((run, call, posting)) = self.turns.get(at.turn).and_then(|turn| {
            let call = &turn.calls[at.index as usize];
            Some((turn.key.run, call, call.posting.as_ref()?))
        }) else {
            return Placed::Nowhere;
        };
        if call.is_past_help(self.now, self.reply_margin()) {
            // Its answer could not be back in time (P5).
            self.end_at_deadline(at);
            return Placed::Never;
        }
        let wish = Wish {
            digest: lane.digest,
            manifest: &posting.manifest,
            bound_to,
            struck: lane.struck,
            avoid: call.avoid,
            repeats: posting
                .key
                .is_some()
                .then(|| placement::repeated_call(run, &call.id)),
        };
        let Some(index) = placement::choose(&self.registry, wish, &mut self.rng, self.now) else {
            return Placed::Nowhere;
        };
        let Some(worker) = self.registry.worker_mut(index) else {
            return Placed::Nowhere;
        };
        if worker.available() == 0 {
            // A knock: it counts as one until it is answered.
            worker.was_busy(self.now);
        }
        worker.unanswered += 1;
        worker.in_flight += 1;
        worker.struck += u32::from(lane.struck);
        worker.health.placed(lane.digest);
        worker.shares.placed(lane.digest);
        let attempt = Attempt {
            number: AttemptNumber(0),
            worker: index,
            instance: worker.instance(),
            worker_name: worker.name.clone(),
            phase: Phase::Posted,
            struck: lane.struck,
            entered: false,
            unanswered: true,
            token: Token::new(uuid::Uuid::nil()),
            asked_under: None,
            grant: None,
            seen: worker.beat_seq,
            posted: self.now,
        };
        if let Some(run) = lane.bound_to {
            self.bind(run, index, false);
        }
        self.waiting.take_head(lane);
        let call = self.call_mut(at).expect("the call was looked at above");
        call.stand = Stand::InFlight;
        call.attempts += 1;
        // Most calls have one attempt at a time: no room is kept for more.
        call.live.reserve_exact(1);
        call.live.push(Attempt {
            number: AttemptNumber(call.attempts),
            ..attempt
        });
        Placed::On(index, at)
    }

    fn post_calls(&mut self, index: WorkerIndex, calls: &[CallRef]) {
        let Some(worker) = self.registry.worker(index) else {
            return;
        };
        let bytes_max = self.batch_bytes_max(worker.payload_bytes_max);
        let items_max = self.config.limits.batch_items_max;
        let mut rest = calls;
        while !rest.is_empty() {
            let mut bytes = 0;
            let mut count = 0;
            for at in rest {
                let (size, alone) = self.call_bytes(*at);
                if count > 0 && (alone || bytes + size > bytes_max || count == items_max) {
                    break;
                }
                bytes += size;
                count += 1;
                if alone {
                    break;
                }
            }
            let (message, others) = rest.split_at(count);
            rest = others;
            self.post_call_message(index, message);
        }
    }

    /// A call's size on the wire, about, and whether it travels alone (P8).
    fn call_bytes(&self, at: CallRef) -> (usize, bool) {
        let Some(call) = self.call(at) else {
            return (0, false);
        };
        let texts = call.posting.as_ref().map_or(0, |posting| {
            posting.arguments.len()
                + posting.tool.as_str().len()
                + posting.key.as_ref().map_or(0, String::len)
        });
        (
            CALL_BYTES + call.id.as_str().len() + texts,
            call.strikes > 0,
        )
    }

    pub(super) fn batch_bytes_max(&self, payload_bytes_max: usize) -> usize {
        self.config
            .limits
            .batch_bytes_max
            .min(callboard_proto::limit::batch_bytes_max(payload_bytes_max))
    }

    fn post_call_message(&mut self, index: WorkerIndex, calls: &[CallRef]) {
        let token = self.token();
        let margin = self.reply_margin();
        let now = self.now;
        let mut items = Vec::with_capacity(calls.len());
        let mut attempts = Vec::with_capacity(calls.len());
        for at in calls {
            let Some(turn) = self.turns.get_mut(at.turn) else {
                continue;
            };
            let call = &mut turn.calls[at.index as usize];
            let Some((attempt, posting)) = call.live.last_mut().zip(call.posting.as_ref()) else {
                continue;
            };
            attempt.token = token;
            let number = attempt.number;
            let own = posting
                .manifest
                .attempt_timeout_ms
                .map(Duration::from_millis);
            let left = call.deadline.saturating_duration_since(now);
            let budget = budget(left, own, margin);
            let posting = posting.as_ref();
            let item = CallItem {
                of: callboard_proto::AttemptKey {
                    run: turn.key.run,
                    turn: turn.key.turn,
                    id: call.id.clone(),
                    attempt: number,
                    epoch: turn.options.epoch,
                },
                tool: posting.tool.clone(),
                digest: Some(posting.digest),
                effect: posting.manifest.effect,
                budget_ms: budget,
                arguments: posting.arguments.clone(),
                key: posting.key.clone(),
                traceparent: turn.options.trace.map(|trace| {
                    let context = trace.of_attempt(turn.key.turn, &call.id, number);
                    context.to_string()
                }),
            };
            items.push(item);
            attempts.push(AttemptRef { call: *at, number });
        }
        let Some(worker) = self.registry.worker(index) else {
            return;
        };
        let due = now + worker.accept_timeout(&self.config.limits);
        let head = CallHead {
            coordinator: self.config.coordinator,
            instance: Some(worker.instance()),
            seen: worker.beat_seq,
            waiting: self.waiting_for(index),
        };
        let (to, name) = (worker.address.clone(), worker.name.clone());
        if let Some(worker) = self.registry.worker_mut(index) {
            worker.was_posted(token);
        }
        for attempt in &attempts {
            let (worker, instance) = (&name, to.instance);
            self.event(attempt.call, || EventKind::Posted {
                attempt: attempt.number,
                worker: worker.clone(),
                instance,
            });
        }
        self.counters.messages += 1;
        self.counters.attempts += attempts.len() as u64;
        self.timers.set(due, Timer::Answer(token));
        self.sent.insert(
            token,
            Sent {
                errand: Errand::Call,
                worker: index,
                at: now,
                unanswered: attempts.len(),
                attempts,
                next: 0,
                answer_due: Some(due),
                asked: false,
                lingers: false,
            },
        );
        self.effects.push_back(Effect::Call {
            to,
            token,
            head,
            items,
        });
    }

    /// Calls that wait and could go to this instance if it had the slots; those that follow in the
    /// next chunk, into slots that are free, don't wait.
    fn waiting_for(&self, index: WorkerIndex) -> u32 {
        let Some(worker) = self.registry.worker(index) else {
            return 0;
        };
        if self.waiting.len() == 0 {
            return 0;
        }
        let wait = |digest| {
            let waiting = u32::try_from(self.waiting.len_for(digest)).unwrap_or(u32::MAX);
            // For a tool that is full there, no slot of the instance is any help.
            let waiting = waiting.min(worker.shares.left(digest, self.now));
            if waiting == 0 || !self.unplaced {
                return waiting;
            }
            let pool = self.registry.pool(digest).iter();
            let workers = pool.filter_map(|index| self.registry.worker(*index));
            let free = workers.map(|worker| u64::from(worker.available())).sum();
            u32::try_from(u64::from(waiting).saturating_sub(free)).unwrap_or(u32::MAX)
        };
        let waiting = worker.digests.iter().map(|digest| wait(*digest));
        waiting.fold(0, u32::saturating_add)
    }

    /// What is kept of every budget for the way back (P12).
    pub(super) fn reply_margin(&self) -> Duration {
        self.config
            .limits
            .reply_margin_min
            .max(self.clock.round_trip() * 2)
    }
}

/// The budget of an attempt (P12): what is left and what the tool allows, less the way back; of very
/// little time half is kept for the way.
pub(super) fn budget(left: Duration, own: Option<Duration>, margin: Duration) -> Budget {
    let inside = left.saturating_sub(margin.min(left / 2));
    let budget = own.map_or(inside, |own| own.min(inside));
    Budget::new(budget.max(Duration::from_millis(1)))
}
