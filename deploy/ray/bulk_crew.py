"""Workers of a bulk job on Ray: they come, are refused, die and are replaced. Knows no model.

Each has one shard at a time. A shard is a pure function of the manifest and its number, and is
moved into its place whole: so one that is made twice, by a machine that was only out of reach, does
no harm.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ray
from app.datasets.folder_manifest import check_is_ours, differences, manifest_in
from app.datasets.shard_folder import PROGRESS, ShardFolder
from app.datasets.shard_layout import ShardLayout
from app.datasets.shard_maker import KIND
from app.errors import GanServeError, InvalidParameter
from deploy.ray.bulk_worker import Done
from ray.exceptions import RayError, RayTaskError

MAX_DEATHS = 3  # of workers over one shard, or of such as could not even load
PATIENCE_S = 10.0  # without news; then a person is told what is waited for


class CrewFailed(Exception):
    """The shards cannot be made; the message says why, and what would help."""


class Crew:
    """Makes all shards of one folder."""

    def __init__(
        self,
        hire: Callable[[], Any],
        out: Path,
        *,
        num_workers: int,
        needs: str,
        tell: Callable[[str], object],
        on_progress: Callable[[ShardLayout, int, int], object],
    ) -> None:
        """Take over; nothing is started yet.

        Args:
            hire: starts an actor of ``BulkWorker``, or gives one that starts when there is room.
            needs: what each of them needs, in words.
            tell: called with what a person should know.
            on_progress: called with the layout, images that are there, and how many were made.
        """
        self._hire, self._out, self._num_workers, self._needs = hire, out, num_workers, needs
        self._tell, self._on_progress = tell, on_progress
        self._expected = manifest_in(out)
        self._folder: ShardFolder | None = None
        self._todo: Iterator[int] = iter(())
        self._again: deque[int] = deque()  # shards whose worker died
        self._idle: list[Any] = []
        self._under_way: dict[Any, tuple[Any, int | None]] = {}  # worker, shard; None: it loads
        self._num_deaths = Counter[int | None]()
        self._refusals: list[str] = []
        self._num_there = self._num_made = self._num_shards_there = 0

    def work(self) -> ShardFolder:
        """Come back when all shards are there.

        Raises:
            InvalidParameter: the folder holds another data set or cannot be written, or no worker
                is of the kind that made the shards that are there.
            CrewFailed: workers died again and again.
            GanServeError: what a worker was stopped by.
        """
        try:
            for _ in range(self._num_workers):
                self._hire_one()
            while (folder := self._folder) is None or self._is_work_left(folder):
                self._go_on()
            folder.complete()
            return folder
        finally:
            self._dismiss_all()

    def _is_work_left(self, folder: ShardFolder) -> bool:
        return self._num_shards_there < folder.layout.num_shards

    def _go_on(self) -> None:
        """Take one piece of news, and hand out what there is to do."""
        if not self._under_way:
            raise InvalidParameter(
                f"no worker may make the shards of {str(self._out)!r}: {self._refusals[-1]}. "
                "Machines of the kind that its manifest tells of, or another folder, would be right"
            )
        ready, _ = ray.wait([*self._under_way], num_returns=1, timeout=PATIENCE_S)
        for reference in ready:
            self._hear(reference)
        if not ready and self._folder is None:
            self._tell(
                f"waiting for the first of {self._num_workers} workers to start, which needs "
                f"{self._needs}; free are {_free_resources()}"
            )
        self._hand_out()

    def _hand_out(self) -> None:
        """Nobody stays idle: who has nothing to do leaves, and is not lost with a machine later."""
        while self._idle:
            worker, index = self._idle.pop(), self._next_shard()
            if index is None:
                ray.kill(worker)
            else:
                self._under_way[worker.ensure.remote(index)] = worker, index

    def _hear(self, reference: Any) -> None:
        worker, index = self._under_way.pop(reference)
        try:
            result = ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, GanServeError):
                raise error.cause from error
            raise CrewFailed(f"a worker was stopped by an error of its own: {error}") from error
        except RayError as error:  # the worker, its machine or the way to it is gone
            self._lose(worker, index, error)
            return
        if isinstance(result, Done):
            self._count(result)
            self._idle.append(worker)
        else:
            self._welcome(worker, *result)

    def _welcome(self, worker: Any, layout: ShardLayout, manifest: dict[str, Any]) -> None:
        """Let a worker in whose images are the others'; the first one of all decides."""
        self._num_deaths[None] = 0
        if self._folder is None:
            check_is_ours(self._out, manifest, besides=PROGRESS | KIND)
        if self._expected is not None:
            reasons = [*differences(self._expected, manifest, PROGRESS)]
            if reasons:
                self._refusals.append("; ".join(reasons[:3]))
                self._tell(f"a worker of another kind is refused: {self._refusals[-1]}")
                ray.kill(worker)
                return
        if self._folder is None:
            self._expected = manifest
            self._folder = ShardFolder(layout, self._out, manifest)
            self._folder.open()
            self._todo = iter(range(layout.num_shards))
        self._idle.append(worker)

    def _lose(self, worker: Any, index: int | None, error: RayError) -> None:
        self._num_deaths[index] += 1
        what = "before its model was loaded" if index is None else f"over shard {index}"
        reason = str(error).strip().splitlines()[0]
        if self._num_deaths[index] >= MAX_DEATHS:
            raise CrewFailed(
                f"{MAX_DEATHS} workers died {what}; the last: {reason}. The shards that are there "
                "stay, and the same command goes on"
            )
        self._tell(f"a worker died {what} and is replaced: {reason}")
        ray.kill(worker)  # where it is only out of reach
        if index is not None:
            self._again.append(index)
        self._hire_one()

    def _count(self, done: Done) -> None:
        folder = self._folder
        if folder is None:
            return
        if done.note:
            self._tell(done.note)
        num_images = folder.layout.num_in(done.index)
        self._num_shards_there += 1
        self._num_there += num_images
        self._num_made += 0 if done.is_kept else num_images
        self._on_progress(folder.layout, self._num_there, self._num_made)

    def _next_shard(self) -> int | None:
        return self._again.popleft() if self._again else next(self._todo, None)

    def _hire_one(self) -> None:
        """Of the version that the others have, whatever has come into the repository since."""
        model = self._folder.manifest["model"] if self._folder else None
        worker = self._hire()
        self._under_way[worker.load.remote(model)] = worker, None

    def _dismiss_all(self) -> None:
        for worker in (*self._idle, *(worker for worker, _ in self._under_way.values())):
            ray.kill(worker)


def _free_resources() -> str:
    free = ray.available_resources()  # type: ignore[no-untyped-call]
    return ", ".join(f"{free.get(name, 0):g} {name}" for name in ("CPU", "GPU"))
