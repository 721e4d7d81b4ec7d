"""Whether coordinators can use a schema.

They compile it, and fetch nothing: a tool whose schema they can't use vanishes there. What is looked at here is what
people get wrong: words of the wrong kind, patterns that are none, references that lead nowhere or elsewhere. What only
a coordinator can judge is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_ONE = ("additionalProperties", "contains", "contentSchema", "else", "if", "not", "propertyNames", "then")
_ONE_MORE = ("unevaluatedItems", "unevaluatedProperties")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_COUNTS = (
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
)
_NUMBERS = ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf")
_NEWEST = "https://json-schema.org/draft/2020-12/schema"
_KNOWN = re.compile(r"https?://json-schema\.org/(draft-0[467]|draft/20(19-09|20-12))/(schema|meta/[a-z-]+)#?$")
_OTHERS_WORDS = (
    # What JSON Schema's patterns have and Python's haven't.
    (re.compile(r"\\[pP]\{[^}]*\}"), r"\\w"),
    (re.compile(r"\\u\{?[0-9a-fA-F]+\}?"), "u"),
    (re.compile(r"\\c[A-Za-z]"), "c"),
    (re.compile(r"\(\?<(?![=!])"), "(?P<"),
    (re.compile(r"\\k<([^>]*)>"), r"(?P=\1)"),
    (re.compile(r"\[\^\]"), "."),
)


def fault(schema: dict[str, Any]) -> tuple[str, str] | None:
    """Where a schema can't be used, as a JSON pointer, and why; none where nothing speaks against it."""
    found = list(_walk(schema, ""))
    for at, part in found:
        cause = _words(part, schema)
        if cause is not None:
            return at + cause[0], cause[1]
    # A schema inside with an address of its own changes what a reference means; coordinators judge those.
    if any(at and "$id" in part for at, part in found):
        return None
    for at, part in found:
        for word in ("$ref", "$dynamicRef"):
            if word in part and not _leads(part[word], schema, found):
                return f"{at}/{word}", (
                    f"{part[word]!r} leads to nothing inside of the schema, and nothing is fetched; put what it means"
                    " under $defs"
                )
    return None


def _walk(part: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All schemas in a schema. What isn't in place of one, such as an example, is none."""
    if not isinstance(part, dict):
        return
    yield at, part
    for word in (*_ONE, *_ONE_MORE):
        yield from _walk(part.get(word), f"{at}/{word}")
    for word in (*_MANY, "items"):
        inner = part.get(word)
        if isinstance(inner, list):
            for index, one in enumerate(inner):
                yield from _walk(one, f"{at}/{word}/{index}")
        elif word == "items":
            yield from _walk(inner, f"{at}/{word}")
    for word in _NAMED:
        inner = part.get(word)
        if isinstance(inner, dict):
            for name, one in inner.items():
                yield from _walk(one, f"{at}/{word}/{_escaped(name)}")


def _words(part: dict[str, Any], whole: dict[str, Any]) -> tuple[str, str] | None:
    for word, value in part.items():
        cause = _word(word, value, whole)
        if cause is not None:
            inside, why = cause
            return f"/{_escaped(word)}{inside}", why
    return None


def _word(word: str, value: Any, whole: dict[str, Any]) -> tuple[str, str] | None:
    if word == "type":
        listed = value if isinstance(value, list) and value else [value]
        wrong = [one for one in listed if one not in TYPES]
        return (
            ("", f"{wrong[0]!r} is no type; a type is one of {', '.join(TYPES)}, or a list of those") if wrong else None
        )
    if word == "pattern":
        return _pattern(value)
    if word == "patternProperties" and isinstance(value, dict):
        wrong_names = [name for name in value if _pattern(name) is not None]
        return ("", f"{wrong_names[0]!r} is no pattern") if wrong_names else None
    if str(whole.get("$schema", _NEWEST)).rstrip("#") != _NEWEST:
        # Older ones have some words of other kinds.
        return None
    if word == "items" and isinstance(value, list):
        return "", "it is a list; items of a place of their own stand in prefixItems"
    for words, is_fit, kind in _KINDS:
        if word in words and not is_fit(value):
            return "", f"{value!r} is not {kind}"
    if word in _MANY and not value:
        return "", "it is empty; give at least one schema"
    return _members(word, value)


def _members(word: str, value: Any) -> tuple[str, str] | None:
    members: list[tuple[str, Any]] = []
    if word in _NAMED:
        members = [(_escaped(name), one) for name, one in value.items()]
    elif word in _MANY:
        members = [(str(index), one) for index, one in enumerate(value)]
    for name, one in members:
        if not _is_schema(one):
            return f"/{name}", f"{one!r} is no schema"
    return None


def _pattern(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "", f"{value!r} is not a text"
    pattern = value
    for theirs, ours in _OTHERS_WORDS:
        pattern = theirs.sub(ours, pattern)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        # What Python alone can't do.
        if "look-behind" in str(error) or "bad escape" in str(error):
            return None
        return "", f"{value!r} is no pattern: {error}"
    return None


def _leads(reference: Any, whole: dict[str, Any], found: list[tuple[str, dict[str, Any]]]) -> bool:
    if not isinstance(reference, str):
        return False
    own = whole.get("$id")
    address, _, inside = reference.partition("#")
    if address and address != (own.rstrip("#") if isinstance(own, str) else None):
        return _KNOWN.match(reference) is not None
    inside = unquote(inside)
    if inside and not inside.startswith("/"):
        return any(inside in (part.get("$anchor"), part.get("$dynamicAnchor")) for _, part in found)
    at: Any = whole
    for step in inside.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and step in at:
            at = at[step]
        elif isinstance(at, list) and step.isdecimal() and int(step) < len(at):
            at = at[int(step)]
        else:
            return False
    return _is_schema(at)


def _is_schema(value: Any) -> bool:
    return isinstance(value, (dict, bool))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    ((*_ONE, *_ONE_MORE, "items"), _is_schema, "a schema"),
    (_MANY, lambda value: isinstance(value, list), "a list of schemas"),
    (_NAMED, lambda value: isinstance(value, dict), "an object of schemas"),
    (_COUNTS, _is_count, "a whole number from 0"),
    (("multipleOf",), lambda value: _is_number(value) and value > 0, "a number above 0"),
    (_NUMBERS, _is_number, "a number"),
    (("required",), _are_names, "a list of names, each once"),
    (("enum",), lambda value: isinstance(value, list), "a list"),
    (("uniqueItems", "deprecated", "readOnly", "writeOnly"), lambda value: isinstance(value, bool), "true or false"),
    (
        ("$ref", "$dynamicRef", "$anchor", "$id", "description", "title", "format"),
        lambda value: isinstance(value, str),
        "a text",
    ),
)
