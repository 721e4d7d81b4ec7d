"""The closed word lists. A word that isn't known reads as its list's safe word (P22)."""

from __future__ import annotations

from enum import Enum, unique
from typing import TypeVar


class Word(str, Enum):
    """A word of a closed list."""

    def __str__(self) -> str:
        return str(self.value)


W = TypeVar("W", bound=Word)


def read_word(words: type[W], text: str, safe: W) -> W:
    """Reads a word, or the safe one where it isn't known."""
    found = words._value2member_map_.get(text, safe)
    return found if isinstance(found, words) else safe


@unique
class Kind(Word):
    """What a message's body is."""

    CALL = "call"
    GRANT = "grant"
    CANCEL = "cancel"
    STATUS = "status"
    DESCRIBE = "describe"
    DRAIN = "drain"
    ACK = "ack"
    RESULT = "result"
    PROGRESS = "progress"
    FREE = "free"
    REFUSAL = "refusal"
    TOOLS = "tools"
    BEAT = "beat"
    ANNOUNCE = "announce"


@unique
class Effect(Word):
    """What executing a tool does to the world."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    WRITE = "write"

    @property
    def rank(self) -> int:
        """Orders the effects: the stronger of two words counts."""
        return _EFFECT_RANKS[self]

    def stronger(self, other: Effect) -> Effect:
        """Gives the stronger of two effects."""
        return self if self.rank >= other.rank else other


_EFFECT_RANKS = {Effect.READ: 0, Effect.IDEMPOTENT: 1, Effect.WRITE: 2}


@unique
class Executed(Word):
    """Whether an attempt entered its tool."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@unique
class Affinity(Word):
    """Whether all calls of a run go to one instance."""

    NONE = "none"
    RUN = "run"


@unique
class State(Word):
    """What an ``ack`` says of an attempt."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    BUSY = "busy"
    STALE = "stale"
    WRONG_DIGEST = "wrong_digest"
    DRAINING = "draining"
    NOT_HELD = "not_held"
    FORGOTTEN = "forgotten"
    UNKNOWN = "unknown"


@unique
class FailureKind(Word):
    """Why an attempt has no answer."""

    INVALID_ARGUMENTS = "invalid_arguments"
    UNKNOWN_TOOL = "unknown_tool"
    REFUSED = "refused"
    NO_WORKER = "no_worker"
    OVERLOADED = "overloaded"
    TIMED_OUT = "timed_out"
    WORKER_LOST = "worker_lost"
    POISON = "poison"
    CRASHED = "crashed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    OUTPUT_TOO_LARGE = "output_too_large"
    PROTOCOL_ERROR = "protocol_error"
    INTERNAL = "internal"


@unique
class RefusalCode(Word):
    """Why a whole message can't be acted on."""

    VERSION = "version"
    KIND = "kind"
    MALFORMED = "malformed"
    INSTANCE = "instance"
