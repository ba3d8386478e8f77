"""Images where requests leave room for them: the slow lane of an engine. Knows no HTTP."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, TypeVarTuple

from app.encoding import EncodingPool
from app.generator import Generated, Generator
from app.served_model import ServedModel

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class BulkWork:
    """Runs and encodes on the engine's own threads, behind all requests (see ``Lanes``)."""

    def __init__(
        self,
        generators: Mapping[ServedModel, Generator],
        encoding: EncodingPool,
        *,
        batch_size: int,
        num_parallel_runs: int,
    ) -> None:
        self._generators = generators
        self._encoding, self._num_parallel_runs = encoding, num_parallel_runs
        self.batch_size = batch_size
        """Images in one run: so long may a request have to wait."""

    @property
    def num_ahead(self) -> int:
        """Runs that should be under way at once, so that no thread waits for the next one."""
        return self._num_parallel_runs + 1

    async def generate(
        self,
        model: ServedModel,
        *,
        seeds: Sequence[int],
        labels: tuple[int, ...] | None,
        truncation_threshold: float | None,
    ) -> Generated:
        """Generate at most ``batch_size`` images in one run.

        Raises:
            InferenceFailed: the model failed to run.
            Draining: the engine was closed.
        """
        return await self._generators[model].generate_bulk(
            seeds=seeds, labels=labels, truncation_threshold=truncation_threshold
        )

    async def encode(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run a small piece of encoding; raises Draining as ``generate`` does."""
        return await self._encoding.encode_bulk(function, *args)
