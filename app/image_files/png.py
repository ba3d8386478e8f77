"""PNG as far as its chunks (PNG specification, third edition, section 5). Knows no other format."""

import struct
import zlib
from collections.abc import Iterator

from app.image_files.header import MAX_PARTS, ImageHeader, damaged, too_many_parts

_ANCILLARY = 0x20  # in the first letter of a chunk that may be left out
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_UNREAD = frozenset({b"iCCP", b"tEXt", b"zTXt", b"iTXt"})
"""Profiles and texts: a decoder would unpack them, or stop at a large one, and nobody looks."""


def read_header(upload: bytes) -> ImageHeader:
    chunks = list(chunks_of(upload))
    if not chunks or chunks[0][0] != b"IHDR" or len(upload) < 24:
        raise damaged("PNG", "it does not begin with a whole header")
    if chunks[-1][0] != b"IEND":
        raise damaged("PNG", "it does not end with an end")
    for kind, start, end in chunks:
        if kind[0] & _ANCILLARY == 0 and upload[end - 4 : end] != _checksum(upload[start:end]):
            raise damaged("PNG", f"the checksum of its {kind.decode('latin-1')} is another")
    width, height = struct.unpack_from(">II", upload, 16)
    kept = (upload[start:end] for kind, start, end in chunks if kind not in _UNREAD)
    exif = (upload[start + 8 : end - 4] for kind, start, end in chunks if kind == b"eXIf")
    return ImageHeader(
        width=width,
        height=height,
        is_animated=any(kind in _ANIMATION for kind, _, _ in chunks),
        exif=next(exif, b""),
        content=upload[:8] + b"".join(kept),
    )


def _checksum(chunk: bytes) -> bytes:
    return zlib.crc32(memoryview(chunk)[4:-4]).to_bytes(4)


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
