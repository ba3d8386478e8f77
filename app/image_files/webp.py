"""WebP as far as its chunks (RFC 9649, section 2). Knows no other format."""

import struct
from collections.abc import Iterator

from app.image_files.header import EXIF_PREFIX, MAX_PARTS, ImageHeader, damaged, too_many_parts

_ANIMATION = frozenset({b"ANIM", b"ANMF"})
_ANIMATION_FLAG = 2


def read_header(upload: bytes) -> ImageHeader:
    chunks = list(_chunks(upload))
    if not chunks or len(upload) < 30:
        raise damaged("WebP", "it does not begin with a whole header")
    kind = chunks[0][0]
    flags = upload[20] if kind == b"VP8X" else 0
    width, height = _size(upload, kind)
    exif = (upload[start:end] for kind, start, end in chunks if kind == b"EXIF")
    return ImageHeader(
        width=width,
        height=height,
        is_animated=bool(flags & _ANIMATION_FLAG) or any(c[0] in _ANIMATION for c in chunks),
        exif=next(exif, b"").removeprefix(EXIF_PREFIX),
        content=upload,
    )


def _size(upload: bytes, kind: bytes) -> tuple[int, int]:
    """Width and height of the canvas, which the decoder allocates before it looks any further."""
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(upload[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(upload[21:25], "little")
        width, height = (1 + (bits >> shift & 0x3FFF) for shift in (0, 14))
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", upload, 26))
    return width, height


def _chunks(upload: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the payload of each chunk."""
    position = 12
    for _ in range(MAX_PARTS):
        if position + 8 > len(upload):
            return
        kind, length = struct.unpack_from("<4sI", upload, position)
        yield kind, position + 8, position + 8 + length
        position += 8 + length + length % 2
    raise too_many_parts("WebP", "chunks")
