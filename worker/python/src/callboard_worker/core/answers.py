"""The messages that wait for their answer: each is answered as a whole (P7), by results or an ack."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..proto.codec import shortened
from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import BadItem
from ..proto.words import State
from .clock import Instant


class Answer:
    """The answer to one message. It counts once :meth:`Answers.commit` took it."""

    __slots__ = ("bad", "due", "is_closed", "is_queued", "is_urgent", "lines", "reply", "unsent")

    def __init__(self, reply: ReplyTo, due: Instant) -> None:
        self.reply = reply
        self.due = due
        self.lines: list[tuple[AttemptKey, State | None, bool]] = []
        """Each attempt with the state to report, none for whatever it is when the ack leaves; and whether it was
        refused for want of a slot of its tool.
        """
        self.bad: list[BadItem] = []
        self.unsent = 0
        self.is_urgent = False
        self.is_queued = False
        self.is_closed = False

    def held(self, of: AttemptKey) -> None:
        """Names an attempt whose result, when it leaves, helps to replace the ack."""
        self.unsent += 1
        self.lines.append((of, None, False))

    def settled(self, of: AttemptKey) -> None:
        """Names an attempt whose result leaves with this answer."""
        self.lines.append((of, State.DONE, False))

    def stated(self, of: AttemptKey, state: State, *, tool_full: bool = False) -> None:
        """Names an attempt whose state the coordinator must act on: the ack leaves at once."""
        self.is_urgent = True
        self.lines.append((of, state, tool_full))

    def unreadable(self, index: int, reason: str) -> None:
        """Names an item that can't be read at all: the ack leaves at once."""
        self.is_urgent = True
        self.bad.append(BadItem(index, shortened(reason)))

    def hasten(self) -> None:
        """Lets the ack leave at once, whatever results leave."""
        self.is_urgent = True


class Answers:
    """The answers that haven't left, in the order of their messages."""

    def __init__(self) -> None:
        self._open: deque[Answer] = deque()
        self._queued: deque[Answer] = deque()

    def commit(self, answer: Answer) -> None:
        """Takes an answer. Where all results leave already there is nothing to wait for; a message without items has
        an ack without items.
        """
        if answer.unsent == 0 and not answer.is_urgent and answer.lines:
            answer.is_closed = True
            return
        if not answer.lines:
            answer.is_urgent = True
        if answer.is_urgent:
            answer.is_queued = True
            self._queued.append(answer)
        self._open.append(answer)

    def sent(self, answer: Answer) -> None:
        """Notes that one result of an answer leaves."""
        if answer.is_closed:
            return
        answer.unsent -= 1
        if answer.unsent == 0 and not answer.is_urgent:
            answer.is_closed = True
            self._trim()

    def due(self) -> Instant | None:
        """When the next ack leaves."""
        return self._open[0].due if self._open else None

    def expire(self, now: Instant) -> None:
        """Lets the acks leave that are due."""
        self._hasten(lambda answer: answer.due <= now)

    def hasten_all(self) -> None:
        """Lets all acks leave."""
        self._hasten(lambda _answer: True)

    def take_queued(self) -> Answer | None:
        """Takes the next answer whose ack leaves now."""
        while self._queued:
            answer = self._queued.popleft()
            if not answer.is_closed:
                answer.is_closed = True
                self._trim()
                return answer
        return None

    def _hasten(self, is_due: Callable[[Answer], bool]) -> None:
        for answer in self._open:
            if not is_due(answer):
                break
            if not answer.is_closed and not answer.is_queued:
                answer.is_queued = True
                self._queued.append(answer)

    def _trim(self) -> None:
        while self._open and self._open[0].is_closed:
            self._open.popleft()
