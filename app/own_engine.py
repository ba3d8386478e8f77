"""Any number of images through an engine of one's own, as fast as it goes. Knows no file."""

import asyncio
from collections.abc import Callable, Iterable

from app.engine import Engine
from app.generator import Generated
from app.metrics import Metrics
from app.registry import Registry
from app.served_model import ServedModel
from app.settings import Settings
from contract import NUM_SEEDS

_NUM_REQUESTS = 8  # under way at once, so that no thread waits for the next one
_TIMEOUT_S = 3600.0  # nobody waits at a socket

Part = tuple[int, int]  # position of the first image, and how many
Take = Callable[[int, Generated], None]  # the images from a position on; called in worker threads


def part_size(settings: Settings) -> int:
    """Images that one request should ask for."""
    return min(settings.exact_batch_size or settings.max_batch_size, settings.max_images)


async def generate_parts(
    parts: Iterable[Part],
    *,
    model: ServedModel,
    seed: int,
    label: int | None,
    truncation: float | None,
    registry: Registry,
    settings: Settings,
    take: Take,
    on_done: Callable[[int], object],
) -> None:
    """Generate the parts of the images from ``seed`` on, several at a time.

    ``on_done`` is called with the number of images of each part, once it is taken.
    """
    patient = settings.model_copy(
        update={"request_timeout_s": _TIMEOUT_S, "max_queue_wait_s": _TIMEOUT_S}
    )
    engine, remaining = Engine.here(registry, patient, Metrics()), iter(parts)

    async def work() -> None:
        for first, num_images in remaining:  # shared: each worker takes the next one
            generated = await engine.generator(model).generate(
                seed=(seed + first) % NUM_SEEDS,
                num_images=num_images,
                label=label,
                truncation_threshold=truncation,
            )
            await engine.run_encoding(take, first, generated)
            on_done(num_images)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(
                max(1, min(_NUM_REQUESTS, patient.max_queue_size // part_size(patient)))
            ):
                workers.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await engine.close()
