"""A function's parameters as a schema, and arguments as what the function takes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, Optional

from .context import Context
from .errors import InvalidArguments, ToolDefinitionError
from .schema import Property, Schema, Shape, Undescribable, Unfit, hints_of, kind_of, object_shape, shape_of


class Signature:
    """How a function is entered."""

    def __init__(self, name: str, function: Callable[..., Any], schema: Schema | str | None) -> None:
        try:
            hints = hints_of(function)
            shape, self._context = _read(function, hints, is_described=schema is not None)
        except Undescribable as error:
            raise ToolDefinitionError(f"{name} can't be offered: {error}") from error
        self._read = shape.read
        if schema is None:
            schema = hoisted(shape.schema)
        self.input_schema = schema if isinstance(schema, str) else _compact(name, schema)

    def arguments(self, raw: bytes, context: Context) -> dict[str, Any]:
        """Reads the model's own JSON as what the function is called with.

        :raises InvalidArguments: it isn't what the function takes.
        """
        try:
            value = json.loads(raw)
        except ValueError as error:
            raise InvalidArguments(f"the arguments are no JSON: {error}") from None
        if type(value) is not dict:
            raise InvalidArguments(f"the arguments are {kind_of(value)}, and a tool takes a JSON object")
        try:
            found: dict[str, Any] = self._read(value, "")
        except Unfit as error:
            raise InvalidArguments(f"the arguments don't fit the tool's schema: {error}") from None
        if self._context is not None:
            found[self._context] = context
        return found


def _read(function: Callable[..., Any], hints: dict[str, Any], *, is_described: bool) -> tuple[Shape, str | None]:
    properties: dict[str, Property] = {}
    context: str | None = None
    is_open = False
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints.get(name, Any)
        if hint is Context:
            context = name
        elif parameter.kind is parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise Undescribable(f"its parameter {name} has no name in JSON; take it by keyword")
        elif name not in hints and not is_described:
            raise Undescribable(f"its parameter {name} has no type; write one, or Any")
        else:
            is_required = parameter.default is parameter.empty
            default = None if is_required else parameter.default
            if not is_required and default is None:
                # What Python 3.10 makes of it: the schema, and so the digest, must not depend on the version.
                hint = Optional[hint]  # noqa: UP045
            properties[name] = Property(shape_of(hint), is_required, default)
    return object_shape(properties, lambda found: found, is_open=is_open), context


def hoisted(schema: Schema) -> Schema:
    """Moves definitions to the schema's root, where references look for them."""
    definitions: dict[str, Any] = {}

    def walk(value: Any, is_root: bool) -> Any:
        if isinstance(value, list):
            return [walk(one, False) for one in value]
        if not isinstance(value, dict):
            return value
        inner = {name: walk(one, False) for name, one in value.items() if name != "$defs" or not _are_schemas(one)}
        for name, one in value.get("$defs", {}).items() if _are_schemas(value.get("$defs")) else ():
            one = walk(one, False)
            if definitions.setdefault(name, one) != one:
                raise Undescribable(f"two of its models are named {name}; rename one")
        return inner

    root: Schema = walk(schema, True)
    return {**root, "$defs": definitions} if definitions else root


def _are_schemas(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def _compact(name: str, schema: Schema) -> str:
    try:
        return json.dumps(schema, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ToolDefinitionError(f"the input schema of {name} is not JSON: {error}") from error
