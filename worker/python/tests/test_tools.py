"""Tools made of functions: schemas, readers, digests, and what can't be offered."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Annotated, Any, Literal, Optional, TypedDict

import pydantic
import pytest

from callboard_worker import Context, InvalidArguments, ToolDefinitionError, tool
from callboard_worker.executor.catalogue import Catalogue
from callboard_worker.proto import codec, schema
from callboard_worker.proto.message import Manifest, ToolSpec
from callboard_worker.proto.words import Affinity, Effect
from callboard_worker.tool.answer import to_completed
from callboard_worker.tool.spec import digest

from .repository import ROOT


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(TypedDict, total=False):
    width: int
    height: Annotated[int, "in pixels"]


@dataclasses.dataclass
class Line:
    sku: str
    count: int = 1
    colors: list[Color] = dataclasses.field(default_factory=list)


class Address(pydantic.BaseModel):
    street: str = pydantic.Field(description="with its number")


class Customer(pydantic.BaseModel):
    name: str
    address: Address


@tool(effect="read")
def everything(
    ctx: Context,
    number: Annotated[int, "from 1"],
    ratio: float,
    line: Line,
    size: Size,
    kind: Literal["a", "b"],
    maybe: Optional[str] = None,  # noqa: UP045
    many: list[dict[str, int]] | None = None,
    pair: tuple[int, str] = (1, "x"),
    flag: bool = False,
    anything: Any = None,
) -> Any:
    """Takes everything.

    And says so.
    """
    return [number, ratio, line, size, kind, maybe, many, pair, flag, anything, ctx.attempt]


def test_a_schema_is_made_of_the_hints() -> None:
    assert json.loads(everything.spec.input_schema) == {
        "type": "object",
        "properties": {
            "number": {"type": "integer", "description": "from 1"},
            "ratio": {"type": "number"},
            "line": {
                "type": "object",
                "properties": {
                    "sku": {"type": "string"},
                    "count": {"type": "integer", "default": 1},
                    "colors": {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}},
                },
                "required": ["sku"],
                "additionalProperties": False,
            },
            "size": {
                "type": "object",
                "properties": {
                    "width": {"type": "integer"},
                    "height": {"type": "integer", "description": "in pixels"},
                },
                "additionalProperties": False,
            },
            "kind": {"type": "string", "enum": ["a", "b"]},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "many": {
                "anyOf": [
                    {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}},
                    {"type": "null"},
                ]
            },
            "pair": {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
                "default": [1, "x"],
            },
            "flag": {"type": "boolean", "default": False},
            "anything": {},
        },
        "required": ["number", "ratio", "line", "size", "kind"],
        "additionalProperties": False,
    }
    assert everything.spec.description == "Takes everything.\n\nAnd says so."


def read(made: Any, **arguments: Any) -> Any:
    return made.function(**made.signature.arguments(json.dumps(arguments).encode(), Context.detached()))


def test_arguments_are_what_the_hints_promise() -> None:
    line = {"sku": "s", "colors": ["blue"]}
    found = read(
        everything, number=3.0, ratio=1, line=line, size={"width": 2}, kind="b", many=[{"a": 1}], pair=[2, "y"]
    )
    assert found == [
        3,
        1.0,
        Line("s", 1, [Color.BLUE]),
        {"width": 2},
        "b",
        None,
        [{"a": 1}],
        (2, "y"),
        False,
        None,
        1,
    ]
    assert type(found[0]) is int
    assert type(found[1]) is float


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"number": True}, "number is true or false, and must be a whole number"),
        ({"number": 1.5}, "number is a number, and must be a whole number"),
        ({"line": {}}, "line.sku is missing"),
        ({"line": {"sku": "s", "colors": ["green"]}}, 'line.colors[0] is "green", and must be one of "red", "blue"'),
        ({"size": {"depth": 1}}, "size.depth is no field of it; there are width, height"),
        ({"kind": "c"}, 'kind is "c", and must be one of "a", "b"'),
        ({"many": 7}, "many is a number, and must be a list; or many is a number, and must be null"),
        ({"pair": [1]}, "pair must be a list of 2 elements"),
    ],
)
def test_arguments_that_do_not_fit_are_told_with_their_place(changes: dict[str, Any], says: str) -> None:
    fine = {"number": 1, "ratio": 1, "line": {"sku": "s"}, "size": {}, "kind": "a"}
    with pytest.raises(InvalidArguments) as caught:
        read(everything, **{**fine, **changes})
    assert str(caught.value) == f"the arguments don't fit the tool's schema: {says}"


def test_pydantic_models_are_read_and_their_definitions_stand_at_the_root() -> None:
    @tool(effect="read")
    def greet(who: Customer, others: list[Customer] | None = None) -> Customer:
        """Greets."""
        assert isinstance(who, Customer)
        return who

    found = json.loads(greet.spec.input_schema)
    assert set(found["$defs"]) == {"Address"}
    assert found["properties"]["who"]["properties"]["address"] == {"$ref": "#/$defs/Address"}
    answer = to_completed(read(greet, who={"name": "Ada", "address": {"street": "1 Main"}}))
    assert answer.content[0].text == '{"name":"Ada","address":{"street":"1 Main"}}'  # type: ignore[union-attr]
    with pytest.raises(InvalidArguments, match=r"schema: who\.address: Field required$"):
        read(greet, who={"name": "Ada"})


def test_dataclasses_are_answers() -> None:
    answer = to_completed([Line("s", 2)])
    assert answer.content[0].text == '[{"sku":"s","count":2,"colors":[]}]'  # type: ignore[union-attr]


def nothing() -> None: ...


def untyped(a) -> None: ...  # type: ignore[no-untyped-def]


def bytes_taker(a: bytes) -> None: ...


def positional(a: int, /) -> None: ...


def keyed(a: dict[int, int]) -> None: ...


@dataclasses.dataclass
class Node:
    inner: list[Node]


def recursive(a: Node) -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "says"),
    [
        (untyped, {}, "untyped can't be offered: its parameter a has no type; write one, or Any"),
        (bytes_taker, {}, "bytes has no JSON Schema"),
        (positional, {}, "its parameter a has no name in JSON"),
        (keyed, {}, "a JSON object's keys are texts"),
        (recursive, {}, "Node holds itself"),
        (nothing, {"name": ""}, "the name is empty"),
        (nothing, {"name": "a\nb"}, "can't be a tool's name"),
        (nothing, {"schema": "{"}, "the input schema of nothing is not JSON"),
        (nothing, {"schema": "[]"}, "it is no JSON object"),
        (nothing, {"schema": {}}, 'it has no `type`; write "type": "object"'),
        (nothing, {"schema": {"type": "string"}}, 'its `type` is not "object"'),
        (nothing, {"schema": {"type": "object", "properties": []}}, "its `properties` is no object"),
        (nothing, {"description": "d" * 131072}, "more than the 131072 that are allowed"),
        (nothing, {"deadline": 0}, "a time of 0 ms lets no call run"),
        (
            nothing,
            {"deadline": 0.01, "attempt_timeout": 0.02},
            "may take 20 ms, and the whole call only 10",
        ),
        (nothing, {"retry": 0}, "0 attempts let no call run"),
        (nothing, {"output_max": 1}, "allow at least 1024"),
        (nothing, {"output_max": 1 << 30}, "at most 262144 can"),
        (nothing, {"slots": 0}, "0 slots let no call run"),
        (nothing, {"require": ["a b"]}, "can't be a label"),
        (nothing, {"effect": "delete"}, "its effect is 'delete', and must be one of 'read', 'idempotent', 'write'"),
    ],
)
def test_what_can_not_be_offered_is_told_with_its_cause(function: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        tool(**options)(function)
    assert says in str(caught.value)


def test_two_tools_of_one_name_and_labels_that_are_not_there_are_refused() -> None:
    made = tool(nothing)
    assert made.spec.manifest.effect is Effect.WRITE
    with pytest.raises(ToolDefinitionError, match="two tools are named nothing; rename one of them"):
        Catalogue([made, tool(nothing)], ())
    gpu = tool(require=["gpu=a100"])(nothing)
    with pytest.raises(ToolDefinitionError, match="requires the label gpu=a100, which this worker doesn't carry"):
        Catalogue([gpu], ("zone=eu",))
    Catalogue([gpu], ("gpu=a100",))


DIGESTS = json.loads((ROOT / "proto" / "tests" / "digests.json").read_text())["tools"]


@pytest.mark.parametrize("pinned", DIGESTS, ids=lambda pinned: pinned["name"])
def test_digests_are_those_of_the_rust_worker(pinned: dict[str, Any]) -> None:
    found = pinned["manifest"]
    manifest = Manifest(
        effect=Effect(found["effect"]),
        deadline_ms=found.get("deadline_ms"),
        attempt_timeout_ms=found.get("attempt_timeout_ms"),
        attempts=found.get("retry", {}).get("attempts", 3),
        affinity=Affinity(found.get("affinity", "none")),
        require=found.get("require", ()),
        prefer=found.get("prefer", ()),
        output_bytes_max=found.get("output_bytes_max"),
    )
    spec = ToolSpec(pinned["name"], pinned["description"], pinned["input_schema"], manifest)
    assert codec.encode(schema.TOOL_SPEC, spec).hex() == pinned["item_hex"]
    assert digest(spec).hex() == pinned["digest"]


def test_a_tool_with_a_given_schema_has_the_digest_of_any_worker_that_offers_the_same() -> None:
    @tool(effect="read", schema='{"type":"object"}', description="Looks.")
    def look() -> None: ...

    assert look.digest.hex() == "57dd699a7b0b783cd77beea924a81da9c1e79521b238aab8e480eae5b34c9318"
