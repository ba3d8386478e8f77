"""Data of two domains without pairs, for translators, as uint8 tensors in memory."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.domains import Domains, read_colour_folder, read_domain_folders
from training.data.names import (
    COLOURISE_PREFIX,
    UNPAIRED_PREFIX,
    licence_of_own,
    own_folder,
    published_name,
)
from training.errors import TrainingError

_READERS: dict[str, Callable[[Path, int], Domains]] = {
    UNPAIRED_PREFIX: read_domain_folders,
    COLOURISE_PREFIX: read_colour_folder,
}


@dataclass(frozen=True)
class UnpairedDataset:
    """Two domains in memory, each uint8 (N, C, H, W) with N and C of its own."""

    name: str
    domain_a: Tensor
    domain_b: Tensor
    test_a: Tensor | None  # held out of training
    test_b: Tensor | None
    is_paired: bool  # test_a[i] and test_b[i] show the same scene
    licence: str
    notes: tuple[str, ...] = ()  # what the reader should tell the user, skipped files for one

    @property
    def channels_a(self) -> int:
        return self.domain_a.shape[1]

    @property
    def channels_b(self) -> int:
        return self.domain_b.shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over shapes and pixels of both domains: equal ones are equal training data."""
        digest = hashlib.sha256()
        for domain in (self.domain_a, self.domain_b):
            digest.update(repr(tuple(domain.shape)).encode())
            digest.update(domain.numpy().data)
        return digest.hexdigest()


def load_unpaired(
    name: str, *, image_size: int, data_dir: Path | None = None, licence: str | None = None
) -> UnpairedDataset:
    """Read both domains and resize them to ``image_size`` x ``image_size`` pixels.

    Args:
        name: ``unpaired:PATH`` or ``colourise:PATH``.
        image_size: pixels.
        data_dir: where a PATH is looked for that is not there as it stands.
        licence: of the images, as the user states it.

    Raises:
        TrainingError: another kind of data, or images that cannot be had or read.
    """
    prefix = next((prefix for prefix in _READERS if name.startswith(prefix)), None)
    if prefix is None:
        raise TrainingError(
            f"data {name!r} is not two image domains, which a translator trains on; "
            f"it would be one of: {', '.join(f'{known}PATH' for known in _READERS)}"
        )
    stated = licence_of_own(licence)
    folder = own_folder(name, prefix, data_dir)
    domains = _READERS[prefix](folder, image_size)
    return UnpairedDataset(
        name=published_name(prefix, folder),
        domain_a=_channels_first(domains.domain_a),
        domain_b=_channels_first(domains.domain_b),
        test_a=None if domains.test_a is None else _channels_first(domains.test_a),
        test_b=None if domains.test_b is None else _channels_first(domains.test_b),
        is_paired=domains.is_paired,
        licence=stated,
        notes=domains.notes,
    )


def _channels_first(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
