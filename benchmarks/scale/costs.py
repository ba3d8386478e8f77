"""Money for a million images. Prices are assumptions of whoever asks; work is measured."""

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
