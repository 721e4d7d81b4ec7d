"""What a function gave back, as parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..proto.content import Completed, Document, Image, Json, Part, Resource, Text, UnknownPart
from .errors import CallFailed
from .schema import is_pydantic

_PARTS = (Text, Json, Image, Document, Resource, UnknownPart)


def to_completed(value: Any) -> Completed:
    """Makes an answer of what a function gave back: a text, parts, or anything that JSON can hold. ``None`` is an
    empty answer.

    :raises CallFailed: it is none of these.
    """
    return Completed(_parts(value))


def _parts(value: Any) -> Sequence[Part]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(str(value)),)
    if isinstance(value, _PARTS):
        return (value,)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, _PARTS) for one in value):
        return tuple(value)
    try:
        return (Json(_plain(value)),)
    except (TypeError, ValueError, RecursionError) as error:
        raise CallFailed(f"the tool's answer can't be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if is_pydantic(type(value)):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
