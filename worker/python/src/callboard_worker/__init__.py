"""A worker for Callboard in Python.

>>> from callboard_worker import tool
>>> @tool(effect="read")
... def add(a: int, b: int) -> str:
...     '''Adds two whole numbers.'''
...     return str(a + b)
>>> add(1, 2)
'3'

Offered by ``python -m callboard_worker module:add --nats nats://127.0.0.1:4222``, or by :class:`Worker`.
"""

from .proto.content import Document, Image, Json, Part, Resource, Text
from .proto.server import BadServer, LinkError
from .tool.context import Context
from .tool.definition import Tool, tool
from .tool.errors import CallFailed, InvalidArguments, Overloaded, Refused, ToolDefinitionError, ToolError
from .version import __version__
from .worker import Worker, find_tools

__all__ = [
    "BadServer",
    "CallFailed",
    "Context",
    "Document",
    "Image",
    "InvalidArguments",
    "Json",
    "LinkError",
    "Overloaded",
    "Part",
    "Refused",
    "Resource",
    "Text",
    "Tool",
    "ToolDefinitionError",
    "ToolError",
    "Worker",
    "__version__",
    "find_tools",
    "tool",
]
