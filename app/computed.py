"""What computed answers have in common: headers that say how, bytes encoded in time."""

from collections.abc import Callable
from typing import TypeVar

from app.deadlines import LIMITS, until
from app.engine import Engine
from app.raw_response import RawHeaders
from app.served_model import ServedModel

T = TypeVar("T")

QUICK_BYTES = 16_384
"""A PNG of so few pixel bytes takes less than the 50 us of a hop to another thread and back
(32x32 grey: 14 us; 64x64 RGB: 33 us), so it is made where the images are."""


def model_headers(model: ServedModel) -> RawHeaders:
    return [
        (b"x-model", f"{model.name}/{model.version}".encode("latin-1")),
        (b"x-model-digest", model.digest.encode()),
        (b"x-execution-provider", model.execution_provider.encode()),
        (b"vary", b"Accept"),
    ]


def server_timing(**seconds: float) -> tuple[bytes, bytes]:
    """Where the time went, as the header Server-Timing."""
    stages = [f"{stage};dur={value * 1000:.3f}" for stage, value in seconds.items()]
    return b"server-timing", ", ".join(stages).encode()


def content_type(media_type: str) -> tuple[bytes, bytes]:
    return b"content-type", media_type.encode()


async def encoded(render: Callable[[], T], *, engine: Engine, deadline: float) -> T:
    """What ``render`` gives, made beside the event loop.

    Raises:
        DeadlineExceeded: not by ``deadline``, a time of the event loop.
    """
    late = f"the images were not encoded in time ({LIMITS}); ask for fewer or smaller ones"
    async with until(deadline, late):
        return await engine.run_encoding(render)
