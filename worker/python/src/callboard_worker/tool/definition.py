"""``@tool``: a function as a tool."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from ..proto.message import Manifest, ToolSpec
from ..proto.words import Affinity, Effect
from .errors import ToolDefinitionError
from .function import Signature
from .schema import Schema
from .spec import check, digest

P = ParamSpec("P")
R = TypeVar("R")

EffectWord = Literal["read", "idempotent", "write"]
AffinityWord = Literal["none", "run"]
Seconds = float | timedelta


class Tool(Generic[P, R]):
    """A function that a worker offers. Called as the function that it is made of, it is just that function."""

    def __init__(self, function: Callable[P, R], spec: ToolSpec, signature: Signature, slots: int | None) -> None:
        self.function = function
        self.spec = spec
        self.signature = signature
        self.digest = digest(spec)
        self.slots = slots
        """Most calls of it that this worker executes at once; none for as many as the worker has slots."""
        self.is_async = inspect.iscoroutinefunction(function)
        self.__name__ = spec.name
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.spec.name}, {self.spec.manifest.effect}, digest {self.digest.hex()[:12]}>"


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    schema: Schema | str | None = None,
    effect: EffectWord = "write",
    deadline: Seconds | None = None,
    attempt_timeout: Seconds | None = None,
    retry: int = 3,
    output_max: int | None = None,
    slots: int | None = None,
    affinity: AffinityWord = "none",
    require: Sequence[str] = (),
    prefer: Sequence[str] = (),
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    schema: Schema | str | None = None,
    effect: EffectWord = "write",
    deadline: Seconds | None = None,
    attempt_timeout: Seconds | None = None,
    retry: int = 3,
    output_max: int | None = None,
    slots: int | None = None,
    affinity: AffinityWord = "none",
    require: Sequence[str] = (),
    prefer: Sequence[str] = (),
) -> Any:
    """Makes a tool of a sync or async function.

    Its parameters' hints make the schema, its docstring the description, unless they are given. A sync function runs
    on a thread of its own, an async one on the event loop of the worker's tools; neither holds up beats and answers.

    :param effect: what a call does to the world. ``write``, the default, runs at most once, under a grant; ``read``
        (changes nothing) and ``idempotent`` (a repetition changes nothing more) may be tried again.
    :param deadline: seconds for a call with all its attempts.
    :param attempt_timeout: seconds for one attempt.
    :param retry: attempts in all, from 1, of what may be tried again.
    :param output_max: largest result in bytes, before it is cut to head and tail.
    :param slots: most calls of this tool that one worker executes at once.
    :param affinity: ``run`` sends all calls of a run to the instance that got the first.
    :param require: labels that a worker must carry.
    :param prefer: labels that a worker should carry, if one with a free slot does.
    :param schema: JSON Schema of the arguments, as a dict or as text; it stands as given.
    :raises ToolDefinitionError: the tool can't be offered.
    """

    def make(function: Callable[..., Any]) -> Tool[..., Any]:
        called = function.__name__ if name is None else name
        if slots is not None and slots < 1:
            raise ToolDefinitionError(f"{called} can't be offered: {slots} slots let no call run")
        signature = Signature(called, function, schema)
        manifest = Manifest(
            effect=_word(called, "effect", Effect, effect),
            deadline_ms=_milliseconds(deadline),
            attempt_timeout_ms=_milliseconds(attempt_timeout),
            attempts=retry,
            affinity=_word(called, "affinity", Affinity, affinity),
            require=tuple(require),
            prefer=tuple(prefer),
            output_bytes_max=output_max,
        )
        about = description if description is not None else (inspect.getdoc(function) or "")
        spec = ToolSpec(called, about, signature.input_schema, manifest)
        return Tool(function, check(spec), signature, slots)

    return make if function is None else make(function)


W = TypeVar("W", Effect, Affinity)


def _word(name: str, what: str, words: type[W], word: str) -> W:
    try:
        return words(word)
    except ValueError:
        allowed = ", ".join(repr(one.value) for one in words)
        raise ToolDefinitionError(
            f"{name} can't be offered: its {what} is {word!r}, and must be one of {allowed}"
        ) from None


def _milliseconds(time: Seconds | None) -> int | None:
    if time is None:
        return None
    return round((time.total_seconds() if isinstance(time, timedelta) else time) * 1000)


AnyTool = Tool[..., Any] | Tool[..., Awaitable[Any]]
