"""Schemas that no coordinator could use, and texts that steer terminals."""

from __future__ import annotations

from typing import Any

import pytest

from callboard_worker import InvalidArguments, ToolDefinitionError, ToolError, tool
from callboard_worker.executor import ending
from callboard_worker.plain import plain
from callboard_worker.proto.content import Completed, Failed, Text


def offered(schema: Any) -> None:
    def look(**arguments: Any) -> str:
        return ""

    tool(schema=schema)(look)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


BAD = [
    (of(a={"pattern": "("}), "at /properties/a/pattern: '(' is no pattern: missing ), unterminated subpattern"),
    (of(a={"type": "txt"}), "at /properties/a/type: 'txt' is no type; a type is one of array"),
    (of(a={"type": []}), "at /properties/a/type: [] is no type"),
    (of(a={"$ref": "#/$defs/nowhere"}), "at /properties/a/$ref: '#/$defs/nowhere' leads to nothing"),
    (of(a={"$ref": "https://example.com/a"}), "at /properties/a/$ref: 'https://example.com/a' leads to nothing"),
    (of(a={"$ref": "other.json"}), "'other.json' leads to nothing"),
    (of(a={"$ref": "#anchor"}), "'#anchor' leads to nothing"),
    (of(a={"items": {"minLength": -1}}), "at /properties/a/items/minLength: -1 is not a whole number from 0"),
    (of(a={"items": [{}]}), "at /properties/a/items: it is a list; items of a place"),
    (of(a={"anyOf": []}), "at /properties/a/anyOf: it is empty"),
    (of(a={"anyOf": [{}, 7]}), "at /properties/a/anyOf/1: 7 is no schema"),
    (of(**{"a/b": 7}), "at /properties/a~1b: 7 is no schema"),
    ({"type": "object", "required": "a"}, "at /required: 'a' is not a list of names"),
    ({"type": "object", "patternProperties": {"[": {}}}, "at /patternProperties: '[' is no pattern"),
]


@pytest.mark.parametrize(("schema", "why"), BAD, ids=[why for _, why in BAD])
def test_what_no_coordinator_could_use_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(ToolDefinitionError) as refused:
        offered(schema)
    assert str(refused.value).startswith("the input schema of look can't be used at /")
    assert why in str(refused.value)


def test_what_coordinators_can_use_is_taken() -> None:
    tree = {"type": "object", "properties": {"inner": {"$ref": "#"}}}
    for schema in (
        tree,
        {**of(a={"$ref": "#/$defs/a~1b/items"}), "$defs": {"a/b": {"items": True}}},
        {**of(a={"$ref": "#here"}), "$defs": {"a": {"$anchor": "here"}}},
        {**of(a={"$ref": "https://example.com/own#/$defs/a"}), "$id": "https://example.com/own", "$defs": {"a": {}}},
        {**of(a={"$ref": "inner"}), "$defs": {"a": {"$id": "inner"}}},
        of(a={"$ref": "https://json-schema.org/draft/2020-12/schema"}),
        of(a={"pattern": r"^\p{L}+(?<year>\d{4})\k<year>[^]\u{1F600}$"}, b={"pattern": "(?<=a+)b"}),
        of(a={"enum": [{"$ref": "#/nowhere"}], "examples": [{"pattern": "("}], "x-of-ours": 7}, **{"$ref": {}}),
        {**of(a={"items": [{}], "exclusiveMinimum": True}), "$schema": "http://json-schema.org/draft-04/schema#"},
        of(type={"type": ["string", "null"]}, required={"minimum": 1.5, "multipleOf": 2}),
    ):
        offered(schema)


def test_what_steers_terminals_is_left_out() -> None:
    printed = "\x1b[1;31mred\x1b[0m\tplain\r\nnext\rover\x07\x1b]0;title\x07!\x1b]8;;x\x1b\\y\x9b"
    assert plain(printed) == "red\tplain\nnext\nover!y"
    assert plain("cut \x1b[1") == "cut "


@pytest.mark.parametrize(
    "error", [ToolError("\x1b[1mno\x07"), InvalidArguments("\x1b[1mno"), ValueError("\x1b]0;t\x07no")]
)
def test_what_tools_raise_is_plain(error: Exception) -> None:
    outcome = ending.of_exception(error, None, 4096)
    if isinstance(outcome, Completed):
        assert outcome.content == (Text("no"),)
    else:
        assert isinstance(outcome, Failed)
        assert outcome.message.endswith("no")
        assert "\x1b" not in outcome.message
