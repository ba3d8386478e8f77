"""Workers of a bulk job that die, or are of another kind, when a test wants them to."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.datasets.image_maker import ImageMaker
from app.datasets.manifest import MANIFEST
from app.datasets.shard_layout import ShardLayout
from deploy.ray.bulk_worker import BulkOrder, BulkWorker, Done
from tests.live_server import wait_until


@dataclass(frozen=True)
class MortalOrder(BulkOrder):
    """Workers die in the middle of a shard, until so many have died."""

    fatal_shard: int = 1
    num_deaths: int = 1
    graves: Path = Path()  # a folder: a file in it for each that died


class MortalWorker(BulkWorker):
    def ensure(self, index: int) -> Done:
        order = self._order
        assert isinstance(order, MortalOrder)
        if index == order.fatal_shard and len([*order.graves.iterdir()]) < order.num_deaths:
            ImageMaker.make = _die_later(ImageMaker.make, order.graves)  # type: ignore[method-assign]
        return super().ensure(index)


def _die_later(make: Any, graves: Path) -> Any:
    num_calls = 0

    def mortal(*args: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        if num_calls == 3:
            (graves / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return make(*args)

    return mortal


class OddWorker(BulkWorker):
    """Of another kind, if another one has loaded already, which then waits until it is gone."""

    def load(self, model: str | None = None) -> tuple[ShardLayout, dict[str, Any]]:
        layout, manifest = super().load(model)
        try:
            self._beside("first").touch(exist_ok=False)
        except FileExistsError:
            manifest["kind"] |= {"onnxruntime": "0.9"}
            wait_until((self._order.out / MANIFEST).exists)  # so the first one has been let in
            self._beside("odd").write_text(str(os.getpid()))
        return layout, manifest

    def ensure(self, index: int) -> Done:
        odd = self._beside("odd")
        wait_until(lambda: odd.exists() and not Path("/proc", odd.read_text() or "self").exists())
        return super().ensure(index)

    def _beside(self, name: str) -> Path:
        return self._order.out.with_name(name)
