"""What is in a data set: model, seeds, classes, names of files. Knows no archive and no HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from app.datasets.labels import LabelRule
from app.layouts import GRID
from app.orders import Order
from app.served_model import ServedModel
from contract import NUM_SEEDS, fold, image_seeds


@dataclass(frozen=True)
class DatasetPlan:
    """One data set with every default filled in."""

    model: ServedModel
    seed: int
    num_images: int
    rule: LabelRule
    truncation: float | None
    format: str

    @cached_property
    def order(self) -> Order:
        """As what each image alone would be asked of /generate."""
        return Order(
            model=self.model,
            is_pinned=False,
            seed=self.seed,
            is_seeded=True,
            num_images=1,
            label=None,  # an image tells its own
            truncation=self.truncation,
            format=self.format,
            layout=GRID,
            columns=1,
            scale=1,
        )

    def seeds(self, first: int, num_images: int) -> list[int]:
        """Of the images at positions from ``first`` on."""
        return image_seeds((self.seed + first) % NUM_SEEDS, num_images)

    def labels(self, first: int, num_images: int) -> tuple[int, ...] | None:
        return self.rule.labels(self.seeds(first, num_images), first)

    def chunks(self, size: int) -> Iterator[tuple[int, int]]:
        """Position and number of images of each part of at most ``size``."""
        for first in range(0, self.num_images, size):
            yield first, min(size, self.num_images - first)

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Of each class: its name in the form in which names differ and no path is hidden."""
        return tuple(map(fold, self.model.card.class_names))

    def path(self, seed: int, label: int | None) -> str:
        """Where an image lies, from the folder of the data set on."""
        name = f"{seed}.{self.format}"
        return name if label is None else f"{self.folders[label]}/{name}"
