"""Every MessagePack call of the package (``docs/wire.md``, Bodies); what the structs hold stands in
:mod:`callboard_worker.proto.schema`.

Bodies are named maps; unknown fields are ignored, trailing bytes refused, size and depth capped. A batch is a map of
``head`` and ``items``, and each item is a ``bin`` that holds an item's own MessagePack, so a bad one is found and named
without losing its siblings (P21).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgpack

from .fields import BIN, OF, Form, Malformed, Map, Struct, required
from .ids import AttemptKey
from .limit import BATCH_ITEMS_MAX, BODY_BYTES_MAX, DEPTH_MAX, REASON_BYTES_MAX
from .message import Batch, Unreadable

T = TypeVar("T")
H = TypeVar("H")
I = TypeVar("I")  # noqa: E741


class DecodeError(ValueError):
    """Bytes that are no message of their kind; the text says why, in at most :data:`REASON_BYTES_MAX` bytes and a
    little.
    """


def encode(form: Form[T], message: T) -> bytes:
    """Encodes a message that is no batch, or an item."""
    packed: bytes = msgpack.packb(form.write(message), use_bin_type=True)
    return packed


def encode_batch(head_form: Form[H], head: H, items: Sequence[bytes]) -> bytes:
    """Encodes a batch of items that :func:`encode` made."""
    if len(items) > BATCH_ITEMS_MAX:
        raise ValueError(f"a batch of {len(items)} items was built, {BATCH_ITEMS_MAX} are allowed")
    # fixmap of two, fixstr "head"; then fixstr "items", array 16; and bin 32 for each item.
    parts = [b"\x82\xa4head", encode(head_form, head), b"\xa5items\xdc", len(items).to_bytes(2, "big")]
    for item in items:
        parts += (b"\xc6", len(item).to_bytes(4, "big"), item)
    return b"".join(parts)


def decode(form: Form[T], body: bytes) -> T:
    """Decodes a message that is no batch.

    :raises DecodeError: the body is too large, isn't the message's MessagePack, or goes on after its end.
    """
    if len(body) > BODY_BYTES_MAX:
        raise DecodeError(f"the body has {len(body)} bytes, more than the {BODY_BYTES_MAX} that are read")
    try:
        value = msgpack.unpackb(body, **_UNPACK)
        _check_depth(value, DEPTH_MAX)
        return form.read(value)
    except msgpack.ExtraData:
        raise DecodeError("more bytes follow the end of the message") from None
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise DecodeError(_malformed(error)) from None


def decode_batch(head_form: Form[H], item_form: Form[I], body: bytes) -> Batch[H, I]:
    """Decodes a batch, item by item: one that can't be read stands in its place as :class:`Unreadable`.

    :raises DecodeError: the body isn't a batch of this kind's head.
    """
    envelope = decode(_ENVELOPE, body)
    try:
        head = head_form.read(envelope[0])
    except ValueError as error:
        raise DecodeError(_malformed(error)) from None
    items: list[I | Unreadable] = []
    for item in envelope[1]:
        try:
            items.append(decode(item_form, item))
        except DecodeError as error:
            items.append(Unreadable(_decode_of(item), str(error)))
    return Batch(head, items)


def _decode_of(item: bytes) -> AttemptKey | None:
    """Reads only which attempt an item speaks of; what is wrong behind its `of` doesn't matter."""
    unpacker = msgpack.Unpacker(max_buffer_size=len(item), **_UNPACK)
    unpacker.feed(item)
    try:
        for _ in range(unpacker.read_map_header()):
            if unpacker.unpack() == "of":
                return OF.read(unpacker.unpack())
            unpacker.skip()
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        pass
    return None


def _check_depth(value: object, depth: int) -> None:
    if type(value) is Map:
        if depth == 0:
            raise Malformed(f"it is nested deeper than {DEPTH_MAX}")
        for name, element in value:
            if type(element) is Map or type(element) is tuple:
                _check_depth(element, depth - 1)
            if type(name) is Map or type(name) is tuple:
                _check_depth(name, depth - 1)
    elif type(value) is tuple:
        if depth == 0:
            raise Malformed(f"it is nested deeper than {DEPTH_MAX}")
        for element in value:
            if type(element) is Map or type(element) is tuple:
                _check_depth(element, depth - 1)


def _malformed(error: Exception) -> str:
    reason = shortened(str(error) or type(error).__name__)
    return f"the body isn't the MessagePack that its kind asks for: {reason}"


def shortened(reason: str) -> str:
    """The beginning of a reason: an error can repeat what was read, however long."""
    raw = reason.encode(errors="replace")
    return reason if len(raw) <= REASON_BYTES_MAX else raw[:REASON_BYTES_MAX].decode(errors="ignore")


def _extension(_code: int, _data: bytes) -> object:
    return ...


# Texts in unknown fields may hold anything; those of known ones are checked where they are read.
_UNPACK: dict[str, Any] = {
    "raw": False,
    "use_list": False,
    "strict_map_key": False,
    "object_pairs_hook": Map,
    "unicode_errors": "surrogateescape",
    "ext_hook": _extension,
}


def _read_items(value: object) -> Sequence[bytes]:
    if type(value) is not tuple or len(value) > BATCH_ITEMS_MAX:
        raise Malformed(f"`items` is no array of at most {BATCH_ITEMS_MAX} binaries")
    for item in value:
        BIN.read(item)
    return value


def _as_it_is(value: Any) -> Any:
    return value


_ENVELOPE: Struct[tuple[object, Sequence[bytes]]] = Struct(
    lambda head, items: (head, items),
    required("head", Form(_as_it_is, _as_it_is)),
    required("items", Form(_read_items, _as_it_is)),
)
