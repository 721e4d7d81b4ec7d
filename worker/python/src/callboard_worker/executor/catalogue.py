"""The tools on offer: checked together, and told page by page (P10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..core import OfferedTool
from ..proto import codec, schema
from ..proto.limit import BATCH_ITEMS_MAX, INLINE_BYTES_MAX
from ..proto.message import Announce, ToolDigest, ToolsHead
from ..tool.definition import AnyTool
from ..tool.errors import ToolDefinitionError

ENVELOPE_BYTES = 64
"""Bytes of a page besides its head and items, generously."""
DIGEST_BYTES = 34
"""Bytes that a digest takes in a page's head."""
ITEM_BYTES = 5
"""Bytes that an item's length takes."""


class PageTooSmall(ValueError):
    """A tool that no page can hold."""


class Catalogue:
    """The tools that a worker offers, in the order in which they were given.

    :raises ToolDefinitionError: two tools share a name, or one requires a label that the worker doesn't carry.
    """

    def __init__(self, tools: Iterable[AnyTool], labels: Sequence[str]) -> None:
        self.by_name: dict[str, AnyTool] = {}
        for tool in tools:
            name = tool.spec.name
            if name in self.by_name:
                raise ToolDefinitionError(f"two tools are named {name}; rename one of them")
            for label in tool.spec.manifest.require:
                if label not in labels:
                    raise ToolDefinitionError(f"{name} requires the label {label}, which this worker doesn't carry")
            self.by_name[name] = tool
        self._items = [codec.encode(schema.TOOL_SPEC, tool.spec) for tool in self.by_name.values()]

    def __len__(self) -> int:
        return len(self.by_name)

    def offered(self) -> list[OfferedTool]:
        """What the core must know of them."""
        return [
            OfferedTool(name, tool.digest, tool.spec.manifest.effect, tool.slots) for name, tool in self.by_name.items()
        ]

    def digests(self) -> list[ToolDigest]:
        """Names and digests, as an announcement carries them."""
        return [ToolDigest(name, tool.digest) for name, tool in self.by_name.items()]

    def output_bytes_max(self, name: str) -> int:
        """The largest result that a tool's own manifest allows, in bytes."""
        return self.by_name[name].spec.manifest.output_bytes_max or INLINE_BYTES_MAX

    def page(self, announce: Announce, first: int, bytes_max: int) -> bytes:
        """The page that begins with tool ``first``: as many as fit, none beyond the end.

        :raises PageTooSmall: not even one fits.
        """
        digests = [tool.digest for tool in self.by_name.values()]
        head = ToolsHead(replace(announce, tools=()), first, len(self), ())
        size = len(codec.encode(schema.TOOLS_HEAD, head)) + ENVELOPE_BYTES
        end = first
        for item in self._items[first : first + BATCH_ITEMS_MAX]:
            more = len(item) + ITEM_BYTES + DIGEST_BYTES
            if size + more > bytes_max:
                if end == first:
                    name = list(self.by_name)[first]
                    raise PageTooSmall(
                        f"the description and schema of {name} take {size + more} bytes, and the server takes messages "
                        f"of {bytes_max}; raise its max_payload"
                    )
                break
            size += more
            end += 1
        head.digests = digests[first:end]
        return codec.encode_batch(schema.TOOLS_HEAD, head, self._items[first:end])
