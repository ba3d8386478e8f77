"""What a translator is held against: doing nothing, the tint of the nearest image, a mean colour a
shade.

None has seen a pair.
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


def nearest_tints(sources: Images, colour_images: Images) -> Images:
    """Grey sources (N, H, W, 1) in one tint each (N, H, W, 3): what the mean colour of the colour
    image of nearest mean luma differs from that luma; of equally near ones, the first."""
    brightness = _mean_luma(colour_images)
    tints = colour_images.mean(axis=(1, 2), dtype=np.float64) - brightness[:, None]
    distances = np.abs(sources.mean(axis=(1, 2, 3))[:, None] - brightness)
    tinted = sources + tints[distances.argmin(axis=1)][:, None, None]
    return tinted.round().clip(0, 255).astype(np.uint8)


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
        made["nearest_tint"] = lambda: nearest_tints(sources, training_targets)
        made["mean_colour"] = lambda: learn_mean_colours(training_targets)[sources[..., 0]]
    return made


def _mean_luma(colour_images: Images) -> NDArray[np.float64]:
    return to_grey(colour_images).reshape(len(colour_images), -1).mean(axis=1)
