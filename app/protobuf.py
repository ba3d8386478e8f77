"""A message of Protocol Buffers to its fields, one after the other. Knows no message by name.

Facts: protobuf.dev, "Encoding". Groups are refused: no file of proto3 has them.
"""

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH_DELIMITED, FOUR_BYTES = 0, 1, 2, 5
_SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
_MAX_VARINT_BYTES = 10
_MAX_KEY = 2**32 - 1

Value = int | memoryview


class Malformed(ValueError):
    """These bytes are no message; the message of the error says why."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field, in order; a value is a number or a part of ``message``.

    Raises:
        Malformed: the bytes end within a field, or hold one of no known kind.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        if key > _MAX_KEY:  # parsers drop the bits above, and see another field than this one
            raise Malformed(f"field number {key >> 3}")
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        size = _SIZES.get(kind)
        if kind == LENGTH_DELIMITED:
            size, position = _varint(message, position)
        if size is None:
            raise Malformed(f"a field of the unknown kind {kind}")
        if position + size > end:
            raise Malformed("it ends within a field")
        yield number, message[position : position + size]
        position += size


def varints(packed: memoryview) -> Iterator[int]:
    """Numbers that stand behind each other, without sign; raises ``Malformed``."""
    position = 0
    while position < len(packed):
        value, position = _varint(packed, position)
        yield value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number, without sign, and where it ends."""
    value = 0
    for shift in range(0, 7 * _MAX_VARINT_BYTES, 7):
        if position >= len(message):
            raise Malformed("it ends within a number")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise Malformed(f"a number of more than {_MAX_VARINT_BYTES} bytes")
