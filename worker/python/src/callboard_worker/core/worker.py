"""The machine: its four verbs."""

from __future__ import annotations

from ..proto.ids import InstanceId
from . import admission, endings, grants, inquiry
from .clock import Instant
from .config import Config, Identity, OfferedTool
from .counters import Counters
from .effects import Act, Start
from .held import Held
from .inputs import CallInput, CancelInput, Finished, GrantInput, Input, StatusInput
from .replies import flush
from .state import State


class Worker:
    """One instance: which attempts it holds, and what it says to whom. The first beat is ready at once."""

    def __init__(self, identity: Identity, config: Config, tools: list[OfferedTool], now: Instant) -> None:
        self._state = State(identity, config, tools, now)

    def handle_input(self, what: Input, now: Instant) -> None:
        """Takes one thing that happened at ``now``. A batch that names another instance is counted and dropped; the
        shell refuses it by :meth:`names_us`.
        """
        state = self._state
        state.now = now
        state.memory.expire(now, state.counters)
        if isinstance(what, CallInput):
            admission.on_call(state, what.reply, what.batch)
        elif isinstance(what, Finished):
            self._on_finished(what)
        elif isinstance(what, GrantInput):
            grants.on_grant(state, what.reply, what.batch)
        elif isinstance(what, StatusInput):
            inquiry.on_status(state, what.reply, what.batch)
        elif isinstance(what, CancelInput):
            inquiry.on_cancel(state, what.reply, what.batch)
        else:
            endings.on_drain(state, what.grace)
        if state.memory.is_filling():
            state.beats.advance(now)

    def handle_timeout(self, now: Instant) -> None:
        """Does what is due at ``now``. Calling it early or often is harmless."""
        state = self._state
        state.now = now
        state.memory.expire(now, state.counters)
        state.beats.handle_timeout(now)
        state.answers.expire(now)
        while (held := state.held.first_due(now)) is not None:
            state.on_due(held)
        state.counters.offers_expired += state.peers.expire_offers(now) + state.tool_slots.expire_offers(now)
        endings.drop_orphans(state)
        endings.end_grace(state)

    def poll_effect(self) -> Act | None:
        """Gives the next thing to do. Tools are entered first, so that the results of those that end at once leave
        with everything else that is ready; messages are built when nothing else is left.
        """
        state = self._state
        while state.ready:
            act = state.ready.popleft()
            if not state.is_void(act):
                return act
        start: Start | None = state.held.next_start(state.now)
        if start is not None:
            state.counters.started += 1
            return start
        flush(state)
        return state.ready.popleft() if state.ready else None

    def poll_timeout(self) -> Instant:
        """Gives the moment at which :meth:`handle_timeout` is wanted; there is always a next beat."""
        state = self._state
        soonest = state.beats.next
        for due in (
            state.answers.due(),
            state.held.next_due(),
            state.peers.offers_end,
            state.tool_slots.offers_end,
            state.peers.silence_at,
            state.grace_ends,
        ):
            if due is not None and due < soonest:
                soonest = due
        return soonest

    def set_tools(self, tools: list[OfferedTool]) -> None:
        """Replaces the tools on offer, before anything is held: this worker's tools don't change while it lives."""
        self._state.tool_slots.replace(tools)
        self._state.tools = {tool.name: tool for tool in tools}
        self._state.catalogue += 1
        self._state.beats.hasten()

    def set_batch_bytes_max(self, bytes_max: int) -> None:
        """Changes the most bytes that one message may have, for a link whose server takes less or more."""
        self._state.outbox.cut.bytes_max = bytes_max

    def names_us(self, instance: InstanceId | None) -> bool:
        """Tells whether a message is for this life: it names this instance, or none (P2)."""
        return self._state.names_us(instance)

    @property
    def identity(self) -> Identity:
        """Who the instance is."""
        return self._state.identity

    @property
    def slots_free(self) -> int:
        """Slots that no attempt holds, whether or not they are held out to somebody."""
        return self._state.peers.unheld

    @property
    def running(self) -> int:
        """Tools that were entered and haven't ended."""
        return self._state.held.running

    @property
    def remembered(self) -> int:
        """Attempts that are remembered: held, ended or refused."""
        return len(self._state.memory)

    @property
    def is_draining(self) -> bool:
        """Whether no more calls are taken."""
        return self._state.is_draining

    @property
    def is_drained(self) -> bool:
        """Whether ``Drained`` was given: nothing runs, and everything was said."""
        return self._state.is_drained

    @property
    def counters(self) -> Counters:
        """What happened how often."""
        return self._state.counters

    def _on_finished(self, finished: Finished) -> None:
        state = self._state
        held = state.memory.find(finished.of)
        if not isinstance(held, Held) or not held.is_running:
            state.counters.finished_unknown += 1
            return
        state.counters.finished += 1
        state.release(held, hears=True)
        state.conclude(held, finished.outcome, held.started - held.arrived, finished.executed)
