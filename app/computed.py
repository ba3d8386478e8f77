"""What computed answers have in common: headers that say how, bytes encoded in time."""

from collections.abc import Callable

from app.deadlines import LIMITS, until
from app.engine import Engine
from app.registry import LoadedModel

INLINE_BYTES = 16_384
"""A PNG of so few pixel bytes takes less than the 50 us of a hop to another thread and back
(32x32 grey: 14 us; 64x64 RGB: 33 us), so it is made on the event loop."""


def model_headers(model: LoadedModel) -> dict[str, str]:
    return {
        "X-Model": f"{model.name}/{model.version}",
        "X-Model-Digest": model.digest,
        "X-Execution-Provider": model.execution_provider,
        "Vary": "Accept",
    }


def server_timing(**seconds: float) -> str:
    """Where the time went, as the value of Server-Timing."""
    return ", ".join(f"{stage};dur={value * 1000:.3f}" for stage, value in seconds.items())


async def encoded(
    render: Callable[[], bytes], *, engine: Engine, deadline: float, is_quick: bool
) -> bytes:
    """What ``render`` gives, made beside the event loop unless it is quick.

    Raises:
        DeadlineExceeded: not by ``deadline``, a time of the event loop.
    """
    if is_quick:
        return render()
    late = f"the images were not encoded in time ({LIMITS}); ask for fewer or smaller ones"
    async with until(deadline, late):
        return await engine.run_encoding(render)
