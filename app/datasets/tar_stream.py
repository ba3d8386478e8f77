"""A tar file from front to back, entry by entry. Knows no data set.

POSIX.1-1988 (ustar): 512 bytes of header, the data, zeros up to the next 512. Entries are of 1970
and of nobody: equal files make equal archives.
"""

import tarfile

_TEMPLATE = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)
_SIZE, _CHECKSUM = 124, 148  # where these fields are
_AFTER_SIZE, _AFTER_CHECKSUM = _TEMPLATE[_SIZE + 12 : _CHECKSUM], _TEMPLATE[_CHECKSUM + 8 :]
_BEFORE_SIZE = _TEMPLATE[100:_SIZE]
_SUM = sum(_BEFORE_SIZE) + sum(_AFTER_SIZE) + sum(_AFTER_CHECKSUM) + 8 * ord(" ")
_MAX_NAME, _MAX_SIZE = 100, 8**11 - 1  # bytes
_PADDING = bytes(tarfile.BLOCKSIZE)


class TarStream:
    """Counts what it gave; several threads may make entries, each with ``tar_entry``."""

    def __init__(self) -> None:
        self._num_bytes = 0

    def add(self, entries: bytes) -> bytes:
        """Whole entries, which go into the archive next."""
        self._num_bytes += len(entries)
        return entries

    def end(self) -> bytes:
        """The zeros that end the archive, at a whole record."""
        num_missing = 2 * tarfile.BLOCKSIZE
        return bytes(num_missing + -(self._num_bytes + num_missing) % tarfile.RECORDSIZE)


def tar_entry(name: str, data: bytes) -> bytes:
    """One file: what ``tarfile`` would write, in a tenth of the time.

    Raises:
        ValueError: a name of other than 1 to 100 ASCII characters, or 8 GiB or more of data.
    """
    encoded, size = name.encode("ascii"), len(data)
    if not 0 < len(encoded) <= _MAX_NAME or size > _MAX_SIZE:
        raise ValueError(
            f"entry {name!r} of {size} bytes does not fit: a name of 1 to {_MAX_NAME} bytes and "
            f"at most {_MAX_SIZE} bytes would be right"
        )
    octal = b"%011o" % size
    checksum = b"%06o\0 " % (_SUM + sum(encoded) + sum(octal))
    padding = _PADDING[: -size % tarfile.BLOCKSIZE]
    header = (
        encoded.ljust(_MAX_NAME, b"\0"), _BEFORE_SIZE, octal, b"\0", _AFTER_SIZE, checksum,
        _AFTER_CHECKSUM,
    )  # fmt: skip
    return b"".join((*header, data, padding))
