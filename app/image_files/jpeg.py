"""JPEG as far as its segments (ITU-T T.81, annex B). Knows no other format."""

import re
import struct
from collections.abc import Iterator

from app.errors import InvalidUpload
from app.image_files.header import EXIF_PREFIX, MAX_PARTS, ImageHeader, damaged, too_many_parts

MAX_SCANS = 64  # progressive files have about ten; each is a walk over all pixels
MAX_TABLES_BYTES = 262_144  # before the first scan, without metadata: a few hundred are usual

_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])", re.DOTALL)  # those have no segment
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9
_METADATA = frozenset({*range(0xE1, 0xEE), 0xEF, 0xFE})  # APP0 and APP14 tell the colours


def read_header(upload: bytes) -> ImageHeader:
    size: tuple[int, int] | None = None
    exif, tables, num_scans, first_scan = b"", bytearray(upload[:2]), 0, len(upload)
    for marker, start, payload, end in _segments(upload):
        if marker == _SCAN:
            num_scans += 1
            first_scan = min(first_scan, start)
        elif num_scans == 0 and marker not in _METADATA:
            tables += upload[start:end]
        if marker in _FRAMES and size is None and payload + 5 <= len(upload):
            size = struct.unpack_from(">HH", upload, payload + 1)
        if marker == _APP1 and not exif and upload.startswith(EXIF_PREFIX, payload):
            exif = upload[payload + len(EXIF_PREFIX) : end]
    if size is None or num_scans == 0:
        raise damaged("JPEG", f"it has no {'frame header' if size is None else 'scan'}")
    if num_scans > MAX_SCANS or len(tables) > MAX_TABLES_BYTES:
        raise InvalidUpload(
            f"the JPEG image has {num_scans:,} scans and {len(tables):,} bytes of tables; at most "
            f"{MAX_SCANS} and {MAX_TABLES_BYTES:,} would be right"
        )
    height, width = size
    content = bytes(tables) + upload[first_scan:]
    return ImageHeader(width, height, is_animated=False, exif=exif, content=content)


def _segments(upload: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Marker, start, start of the payload and end of each segment, also between scans."""
    position = 2
    for _ in range(MAX_PARTS):
        match = _MARKER.search(upload, position)
        if match is None or match[1][0] == _END or match.end() + 2 > len(upload):
            return
        (length,) = struct.unpack_from(">H", upload, match.end())
        position = match.end() + max(length, 2)
        yield match[1][0], match.start(), match.end() + 2, position
    raise too_many_parts("JPEG", "segments")
