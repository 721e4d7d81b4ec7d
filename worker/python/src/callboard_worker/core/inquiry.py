"""``status`` and ``cancel``: what is held of an attempt, and the wish to end it (P15, P16)."""

from __future__ import annotations

from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import Batch, InquiryHead, InquiryItem, Unreadable
from ..proto.words import State as Word
from . import failure
from .answers import Answer
from .effects import StopReason
from .held import Held
from .memory import Kept, Known
from .peers import Peer
from .state import State


def on_status(state: State, reply: ReplyTo, batch: Batch[InquiryHead, InquiryItem]) -> None:
    """Answers what is held."""
    _on_inquiry(state, reply, batch, is_cancel=False)


def on_cancel(state: State, reply: ReplyTo, batch: Batch[InquiryHead, InquiryItem]) -> None:
    """Ends attempts, and answers what is held."""
    _on_inquiry(state, reply, batch, is_cancel=True)


def _on_inquiry(state: State, reply: ReplyTo, batch: Batch[InquiryHead, InquiryItem], *, is_cancel: bool) -> None:
    if not state.names_us(batch.head.instance):
        state.counters.other_instance += 1
        return
    peer = state.peers.heard(reply, state.now)
    answer = Answer(reply, state.now)
    answer.hasten()
    for index, item in enumerate(batch.items):
        if isinstance(item, Unreadable):
            # What can't be read isn't acted upon: the sender hears so and asks again.
            state.counters.unreadable += 1
            answer.unreadable(index, item.reason)
        elif is_cancel:
            _cancel(state, item, reply, peer, answer)
        else:
            _inquire(state, item, reply, peer, answer)
    state.answers.commit(answer)


def _inquire(state: State, item: InquiryItem, reply: ReplyTo, peer: Peer, answer: Answer) -> None:
    """Says what is known of an attempt, and gives its result if that is kept. Results go to the newest message that
    asked.
    """
    known = state.memory.find(item.of)
    if known is None:
        may_be_forgotten = state.memory.may_be_forgotten(item.seen)
        say_unknown(state, item.of, item.seen, may_be_forgotten, answer)
        return
    if isinstance(known, Held):
        state.adopt(known, reply, peer, None)
    say(state, known, item.of, reply, answer)


def _cancel(state: State, item: InquiryItem, reply: ReplyTo, peer: Peer, answer: Answer) -> None:
    known = state.memory.find(item.of)
    if isinstance(known, Held):
        if not known.is_running:
            state.counters.cancelled_unstarted += 1
            state.adopt(known, reply, peer, None)
            state.end_unstarted(known, failure.cancelled())
            answer.settled(item.of)
            return
        state.stop(known, StopReason.CANCELLED)
    _inquire(state, item, reply, peer, answer)


def say(state: State, known: Known, of: AttemptKey, reply: ReplyTo, answer: Answer) -> None:
    """Answers for an attempt that is known."""
    if isinstance(known, Held):
        answer.held(of)
    elif isinstance(known, Kept):
        state.outbox.push(reply, known.result)
        answer.settled(of)
    elif known.may_have_run is None:
        state.counters.not_held += 1
        answer.stated(of, Word.NOT_HELD)
    else:
        state.counters.forgotten += 1
        answer.stated(of, Word.FORGOTTEN)


def say_unknown(state: State, of: AttemptKey, seen: int | None, may_be_forgotten: bool, answer: Answer) -> None:
    """Answers for an attempt that isn't known: it never ran here and never will, unless it may be one whose result was
    forgotten. Such a one needs no entry: its call is behind the horizon, or may run again.
    """
    if may_be_forgotten:
        state.counters.forgotten += 1
        answer.stated(of, Word.FORGOTTEN)
    else:
        state.counters.not_held += 1
        state.memory.refuse(of, state.origin(seen), None, state.counters)
        answer.stated(of, Word.NOT_HELD)
