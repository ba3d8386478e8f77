"""Money for a million images. Prices are assumptions of whoever asks; work is measured."""

from itertools import count

SECONDS_PER_HOUR = 3600
MILLION = 1_000_000


def per_million_on_cores(*, core_ms: float, price_per_core_hour: float, load: float) -> float:
    """
    Args:
        core_ms: CPU an image, in full runs.
        load: share of what the cores can make at most; they are paid for when idle, too.
    """
    hours = core_ms / 1000 * MILLION / SECONDS_PER_HOUR
    return hours * price_per_core_hour / load


def per_million_on_a_gpu(
    *, images_per_second: float, price_per_gpu_hour: float, load: float
) -> float:
    hours = MILLION / images_per_second / SECONDS_PER_HOUR
    return hours * price_per_gpu_hour / load


def gpu_must_give(
    *, core_ms: float, price_per_core_hour: float, price_per_gpu_hour: float
) -> float:
    """Images a second above which a GPU is cheaper than cores, equally loaded."""
    return price_per_gpu_hour / price_per_core_hour / (core_ms / 1000)


def least_images_in_a_request(
    *, core_ms: float, request_ms: float, price_per_core_hour: float, price_per_gpu_hour: float
) -> int:
    """With which a GPU that waits for its process's event loop is no dearer than cores.

    Args:
        core_ms: CPU an image, one a request; with more in a request they share ``request_ms``.
        request_ms: of the event loop, for each request.
    """
    return next(
        num_images
        for num_images in count(1)
        if per_million_on_a_gpu(
            images_per_second=num_images * 1000 / request_ms,
            price_per_gpu_hour=price_per_gpu_hour,
            load=1,
        )
        <= per_million_on_cores(
            core_ms=core_ms - request_ms + request_ms / num_images,
            price_per_core_hour=price_per_core_hour,
            load=1,
        )
    )
