"""What runs the models of an engine, as the engine sees it: in this process or elsewhere.

``app.own_runners`` runs them here. Whoever runs them elsewhere keeps to this, and knows no HTTP.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.errors import QueueFull
from app.pending import Batched, Finish, Inputs
from app.served_model import ServedModel


@dataclass(frozen=True, slots=True)
class BatchedElsewhere(Batched):
    made_by: ServedModel | None = None  # the model as it is there; None: as it was asked for


def made_by(batched: Batched) -> ServedModel | None:
    """The model as it is where the images were computed; None: as it was asked for."""
    return batched.made_by if isinstance(batched, BatchedElsewhere) else None


class Runner(Protocol):
    """One model behind its queue."""

    @property
    def timeout_s(self) -> float:
        """Of requests that say nothing else."""

    @property
    def is_full(self) -> bool:
        """Whether ``refusal`` may refuse even one image now."""

    def refusal(self, num_images: int) -> QueueFull | None:
        """What ``submit`` would raise for want of room, where that is known; it is counted."""

    async def submit(
        self, inputs: Inputs, *, timeout_s: float | None, finish: Finish | None = None
    ) -> Batched:
        """Compute one image per row of the inputs.

        ``finish`` is called with the images of the request where that costs nobody much: it must
        be quick, and may be left out.

        Raises:
            QueueFull, DeadlineExceeded, InferenceFailed, Draining: as ``DynamicBatcher.submit``.
        """

    async def run_bulk(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Compute one run where requests leave room, on what ``ServedModel`` describes.

        Raises:
            InferenceFailed: the run failed; its cause is in the log.
            Draining: closed.
        """

    def close(self) -> None:
        """Answer every waiter with Draining."""


class Runners(Protocol):
    """What makes a runner of each model, and what they have in common."""

    max_queue_size: int
    """Images that may wait for one model."""

    num_bulk: int
    """Runs of bulk work that are made at once where there are no requests."""

    @property
    def must_be_started_again(self) -> bool:
        """Whether the process ends because its device fails run after run, or a run hangs."""

    def runner(self, model: ServedModel) -> Runner: ...

    def close(self) -> None:
        """End what is common to the runners, which are closed."""
