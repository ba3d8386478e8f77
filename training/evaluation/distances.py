"""How far two sets of features are apart as distributions, by torchmetrics. Knows no images."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

NUM_SUBSETS = 100  # of the kernel distance
SUBSET_SIZE = 1000
SEED = 0
COMPUTED_BY_ONE = False  # or torchmetrics waits for other processes, which wait for this one

Features = NDArray[np.float32]


def frechet_distance(reals: Features, fakes: Features) -> float:
    """Squared distance of two Gaussians that fit the features (N, F); 0 for equal sets.

    Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter 2017, equation 6.
    """
    metric = FrechetInceptionDistance(
        feature=_Precomputed(reals.shape[1]), sync_on_compute=COMPUTED_BY_ONE
    )
    metric.update(torch.from_numpy(reals), real=True)
    metric.update(torch.from_numpy(fakes), real=False)
    return max(0.0, float(metric.compute()))


def kernel_distance(reals: Features, fakes: Features) -> float:
    """Unbiased squared maximum mean discrepancy with kernel (x.y / F + 1)^3, mean over subsets.

    Around 0 for equal distributions, below it by chance too. Binkowski, Sutherland, Arbel and
    Gretton 2018, section 4. Torch's global random state is left as it was.
    """
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save all")
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed would reseed GPUs, too
        metric = KernelInceptionDistance(
            feature=_Precomputed(reals.shape[1]),
            subsets=NUM_SUBSETS,
            subset_size=min(SUBSET_SIZE, len(reals), len(fakes)),
            sync_on_compute=COMPUTED_BY_ONE,
        )
        metric.update(torch.from_numpy(reals), real=True)
        metric.update(torch.from_numpy(fakes), real=False)
        mean, _ = metric.compute()
    return float(mean)


class _Precomputed(nn.Identity):
    """Stands where torchmetrics expects the network: the features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features
