"""A zip file from front to back, without a look at what was written. Knows no data set.

Every entry is stored as it is, its size and checksum before it, so that any reader understands it
even from a pipe. Times are fixed: equal files make equal archives. Where it gets large, it is zip64
(APPNOTE.TXT 6.3.10, section 4.3: the structures; 4.5.3: the extended information).
"""

import struct
from array import array
from collections.abc import Callable, Iterator

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<IIQI")
_OFFSET64 = struct.Struct("<HHQ")

_VERSION, _VERSION64 = 20, 45
_UNIX = 3 << 8
_UTF8 = 1 << 11
_DATE = 1 << 5 | 1  # 1980-01-01, the first that there is
_MODE = 0o100644 << 16
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_ENTRIES = 256  # of the directory at a time: less than a millisecond


class ZipStream:
    """Remembers eight bytes an entry; names are asked for again when the directory is written."""

    def __init__(self) -> None:
        self._checksums, self._sizes = array("I"), array("I")
        self._offset = 0

    def add(self, name: str, *, size: int, crc: int) -> bytes:
        """What goes before the bytes of an entry, which must follow."""
        if size >= _MAX32:
            raise ValueError(f"entry {name!r} of {size} bytes is too large: 4 GiB is the limit")
        encoded, flags = _encoded(name)
        self._checksums.append(crc)
        self._sizes.append(size)
        self._offset += _LOCAL.size + len(encoded) + size
        fields = (_VERSION, flags, 0, 0, _DATE, crc, size, size, len(encoded), 0)
        return _LOCAL.pack(0x04034B50, *fields) + encoded

    def directory(self, name_of: Callable[[int], str]) -> Iterator[bytes]:
        """What ends the archive; ``name_of`` gives the name of an entry by its position again."""
        start = end = self._offset
        offset, block = 0, b""
        for i, (crc, size) in enumerate(zip(self._checksums, self._sizes, strict=True)):
            encoded, flags = _encoded(name_of(i))
            block += _central(encoded, flags, crc, size, offset)
            offset += _LOCAL.size + len(encoded) + size
            if (i + 1) % _ENTRIES == 0:
                end += len(block)
                yield block
                block = b""
        end += len(block)
        yield block + _end(len(self._sizes), start, end)


def _central(encoded: bytes, flags: int, crc: int, size: int, offset: int) -> bytes:
    is_far = offset >= _MAX32
    version, extra = (_VERSION64, _OFFSET64.pack(1, 8, offset)) if is_far else (_VERSION, b"")
    header = _CENTRAL.pack(
        0x02014B50, _UNIX | version, version, flags, 0, 0, _DATE, crc, size, size,
        len(encoded), len(extra), 0, 0, 0, _MODE, min(offset, _MAX32),
    )  # fmt: skip
    return header + encoded + extra


def _end(num_entries: int, start: int, end: int) -> bytes:
    """The end records of a directory that lies from ``start`` to ``end``."""
    records, size = b"", end - start
    if num_entries >= _MAX16 or max(start, size) >= _MAX32:
        records += _END64.pack(
            0x06064B50, _END64.size - 12, _UNIX | _VERSION64, _VERSION64, 0, 0,
            num_entries, num_entries, size, start,
        )  # fmt: skip
        records += _LOCATOR64.pack(0x07064B50, 0, end, 1)
    shown = min(num_entries, _MAX16)
    fields = (0, 0, shown, shown, min(size, _MAX32), min(start, _MAX32), 0)
    return records + _END.pack(0x06054B50, *fields)


def _encoded(name: str) -> tuple[bytes, int]:
    encoded = name.encode()
    return encoded, 0 if encoded.isascii() else _UTF8
