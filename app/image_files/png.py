"""PNG as far as its chunks (PNG specification, third edition, section 5). Knows no other format."""

import struct
from collections.abc import Iterator

from app.image_files.header import MAX_PARTS, ImageHeader, damaged, too_many_parts

_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_PROFILE = b"iCCP"  # nobody looks at it, and a large one would stop the decoder


def read_header(upload: bytes) -> ImageHeader:
    chunks = list(chunks_of(upload))
    if not chunks or chunks[0][0] != b"IHDR" or len(upload) < 24:
        raise damaged("PNG", "it does not begin with a whole header")
    width, height = struct.unpack_from(">II", upload, 16)
    kept = (upload[start:end] for kind, start, end in chunks if kind != _PROFILE)
    exif = (upload[start + 8 : end - 4] for kind, start, end in chunks if kind == b"eXIf")
    return ImageHeader(
        width=width,
        height=height,
        is_animated=any(kind in _ANIMATION for kind, _, _ in chunks),
        exif=next(exif, b""),
        content=upload[:8] + b"".join(kept),
    )


def texts_of(upload: bytes, keyword: bytes) -> list[bytes]:
    """What uncompressed iTXt chunks of this keyword say, in no language (section 11.3.3.4)."""
    start = keyword + b"\0\0\0\0\0"
    chunks = (upload[at + 8 : end - 4] for kind, at, end in chunks_of(upload) if kind == b"iTXt")
    return [data.removeprefix(start) for data in chunks if data.startswith(start)]


def chunks_of(upload: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk, its length and checksum included."""
    position = 8
    for _ in range(MAX_PARTS):
        kind = upload[position + 4 : position + 8]
        if len(kind) < 4:
            return
        (length,) = struct.unpack_from(">I", upload, position)
        yield kind, position, position + 12 + length
        position += 12 + length
        if kind == b"IEND":
            return
    raise too_many_parts("PNG", "chunks")
