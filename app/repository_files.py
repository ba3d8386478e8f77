"""A file of the models folder, read within bounds: it lies there, is a file, and not too large."""

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path, *, within: Path, max_bytes: int, limit: str) -> bytes:
    """The bytes of the file at ``path``, which must lie below the folder ``within``.

    ``within`` may be a link itself, and links below it may lead to other places below it, as
    volumes of Kubernetes have them. ``limit`` says in a message where ``max_bytes`` is from.

    Raises:
        OSError: it cannot be read; ``strerror`` says why in words.
    """
    real = _real(path)
    if not real.is_relative_to(_real(within)):
        raise OSError(errno.EXDEV, "it is a link that leads out of the models folder")
    # A pipe would otherwise be waited for, and a link put in place meanwhile be followed.
    with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if status.st_size <= max_bytes:
            content = file.read(status.st_size + 1)
            if len(content) == status.st_size:
                return content
            raise OSError(errno.EAGAIN, "it changed while it was read")
    raise OSError(
        errno.EFBIG,
        f"it has {status.st_size:,} bytes; at most {max_bytes:,} would be right ({limit})",
    )


def _real(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except RuntimeError as error:  # links in a circle, before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
