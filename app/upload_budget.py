"""How many bytes of uploads are held at once, all requests together. Knows no request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.errors import QueueFull

MAX_UPLOADS = 32
"""So many uploads of the greatest size are held at once, or more of smaller ones."""


class UploadBudget:
    """Bounds the memory that slow or many clients can fill, which no limit of one upload does."""

    def __init__(self, *, max_upload_bytes: int) -> None:
        self._max_bytes = MAX_UPLOADS * max_upload_bytes
        self._num_bytes = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What one request holds is given back at the end of the block.

        The function takes more for it; it raises QueueFull where that is not to be had.
        """
        share = 0

        def hold(num_bytes: int) -> None:
            nonlocal share
            if self._num_bytes + num_bytes > self._max_bytes:
                raise QueueFull(
                    f"{self._num_bytes:,} bytes of uploads are held already; "
                    f"at most {self._max_bytes:,} would be right"
                )
            self._num_bytes += num_bytes
            share += num_bytes

        try:
            yield hold
        finally:
            self._num_bytes -= share
