"""How long a replica works: seconds of a core, by the images of a run. Knows no queue."""

from dataclasses import dataclass
from typing import Protocol


class ServiceTimes(Protocol):
    """Seconds of one core."""

    @property
    def receive_s(self) -> float:
        """On the event loop, from a request's bytes to its place in the queue."""

    @property
    def answer_s(self) -> float:
        """On the event loop, from its images to the last byte of its answer."""

    def run_s(self, num_images: int) -> float:
        """One run of the model: latents, session and files, on a thread of its own."""


@dataclass(frozen=True)
class LinearTimes:
    """A run costs so much, and so much more with each image."""

    fixed_s: float
    image_s: float
    receive_s: float
    answer_s: float

    @classmethod
    def of(cls, *, run_ms: float, image_ms: float, request_ms: float) -> "LinearTimes":
        """
        Args:
            image_ms: a request of one image included.
            request_ms: of a request beside its image; half comes before the run, half after it.
        """
        return cls(run_ms / 1000, (image_ms - request_ms) / 1000, *2 * [request_ms / 2000])

    def run_s(self, num_images: int) -> float:
        return self.fixed_s + num_images * self.image_s

    def capacity(self, *, cores: int, num_images: float, max_batch_size: int) -> float:
        """Requests a second that keep every core busy, of ``num_images``, in full batches."""
        image_s = self.run_s(max_batch_size) / max_batch_size
        return cores / (self.receive_s + self.answer_s + num_images * image_s)
