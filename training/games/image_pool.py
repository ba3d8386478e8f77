"""Earlier fakes, kept so that a discriminator does not forget them. Knows no network."""

import torch
from torch import Tensor


class ImagePool:
    """A history of generated images (Shrivastava et al. 2017, section 2.3).

    Random choices come from PyTorch's global state; with it, ``images`` is the whole state.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.images: Tensor | None = None  # (at most size, C, H, W)

    def exchange(self, fakes: Tensor) -> Tensor:
        """Put fakes (N, C, H, W) in, get as many back: about half of them earlier ones.

        Until the pool is full it gives back what it got.
        """
        if not self._size:
            return fakes
        if self.images is None:
            self.images = fakes[:0].clone()
        num_free = self._size - len(self.images)
        self.images = torch.cat([self.images, fakes[:num_free]])
        late = fakes[num_free:]
        if not len(late):
            return fakes
        places = torch.randperm(self._size)[: len(late)].to(fakes.device)
        is_kept = torch.rand(len(late)).to(fakes.device) < 0.5
        swapped = late.clone()
        num_places = len(places)  # of a batch larger than the pool only the first can be exchanged
        is_kept = is_kept[:num_places]
        swapped[:num_places][is_kept] = self.images[places[is_kept]]
        self.images[places[is_kept]] = late[:num_places][is_kept]
        return torch.cat([fakes[:num_free], swapped])
