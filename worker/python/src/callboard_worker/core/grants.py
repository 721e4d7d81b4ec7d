"""Grants: the permission to execute a ``write`` once (P17)."""

from __future__ import annotations

from ..proto.ids import AttemptKey, GrantId, ReplyTo
from ..proto.message import Batch, GrantHead, GrantItem, Unreadable
from ..proto.words import State as Word
from . import failure
from .answers import Answer
from .clock import MS
from .held import Held
from .inquiry import say, say_unknown
from .memory import Kept, Known
from .peers import Peer
from .state import State


def on_grant(state: State, reply: ReplyTo, batch: Batch[GrantHead, GrantItem]) -> None:
    """Lets waiting writes run, once."""
    head = batch.head
    if not state.names_us(head.instance):
        state.counters.other_instance += 1
        return
    peer = state.peers.heard(reply, state.now)
    answer = Answer(reply, state.now + state.config.ack_within)
    for index, item in enumerate(batch.items):
        if isinstance(item, Unreadable):
            _on_unreadable(state, index, item, reply, peer, answer)
        else:
            _grant(state, item, head.seen, reply, peer, answer)
    state.answers.commit(answer)


def _grant(state: State, item: GrantItem, seen: int | None, reply: ReplyTo, peer: Peer, answer: Answer) -> None:
    known = _find_punctual(state, item.of)
    if isinstance(known, Held):
        if known.is_waiting:
            _grant_waiting(state, known, item, seen, reply, peer, answer)
            return
        if _repeats(state, known.grant, item.grant):
            state.adopt(known, reply, peer, answer)
        else:
            answer.hasten()
        answer.held(item.of)
    elif isinstance(known, Kept):
        if _repeats(state, known.grant, item.grant):
            say(state, known, item.of, reply, answer)
        else:
            answer.stated(item.of, Word.DONE)
    elif known is not None:
        say(state, known, item.of, reply, answer)
    else:
        say_unknown(state, item.of, seen, state.memory.may_have_run_granted(), answer)


def _grant_waiting(
    state: State,
    held: Held,
    item: GrantItem,
    seen: int | None,
    reply: ReplyTo,
    peer: Peer,
    answer: Answer,
) -> None:
    budget = item.budget_ms * MS
    if state.is_stale(seen, budget):
        state.counters.grants_stale += 1
        state.drop_unstarted(held)
        known = state.memory.find(item.of)
        assert known is not None, "what is dropped is refused for ever"
        say(state, known, item.of, reply, answer)
        return
    if budget == 0:
        state.counters.timed_out_unstarted += 1
        state.adopt(held, reply, peer, None)
        state.end_unstarted(held, failure.timed_out())
        answer.settled(item.of)
        return
    state.counters.grants += 1
    state.adopt(held, reply, peer, answer)
    state.held.grant(held, item.grant, budget, state.now)
    answer.held(item.of)


def _repeats(state: State, acted_on: GrantId | None, grant: GrantId) -> bool:
    """Tells whether a grant is the one that was acted on, and not another, which is ignored."""
    if acted_on == grant:
        state.counters.grants_repeated += 1
        return True
    state.counters.grants_ignored += 1
    return False


def _find_punctual(state: State, of: AttemptKey) -> Known | None:
    """Looks an attempt up after its own timer, if that is due: inputs are read before timers fire, and a grant must
    not win against a window that is over.
    """
    known = state.memory.find(of)
    if isinstance(known, Held) and known.is_waiting and known.due is not None and known.due <= state.now:
        state.on_due(known)
        return state.memory.find(of)
    return known


def _on_unreadable(state: State, index: int, item: Unreadable, reply: ReplyTo, peer: Peer, answer: Answer) -> None:
    """Ends the write whose grant can't be read."""
    state.counters.unreadable += 1
    if item.of is None:
        answer.unreadable(index, item.reason)
        return
    known = _find_punctual(state, item.of)
    if isinstance(known, Held) and known.is_waiting:
        state.adopt(known, reply, peer, None)
        state.end_unstarted(known, failure.unreadable(item.reason))
        answer.settled(item.of)
    elif known is not None:
        answer.hasten()
        say(state, known, item.of, reply, answer)
    else:
        say_unknown(state, item.of, None, state.memory.may_have_run_granted(), answer)
