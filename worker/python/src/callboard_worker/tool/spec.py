"""What a tool declares: checked, and named by a digest (P10)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..proto import codec, schema
from ..proto.ids import Digest
from ..proto.limit import INLINE_BYTES_MAX, U32_MAX
from ..proto.message import Manifest, ToolSpec
from ..proto.names import InvalidName, bytes_of, check_label, check_tool_name
from . import usable
from .errors import ToolDefinitionError

SPEC_BYTES_MAX = 128 * 1024
"""Largest description and schema of one tool together, in bytes, so that a page of tools holds at least one."""
OUTPUT_BYTES_MIN = 1024
"""Lowest bound of a result, in bytes: room for the note that says what was cut."""


def digest(spec: ToolSpec) -> Digest:
    """The digest of all that a tool declares: SHA-256 over the tool's own MessagePack, exactly as it stands as an item
    of a ``tools`` message.
    """
    return Digest(hashlib.sha256(codec.encode(schema.TOOL_SPEC, spec)).digest())


def check(spec: ToolSpec) -> ToolSpec:
    """Checks what a tool declares and gives it back.

    :raises ToolDefinitionError: it can't be offered.
    """
    try:
        check_tool_name(spec.name)
    except InvalidName as error:
        raise ToolDefinitionError(f"a tool's name can't be taken: {error}") from error
    size = bytes_of(spec.description) + bytes_of(spec.input_schema)
    if size > SPEC_BYTES_MAX:
        raise ToolDefinitionError(
            f"description and schema of {spec.name} have {size} bytes, more than the {SPEC_BYTES_MAX} that are allowed"
        )
    _check_schema(spec)
    reason = _why_not(spec.manifest)
    if reason is not None:
        raise ToolDefinitionError(f"the manifest of {spec.name} can't be enforced: {reason}")
    return spec


def _check_schema(spec: ToolSpec) -> None:
    try:
        found: Any = json.loads(spec.input_schema)
    except ValueError as error:
        raise ToolDefinitionError(f"the input schema of {spec.name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        cause = "it is no JSON object"
    elif "type" not in found:
        cause = 'it has no `type`; write "type": "object"'
    elif found["type"] != "object":
        cause = 'its `type` is not "object"'
    elif not isinstance(found.get("properties", {}), dict):
        cause = "its `properties` is no object"
    else:
        fault = usable.fault(found)
        if fault is None:
            return
        at = f" at {fault[0]}" if fault[0] else ""
        raise ToolDefinitionError(f"the input schema of {spec.name} can't be used{at}: {fault[1]}")
    raise ToolDefinitionError(f"the input schema of {spec.name} doesn't describe an object: {cause}")


def _why_not(manifest: Manifest) -> str | None:
    deadline, attempt, most = manifest.deadline_ms, manifest.attempt_timeout_ms, manifest.output_bytes_max
    if (deadline is not None and deadline <= 0) or (attempt is not None and attempt <= 0):
        return "a time of 0 ms lets no call run; leave it out for no limit"
    if deadline is not None and attempt is not None and attempt > deadline:
        return f"one attempt may take {attempt} ms, and the whole call only {deadline} ms"
    if not 1 <= manifest.attempts <= U32_MAX:
        return f"{manifest.attempts} attempts let no call run; 1 means that none is tried again"
    if most is not None and most > INLINE_BYTES_MAX:
        return f"a result of {most} bytes can't travel; at most {INLINE_BYTES_MAX} can"
    if most is not None and most < OUTPUT_BYTES_MIN:
        return f"a result cut to {most} bytes says nothing; allow at least {OUTPUT_BYTES_MIN}"
    try:
        for label in (*manifest.require, *manifest.prefer):
            check_label(label)
    except InvalidName as error:
        return str(error)
    return None
