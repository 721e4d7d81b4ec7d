"""The pure core of a worker: admission by slots, grants, duplicate memory, kept results, beats, ``free``, age checks,
the orphan rule, cancel and drain (P2, P6, P7, P12, P13, P15 to P20).

:class:`Worker` is a machine with four verbs: ``handle_input``, ``handle_timeout``, ``poll_effect`` and
``poll_timeout``. It never reads a clock, never awaits and draws no randomness: a shell feeds it and performs its
effects. Instants are nanoseconds of any monotonic clock; the shell's own.

The order in which a shell calls them is part of the contract: feed every input that is ready, then ``handle_timeout``
if a timer is due, then poll effects until there are none. So results that finished together leave together, and a
worker that was stopped for a while reads what it was sent meanwhile before it calls anybody silent.
"""

from .config import Config, Identity, OfferedTool
from .counters import Counters
from .effects import Act, Drained, SendAck, SendBeat, SendFree, SendResult, Start, Stop, StopReason
from .inputs import CallInput, CancelInput, DrainInput, Finished, GrantInput, Input, StatusInput
from .worker import Worker

__all__ = [
    "Act",
    "CallInput",
    "CancelInput",
    "Config",
    "Counters",
    "DrainInput",
    "Drained",
    "Finished",
    "GrantInput",
    "Identity",
    "Input",
    "OfferedTool",
    "SendAck",
    "SendBeat",
    "SendFree",
    "SendResult",
    "Start",
    "StatusInput",
    "Stop",
    "StopReason",
    "Worker",
]
