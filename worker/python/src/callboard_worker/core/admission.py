"""Calls: which are taken, and why the others aren't."""

from __future__ import annotations

from dataclasses import dataclass

from ..proto.content import Outcome
from ..proto.ids import AttemptKey, ReplyTo
from ..proto.limit import U32_MAX
from ..proto.message import Batch, CallHead, CallItem, ResultItem, Unreadable
from ..proto.words import Effect
from ..proto.words import State as Word
from . import failure
from .answers import Answer
from .clock import MS
from .held import Held, Pending, Stage
from .inquiry import say, say_unknown
from .memory import Kept, Known
from .peers import Peer
from .state import State, executed_of, written
from .tool_slots import OwnSlots


@dataclass(slots=True)
class _Arrival:
    """What the calls of a message share."""

    reply: ReplyTo
    peer: Peer
    seen: int | None
    answer: Answer


def on_call(state: State, reply: ReplyTo, batch: Batch[CallHead, CallItem]) -> None:
    """Takes calls, repeats what is known of them, or refuses them."""
    head = batch.head
    if not state.names_us(head.instance):
        state.counters.other_instance += 1
        return
    peer = state.peers.heard(reply, state.now)
    # Slots that freed just now belong to those who wait for them, not to who comes first.
    state.offer()
    answer = Answer(reply, state.now + state.config.ack_within)
    arrival = _Arrival(reply, peer, head.seen, answer)
    busy_before = state.counters.busy
    for index, item in enumerate(batch.items):
        if isinstance(item, Unreadable):
            _on_unreadable(state, index, item, arrival)
        else:
            _admit(state, item, arrival)
    if not state.is_draining:
        demand = min(head.waiting + state.counters.busy - busy_before, U32_MAX)
        state.peers.set_demand(peer, demand, reply, state.now)
    state.answers.commit(answer)


def _admit(state: State, item: CallItem, arrival: _Arrival) -> None:
    fingerprint = hash((item.tool, item.arguments))
    known = state.memory.find(item.of)
    if known is not None:
        _repeat(state, known, item.of, fingerprint, arrival)
        return
    counters, memory, seen = state.counters, state.memory, arrival.seen
    tool = state.tools.get(item.tool)
    if tool is not None and item.digest is not None and item.digest != tool.digest:
        tool = None
    own_slot = state.tool_slots.find(tool) if tool is not None else None
    tool_full = False
    effect = item.effect if tool is None else tool.effect.stronger(item.effect)
    may_have_run = memory.may_have_run(seen, effect)
    if memory.must_not_run(seen, effect):
        # Not remembered: the horizon refuses it for ever, and a flood can't push out the rest.
        counters.stale += 1
        arrival.answer.stated(item.of, _refusal_word(Word.STALE, may_have_run))
        return
    if state.is_stale(seen, item.budget_ms * MS):
        counters.stale += 1
        refusal = Word.STALE
    elif state.is_draining:
        counters.draining += 1
        refusal = Word.DRAINING
    elif tool is None:
        counters.wrong_digest += 1
        refusal = Word.WRONG_DIGEST
    elif item.budget_ms == 0 and not may_have_run:
        counters.timed_out_unstarted += 1
        _fail(state, item.of, failure.timed_out(), fingerprint, arrival)
        return
    elif own_slot is not None and not own_slot.may_take(arrival.reply.coordinator):
        counters.tool_busy += 1
        tool_full = True
        refusal = Word.BUSY
    elif not state.peers.take(arrival.peer):
        counters.busy += 1
        refusal = Word.BUSY
    else:
        if own_slot is not None:
            own_slot.take(arrival.reply.coordinator)
        _hold(state, item, effect, own_slot, fingerprint, may_have_run, arrival)
        return
    memory.refuse(item.of, state.origin(seen), effect if may_have_run else None, counters)
    word = _refusal_word(refusal, may_have_run)
    arrival.answer.stated(item.of, word, tool_full=tool_full and word is Word.BUSY)


def _hold(
    state: State,
    item: CallItem,
    effect: Effect,
    own_slot: OwnSlots | None,
    fingerprint: int,
    may_have_run: bool,
    arrival: _Arrival,
) -> None:
    budget = item.budget_ms * MS
    held = Held(
        of=item.of,
        effect=effect,
        fingerprint=fingerprint,
        origin=state.origin(arrival.seen),
        peer=arrival.peer,
        reply=arrival.reply,
        answer=arrival.answer,
        pending=Pending(item.tool, item.arguments, item.key, item.traceparent, budget),
        arrived=state.now,
        started=state.now,
        deadline=state.now + budget,
        stage=Stage.WAITING if effect is Effect.WRITE else Stage.QUEUED,
        own_slot=own_slot,
        may_have_run=may_have_run,
    )
    if held.is_waiting:
        arrival.answer.hasten()
    state.held.insert(held)
    state.memory.hold(held)
    arrival.answer.held(item.of)


def _repeat(state: State, known: Known, of: AttemptKey, fingerprint: int, arrival: _Arrival) -> None:
    """Answers a call that arrived again: it never runs again."""
    state.counters.duplicates += 1
    first = known.fingerprint if isinstance(known, (Held, Kept)) else None
    if first is not None and first != fingerprint:
        state.counters.conflicting += 1
        state.outbox.push(arrival.reply, written(ResultItem(of, failure.other_arguments())))
        arrival.answer.settled(of)
        return
    if isinstance(known, Held):
        state.adopt(known, arrival.reply, arrival.peer, arrival.answer)
        if known.is_waiting:
            arrival.answer.hasten()
    say(state, known, of, arrival.reply, arrival.answer)


def _on_unreadable(state: State, index: int, item: Unreadable, arrival: _Arrival) -> None:
    """Fails a call that can't be read, unless the attempt is known: then that stands."""
    state.counters.unreadable += 1
    if item.of is None:
        arrival.answer.unreadable(index, item.reason)
        return
    known = state.memory.find(item.of)
    if known is not None:
        arrival.answer.hasten()
        say(state, known, item.of, arrival.reply, arrival.answer)
    elif state.memory.may_be_forgotten(arrival.seen):
        say_unknown(state, item.of, arrival.seen, True, arrival.answer)
    else:
        _fail(state, item.of, failure.unreadable(item.reason), None, arrival)


def _fail(state: State, of: AttemptKey, outcome: Outcome, fingerprint: int | None, arrival: _Arrival) -> None:
    """Ends an attempt that never held a slot, and remembers it so that no copy can run."""
    result = written(ResultItem(of, outcome))
    state.outbox.push(arrival.reply, result)
    origin, executed = state.origin(arrival.seen), executed_of(outcome)
    state.memory.keep(of, result, executed, fingerprint, Effect.WRITE, None, origin, state.now, state.counters)
    arrival.answer.settled(of)


def _refusal_word(refusal: Word, may_have_run: bool) -> Word:
    """The word for a refusal: a binding one only where it is sure that no earlier copy ran."""
    return Word.FORGOTTEN if may_have_run else refusal
