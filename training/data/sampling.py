"""In which order training sees its images: shuffled epochs without end, addressed by one number."""

import torch
from torch import Tensor


class EpochSampler:
    """Draws batches of indices; every index comes once an epoch, epochs run into each other.

    The order of epoch ``e`` depends on the seed and ``e`` alone, so that ``position``, the number
    of indices drawn so far, is the whole state: set it to resume.
    """

    def __init__(self, num_images: int, *, seed: int, position: int = 0) -> None:
        self.num_images = num_images
        self.seed = seed
        self.position = position
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def next_batch(self, batch_size: int) -> Tensor:
        """Indices of the next images, int64 (batch_size,)."""
        parts: list[Tensor] = []
        while batch_size > 0:
            epoch, start = divmod(self.position, self.num_images)
            part = self._order_of(epoch)[start : start + batch_size]
            parts.append(part)
            self.position += len(part)
            batch_size -= len(part)
        return torch.cat(parts)

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._order = torch.randperm(self.num_images, generator=rng)
            self._epoch = epoch
        return self._order
