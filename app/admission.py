"""Who may wait for a model, and when who may not should come back. Knows no request.

What waits is bounded twice. In images, which is what it takes of the memory; and, where many wait,
in seconds, which is how long the next one waits, and how long a flood is felt after it: a thousand
images are nothing to a GPU, and minutes to a slow model on one core.
"""

from dataclasses import dataclass

from app.appointments import Appointments
from app.errors import QueueFull
from app.throughput import Throughput


@dataclass(frozen=True)
class QueueLimits:
    """Of what waits for one model."""

    max_size: int  # images
    max_wait_s: float  # that they take, as fast as it has gone of late
    few: int = 0  # requests, which may wait however long they take


class Admission:
    """Seconds are those of ``time.monotonic``; ``num_queued`` is the images that wait."""

    def __init__(self, limits: QueueLimits, *, num_runs: int) -> None:
        """``num_runs`` of the model are made at once."""
        self._limits = limits
        self._throughput = Throughput(num_runs)
        self._appointments = Appointments()

    def has_room(self, num_images: int, *, num_queued: int, num_requests: int) -> bool:
        """Whether so many more images may wait, beside ``num_requests`` that do."""
        if not self._has_space(num_images, num_queued):
            return False
        return num_requests < self._limits.few or self._is_in_time(num_queued)

    def admit(self, num_images: int, *, now: float) -> None:
        """These wait now."""
        self._appointments.came(num_images, now=now)

    def refusal(self, num_images: int, *, num_queued: int, now: float) -> QueueFull:
        """What to tell him for whom there is no room; he is given a time of his own."""
        limits = self._limits
        detail = (
            f"{num_queued} images are waiting already, which take longer than max_queue_wait_s "
            f"{limits.max_wait_s:g}"
            if self._has_space(num_images, num_queued)
            else f"{num_queued} images are waiting already; with {num_images} more there would be "
            f"more than max_queue_size {limits.max_size}"
        )
        self._appointments.came(num_images, now=now)
        seconds = self._appointments.seconds_until_next(
            num_images,
            num_queued=num_queued,
            speed=self._throughput.images_per_second,
            now=now,
        )
        return QueueFull(detail, retry_after_s=seconds)

    def batch_ended(self, num_images: int, began: float, ended: float) -> None:
        """Of one that began while every run was taken and others waited, whatever became of it."""
        self._throughput.record(num_images, began, ended)

    def queue_is_empty(self) -> None:
        """Who was given a time did not keep it."""
        self._appointments.forget()

    def _has_space(self, num_images: int, num_queued: int) -> bool:
        return num_queued + num_images <= self._limits.max_size

    def _is_in_time(self, num_queued: int) -> bool:
        speed = self._throughput.images_per_second
        return speed is None or num_queued <= speed * self._limits.max_wait_s
