"""The processes that train one run together: each plays its share of every batch, and all agree.

What they agree on is the mean of gradients before every step of an optimizer, and of statistics
after every step of the game; so weights stay equal. ``torch.distributed`` carries it, outside of
autograd: any loss and any penalty may be differentiated as it likes. Knows no network and no run.
"""

import hashlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

# Before a group is made: its functions take the group of that moment as a default and keep it, and
# a group that outlives destroy_process_group aborts the process at exit (pytorch/pytorch#190489).
import torch.distributed.nn.functional
from torch import Tensor

from training.errors import ToldError, TrainingError
from training.interrupts import StopRequest
from training.launching import Place

# While one process measures, the others wait; one that dies is noticed sooner, by its connections
# or by the launcher.
PATIENCE = timedelta(days=1)


class Processes:
    """One process alone, which agrees with itself at no cost; of several, see ``Together``."""

    place = Place()

    @property
    def is_first(self) -> bool:
        """Whether this is the one that measures, reports and writes."""
        return self.place.is_first

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of what is one batch for all, (N, ...) -> (N / count, ...)."""
        return batch

    def seed_apart(self, seed: int) -> None:
        """From here on draw other random numbers than the other processes."""

    def join_steps_of(self, optimizer: torch.optim.Optimizer) -> None:
        """From here on it steps down the mean of the gradients of all processes."""

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Put the mean over all processes into every tensor."""

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Put what the first process has into every tensor."""

    def means(self, figures: dict[str, float]) -> dict[str, float]:
        """The mean of each figure over all processes."""
        return figures

    def gather(self, tensors: Mapping[str, Tensor]) -> list[Mapping[str, Tensor]]:
        """For the first process: what each has under these names, equal in shape, on the CPU."""
        return [tensors]

    def heed(self, stop: StopRequest) -> bool:
        """Whether any process was asked to stop; if one was, all are."""
        return bool(stop)

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """Meet at the end of the block; a ``TrainingError`` of one process in it is one of all.

        Nothing in the block may wait for other processes, because one that fails would not come.
        ``first_goes_first`` may be all of it: each meets the others there once, also if it fails.
        """
        yield

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """The other processes enter the block when the first has left it."""
        yield

    def refuse_differences(self, facts: Mapping[str, Any], what_is_right: str) -> None:
        """
        Raises:
            TrainingError: a fact is another one in another process; the message names both.
        """

    def refuse_divergence(self, tensors: Callable[[], Mapping[str, Tensor]]) -> None:
        """
        Raises:
            TrainingError: a tensor is not the same in all processes, bit for bit.
        """


ALONE = Processes()


class Together(Processes):
    """One of several processes. All must call the same methods in the same order.

    Raises:
        TrainingError: in any method, where another process has ended.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    def share(self, batch: Tensor) -> Tensor:
        return batch.chunk(self.place.count)[self.place.rank]

    def seed_apart(self, seed: int) -> None:
        """The first draws what it would draw alone."""
        if not self.is_first:
            (own,) = np.random.SeedSequence([seed, self.place.rank]).generate_state(1, np.uint32)
            torch.manual_seed(int(own))

    def join_steps_of(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.register_step_pre_hook(lambda stepping, *_: self.average(_gradients(stepping)))

    def average(self, tensors: Iterable[Tensor]) -> None:
        self._exchange(tensors, dist.all_reduce, divisor=self.place.count)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        self._exchange(tensors, partial(dist.broadcast, src=0))

    def means(self, figures: dict[str, float]) -> dict[str, float]:
        values = torch.tensor(list(figures.values()), dtype=torch.float64)
        self.average([values])
        return dict(zip(figures, values.tolist(), strict=True))

    def gather(self, tensors: Mapping[str, Tensor]) -> list[Mapping[str, Tensor]]:
        count = self.place.count if self.is_first else 0
        gathered: list[dict[str, Tensor]] = [{} for _ in range(count)]
        for name, tensor in tensors.items():
            own = tensor.cpu().contiguous()
            parts = [torch.empty_like(own) for _ in range(count)]
            with self._meeting():
                dist.gather(own, parts or None, dst=0)
            for process, part in zip(gathered, parts, strict=True):
                process[name] = part
        return list(gathered)

    def heed(self, stop: StopRequest) -> bool:
        asked = torch.tensor(stop.signal_number or 0)
        with self._meeting():
            dist.all_reduce(asked, dist.ReduceOp.MAX)
        agreed = int(asked)
        if agreed:
            stop.signal_number = agreed
        return bool(agreed)  # a signal that came meanwhile is for the next time

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        error: TrainingError | None = None
        try:
            yield
        except TrainingError as raised:
            error = raised
        errors = self._told_by_each(str(error) if error else None)
        for rank, message in enumerate(errors):
            if message is None:
                continue
            if self.is_first:
                whose = f"process {rank}: " if rank else ""
                print(f"gantrain: {whose}{message}", file=sys.stderr, flush=True)
            self._told_by_each(None)  # it is told: now a launcher may end all that are left
            raise ToldError(message) from error

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        if not self.is_first:
            self._told_by_each(None)
        try:
            yield
        finally:
            if self.is_first:
                self._told_by_each(None)

    def refuse_differences(self, facts: Mapping[str, Any], what_is_right: str) -> None:
        all_facts = self._told_by_each(dict(facts))
        with self.failing_together():
            for name, value in all_facts[0].items():
                for rank, others in enumerate(all_facts):
                    if others.get(name) != value:
                        raise TrainingError(
                            f"the processes differ: {name} is {value!r} in process 0 and "
                            f"{others.get(name)!r} in process {rank}; {what_is_right}"
                        )

    def refuse_divergence(self, tensors: Callable[[], Mapping[str, Tensor]]) -> None:
        self.refuse_differences(
            {f"sha256 of {name}": _digest(tensor) for name, tensor in tensors().items()},
            "nothing of it is saved; processes on unlike devices or versions may round differently",
        )

    @torch.no_grad()
    def _exchange(
        self, tensors: Iterable[Tensor], collective: Callable[[Tensor], object], divisor: int = 1
    ) -> None:
        """Put what a collective makes of all tensors, in one message, back into them."""
        tensors = list(tensors)
        if not tensors:
            return
        flat = _flattened(tensors)
        with self._meeting():
            collective(flat)
        _put_back(flat / divisor, tensors)

    def _told_by_each(self, message: Any) -> list[Any]:
        told: list[Any] = [None] * self.place.count
        with self._meeting():
            dist.all_gather_object(told, message)
        return told

    @contextmanager
    def _meeting(self) -> Iterator[None]:
        """Around one call of ``dist`` and nothing else: what fails in it is taken for a loss."""
        try:
            yield
        except RuntimeError as error:
            raise TrainingError(
                f"process {self.place.rank} of {self.place.count} has lost the others; what ended "
                f"them is told above or in their logs ({str(error).splitlines()[0]})"
            ) from error


@contextmanager
def joined(place: Place) -> Iterator[Processes]:
    """The processes of a run, met and ready; alone where the launcher started one only.

    Raises:
        TrainingError: they cannot meet.
    """
    if place.count == 1:
        yield ALONE
        return
    has_gpus = torch.cuda.is_available() and dist.is_nccl_available()
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpus else "gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"process {place.rank} cannot meet the other {place.count - 1} ({error}); "
            "torchrun tells processes where to meet"
        ) from error
    try:
        yield Together(place)
    except ToldError:
        dist.destroy_process_group()
        raise
    except BaseException as error:
        if has_gpus:
            _end_at_once(error)
        dist.destroy_process_group()
        raise
    dist.destroy_process_group()


def _end_at_once(error: BaseException) -> None:
    """Tell the error and end this process, which leaves alone: NCCL would wait in
    ``destroy_process_group`` for the others, and they wait for this one."""
    status = 1
    if isinstance(error, TrainingError):
        print(f"gantrain: {error}", file=sys.stderr)
    elif isinstance(error, SystemExit) and isinstance(error.code, int):
        status = error.code
    else:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _gradients(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    parameters = (weight for group in optimizer.param_groups for weight in group["params"])
    return [weight.grad for weight in parameters if weight.grad is not None]


def _digest(tensor: Tensor) -> str:
    as_bytes = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return hashlib.sha256(as_bytes.numpy().data).hexdigest()[:16]


def _flattened(tensors: list[Tensor]) -> Tensor:
    """One message is quicker than many."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _put_back(flat: Tensor, tensors: list[Tensor]) -> None:
    parts = flat.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))
