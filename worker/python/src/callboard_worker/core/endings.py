"""What ends attempts that nobody asked to end: a drain, a coordinator's silence (P20)."""

from __future__ import annotations

from ..proto.ids import AttemptKey, ReplyTo
from ..proto.words import Effect
from ..proto.words import State as Word
from . import failure
from .answers import Answer
from .clock import Duration
from .effects import Drained, StopReason
from .state import State


def on_drain(state: State, grace: Duration | None) -> None:
    """Begins a drain. A further one can shorten the grace, not lengthen it."""
    if grace is not None:
        ends = state.now + grace
        state.grace_ends = ends if state.grace_ends is None else min(state.grace_ends, ends)
    if not state.is_draining:
        state.is_draining = True
        state.peers.withdraw_all()
        state.tool_slots.withdraw_all()
        state.beats.hasten()
        _refuse_waiting(state)


def end_grace(state: State) -> None:
    """Stops what still runs when the grace is over."""
    if state.grace_ends is None or state.grace_ends > state.now:
        return
    state.grace_ends = None
    for held in state.held:
        if held.is_running:
            state.stop(held, StopReason.DRAINED)
        else:
            state.end_unstarted(held, failure.interrupted())


def is_idle_drained(state: State) -> bool:
    """Tells whether nothing runs any more; every answer then leaves without further wait."""
    return state.is_draining and len(state.held) == 0 and not state.is_drained


def tell_drained(state: State) -> None:
    """Says, after all else, that the process may go."""
    state.is_drained = True
    state.ready.append(Drained())


def _refuse_waiting(state: State) -> None:
    """Refuses the writes that have no grant, and says so: another worker can take them."""
    refused: list[tuple[ReplyTo, list[AttemptKey]]] = []
    for held in state.held:
        if not held.is_waiting:
            continue
        if refused and refused[-1][0] == held.reply:
            refused[-1][1].append(held.of)
        else:
            refused.append((held.reply, [held.of]))
        state.counters.draining += 1
        state.drop_unstarted(held)
    for reply, attempts in refused:
        answer = Answer(reply, state.now)
        for of in attempts:
            answer.stated(of, Word.DRAINING)
        state.answers.commit(answer)


def drop_orphans(state: State) -> None:
    """Drops what hasn't started and stops reads for coordinators that fell silent; a granted write runs on, and its
    result is kept for whoever asks.
    """
    silent = state.peers.fall_silent(state.now)
    if not silent:
        return
    for held in state.held:
        if held.peer.id not in silent:
            continue
        if held.is_waiting or (held.effect is not Effect.WRITE and not held.is_running):
            state.counters.orphans_dropped += 1
            state.drop_unstarted(held)
        elif held.effect is not Effect.WRITE:
            state.stop(held, StopReason.ORPHANED)
