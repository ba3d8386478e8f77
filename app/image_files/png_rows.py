"""Are all rows of a PNG there? Its decoder leaves black what is missing, without a word.

Unpacks what is packed and keeps none of it: bounded memory, time in proportion to the pixels.
"""

import struct
import zlib
from collections.abc import Iterator

from app.image_files.header import ImageHeader, damaged
from app.image_files.png import chunks_of

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
"""Of an interlaced image: first column and row, and steps to the next ones (section 8.1)."""

_PACKED_BYTES, _UNPACKED_BYTES = 65_536, 1_048_576  # at a time


def check_rows(header: ImageHeader) -> None:
    """Raise InvalidUpload where there are fewer rows than the header says, or they are damaged."""
    missing = _num_bytes(header)
    unpack = zlib.decompressobj()
    try:
        for packed in _packed(header.content):
            while packed and missing > 0 and not unpack.eof:
                missing -= len(unpack.decompress(packed, _UNPACKED_BYTES))
                packed = unpack.unconsumed_tail
            if unpack.eof:  # what comes now would be kept, and copied each time
                break
    except zlib.error as error:
        raise damaged("PNG", f"its rows cannot be unpacked: {error}") from error
    if missing > 0:
        raise damaged("PNG", "it has fewer rows than its header says")


def _num_bytes(header: ImageHeader) -> int:
    """Of all rows, unpacked: each is a number of bytes behind one for its filter."""
    depth, colour_type, _, _, is_interlaced = struct.unpack_from(">5B", header.content, 24)
    bits = depth * _CHANNELS.get(colour_type, 0)
    passes = _PASSES if is_interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, step_x, step_y in passes:
        columns = -(-max(0, header.width - left) // step_x)
        rows = -(-max(0, header.height - top) // step_y)
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _packed(content: bytes) -> Iterator[bytes]:
    """What stands in the first row of IDAT chunks, which is all that a decoder reads."""
    has_begun = False
    for kind, start, end in chunks_of(content):
        if kind == b"IDAT":
            has_begun = True
            for at in range(start + 8, end - 4, _PACKED_BYTES):
                yield content[at : min(at + _PACKED_BYTES, end - 4)]
        elif has_begun:
            return
