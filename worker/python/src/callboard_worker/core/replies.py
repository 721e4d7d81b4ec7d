"""What leaves, once everything that is ready was read: a beat, results, acks, and word of free slots."""

from __future__ import annotations

from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import AckItem, Beat, Free, Load, ReplyHead
from ..proto.words import State as Word
from .answers import Answer
from .effects import SendAck, SendBeat, SendFree, SendResult
from .endings import is_idle_drained, tell_drained
from .held import Held
from .memory import Kept
from .state import State


def flush(state: State) -> None:
    """Builds all messages that leave now. Their loads are counted in the order in which they leave, and what one
    message tells a coordinator about free slots needs no other.
    """
    is_done = is_idle_drained(state)
    if is_done:
        state.answers.hasten_all()
    state.offer()
    _flush_beat(state)
    _flush_results(state)
    while (answer := state.answers.take_queued()) is not None:
        _flush_ack(state, answer)
    _flush_frees(state)
    if is_done:
        tell_drained(state)


def _flush_beat(state: State) -> None:
    seq = state.beats.take(state.now)
    if seq is None:
        return
    state.memory.beat_left()
    state.counters.beats += 1
    identity = state.identity
    beat = Beat(
        instance=identity.instance,
        worker=identity.worker,
        pool=identity.pool,
        seq=seq,
        load=_load(state, state.peers.unoffered),
        draining=state.is_draining,
        catalogue=state.catalogue,
    )
    state.ready.append(SendBeat(beat))


def _flush_results(state: State) -> None:
    for group in state.outbox.take():
        state.counters.results += 1
        head = ReplyHead(state.identity.instance, _load_for(state, group.to))
        state.ready.append(SendResult(group.to, head, group.items))


def _flush_ack(state: State, answer: Answer) -> None:
    lines = [_ack_item(state, of, fixed, tool_full) for of, fixed, tool_full in answer.lines]
    for items, bad in state.outbox.cut.acks(lines, answer.bad):
        state.counters.acks += 1
        head = ReplyHead(state.identity.instance, _load_for(state, answer.reply), bad)
        state.ready.append(SendAck(answer.reply, head, items))


def _ack_item(state: State, of: AttemptKey, fixed: Word | None, tool_full: bool) -> AckItem:
    """Says what an attempt's state is at this moment. A write's grant window begins with the word that it waits
    (P17).
    """
    known = state.memory.find(of)
    if isinstance(known, Held):
        state.held.open_window(known, state.now + state.config.grant_window)
        word, grant = Word.WAITING if known.is_waiting else Word.RUNNING, known.grant
    elif isinstance(known, Kept):
        word, grant = Word.DONE, known.grant
    else:
        # Nothing is known only if it was dropped since, by a memory that is too small.
        is_refused = known is not None and known.may_have_run is None
        word, grant = Word.NOT_HELD if is_refused else Word.FORGOTTEN, None
    return AckItem(of, fixed or word, grant, tool_full)


def _flush_frees(state: State) -> None:
    untold = state.peers.take_untold()
    for coordinator in state.tool_slots.take_untold():
        # A load says nothing of a tool's own slots: no other message stands for this one.
        peer = state.peers.find(coordinator)
        if peer is not None and peer.reply not in untold:
            untold.append(peer.reply)
    for to in untold:
        state.counters.frees += 1
        free = Free(state.identity.instance, _load_for(state, to))
        state.ready.append(SendFree(to, free))


def _load_for(state: State, to: ReplyTo) -> Load:
    """The load as one coordinator may use it; it is told by this."""
    free = state.peers.free_for(to.coordinator)
    state.peers.told(to.coordinator)
    return _load(state, free)


def _load(state: State, free: int) -> Load:
    state.reports += 1
    return Load(state.reports, state.config.slots, 0 if state.is_draining else free)
