"""What a translator must beat: doing nothing, and painting each shade with its mean colour.

Neither has seen a pair.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.data.image_decoding import to_grey

Images = NDArray[np.uint8]  # (N, H, W, C)
NUM_SHADES = 256


def do_nothing(sources: Images, channels: int) -> Images:
    """The sources as they are; grey in three equal channels, or the plain mean of three channels.

    The mean, because luma would be the very answer where grey was made from colour.
    """
    if sources.shape[-1] == channels:
        return sources
    if channels == 3:
        return sources.repeat(3, axis=-1)
    return sources.mean(axis=-1, keepdims=True).round().astype(np.uint8)


def learn_mean_colours(colour_images: Images) -> NDArray[np.uint8]:
    """The mean colour (256, 3) of all pixels of each luma; a luma without pixels has that of the
    nearest luma with some, the darker one of two."""
    shades = to_grey(colour_images).reshape(-1)
    counts = np.bincount(shades, minlength=NUM_SHADES)
    sums = [
        np.bincount(shades, weights=colour_images[..., channel].reshape(-1), minlength=NUM_SHADES)
        for channel in range(3)
    ]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
    seen = np.flatnonzero(counts)
    nearest = seen[np.abs(np.arange(NUM_SHADES)[:, None] - seen).argmin(axis=1)]
    return means[nearest].round().astype(np.uint8)


def baselines(sources: Images, training_targets: Images) -> dict[str, Callable[[], Images]]:
    """What makes each baseline's images of these sources, by its name.

    Args:
        training_targets: images to train on of the target domain.
    """
    channels = training_targets.shape[-1]
    made: dict[str, Callable[[], Images]] = {"do_nothing": lambda: do_nothing(sources, channels)}
    if sources.shape[-1] == 1 and channels == 3:
        made["mean_colour"] = lambda: learn_mean_colours(training_targets)[sources[..., 0]]
    return made
