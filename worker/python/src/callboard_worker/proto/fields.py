"""How a struct stands in MessagePack: its fields in order, each with its type and what may be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .ids import AttemptKey, CoordinatorId, Digest, GrantId, InstanceId, RunId
from .limit import BUDGET_MAX, KEY_BYTES_MAX, TOOL_USE_ID_BYTES_MAX, U32_MAX, U64_MAX
from .names import bytes_of, check_label, check_token, check_tool_name, has_control
from .words import Word, read_word

T = TypeVar("T")
W = TypeVar("W", bound=Word)


class Malformed(ValueError):
    """A value that isn't what its field asks for."""


class Map(list[tuple[object, object]]):
    """A MessagePack map as its pairs: nothing is hashed, and a field that stands twice is seen."""


class Form(Generic[T]):
    """How values of one type stand on the wire."""

    def __init__(self, read: Callable[[Any], T], write: Callable[[Any], object]) -> None:
        self.read = read
        self.write = write


def _same(value: Any) -> object:
    return value


def number(most: int) -> Form[int]:
    """A non-negative integer."""

    def read(value: object) -> int:
        # A bool is an int to Python, and none on the wire.
        if type(value) is not int or not 0 <= value <= most:
            raise Malformed(f"{_shown(value)} is no number from 0 to {most}")
        return value

    return Form(read, _same)


def capped(most: int) -> Form[int]:
    """A non-negative integer; more than ``most`` reads as that."""

    def read(value: object) -> int:
        return min(U64.read(value), most)

    return Form(read, _same)


def _read_text(value: object) -> str:
    if type(value) is not str:
        raise Malformed(f"{_shown(value)} is no text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("a text isn't UTF-8") from None
    return value


def _read_bytes(value: object) -> bytes:
    if type(value) is not bytes:
        raise Malformed(f"{_shown(value)} is no binary")
    return value


def _read_bool(value: object) -> bool:
    if type(value) is not bool:
        raise Malformed(f"{_shown(value)} is no truth value")
    return value


def exactly(count: int, what: str, make: Callable[[bytes], T]) -> Form[T]:
    """A binary of so many bytes."""

    def read(value: object) -> T:
        if len(_read_bytes(value)) != count:
            raise Malformed(f"{what} has {count} bytes")
        return make(_read_bytes(value))

    return Form(read, _same)


def checked(check: Callable[[str], str]) -> Form[str]:
    """A text that has rules of its own."""
    return Form(lambda value: check(_read_text(value)), _same)


def _check_key(key: str) -> str:
    if bytes_of(key) > KEY_BYTES_MAX:
        raise Malformed(f"the key has more than the {KEY_BYTES_MAX} bytes that are allowed")
    return key


def _check_id(text: str) -> str:
    if not text:
        raise Malformed("the id is empty")
    if bytes_of(text) > TOOL_USE_ID_BYTES_MAX:
        raise Malformed(f"the id has more than the {TOOL_USE_ID_BYTES_MAX} bytes that are allowed")
    if has_control(text):
        raise Malformed("the id holds a control character")
    return text


def word(words: type[W], safe: W) -> Form[W]:
    """A word of a closed list."""
    return Form(lambda value: read_word(words, _read_text(value), safe), _same)


def listed(form: Form[T]) -> Form[Sequence[T]]:
    """An array."""

    def read(value: object) -> Sequence[T]:
        if type(value) is not tuple:
            raise Malformed(f"{_shown(value)} is no array")
        return tuple(form.read(element) for element in value)

    return Form(read, lambda value: [form.write(element) for element in value])


class FieldOf:
    """One field: its name on the wire, its attribute, its form, and whether and when it may be left out."""

    def __init__(
        self,
        name: str,
        form: Form[Any],
        *,
        attribute: str | None = None,
        optional: bool = False,
        skips: Callable[[Any], bool] | None = None,
    ) -> None:
        self.name = name
        self.attribute = attribute or name
        self.form = form
        self.optional = optional
        self.skips = skips


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: Any) -> bool:
    return not value


def required(name: str, form: Form[Any], attribute: str | None = None) -> FieldOf:
    """A field that always stands."""
    return FieldOf(name, form, attribute=attribute)


def maybe(name: str, form: Form[Any]) -> FieldOf:
    """A field that is left out where there is nothing."""
    return FieldOf(name, form, optional=True, skips=_is_none)


def unless_empty(name: str, form: Form[Any]) -> FieldOf:
    """A field that is left out where it is empty, zero or false."""
    return FieldOf(name, form, optional=True, skips=_is_empty)


def written(name: str, form: Form[Any], attribute: str | None = None) -> FieldOf:
    """A field that may be left out, and is always written."""
    return FieldOf(name, form, attribute=attribute, optional=True)


class Struct(Form[T]):
    """A map with these fields, in this order."""

    def __init__(self, make: Callable[..., T], *fields: FieldOf) -> None:
        super().__init__(self._read, self._write)
        self.make = make
        self.fields = fields
        self._by_name = {field.name: field for field in fields}
        self._required = tuple(field.attribute for field in fields if not field.optional)

    def _read(self, value: object) -> T:
        if type(value) is not Map:
            raise Malformed(f"{_shown(value)} is no map")
        by_name = self._by_name
        found: dict[str, Any] = {}
        seen: set[str] = set()
        for name, element in value:
            if type(name) is not str:
                raise Malformed(f"{_shown(name)} is no field's name")
            field = by_name.get(name)
            if field is None:
                continue
            if name in seen:
                raise Malformed(f"the field `{name}` stands twice")
            seen.add(name)
            if element is None and field.optional:
                continue
            found[field.attribute] = field.form.read(element)
        for attribute in self._required:
            if attribute not in found:
                raise Malformed(f"the field `{attribute}` is missing")
        return self.make(**found)

    def _write(self, value: Any) -> object:
        fields: dict[str, object] = {}
        for field in self.fields:
            element = getattr(value, field.attribute)
            if field.skips is None or not field.skips(element):
                fields[field.name] = field.form.write(element)
        return fields


def _shown(value: object) -> str:
    if value is None:
        return "nil"
    if isinstance(value, Map):
        return "a map"
    if isinstance(value, tuple):
        return "an array"
    if isinstance(value, (str, bytes)):
        return f"{'a text' if isinstance(value, str) else 'a binary'} of length {len(value)}"
    return repr(value)[:64]


U32 = number(U32_MAX)
U64 = number(U64_MAX)
BUDGET = capped(BUDGET_MAX)
PERCENT = capped(100)
TEXT: Form[str] = Form(_read_text, _same)
BIN: Form[bytes] = Form(_read_bytes, _same)
BOOL: Form[bool] = Form(_read_bool, _same)
NAME = checked(lambda text: check_token(text, "a name"))
TOOL_NAME = checked(check_tool_name)
LABEL = checked(check_label)
KEY = checked(_check_key)
RUN_ID = exactly(16, "a UUID", RunId)
INSTANCE_ID = exactly(16, "a UUID", InstanceId)
COORDINATOR_ID = exactly(16, "a UUID", CoordinatorId)
GRANT_ID = exactly(16, "a UUID", GrantId)
DIGEST = exactly(32, "a digest", Digest)

OF: Struct[AttemptKey] = Struct(
    AttemptKey,
    required("run", RUN_ID),
    required("turn", U32),
    required("id", checked(_check_id)),
    required("attempt", U32),
    unless_empty("epoch", U64),
)
