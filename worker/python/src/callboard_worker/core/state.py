"""The tables of an instance, and how attempts leave it."""

from __future__ import annotations

from collections import deque

from ..proto import codec, schema
from ..proto.content import Completed, Outcome
from ..proto.ids import InstanceId, ReplyTo
from ..proto.message import ResultItem
from ..proto.words import Executed
from . import failure
from .answers import Answer, Answers
from .beats import Beats
from .clock import US, Duration, Instant
from .config import Config, Identity, OfferedTool
from .counters import Counters
from .effects import Act, Stop, StopReason
from .held import Held, HeldTable
from .memory import Memory, Origin
from .offers import Peers
from .outbox import Outbox
from .peers import Peer
from .tool_slots import ToolSlots


class State:
    """Which attempts an instance holds, and what it must say to whom. The rules work on it."""

    def __init__(self, identity: Identity, config: Config, tools: list[OfferedTool], now: Instant) -> None:
        self.identity = identity
        self.config = config
        self.tools = {tool.name: tool for tool in tools}
        self.catalogue = 1
        """Counts the changes of what is on offer."""
        self.held = HeldTable()
        self.memory = Memory(config)
        self.peers = Peers(config)
        self.tool_slots = ToolSlots(config, tools)
        self.answers = Answers()
        self.outbox = Outbox(config)
        self.beats = Beats(config.beat_interval, now)
        self.counters = Counters()
        self.reports = 0
        """Numbers the loads that the instance reports."""
        self.ready: deque[Act] = deque()
        """Effects that only wait to be polled."""
        self.now = now
        """The latest moment that anybody told."""
        self.is_draining = False
        self.grace_ends: Instant | None = None
        """When what still runs is stopped; none before a drain, after that moment, and where the grace has no end."""
        self.is_drained = False
        """Whether the shell was told that the process may go."""

    def names_us(self, instance: InstanceId | None) -> bool:
        """Tells whether a message is for this life: it names this instance, or none (P2)."""
        return instance is None or instance == self.identity.instance

    def origin(self, seen: int | None) -> Origin:
        """The bound on the beats that a copy of a message can name that arrives now."""
        return Origin(self.beats.last, seen is None)

    def is_stale(self, seen: int | None, budget: Duration) -> bool:
        """Tells whether a message is too old for its budget (P13). Before the first beat is seen it names none."""
        return seen is not None and self.beats.is_stale(seen, budget, self.now)

    def offer(self) -> None:
        """Holds freed slots out to those who wait for them (P6)."""
        of_tools = self.tool_slots.distribute(self.now, lambda id: self.peers.find(id) is None)
        self.counters.offers += self.peers.distribute(self.now) + of_tools

    def on_due(self, held: Held) -> None:
        """Handles a timer of an attempt: its budget, or the window for its grant."""
        if held.is_running:
            self.stop(held, StopReason.TIMED_OUT)
        elif held.is_waiting and held.deadline > self.now:
            self.counters.grants_void += 1
            self.drop_unstarted(held)
        else:
            self.counters.timed_out_unstarted += 1
            self.end_unstarted(held, failure.timed_out())

    def stop(self, held: Held, reason: StopReason) -> None:
        """Tells a running tool to end, once."""
        self.held.disarm(held)
        if held.is_stopping:
            return
        held.is_stopping = True
        if reason is StopReason.TIMED_OUT:
            self.counters.timed_out += 1
        elif reason is StopReason.CANCELLED:
            self.counters.cancelled += 1
        elif reason is StopReason.ORPHANED:
            self.counters.orphans_stopped += 1
        else:
            self.counters.drained += 1
        self.ready.append(Stop(held.of, reason))

    def is_void(self, act: Act) -> bool:
        """Tells whether an effect lost its sense while it waited: a tool that ended needs no stop."""
        if not isinstance(act, Stop):
            return False
        known = self.memory.find(act.of)
        return not (isinstance(known, Held) and known.is_stopping)

    def end_unstarted(self, held: Held, outcome: Outcome) -> None:
        """Ends an attempt that never entered its tool, with a result."""
        self.release(held, hears=True)
        self.conclude(held, outcome, self.now - held.arrived, 0)

    def drop_unstarted(self, held: Held) -> None:
        """Refuses, for ever and without a word, an attempt that never entered its tool."""
        self.release(held, hears=False)
        effect = held.effect if held.may_have_run else None
        self.memory.refuse(held.of, held.origin, effect, self.counters)

    def adopt(self, held: Held, reply: ReplyTo, peer: Peer, answer: Answer | None) -> None:
        """Lets the result of a held attempt go to a newer message, of this coordinator or another."""
        held.reply = reply
        held.answer = answer
        before, held.peer = held.peer, peer
        if before is not peer:
            self.peers.move_slot(before, peer)

    def release(self, held: Held, *, hears: bool) -> None:
        """Takes away what an attempt held; whether its coordinator ``hears`` so by a result."""
        self.held.remove(held)
        self.peers.release(held.peer)
        if held.own_slot is not None:
            self.tool_slots.release(held.own_slot, held.reply.coordinator if hears else None, self.now)

    def conclude(self, held: Held, outcome: Outcome, queued: Duration, executed: Duration) -> None:
        """Sends and keeps the result of an attempt that was released."""
        if held.may_have_run:
            outcome = failure.in_doubt(outcome)
        result = written(ResultItem(held.of, outcome, max(0, queued) // US, max(0, executed) // US))
        if held.answer is not None:
            self.answers.sent(held.answer)
        self.outbox.push(held.reply, result)
        self.memory.keep(
            held.of,
            result,
            executed_of(outcome),
            held.fingerprint,
            held.effect,
            held.grant,
            held.origin,
            self.now,
            self.counters,
        )


def written(result: ResultItem) -> bytes:
    """Encodes a result, once for all who will ask for it."""
    return codec.encode(schema.RESULT_ITEM, result)


def executed_of(outcome: Outcome) -> Executed:
    """What a result says of its attempt."""
    return Executed.YES if isinstance(outcome, Completed) else outcome.executed
