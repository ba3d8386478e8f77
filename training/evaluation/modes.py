"""Which classes a generator gives at all, and how evenly. Knows no images."""

import numpy as np
from numpy.typing import NDArray

SEEN_SHARE = 0.01  # of an equal share of the images: a single misread image is no class seen


def count_classes_seen(classes: NDArray[np.int64], num_classes: int) -> int:
    """Classes with at least one image and a hundredth of an equal share of all images.

    Of ten classes that is 0.1% of the images; of the thousand of Stacked-MNIST any image counts, as
    in Metz, Poole, Pfau and Sohl-Dickstein 2017 and in PacGAN.
    """
    counts = np.bincount(classes, minlength=num_classes)
    return int((counts >= max(1.0, SEEN_SHARE * len(classes) / num_classes)).sum())


def class_divergence(classes: NDArray[np.int64], class_shares: NDArray[np.float64]) -> float:
    """KL(generated || data) of the histograms of classes, in nats; 0 if they are equal.

    The "reverse KL" of Srivastava, Valkov, Russell, Gutmann and Sutton 2017 (VEEGAN) and of PacGAN.
    Every class must have a share in the data.
    """
    shares = np.bincount(classes, minlength=len(class_shares)) / len(classes)
    seen = shares > 0
    return float((shares[seen] * np.log(shares[seen] / class_shares[seen])).sum())
