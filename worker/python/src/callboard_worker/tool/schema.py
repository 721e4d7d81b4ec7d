"""Type hints as JSON Schema, and JSON as what the hints promise."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
Reader = Callable[[Any, str], Any]


class Unfit(ValueError):
    """A value that isn't what its hint asks for; the text names its place."""


class Undescribable(TypeError):
    """A hint that has no JSON Schema here."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a hint means for JSON: its schema, and how a value of it is read."""

    schema: Schema
    read: Reader

    def described(self, description: str) -> Shape:
        """The same with a description."""
        return Shape({**self.schema, "description": description}, self.read)


def shape_of(hint: Any, within: tuple[Any, ...] = ()) -> Shape:
    """Reads a hint.

    :raises Undescribable: it has no JSON Schema here.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(shape_of(arguments[0], within), arguments[1:])
    if origin is None and hint in _PLAIN:
        return _PLAIN[hint]
    if origin in (Union, types.UnionType):
        return _union([shape_of(argument, within) for argument in arguments])
    if origin is Literal:
        return _literal(arguments)
    if hint in (list, tuple, Sequence) or origin in (list, Sequence, frozenset, set):
        return _array(shape_of(arguments[0], within) if arguments else _ANY, origin or list)
    if origin is tuple:
        return _tuple(arguments, within)
    if hint in (dict, Mapping) or origin in (dict, Mapping):
        return _mapping(arguments, within)
    if isinstance(hint, type):
        if hint in within:
            raise Undescribable(f"{hint.__name__} holds itself; give the tool a `schema` and take a dict")
        return _class(hint, (*within, hint))
    raise Undescribable(f"{hint!r} has no JSON Schema; use plain types, dataclasses or TypedDicts, or give a `schema`")


def _class(hint: type, within: tuple[Any, ...]) -> Shape:
    if issubclass(hint, dict) and hasattr(hint, "__required_keys__"):
        return _typed_dict(hint, within)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, within)
    if issubclass(hint, enum.Enum):
        return _enum(hint)
    if is_pydantic(hint):
        return _pydantic(hint)
    raise Undescribable(
        f"{hint.__name__} has no JSON Schema; use plain types, dataclasses or TypedDicts, or give a `schema`"
    )


def _plain(name: str, what: str, accepts: Callable[[Any], bool], make: Callable[[Any], Any] | None = None) -> Shape:
    def read(value: Any, at: str) -> Any:
        if not accepts(value):
            raise Unfit(f"{at} is {kind_of(value)}, and must be {what}")
        return value if make is None else make(value)

    return Shape({"type": name}, read)


def _is_whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


_ANY = Shape({}, lambda value, _at: value)
_NULL = _plain("null", "null", lambda value: value is None)
_PLAIN: dict[Any, Shape] = {
    Any: _ANY,
    object: _ANY,
    str: _plain("string", "a text", lambda value: type(value) is str),
    int: _plain("integer", "a whole number", _is_whole, int),
    float: _plain("number", "a number", lambda value: type(value) in (int, float), float),
    bool: _plain("boolean", "true or false", lambda value: type(value) is bool),
    None: _NULL,
    type(None): _NULL,
}


def _annotated(shape: Shape, notes: Sequence[Any]) -> Shape:
    for note in notes:
        text = note if isinstance(note, str) else getattr(note, "description", None)
        if isinstance(text, str):
            return shape.described(text)
    return shape


def _union(shapes: Sequence[Shape]) -> Shape:
    def read(value: Any, at: str) -> Any:
        reasons = []
        for shape in shapes:
            try:
                return shape.read(value, at)
            except Unfit as error:
                reasons.append(str(error))
        raise Unfit("; or ".join(reasons))

    if any(not shape.schema for shape in shapes):
        return _ANY
    return Shape({"anyOf": [shape.schema for shape in shapes]}, read)


def _literal(values: Sequence[Any]) -> Shape:
    def read(value: Any, at: str) -> Any:
        for allowed in values:
            if value == allowed and type(value) is type(allowed):
                return allowed
        raise Unfit(f"{at} is {shown(value)}, and must be one of {', '.join(map(shown, values))}")

    kinds = {type(value) for value in values}
    schema: Schema = {"enum": list(values)}
    if kinds == {str}:
        schema = {"type": "string", **schema}
    return Shape(schema, read)


def _enum(hint: type[enum.Enum]) -> Shape:
    values = _literal([member.value for member in hint])
    return Shape(values.schema, lambda value, at: hint(values.read(value, at)))


def _array(element: Shape, origin: Any) -> Shape:
    is_set = origin in (set, frozenset)

    def read(value: Any, at: str) -> Any:
        if type(value) is not list:
            raise Unfit(f"{at} is {kind_of(value)}, and must be a list")
        found = [element.read(one, f"{at}[{index}]") for index, one in enumerate(value)]
        return origin(found) if is_set else found

    schema: Schema = {"type": "array"}
    if element.schema:
        schema["items"] = element.schema
    if is_set:
        schema["uniqueItems"] = True
    return Shape(schema, read)


def _tuple(arguments: Sequence[Any], within: tuple[Any, ...]) -> Shape:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        many = _array(shape_of(arguments[0], within), list)
        return Shape(many.schema, lambda value, at: tuple(many.read(value, at)))
    shapes = [shape_of(argument, within) for argument in arguments]

    def read(value: Any, at: str) -> Any:
        if type(value) is not list or len(value) != len(shapes):
            raise Unfit(f"{at} must be a list of {len(shapes)} elements")
        return tuple(
            shape.read(one, f"{at}[{index}]") for index, (shape, one) in enumerate(zip(shapes, value, strict=True))
        )

    count = len(shapes)
    prefix = [shape.schema for shape in shapes]
    return Shape({"type": "array", "prefixItems": prefix, "minItems": count, "maxItems": count}, read)


def _mapping(arguments: Sequence[Any], within: tuple[Any, ...]) -> Shape:
    if arguments and arguments[0] is not str:
        raise Undescribable("a JSON object's keys are texts; use dict[str, …]")
    element = shape_of(arguments[1], within) if arguments else _ANY

    def read(value: Any, at: str) -> Any:
        if type(value) is not dict:
            raise Unfit(f"{at} is {kind_of(value)}, and must be an object")
        return {name: element.read(one, f"{at}.{name}") for name, one in value.items()}

    schema: Schema = {"type": "object"}
    if element.schema:
        schema["additionalProperties"] = element.schema
    return Shape(schema, read)


@dataclasses.dataclass(frozen=True)
class Property:
    """One field of an object: its shape, whether it must be there, and its default for the schema."""

    shape: Shape
    is_required: bool
    default: Any = None


def object_shape(properties: Mapping[str, Property], make: Callable[[dict[str, Any]], Any], *, is_open: bool) -> Shape:
    """An object with these fields; an open one may have more."""

    def read(value: Any, at: str) -> Any:
        if type(value) is not dict:
            raise Unfit(f"{at} is {kind_of(value)}, and must be an object")
        prefix = f"{at}." if at else ""
        found = {}
        for name, one in value.items():
            known = properties.get(name)
            if known is not None:
                found[name] = known.shape.read(one, prefix + name)
            elif is_open:
                found[name] = one
            else:
                raise Unfit(f"{prefix}{name} is no field of it; {_names(properties)}")
        for name, known in properties.items():
            if known.is_required and name not in found:
                raise Unfit(f"{prefix}{name} is missing")
        return make(found)

    schema: Schema = {
        "type": "object",
        "properties": {name: _with_default(known) for name, known in properties.items()},
    }
    names = [name for name, known in properties.items() if known.is_required]
    if names:
        schema["required"] = names
    if not is_open:
        schema["additionalProperties"] = False
    return Shape(schema, read)


def _names(properties: Mapping[str, Property]) -> str:
    return f"there are {', '.join(properties)}" if properties else "it has none"


def _with_default(known: Property) -> Schema:
    if known.default is dataclasses.MISSING or known.default is None:
        return known.shape.schema
    try:
        json.dumps(known.default, allow_nan=False)
    except (TypeError, ValueError):
        return known.shape.schema
    return {**known.shape.schema, "default": known.default}


def hints_of(what: Any) -> dict[str, Any]:
    """The hints of a class or function, with those that are texts looked up.

    :raises Undescribable: one names nothing.
    """
    try:
        return get_type_hints(what, include_extras=True)
    except NameError as error:
        raise Undescribable(f"{error}; types of a tool must be importable from its module") from error


def _dataclass(hint: Any, within: tuple[Any, ...]) -> Shape:
    hints = hints_of(hint)
    properties = {}
    for field in dataclasses.fields(hint):
        if not field.init:
            continue
        has_default = field.default is not dataclasses.MISSING
        is_required = not has_default and field.default_factory is dataclasses.MISSING
        shape = shape_of(hints[field.name], within)
        if isinstance(field.metadata.get("description"), str):
            shape = shape.described(field.metadata["description"])
        properties[field.name] = Property(shape, is_required, field.default)
    return object_shape(properties, lambda found: hint(**found), is_open=False)


def _typed_dict(hint: Any, within: tuple[Any, ...]) -> Shape:
    properties = {}
    for name, element in hints_of(hint).items():
        # Required and NotRequired say what `__required_keys__` says too.
        while getattr(get_origin(element), "_name", None) in ("Required", "NotRequired", "ReadOnly"):
            element = get_args(element)[0]
        properties[name] = Property(shape_of(element, within), name in hint.__required_keys__)
    return object_shape(properties, lambda found: found, is_open=False)


def is_pydantic(hint: Any) -> bool:
    """Tells whether a class is a pydantic model, without asking for pydantic to be there."""
    module = sys.modules.get("pydantic")
    return module is not None and isinstance(hint, type) and issubclass(hint, module.BaseModel)


def _pydantic(hint: Any) -> Shape:
    from pydantic import ValidationError

    def read(value: Any, at: str) -> Any:
        try:
            return hint.model_validate(value)
        except ValidationError as error:
            reasons = [".".join(map(str, (at, *one["loc"]))) + f": {one['msg']}" for one in error.errors()]
            raise Unfit("; ".join(reasons)) from error

    return Shape(hint.model_json_schema(), read)


def kind_of(value: Any) -> str:
    """What a JSON value is, for people and models."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def shown(value: Any) -> str:
    """A JSON value, shortly."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 64 else text[:63] + "…"
